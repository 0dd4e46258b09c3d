#include "controller/decision/carrier_ways.hpp"

#include <algorithm>

namespace linekeeper::decision {

using model::CircuitId;
using model::Health;

namespace {

bool answers(const PathEndpoints& path) { return path.verdict().health == Health::Up || path.verdict().health == Health::Degraded; }

/// What a circuit by which the carrier answers is worth.
void weigh(CircuitView& view, const PathEndpoints& path, model::Instant now) {
  if (path.verdict().health == Health::Degraded && view.health == Health::Up) {
    view.health = Health::Degraded;
    view.cause = path.verdict().cause;
  }
  view.since = std::max(view.since, path.verdict().since);
  view.proven_well = view.proven_well && path.trusted() && now >= path.doubted_until();
  view.suspect = view.suspect || path.last_was_bad();
}

void make_last_resort(CircuitView& view, model::Cause cause) {
  view.health = Health::Degraded;
  view.cause = cause;
  view.proven_well = false;
}

}  // namespace

bool dead_by_one(const model::TrafficClass& part, std::span<const CircuitView> circuits, std::span<const PathEndpoints> paths, CircuitId circuit) {
  const PathEndpoints& dead = paths[circuit.index()];
  if (!dead.down_by_carrier() || !circuits[circuit.index()].usable()) return false;
  return std::ranges::any_of(part.circuits, [&](CircuitId c) {
    const PathEndpoints& other = paths[c.index()];
    return c != circuit && circuits[c.index()].usable() && !circuits[c.index()].suspect && answers(other) && !other.last_was_bad() &&
           other.proven_since(dead.first_bad());
  });
}

std::vector<CircuitView> carrier_ways(const model::TrafficClass& part, std::span<const CircuitView> circuits, std::span<const PathEndpoints> paths,
                                      std::optional<CircuitId> standing, std::span<const HoldDown> back, model::Instant now) {
  std::vector<CircuitView> views(circuits.begin(), circuits.end());
  for (const CircuitId c : part.circuits) {
    CircuitView& view = views[c.index()];
    const PathEndpoints& path = paths[c.index()];
    view.hold_down = std::max(view.hold_down, back[c.index()].present(now));
    if (!view.usable()) continue;
    if (dead_by_one(part, circuits, paths, c)) {
      view.health = Health::Down;
      view.cause = path.verdict().cause;
      view.since = path.verdict().since;
      view.first_bad = path.first_bad();
      view.carrier_dead = true;
    } else if (path.down_by_carrier() || (standing && c != *standing && !answers(path))) {
      make_last_resort(view, path.verdict().cause);
    } else if (answers(path)) {
      weigh(view, path, now);
    }
  }
  return views;
}

Health reached_by(const CircuitView& circuit, const PathEndpoints& path) {
  if (circuit.health == Health::Down || path.verdict().health == Health::Down) return Health::Down;
  return circuit.usable() && answers(path) ? Health::Up : Health::Unknown;
}

}  // namespace linekeeper::decision
