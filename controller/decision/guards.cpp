#include "controller/decision/guards.hpp"

#include <algorithm>

namespace linekeeper::decision {

bool last_path_holds(const model::Site& site, const model::Plan& standing, const model::Plan& next) {
  if (next.classes.size() != site.classes.size() || next.trunks.size() != site.trunks.size()) return true;
  for (std::size_t i = 0; i < next.classes.size(); ++i)
    if (i < standing.classes.size() && standing.classes[i].circuit && !next.classes[i].circuit) return true;
  for (std::size_t i = 0; i < next.trunks.size(); ++i) {
    const bool never_ordered = next.trunks[i].order.empty() && (i >= standing.trunks.size() || standing.trunks[i].order.empty());
    if (!never_ordered && next.trunks[i].order.size() != site.trunks[i].members.size()) return true;
  }
  return false;
}

bool all_bad_holds(std::span<const CircuitView> candidates) {
  return std::ranges::none_of(candidates, [](const CircuitView& c) { return c.usable(); });
}

bool hold_down_holds(const CircuitView& better, model::Duration hold_down, model::Instant now) { return now - better.since < hold_down; }

bool corroboration_holds(const Run& run) { return !run.corroborated(); }

bool freshness_holds(const CircuitView& dead, const CircuitView& other, model::Duration margin) {
  if (!other.usable() || !other.last_good) return true;
  const bool by_link = dead.cause == model::Cause::LinkDown || dead.cause == model::Cause::NoAddress || dead.cause == model::Cause::NoGateway;
  return by_link ? *other.last_good + margin < dead.first_bad : !other.last_proof || *other.last_proof < dead.first_bad + margin;
}

}  // namespace linekeeper::decision
