#include <doctest/doctest.h>

#include "controller/operations/inbound.hpp"
#include "tests/support/sample_status.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using operations::Found;

namespace {

const model::Site kSite = support::sample_site();

operations::InboundWay way(const model::Status& status, std::size_t path = 0) { return operations::inbound_ways(status).at(path); }

}  // namespace

TEST_CASE("inbound: registered is yes, until it ends; refused is no, and says whose mistake it is") {
  model::Status s = support::calm_status(kSite);
  s.circuits[0].verdict.health = model::Health::Up;
  model::RegistrationStatus r{.carrier = s.paths[0].carrier, .circuit = s.paths[0].circuit, .state = model::RegistrationState::Registered};
  r.until = s.now + 90s;
  r.contact = "sip:4420@192.0.2.7";
  s.registrations = {r};
  CHECK(way(s).found == Found::Yes);
  CHECK(way(s).why == "registered there as sip:4420@192.0.2.7 for 90 s more");
  s.registrations[0].state = model::RegistrationState::Refused;
  s.registrations[0].code = 401;
  s.registrations[0].credentials_refused = true;
  CHECK(way(s).found == Found::No);
  CHECK(way(s).why == "our credentials are refused (401)");
  s.registrations[0].state = model::RegistrationState::Trying;
  CHECK(way(s).found == Found::Unknown);
}

TEST_CASE("inbound: a carrier that asked us lately finds us, one that forbids us does not, one that only answers is likely to") {
  model::Status s = support::calm_status(kSite);
  s.registrations.clear();
  s.circuits[0].verdict.health = model::Health::Up;
  s.paths[0].verdict.health = model::Health::Up;
  s.paths[0].last_code = 200;
  CHECK(way(s).found == Found::Likely);
  s.paths[0].asked_us = s.now - 5min;
  CHECK(way(s).found == Found::Yes);
  s.paths[0].asked_us = s.now - 5min - 1ns;
  CHECK(way(s).found == Found::Likely);
  s.paths[0].last_code = 403;
  CHECK(way(s).found == Found::No);
  CHECK_FALSE(way(s).remedy.empty());
  s.circuits[0].verdict.health = model::Health::Down;
  CHECK(way(s).why == "the circuit is down");
}

TEST_CASE("inbound: a record of ours leads the carrier to the circuit whose own address it is, now or when it is needed") {
  model::Site site = support::sample_site();
  site.pbxs.push_back({.name = "dns", .driver = model::PbxDriver::Dns, .zone = "in.example"});
  site.circuits[0].expect_public = model::Prefix::parse("192.0.2.0/29");
  model::Trunk own = site.trunks[0];
  own.name = "own-name";
  own.pbx = model::PbxId{1};
  own.key = "sip";
  own.carriers = {model::CarrierId{0}};
  own.members = {{.carrier = model::CarrierId{0}, .circuit = model::CircuitId{0}, .dispatcher_set = 1, .called = "192.0.2.7"},
                 {.carrier = model::CarrierId{0}, .circuit = model::CircuitId{1}, .dispatcher_set = 2, .called = "198.51.100.9"}};
  site.trunks.push_back(own);
  model::Status s = support::calm_status(site);
  s.registrations.clear();
  s.circuits[1].link.address = *model::IpAddress::parse("198.51.100.9");
  s.plan.trunks.resize(2);
  s.plan.trunks[1] = {.trunk = model::TrunkId{1}, .order = {{.member = 0}, {.member = 1}}};
  REQUIRE(s.paths[0].circuit == model::CircuitId{0});
  REQUIRE(s.paths[1].carrier == model::CarrierId{0});
  CHECK(way(s, 0).found == Found::Yes);
  CHECK(way(s, 0).why == "DNS leads it there: sip.in.example");
  CHECK(way(s, 1).found == Found::Likely);
  CHECK(way(s, 1).why == "DNS will lead it there when it is needed: sip.in.example");
  std::swap(s.plan.trunks[1].order[0], s.plan.trunks[1].order[1]);
  CHECK(way(s, 0).found == Found::Likely);
  CHECK(way(s, 1).found == Found::Yes);
  s.circuits[1].link.address = *model::IpAddress::parse("198.51.100.10");  // that circuit has another address now
  CHECK(way(s, 1).why.find("DNS") == std::string::npos);
}
