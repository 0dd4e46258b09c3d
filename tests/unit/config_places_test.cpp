// Where a carrier is: one number, several, or a name.
#include "tests/unit/config_text.hpp"

using namespace config_text;
using namespace linekeeper;

namespace {

std::string north_at(const std::string& lines) { return with("address = \"198.51.100.10\"", lines); }
bool says(const std::string& text, std::string_view part) {
  const std::string all = told(text);
  INFO(all);
  return all.find(part) != std::string::npos;
}
std::string list(int n) {
  std::string out = "addresses = [";
  for (int i = 0; i < n; ++i) out += (i > 0 ? ", \"198.51.100." : "\"198.51.100.") + std::to_string(i) + "\"";
  return out + "]";
}

}  // namespace

TEST_CASE("places: a number is what it was, and has no endpoints to tell apart") {
  const auto site = site_of(kSound);
  CHECK_FALSE(site.carriers[0].several());
  CHECK(site.carriers[0].address.to_string() == "198.51.100.10");
  CHECK(site.carriers[1].port == 5070);
}

TEST_CASE("places: a name, with a port or without, is kept for DNS and is the domain") {
  const auto bare = site_of(north_at("address = \"sip.north.example\"")).carriers[0];
  CHECK(bare.host == "sip.north.example");
  CHECK(bare.domain == "sip.north.example");
  CHECK_FALSE(bare.host_port);
  const auto pinned = site_of(north_at("address = \"sip.north.example.:5080\"\npinned = [\"198.51.100.0/24\"]")).carriers[0];
  CHECK(pinned.host == "sip.north.example");
  CHECK(pinned.host_port == 5080);
  CHECK(pinned.pinned.size() == 1);
}

TEST_CASE("places: what is neither a name nor a number says so") {
  CHECK(says(north_at("address = \"198.51.100.1x\""), "is not an address"));
  CHECK(says(north_at("address = \"sip..example\""), "is no name to ask for"));
  for (const char* port : {"0", "65536", "x", ""}) CHECK(says(north_at(std::string("address = \"sip.example:") + port + "\""), "has no port behind"));
  CHECK(site_of(north_at("address = \"sip.example:65535\"")).carriers[0].host_port == 65535);
}

TEST_CASE("places: a list is endpoints, sixteen at the most and each once") {
  const auto north = site_of(north_at(R"(addresses = ["198.51.100.10", "198.51.100.11:5070"])")).carriers[0];
  REQUIRE(north.addresses.size() == 2);
  CHECK(north.several());
  CHECK(north.address == north.addresses[0].address);
  CHECK(north.addresses[1].port == 5070);
  CHECK(site_of(north_at(list(16))).carriers[0].addresses.size() == 16);
  CHECK(says(north_at(list(17)), "has 17 addresses, and 16 are the most"));
  CHECK(says(north_at(R"(addresses = ["198.51.100.10", "198.51.100.10:5060"])"), "198.51.100.10:5060 is there twice"));
  CHECK(says(north_at(R"(addresses = ["198.51.100.10:0"])"), "has port 0"));
}

TEST_CASE("places: exactly one way is wanted") {
  CHECK(says(north_at(""), "has no address"));
  CHECK(says(north_at("addresses = []"), "has no address"));
  CHECK(says(north_at("address = \"198.51.100.10\"\naddresses = [\"198.51.100.11\"]"), "has address and addresses"));
  CHECK(says(north_at("address = \"198.51.100.10\"\npinned = [\"198.51.100.0/24\"]"), "pinned networks, but a numeric address"));
}

TEST_CASE("places: who is steered apart goes to all addresses of a list; a name to its pinned networks, and without any it cannot be") {
  const auto site = site_of(north_at("addresses = [\"198.51.100.10\", \"198.51.100.11\"]\nsteer_apart = true"));
  REQUIRE(site.classes.size() == 2);
  CHECK(site.classes[1].match.destinations.size() == 2);
  CHECK(says(north_at("address = \"sip.north.example\"\nsteer_apart = true"), "its addresses come from DNS"));
  const auto named = site_of(north_at("address = \"sip.north.example\"\npinned = [\"198.51.100.0/24\"]\nsteer_apart = true"));
  REQUIRE(named.classes.size() == 2);
  REQUIRE(named.classes[1].match.destinations.size() == 1);
  CHECK(named.classes[1].match.destinations[0].to_string() == "198.51.100.0/24");
}

TEST_CASE("places: addresses of a list go over the carrier's transport, at its port, and are of one family") {
  const auto tls = site_of(north_at("addresses = [\"198.51.100.10\", \"198.51.100.11:5071\"]\ntransport = \"tls\"")).carriers[0];
  REQUIRE(tls.addresses.size() == 2);
  CHECK(tls.addresses[0].port == 5061);
  CHECK(tls.addresses[0].transport == model::SipTransport::Tls);
  CHECK(tls.addresses[1].port == 5071);
  CHECK(says(north_at("addresses = [\"198.51.100.10\", \"2001:db8::10\"]"), "[2001:db8::10]:5060 is of another family than 198.51.100.10:5060"));
}

TEST_CASE("places: a transport that is given holds for a name, too; without one DNS may choose") {
  CHECK_FALSE(site_of(north_at("address = \"sip.north.example\"")).carriers[0].transport_given);
  const auto given = site_of(north_at("address = \"sip.north.example\"\ntransport = \"udp\"")).carriers[0];
  CHECK(given.transport_given);
  CHECK(given.transport == model::SipTransport::Udp);
}

TEST_CASE("places: a carrier is known by its addresses and networks, a name by its pinned networks alone") {
  const auto ip = [](const char* text) { return *model::IpAddress::parse(text); };
  const auto list = site_of(north_at("addresses = [\"198.51.100.10\", \"198.51.100.11\"]")).carriers[0];
  CHECK(list.is_at(ip("198.51.100.11")));
  CHECK_FALSE(list.is_at(ip("198.51.100.12")));
  const auto name = site_of(north_at("address = \"sip.north.example\"\npinned = [\"198.51.100.0/24\"]")).carriers[0];
  CHECK(name.is_at(ip("198.51.100.255")));
  CHECK_FALSE(name.is_at(ip("198.51.101.0")));
  CHECK_FALSE(name.is_at(ip("0.0.0.0")));
}
