#include "controller/daemon/route_desired.hpp"

#include <algorithm>

#include "controller/model/rule_order.hpp"

namespace linekeeper::daemon {

namespace {

bool holds(const std::vector<model::CircuitId>& circuits, model::CircuitId id) { return std::ranges::find(circuits, id) != circuits.end(); }

}  // namespace

route::Desired route_desired(const model::Site& site, const model::Plan& plan, std::span<const std::optional<model::LinkState>> links,
                             const std::vector<std::optional<model::CircuitId>>& applied) {
  route::Desired desired;
  desired.flow_mask = site.connections.keep ? site.connections.mask : 0;
  for (std::size_t i = 0; i < site.circuits.size(); ++i) {
    const model::Circuit& c = site.circuits[i];
    route::DesiredCircuit d{.name = c.name,
                            .interface = c.interface,
                            .family = c.family,
                            .table = c.table,
                            .gateway = {},
                            .source = {},
                            .pinned_sources = c.sources,
                            .mark = c.mark};
    d.nat = c.nat;
    d.dead = std::ranges::find(plan.dead, model::id_at<model::CircuitId>(i)) != plan.dead.end();
    if (links[i] && links[i]->present && links[i]->address) {
      d.source = links[i]->address;
      d.gateway = links[i]->gateway;
    }
    desired.circuits.push_back(std::move(d));
  }
  for (const model::ClassId id : model::rule_order(site)) {
    const model::ClassChoice& choice = plan.classes.at(id.index());
    const model::TrafficClass& c = site[id];
    const auto stands = applied.at(id.index());
    const auto dead = [&](model::CircuitId k) { return holds(plan.dead, k) || holds(choice.dead, k); };
    const bool escape = stands && stands != choice.circuit && dead(*stands);
    desired.classes.push_back({.name = c.name,
                               .family = c.family,
                               .table = c.table,
                               .circuit = choice.circuit ? site[*choice.circuit].name : "",
                               .escape = escape,
                               .mark = c.match.mark,
                               .source = c.match.source,
                               .incoming_interface = c.match.incoming_interface,
                               .destinations = c.match.destinations,
                               .drain = std::chrono::ceil<std::chrono::seconds>(c.drain)});
    for (const model::Share& s : choice.shares)
      desired.classes.back().shares.push_back({.circuit = site[s.circuit].name, .weight = static_cast<std::uint32_t>(s.weight)});
    for (const model::CircuitId k : choice.dead) desired.classes.back().dead_by.push_back(site[k].name);
  }
  return desired;
}

std::vector<std::optional<model::CircuitId>> standing_classes(const model::Site& site, const route::StateReply& state) {
  std::vector<std::optional<model::CircuitId>> standing(site.classes.size());
  for (const route::ClassNow& now : state.classes) {
    const auto c = std::ranges::find_if(site.classes,
                                        [&](const model::TrafficClass& t) { return now.name.empty() ? t.table == now.table : t.name == now.name; });
    if (c == site.classes.end()) continue;
    const auto by = std::ranges::find_if(site.circuits, [&](const model::Circuit& k) {
      if (!now.circuit.empty()) return k.name == now.circuit;
      return !now.interface.empty() && k.interface == now.interface && k.family == c->family;
    });
    if (by != site.circuits.end())
      standing[static_cast<std::size_t>(c - site.classes.begin())] =
          model::id_at<model::CircuitId>(static_cast<std::size_t>(by - site.circuits.begin()));
  }
  return standing;
}

std::vector<decision::ShareFound> standing_shares(const model::Site& site, const route::StateReply& state) {
  std::vector<decision::ShareFound> all;
  for (const route::ClassNow& now : state.classes) {
    const auto c = std::ranges::find(site.classes, now.name, &model::TrafficClass::name);
    if (c == site.classes.end() || now.shares.empty()) continue;
    decision::ShareFound& found = all.emplace_back(
        decision::ShareFound{.traffic_class = model::id_at<model::ClassId>(static_cast<std::size_t>(c - site.classes.begin())), .circuits = {}});
    for (std::size_t i = 0; i < site.circuits.size(); ++i)
      if (std::ranges::find(now.shares, site.circuits[i].name) != now.shares.end()) found.circuits.push_back(model::id_at<model::CircuitId>(i));
  }
  return all;
}

decision::MovesHeld moves_held(const model::Site& site, const route::Applied& applied) {
  decision::MovesHeld all;
  for (const route::HeldMove& h : applied.held) {
    const auto c = std::ranges::find(site.classes, h.traffic_class, &model::TrafficClass::name);
    if (c == site.classes.end()) continue;
    const auto by = std::ranges::find(site.circuits, h.circuit, &model::Circuit::name);
    all.moves.push_back({.traffic_class = model::id_at<model::ClassId>(static_cast<std::size_t>(c - site.classes.begin())),
                         .stands = by == site.circuits.end()
                                       ? std::nullopt
                                       : std::optional(model::id_at<model::CircuitId>(static_cast<std::size_t>(by - site.circuits.begin()))),
                         .escape = h.escape,
                         .again_after = std::chrono::milliseconds(h.again_ms)});
  }
  return all;
}

}  // namespace linekeeper::daemon
