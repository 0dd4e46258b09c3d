#include <doctest/doctest.h>

#include "controller/daemon/route_desired.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using model::CircuitId;

namespace {

const model::Site kSite = tests::two_by_two();
const CircuitId kFiber{0}, kCoax{1};

std::vector<std::optional<model::LinkState>> links() {
  const auto link = [](CircuitId id, const char* address, const char* gateway) {
    return model::LinkState{.circuit = id,
                            .present = true,
                            .admin_up = true,
                            .carrier = true,
                            .ifindex = 3,
                            .address = model::IpAddress::parse(address),
                            .gateway = model::IpAddress::parse(gateway)};
  };
  return {link(kFiber, "192.0.2.2", "192.0.2.1"), link(kCoax, "198.51.100.2", "198.51.100.1")};
}

model::Plan plan(std::optional<CircuitId> circuit, std::vector<CircuitId> dead = {}) {
  model::Plan p;
  p.dead = std::move(dead);
  p.classes = {{.traffic_class = model::ClassId{0}, .circuit = circuit}};
  return p;
}

}  // namespace

TEST_CASE("route desired: circuits carry what the kernel says, classes what the plan says") {
  const auto d = daemon::route_desired(kSite, plan(kCoax, {kFiber}), links(), {kFiber});
  REQUIRE(d.circuits.size() == 2);
  CHECK(d.circuits[0].interface == "wan-a");
  CHECK(d.circuits[0].gateway->to_string() == "192.0.2.1");
  CHECK(d.circuits[0].source->to_string() == "192.0.2.2");
  REQUIRE(d.classes.size() == 1);
  CHECK(d.classes[0].circuit == "coax");
  CHECK(d.classes[0].escape);
}

TEST_CASE("route desired: a carrier's part stands just before its class, and escapes from a circuit that is dead for it alone") {
  model::Site site = kSite;
  model::TrafficClass first = site.classes[0], part = site.classes[0];
  first.name = "first", first.match.mark = 0x10;
  part.name = "voice-north", part.apart = model::Apart{.of = model::ClassId{0}, .carrier = model::CarrierId{0}, .rto = {}};
  part.match.destinations = {*model::Prefix::parse("203.0.113.10")};
  site.classes = {site.classes[0], first, part};
  model::Plan p;
  for (std::uint16_t i = 0; i < 3; ++i) p.classes.push_back({.traffic_class = model::ClassId{i}, .circuit = i == 2 ? kCoax : kFiber});
  p.classes[2].dead = {kFiber};
  const auto d = daemon::route_desired(site, p, links(), {kFiber, kFiber, kFiber});
  REQUIRE(d.classes.size() == 3);
  CHECK(d.classes[0].name == "first");
  CHECK(d.classes[1].name == "voice-north");
  CHECK(d.classes[1].destinations == part.match.destinations);
  CHECK(d.classes[1].circuit == "coax");
  CHECK(d.classes[1].escape);
  CHECK(d.classes[1].dead_by == std::vector<std::string>{"fiber"});
  CHECK(d.classes[2].name == "voice");
  CHECK_FALSE(d.classes[2].escape);
  CHECK(d.classes[2].dead_by.empty());
  CHECK_FALSE(d.circuits[0].dead);
}

TEST_CASE("route desired: a circuit that is not known, gone or without address has no gateway, and is still named") {
  auto l = links();
  l[0].reset();
  l[1]->present = false;
  const auto d = daemon::route_desired(kSite, plan(std::nullopt), l, {std::nullopt});
  CHECK_FALSE(d.circuits[0].gateway.has_value());
  CHECK_FALSE(d.circuits[1].gateway.has_value());
  CHECK(d.circuits[1].table == 7102);
  CHECK(d.classes[0].circuit.empty());
  l = links();
  l[0]->address.reset();
  CHECK_FALSE(daemon::route_desired(kSite, plan(kFiber), l, {kFiber}).circuits[0].gateway.has_value());
}

TEST_CASE("route desired: a class whose move failed still escapes when the way it stands on dies") {
  // Decided: back to fiber. The kernel said no: it stands on coax. Now coax is dead.
  const auto d = daemon::route_desired(kSite, plan(kFiber, {kCoax}), links(), {kCoax});
  CHECK(d.classes[0].circuit == "fiber");
  CHECK(d.classes[0].escape);
  // Where nothing else is chosen, it stays.
  CHECK_FALSE(daemon::route_desired(kSite, plan(kCoax, {kCoax}), links(), {kCoax}).classes[0].escape);
}

