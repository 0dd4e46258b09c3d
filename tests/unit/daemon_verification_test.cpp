// How probes leave as a class's traffic does, and where that cannot be.
#include <doctest/doctest.h>

#include "controller/daemon/verification.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;

namespace {

const model::CircuitId kFiber{0};

std::optional<probes::Unbound> as(const model::ClassMatch& match, const std::vector<daemon::OwnAddress>& own) {
  model::Site site = tests::two_by_two();
  site.circuits[1].sources = {*model::Prefix::parse("10.0.0.12/32")};
  site.classes[0].match = match;
  return daemon::as_class_goes(site.classes[0], site, kFiber, own);
}

daemon::OwnAddress own(const char* address, const char* interface) { return {.address = *model::IpAddress::parse(address), .interface = interface}; }

}  // namespace

TEST_CASE("verification: the class without a selector is imitated by what is bound to nothing, and answers by its circuit count") {
  const auto found = as({}, {});
  REQUIRE(found);
  CHECK_FALSE(found->source);
  CHECK(found->arrives_by == "wan-a");
}

TEST_CASE("verification: a class chosen by source is imitated from an address of ours in it that no circuit has") {
  const model::ClassMatch office{.mark = {}, .source = model::Prefix::parse("10.0.0.0/28"), .incoming_interface = {}};
  const auto address = [&](const std::vector<daemon::OwnAddress>& all) {
    const auto found = as(office, all);
    return found ? found->source->to_string() : "none";
  };
  CHECK(address({}) == "none");
  CHECK(address({own("9.255.255.255", "lan0")}) == "none");
  CHECK(address({own("10.0.0.0", "lan0")}) == "10.0.0.0");
  CHECK(address({own("10.0.0.15", "lan0")}) == "10.0.0.15");
  CHECK(address({own("10.0.0.16", "lan0")}) == "none");
  CHECK(address({own("10.0.0.1", "wan-b")}) == "none");  // a circuit's own address leaves by that circuit
  CHECK(address({own("10.0.0.12", "lan0")}) == "none");  // so does one that is pinned to it
  CHECK(address({own("10.0.0.12", "lan0"), own("10.0.0.13", "lan0")}) == "10.0.0.13");
}

TEST_CASE("verification: a mark or an incoming interface cannot be imitated without privilege") {
  const std::vector<daemon::OwnAddress> all = {own("10.0.0.1", "lan0")};
  CHECK_FALSE(as({.mark = 0x10, .source = {}, .incoming_interface = {}}, all));
  CHECK_FALSE(as({.mark = {}, .source = {}, .incoming_interface = "lan0"}, all));
  CHECK_FALSE(as({.mark = 0x10, .source = model::Prefix::parse("10.0.0.0/28"), .incoming_interface = {}}, all));
}
