#include "tests/sim/site_maker.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace linekeeper::sim {
namespace {

using namespace std::chrono_literals;

model::IpAddress address(const std::string& text) { return *model::IpAddress::parse(text); }

void make_circuits(model::Site& s, Chance& chance) {
  const int targets = chance.between(3, 5);
  for (int t = 0; t < targets; ++t)
    s.targets.push_back({fmt::format("t{}", t), address(fmt::format("192.0.2.{}", t + 1)), t % 2 == 0 ? "one" : "two"});
  if (chance.yes(0.5)) s.targets.back().network = "three";
  const int circuits = chance.between(2, 4);
  for (int c = 0; c < circuits; ++c) {
    model::Circuit circuit{.name = fmt::format("c{}", c),
                           .interface = fmt::format("wan{}", c),
                           .provider = {},
                           .medium = {},
                           .priority = 10 * c,
                           .table = static_cast<std::uint32_t>(7101 + c)};
    const bool metered = chance.yes(0.15);
    circuit.metered = metered && c > 0;
    if (chance.yes(0.25)) circuit.risk_groups = {"duct"};
    if (chance.yes(0.5)) circuit.mark = static_cast<std::uint32_t>(0x100 + c);
    for (std::size_t t = 0; t < s.targets.size(); ++t) circuit.targets.push_back(model::id_at<model::TargetId>(t));
    s.circuits.push_back(std::move(circuit));
  }
}

void make_classes(model::Site& s, Chance& chance) {
  std::vector<model::CircuitId> order;
  for (std::size_t c = 0; c < s.circuits.size(); ++c) order.push_back(model::id_at<model::CircuitId>(c));
  s.classes.push_back({.name = "voice", .circuits = order, .table = 7201, .match = {}});
  const bool limits = chance.yes(0.6), later = chance.yes(0.15), sparing = chance.yes(0.3);
  model::TrafficClass& voice = s.classes.back();
  voice.codec = model::Codec::G711;
  if (limits) voice.limits = model::QualityLimits{};
  if (later) voice.failback = {.mode = model::FailbackMode::After, .after = 90s};
  voice.avoid_metered = sparing;
  if (chance.yes(0.6)) {
    std::ranges::reverse(order);
    if (order.size() > 2 && chance.yes(0.5)) order.pop_back();
    s.classes.push_back({.name = "data", .circuits = order, .table = 7202, .match = {.mark = 0x20, .source = {}, .incoming_interface = {}}});
  }
}

model::Trunk trunk(std::string name, const model::Site& s, std::size_t pbx, bool through_each) {
  model::Trunk t{.name = std::move(name), .pbx = model::id_at<model::PbxId>(pbx), .traffic_class = {}, .carriers = {}, .members = {}};
  for (std::size_t k = 0; k < s.carriers.size(); ++k) {
    const auto carrier = model::id_at<model::CarrierId>(k);
    const int set = static_cast<int>(100 * pbx + 10 * (k + 1));
    t.carriers.push_back(carrier);
    if (!through_each) {
      t.members.push_back({carrier, std::nullopt, set});
      continue;
    }
    for (std::size_t c = 0; c < s.circuits.size(); ++c) t.members.push_back({carrier, model::id_at<model::CircuitId>(c), set + static_cast<int>(c)});
  }
  return t;
}

void make_trunks(model::Site& s, Chance& chance) {
  const int carriers = chance.between(1, 3);
  for (int k = 0; k < carriers; ++k) {
    model::Carrier carrier;
    carrier.name = fmt::format("k{}", k);
    carrier.address = address(fmt::format("203.0.113.{}", 10 + k));
    const model::Duration every[] = {5s, 10s, 15s};
    carrier.interval = chance.one_of(every);
    carrier.floor = carrier.interval * 2 / 3;
    carrier.deadline = 3s;
    if (chance.yes(0.2)) carrier.verify_burst = 0;
    s.carriers.push_back(std::move(carrier));
  }
  s.pbxs.push_back({.name = "pbx", .rpc_socket = {}});
  s.trunks.push_back(trunk("outbound", s, 0, chance.yes(0.7)));
  if (!chance.yes(0.25)) return;
  // A second PBX: what becomes of it may not matter to the first, nor to the routes (I22).
  s.pbxs.push_back({.name = "second", .rpc_socket = {}});
  s.trunks.push_back(trunk("emergency", s, 1, chance.yes(0.7)));
  s.trunks.back().emergency = true;
}

}  // namespace

void steer_apart(model::Site& s, model::CarrierId carrier) {
  const auto part_of = [&](model::ClassId of) {
    for (std::size_t i = 0; i < s.classes.size(); ++i)
      if (const auto& apart = s.classes[i].apart; apart && apart->of == of && apart->carrier == carrier) return model::id_at<model::ClassId>(i);
    model::TrafficClass part = s[of];
    part.name += "-" + s[carrier].name;
    part.table = static_cast<std::uint32_t>(7600 + s.classes.size());
    part.apart = model::Apart{.of = of, .carrier = carrier, .rto = part.rto};
    part.match.destinations = {{s[carrier].address, 32}};
    s.classes.push_back(std::move(part));
    return model::id_at<model::ClassId>(s.classes.size() - 1);
  };
  s.carriers[carrier.index()].steer_apart = true;
  for (model::Trunk& t : s.trunks) {
    if (std::ranges::find(t.carriers, carrier) == t.carriers.end()) continue;
    const model::ClassId part = part_of(t.traffic_class);
    for (model::TrunkMember& m : t.members)
      if (m.carrier == carrier) m.apart = part;
  }
}

model::Site make_site(Chance& chance) {
  model::Site s;
  s.name = "sim";
  make_circuits(s, chance);
  make_classes(s, chance);
  make_trunks(s, chance);
  const model::Duration pace[] = {200ms, 200ms, 500ms};
  s.probing.interval = chance.one_of(pace);
  const model::Duration hold[] = {5s, 10s, 20s, 60s};
  s.circuit_health.rise = chance.between(10, 20);
  s.circuit_health.hold_down = chance.one_of(hold);
  s.carrier_health.hold_down = 3 * chance.one_of(hold);
  return s;
}

}  // namespace linekeeper::sim