TEST_CASE("moves held: by name; one that the configuration does not know is left out, a way it does not know is none") {
  const auto held = [](const char* traffic_class, const char* circuit) {
    return route::HeldMove{
        .traffic_class = traffic_class, .circuit = circuit, .escape = true, .guard = "rate_limit", .why = {}, .remedy = {}, .again_ms = 1500};
  };
  const auto all = daemon::moves_held(kSite, {.generation = 7, .changes = {}, .took_us = 1, .held = {held("voice", "coax"), held("video", "coax")}});
  REQUIRE(all.moves.size() == 1);
  CHECK(all.moves[0].traffic_class == model::ClassId{0});
  CHECK(all.moves[0].stands == kCoax);
  CHECK(all.moves[0].escape);
  CHECK(all.moves[0].again_after == std::chrono::milliseconds(1500));
  CHECK_FALSE(daemon::moves_held(kSite, {.generation = 7, .changes = {}, .took_us = 1, .held = {held("voice", "")}}).moves[0].stands.has_value());
}

TEST_CASE("route desired: a class that stands by nothing we know goes where it was decided to go") {
  CHECK(daemon::route_desired(kSite, plan(kCoax), links(), {std::nullopt}).classes[0].circuit == "coax");
}

TEST_CASE("route desired: a class that is shared names all its circuits with their weights, and what stands comes back by name") {
  model::Plan shared = plan(kFiber);
  shared.classes[0].shares = {{kFiber, 3}, {kCoax, 1}};
  const auto d = daemon::route_desired(kSite, shared, links(), {kFiber});
  CHECK(d.classes[0].circuit == "fiber");
  CHECK(d.classes[0].shares == std::vector<route::DesiredShare>{{"fiber", 3}, {"coax", 1}});
  CHECK(daemon::route_desired(kSite, plan(kFiber), links(), {kFiber}).classes[0].shares.empty());

  const route::StateReply state{
      .generation = 7,
      .classes = {{.name = "voice", .table = 7201, .circuit = "fiber", .interface = "wan-a", .shares = {"coax", "dsl", "fiber"}},
                  {.name = "video", .table = 7202, .circuit = "fiber", .interface = "wan-a", .shares = {"fiber"}}}};
  const auto found = daemon::standing_shares(kSite, state);
  REQUIRE(found.size() == 1);
  CHECK(found[0].traffic_class == model::ClassId{0});
  CHECK(found[0].circuits == std::vector<model::CircuitId>{kFiber, kCoax});
}

TEST_CASE("standing classes: by name, or by table and interface when the switch has lost its memory") {
  route::StateReply state{.generation = 7, .classes = {{.name = "voice", .table = 7201, .circuit = "coax", .interface = "wan-b"}}};
  CHECK(daemon::standing_classes(kSite, state)[0] == kCoax);
  state.classes = {{.name = "", .table = 7201, .circuit = "", .interface = "wan-a"}};
  CHECK(daemon::standing_classes(kSite, state)[0] == kFiber);
  state.classes = {{.name = "voice", .table = 7201, .circuit = "coax", .interface = ""}};  // its link is down: told, not seen
  CHECK(daemon::standing_classes(kSite, state)[0] == kCoax);
}

TEST_CASE("standing classes: what the configuration does not know is not adopted") {
  const route::StateReply state{.generation = 7,
                                .classes = {{.name = "video", .table = 7209, .circuit = "fiber", .interface = "wan-a"},
                                            {.name = "voice", .table = 7201, .circuit = "satellite", .interface = "wan-z"},
                                            {.name = "", .table = 7299, .circuit = "", .interface = ""}}};
  CHECK_FALSE(daemon::standing_classes(kSite, state)[0].has_value());
  CHECK_FALSE(daemon::standing_classes(kSite, {})[0].has_value());
}

TEST_CASE("route desired: what becomes of connections") {
  model::Site site = kSite;
  site.circuits[0].nat.kind = model::Nat::Kind::Masquerade;
  site.classes[0].drain = std::chrono::milliseconds(1500);
  const auto d = daemon::route_desired(site, plan(kCoax, {kFiber}), links(), {kFiber});
  CHECK(d.flow_mask == 0x00ff0000);
  CHECK(d.circuits[0].nat.kind == model::Nat::Kind::Masquerade);
  CHECK(d.circuits[0].dead);
  CHECK_FALSE(d.circuits[1].dead);
  CHECK(d.classes[0].drain == std::chrono::seconds(2));
  site.connections.keep = false;
  CHECK(daemon::route_desired(site, plan(kCoax), links(), {kFiber}).flow_mask == 0);
}
