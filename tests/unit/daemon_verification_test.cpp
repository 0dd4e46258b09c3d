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

TEST_CASE("verification: where a target is led elsewhere by its address its answers would prove that way, and nothing is sent") {
  // The targets are 192.0.2.1, 192.0.2.2 and 198.51.100.3; the second class is a carrier's or a customer's, by destination.
  const auto imitated = [](const char* destination, std::vector<model::TargetId> targets = {}) {
    model::Site site = tests::two_by_two();
    site.classes.push_back(site.classes[0]);
    site.classes[1].match.destinations = {*model::Prefix::parse(destination)};
    if (!targets.empty()) site.circuits[0].targets = std::move(targets);
    return daemon::as_class_goes(site.classes[0], site, kFiber, {}).has_value();
  };
  CHECK(imitated("192.0.2.0/32"));
  CHECK_FALSE(imitated("192.0.2.1/32"));
  CHECK_FALSE(imitated("192.0.2.2/32"));
  CHECK(imitated("192.0.2.3/32"));
  CHECK_FALSE(imitated("198.51.100.0/30"));  // the last of the three alone
  CHECK(imitated("198.51.100.4/30"));
  CHECK(imitated("2001:db8::/32"));
  CHECK(imitated("198.51.100.0/30", {model::TargetId{0}, model::TargetId{1}}));  // a target that this circuit does not have
}

TEST_CASE("verification: a mark or an incoming interface cannot be imitated without privilege") {
  const std::vector<daemon::OwnAddress> all = {own("10.0.0.1", "lan0")};
  CHECK_FALSE(as({.mark = 0x10, .source = {}, .incoming_interface = {}}, all));
  CHECK_FALSE(as({.mark = {}, .source = {}, .incoming_interface = "lan0"}, all));
  CHECK_FALSE(as({.mark = 0x10, .source = model::Prefix::parse("10.0.0.0/28"), .incoming_interface = {}}, all));
}
