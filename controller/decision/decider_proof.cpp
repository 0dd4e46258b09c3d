// What the judge does about a class whose own probes are silent on the way it goes by, and how that is told.
#include <fmt/format.h>

#include <algorithm>

#include "controller/decision/decider.hpp"
#include "controller/decision/explain.hpp"

namespace linekeeper::decision {

using model::EventId;
using model::Guard;
using model::Health;
using model::Instant;
using model::Motive;

namespace {

std::string_view stays_clause(Guard guard) {
  switch (guard) {
    case Guard::Unproven: return "because it was led away from a way that failed so just before, and that is done once";
    case Guard::OperatorHold: return "because an operator wants it there or holds automatic moves";
    case Guard::MoveBudget: return "because it has moved as often as it may for now";
    default: return "because no other way is known to be better";
  }
}

}  // namespace

/// The views as this class sees them.
std::vector<CircuitView> Decider::views_of(const ClassState& state, std::span<const CircuitView> views, Instant now) {
  std::vector<CircuitView> own(views.begin(), views.end());
  hold_against(state.proofs, own, now);
  return own;
}

/// What is held against a way is said of it, and looked at again when that is over.
void Decider::note_unproven(const ClassState& state, CircuitChoice& choice, Instant now) {
  const auto look_again = [&](model::CircuitId c) {
    const auto until = state.proofs.against(c, now);
    if (until) choice.recheck = std::min(choice.recheck, *until);
    return until;
  };
  for (CircuitRejected& r : choice.rejected)
    if (const auto until = look_again(r.circuit); until && (r.guard == Guard::None || r.guard == Guard::HoldDown)) {
      r.guard = Guard::Unproven;
      r.until = *until;
    }
  if (choice.circuit) look_again(*choice.circuit);
}

bool Decider::proof_counts(model::ClassId traffic, model::CircuitId by, Instant now) const {
  const ClassState& state = classes_.at(traffic.index());
  // Of a class that is shared a probe goes by any of its circuits: its silence is held against none of them.
  if (state.choice.circuit != by || state.choice.shared.size() > 1) return false;
  return decision::proof_counts(state.proofs, circuit_views(now)[by.index()], now < doubt_until_, now);
}

const Output& Decider::prove(const MoveProof& proof, Instant now) {
  out_.clear();
  ClassState& state = classes_.at(proof.traffic_class.index());
  if (state.choice.circuit != proof.by) return finish(now, false);  // it has been led elsewhere meanwhile
  if (proof.result == ProofResult::Proven) {
    const bool held = state.proofs.against(proof.by, now).has_value();
    state.proofs.proven(proof.by);
    state.told_unproven = false;
    return finish(now, false, held);
  }
  judge_due(now);  // what its own probes say of the circuit, until now
  // Where its own probes are lost too the way may be at fault in another manner, and is left for that: but it is not known to serve.
  const Health health = circuits_[proof.by.index()].verdict().health;
  const bool alone = state.choice.shared.size() <= 1;
  if (alone && now >= doubt_until_ && (health == Health::Up || health == Health::Degraded))
    state.proofs.disproven(proof.by, now + std::max<model::Duration>(kUnprovenAtLeast, hold_downs_[proof.by.index()].present(now)));
  if (proof_counts(proof.traffic_class, proof.by, now)) answer(proof.traffic_class, now);
  return finish(now, false, true);
}

void Decider::answer(model::ClassId id, Instant now) {
  ClassState& state = classes_[id.index()];
  const model::TrafficClass& traffic = (*site_)[id];
  const model::CircuitId from = *state.choice.circuit;
  auto views = circuit_views(now);
  if (!carries_calls(id)) mark_data_ways(views);
  if (traffic.apart) views = part_views(id.index(), views, now);  // nor back to where its carrier is dead
  const ProofOrders orders{.forced = state.orders.force == from, .hold = state.orders.hold, .may_move = state.budget.may_answer()};
  const ProofAnswer answer = answer_unproven(*site_, traffic, from, state.proofs, views_of(state, views, now), orders, now);
  const std::string subject = "class " + traffic.name;
  const std::string silent = fmt::format("{} answers its own probes, but those sent as {} goes are not answered", (*site_)[from].name, traffic.name);
  if (!answer.to) {
    if (!std::exchange(state.told_unproven, true)) {
      ++suppressed_[Guard::Unproven];
      tell(EventId::GuardHeld, subject,
           fmt::format("{}: {} stays, {} (guard {}).", silent, traffic.name, stays_clause(answer.held_by), to_string(answer.held_by)), now,
           {{"guard", std::string(to_string(Guard::Unproven))}, {"because", std::string(to_string(answer.held_by))}});
    }
    return;
  }
  const bool undo = answer.undo(state.proofs);
  const CircuitChoice before = std::exchange(state.choice, {.circuit = answer.to, .motive = Motive::Unproven});
  if (traffic.shares()) state.choice.shared = {*answer.to};
  state.proofs.led(from);
  state.told_unproven = false;
  state.since = now;
  count_move(state, before, views, now);
  const std::string& to = (*site_)[*answer.to].name;
  tell(EventId::RoutingMoved, subject,
       undo ? fmt::format("{}: {} goes back to {}, where it is known to pass.", silent, traffic.name, to)
            : fmt::format("{}: {} goes on to {}, which answers its own.", silent, traffic.name, to),
       now,
       {{"from", (*site_)[from].name}, {"to", to}, {"motive", std::string(to_string(Motive::Unproven))}, {"answer", undo ? "undo" : "escalate"}});
}

}  // namespace linekeeper::decision
