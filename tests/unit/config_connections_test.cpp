// [connections], nat and drain.
#include "config_text.hpp"

using namespace linekeeper;
using namespace config_text;
using namespace std::chrono_literals;

namespace {

std::string connections(const std::string& lines, const std::string& text = kSound) { return text + "[connections]\n" + lines + "\n"; }
std::string fiber(const std::string& line) { return after("name = \"fiber\"", line); }

}  // namespace

TEST_CASE("connections: kept for two hours, unless something else is said; a class may say otherwise") {
  const auto usual = site_of(kSound);
  CHECK(usual.connections.keep);
  CHECK(usual.connections.mask == 0x00ff0000);
  CHECK(usual.classes[0].drain == 2h);
  CHECK(usual.circuits[0].nat == model::Nat{});
  CHECK(site_of(connections("drain = \"10m\"")).classes[0].drain == 10min);
  CHECK(site_of(connections("drain = \"10m\"", after("name = \"voice\"", "drain = \"0s\""))).classes[0].drain == 0s);
  CHECK_FALSE(site_of(connections("keep = false")).connections.keep);
  CHECK(site_of(connections("mask = 0xf0")).connections.mask == 0xf0);
}

TEST_CASE("connections: drain is at most a week") {
  CHECK(site_of(connections("drain = \"168h\"")).connections.drain == 168h);
  check_only(connections("drain = \"168.001h\""), "drain is", "0s to 168h");
  check_only(after("name = \"voice\"", "drain = \"169h\""), "drain is 169h", "0s to 168h");
  check_only(connections("drain = 7200"), "without a unit", "\"7200s\"");
}

TEST_CASE("nat: masquerade, a fixed address, or off") {
  CHECK(site_of(fiber("nat = \"masquerade\"")).circuits[0].nat.kind == model::Nat::Kind::Masquerade);
  CHECK(site_of(fiber("nat = \"off\"")).circuits[0].nat.kind == model::Nat::Kind::Off);
  const auto fixed = site_of(fiber("nat = \"203.0.113.7\"")).circuits[0].nat;
  CHECK(fixed.kind == model::Nat::Kind::Fixed);
  CHECK(fixed.address == *model::IpAddress::parse("203.0.113.7"));
  check_only(fiber("nat = \"snat\""), "snat", "");
  check_only(fiber("nat = true"), "true or false", "masquerade");
  check_only(fiber("nat = \"2001:db8::7\""), "IPv6", "nat6");
  check_only(fiber("nat = \"198.51.100.0/24\""), "not translated from prefix to prefix", "one address");
  check_only(fiber("nat6 = \"masquerade\""), "carries no IPv6", "families");
  check_only(fiber("nat = \"127.0.0.1\""), "is this machine itself", "leads back here");
}

TEST_CASE("mask: one run of bits, wide enough, and no mark of the site's own in it") {
  check_only(connections("mask = 0x0f0f"), "not one run", "0x00ff0000");
  check_only(connections("mask = 0x80"), "not one run", "0x00ff0000");
  check_only(connections("mask = 0"), "mask is 0", "1 to");
  site_of(connections("mask = 0x7"));  // two circuits, one class
  check_only(connections("mask = 0x3"), "room for 1 circuits and 1 classes; here are 2 and 1", "longer run");
  check_only(after("name = \"fiber\"", "mark = 0x00010000"), "has bits of the [connections] mask 0x00ff0000", "without them");
  site_of(connections("keep = false", after("name = \"fiber\"", "mark = 0x00010000")));
  site_of(after("name = \"fiber\"", "mark = 0x01000000"));
}

TEST_CASE("interfaces: names that nftables reads otherwise are mistakes while it is used") {
  const std::string odd = with("\"wan0\"", "\"wan*\"");
  check_only(odd, "nftables reads otherwise", "rename it");
  site_of(connections("keep = false", odd));
  CHECK(told(connections("keep = false", after("name = \"coax\"", "nat = \"masquerade\"", odd))).find("nftables reads otherwise") !=
        std::string::npos);
}

TEST_CASE("remarks: signalling that stays behind while the media of new calls does not") {
  const auto noted = [](const std::string& text) {
    for (const auto& remark : config::remarks(site_of(text)))
      if (remark.find("old signalling connection") != std::string::npos) return true;
    return false;
  };
  CHECK(noted(kSound));  // south follows the class
  CHECK_FALSE(noted(after("name = \"voice\"", "drain = \"0s\"")));
  CHECK_FALSE(noted(connections("keep = false")));
  CHECK_FALSE(noted(with("south = 21", "south = { fiber = 21, coax = 22 }")));
}

TEST_CASE("summary: says what the kernel must have") {
  CHECK(config::summary(site_of(kSound)).find("nf_conntrack") != std::string::npos);
  CHECK(config::summary(site_of(kSound)).find("nft_masq") == std::string::npos);
  CHECK(config::summary(site_of(fiber("nat = \"masquerade\""))).find("nft_masq") != std::string::npos);
  CHECK(config::summary(site_of(connections("keep = false"))).find("nf_conntrack") == std::string::npos);
}
