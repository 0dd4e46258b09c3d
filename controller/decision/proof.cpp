#include "controller/decision/proof.hpp"

#include <algorithm>
#include <tuple>

namespace linekeeper::decision {

using model::CircuitId;
using model::Guard;
using model::Health;
using model::Instant;

bool WayProofs::count() const { return std::ranges::any_of(ways_, &Way::proven); }

void hold_against(const WayProofs& proofs, std::span<CircuitView> views, Instant now) {
  for (std::size_t c = 0; c < views.size(); ++c)
    if (views[c].health == Health::Up && proofs.against(model::id_at<CircuitId>(c), now)) views[c].health = Health::Degraded;
}

bool proof_counts(const WayProofs& proofs, const CircuitView& stands, bool doubt, Instant now) {
  return !doubt && proofs.count() && stands.usable() && !stands.suspect && !quiet_holds(stands, now);
}

ProofAnswer answer_unproven(const model::Site& site, const model::TrafficClass& traffic, CircuitId stands, const WayProofs& proofs,
                            std::span<const CircuitView> views, const ProofOrders& orders, Instant now) {
  if (proofs.answered()) return {.to = {}, .held_by = Guard::Unproven};
  if (orders.forced || orders.hold) return {.to = {}, .held_by = Guard::OperatorHold};
  const auto good = [&](CircuitId c) {
    const CircuitView& v = views[c.index()];
    return c != stands && v.usable() && !v.suspect && !quiet_holds(v, now) && !proofs.against(c, now);
  };
  std::optional<CircuitId> to;
  // Back, where the class is known to pass: that it sounded bad there is less than that it does not pass here.
  if (const auto before = proofs.before(); before && proofs.proven_once(*before) && good(*before)) to = before;
  if (!to) {
    std::vector<CircuitId> ways;
    std::ranges::copy_if(traffic.circuits, std::back_inserter(ways), good);
    const auto best = std::ranges::min_element(ways, {}, [&](CircuitId c) {  // the first of equals
      return std::tuple(!proofs.proven_once(c), views[c.index()].health == Health::Degraded, traffic.avoid_metered && site[c].metered);
    });
    if (best != ways.end()) to = *best;
  }
  if (!to) return {.to = {}, .held_by = Guard::AllBad};
  if (move_budget_holds(orders.may_move, now)) return {.to = {}, .held_by = Guard::MoveBudget};
  return {.to = to, .held_by = Guard::None};
}

}  // namespace linekeeper::decision
