// What the switch says of connections, as people are told it.
#include <doctest/doctest.h>

#include "controller/daemon/connections.hpp"
#include "controller/decision/explain.hpp"

namespace linekeeper::daemon {
namespace {

using model::EventId;
using namespace std::chrono_literals;

model::Site two_circuits() {
  model::Site s;
  s.circuits.resize(2);
  s.circuits[0].name = "fiber";
  s.circuits[1].name = "coax";
  s.classes.resize(1);
  s.classes[0].name = "voice";
  return s;
}
route::Flows draining(std::uint64_t flows) {
  return {.draining = {{.traffic_class = "voice", .circuit = "fiber", .flows = flows, .left = 7200s}}, .cut = {}, .problem = {}, .remedy = {}};
}
const model::Instant kNow(100s);

}  // namespace

TEST_CASE("connections: that they stay is told once, how many is status, that the last has ended is told") {
  const model::Site site = two_circuits();
  Connections connections;
  const auto first = connections.heard(site, draining(3), kNow);
  REQUIRE(first.size() == 1);
  CHECK(first[0].id == EventId::ConnectionsStay);
  CHECK(first[0].text == "3 connections of voice stay on fiber until they end, for 2h00m at most; new ones go the new way.");
  CHECK(connections.heard(site, draining(1), kNow + 5s).empty());
  CHECK(connections.draining());
  model::Status status;
  connections.fill(status);
  REQUIRE(status.drains.size() == 1);
  CHECK(status.drains[0].flows == 1);
  CHECK(status.drains[0].until == kNow + 5s + 7200s);
  const auto last = connections.heard(site, {}, kNow + 10s);
  REQUIRE(last.size() == 1);
  CHECK(last[0].id == EventId::ConnectionsEnded);
  CHECK_FALSE(connections.draining());
}

TEST_CASE("connections: what was deleted is told with its reason, and then nothing has ended by itself") {
  const model::Site site = two_circuits();
  Connections connections;
  (void)connections.heard(site, draining(3), kNow);
  const auto cut = connections.heard(site,
                                     {.draining = {},
                                      .cut = {{.traffic_class = "voice", .circuit = "fiber", .why = "deadline", .flows = 1, .strays = false}},
                                      .problem = {},
                                      .remedy = {}},
                                     kNow);
  REQUIRE(cut.size() == 1);
  CHECK(cut[0].id == EventId::ConnectionsCut);
  CHECK(cut[0].text.starts_with("1 connection of voice on fiber let go: the time they might stay is over."));
}

TEST_CASE("connections: a kernel that does not keep them is told once for each reason") {
  const model::Site site = two_circuits();
  Connections connections;
  const route::Flows broken{.draining = {}, .cut = {}, .problem = "nftables: no", .remedy = "modprobe"};
  CHECK(connections.heard(site, broken, kNow).at(0).id == EventId::ConnectionsUnkept);
  CHECK(connections.heard(site, broken, kNow).empty());
  model::Status status;
  connections.fill(status);
  CHECK(status.connections_problem == "nftables: no");
  connections.forget();
  CHECK(connections.heard(site, broken, kNow).size() == 1);
}

TEST_CASE("connections: a circuit or class that the site does not have is no crash") {
  Connections connections;
  route::Flows flows = draining(3);
  flows.draining[0].circuit = "lte";
  CHECK(connections.heard(two_circuits(), flows, kNow).empty());
  CHECK_FALSE(connections.draining());
}

}  // namespace linekeeper::daemon
