// How the judge comes from verdicts to choices: the views that policy sees, and what is told when a choice changes or is held back.
#include <fmt/format.h>

#include <algorithm>

#include "controller/decision/decider.hpp"
#include "controller/decision/explain.hpp"

namespace linekeeper::decision {

namespace {
constexpr std::chrono::seconds kSettling{2};  // a healthy circuit has its first verdict well within this
}

using model::EventId;
using model::Guard;
using model::Health;
using model::Instant;

std::vector<CircuitView> Decider::circuit_views() const {
  std::vector<CircuitView> views;
  for (const CircuitHealth& c : circuits_)
    views.push_back({c.verdict().health, c.verdict().cause, c.verdict().since, c.last_good(), c.last_proof(), c.first_bad()});
  return views;
}

std::vector<MemberView> Decider::member_views(const model::Trunk& trunk, std::span<const model::TrunkStep> standing) const {
  std::vector<MemberView> views;
  const auto& class_circuit = classes_[trunk.traffic_class.index()].choice.circuit;
  const auto way_of = [&](std::size_t member) { return trunk.members[member].circuit ? trunk.members[member].circuit : class_circuit; };
  // The circuit under the first member has died: what goes by another is no way out before that one is proven to outlive it.
  const auto circuits = circuit_views();
  std::optional<model::CircuitId> dead;
  if (!standing.empty())
    if (const auto first = way_of(standing.front().member); first && circuits[first->index()].health == Health::Down) dead = first;
  for (std::size_t m = 0; m < trunk.members.size(); ++m) {
    const auto via = way_of(m);
    if (!via) {
      views.push_back({});
      continue;
    }
    const PathHealth& p = path(trunk.members[m].carrier, *via);
    bool sibling_down = false, siblings_trusted = true;
    for (std::size_t c = 0; c < circuits_.size(); ++c) {
      const PathHealth& sibling = path(trunk.members[m].carrier, model::id_at<model::CircuitId>(c));
      sibling_down = sibling_down || sibling.down_by_carrier();
      siblings_trusted =
          siblings_trusted && (sibling.trusted() || sibling.verdict().health == Health::Down || sibling.verdict().health == Health::Unknown);
    }
    // A carrier that recovers comes back whole: not by one circuit now and by the preferred one a moment later.
    const bool in_use = !standing.empty() && trunk.members[standing.front().member].carrier == trunk.members[m].carrier;
    const bool unproven = dead && dead != via && freshness_holds(circuits[dead->index()], circuits[via->index()], site_->probing.interval);
    views.push_back({.health = p.verdict().health,
                     .trusted = p.trusted() && (in_use || siblings_trusted),
                     .suspect = unproven || (p.last_was_bad() && sibling_down)});
  }
  return views;
}

void Decider::hold_back(Guard before, Guard after, const std::string& subject, const std::string& reason, Instant now) {
  if (before == after || after == Guard::None) return;
  ++suppressed_[after];
  if (after == Guard::AllBad)
    tell(EventId::AllBad, subject, reason, now, {{"guard", "all_bad"}});
  else if (adopted_)
    tell(EventId::GuardHeld, subject, reason, now, {{"guard", std::string(to_string(after))}});
}

void Decider::choose_class(std::size_t i, std::span<const CircuitView> views, Instant now) {
  ClassState& state = classes_[i];
  const model::TrafficClass& traffic = site_->classes[i];
  CircuitChoice next =
      choose_circuit(traffic, state.choice.circuit, state.choice.motive, views, state.orders,
                     {.hold_down = site_->circuit_health.hold_down, .margin = site_->probing.interval, .settled = started_ + kSettling}, now);
  const bool moved = next.circuit != state.choice.circuit;
  const auto from = state.choice.circuit;
  const Guard held_before = state.choice.held_by;
  state.choice = std::move(next);
  if (!moved && state.choice.held_by == held_before) return;
  model::ClassChoice said{.traffic_class = model::id_at<model::ClassId>(i), .circuit = {}, .reason = {}, .rejected = {}};
  say_class(*site_, said, state.choice, circuit_statuses(now), now);
  const std::string subject = "class " + traffic.name;
  hold_back(held_before, state.choice.held_by, subject, said.reason, now);
  if (!moved) return;
  state.since = now;
  tell(EventId::RoutingMoved, subject, said.reason, now,
       {{"from", from ? (*site_)[*from].name : ""},
        {"to", (*site_)[*state.choice.circuit].name},
        {"motive", std::string(to_string(state.choice.motive))}});
}

void Decider::choose_trunk(std::size_t i, Instant now) {
  TrunkState& state = trunks_[i];
  const model::Trunk& trunk = site_->trunks[i];
  const auto views = member_views(trunk, state.decision.order);
  TrunkDecision next = order_trunk(*site_, trunk, state.decision.order, state.decision.motive, views,
                                   classes_[trunk.traffic_class.index()].choice.circuit, state.orders);
  const bool had = !state.decision.order.empty();
  const std::size_t first_before = had ? state.decision.order.front().member : 0;
  const bool first_changed = !had || first_before != next.order.front().member;
  const Guard held_before = state.decision.held_by;
  state.decision = std::move(next);
  if (!first_changed && state.decision.held_by == held_before) return;
  model::TrunkChoice said{
      .trunk = model::id_at<model::TrunkId>(i), .order = state.decision.order, .motive = state.decision.motive, .reason = {}, .rejected = {}};
  std::vector<bool> trusted;
  for (const MemberView& v : views) trusted.push_back(v.trusted);
  say_trunk(*site_, said, state.decision.held_by, path_statuses(), circuits_.size(), trusted, now);
  const std::string subject = "trunk " + trunk.name;
  hold_back(held_before, state.decision.held_by, subject, said.reason, now);
  if (!first_changed) return;
  state.since = now;
  const auto name = [&](std::size_t m) {
    const model::TrunkMember& member = trunk.members[m];
    return member.circuit ? fmt::format("{} via {}", (*site_)[member.carrier].name, (*site_)[*member.circuit].name) : (*site_)[member.carrier].name;
  };
  tell(EventId::TrunkMoved, subject, said.reason, now,
       {{"from", had ? name(first_before) : ""},
        {"to", name(state.decision.order.front().member)},
        {"motive", std::string(to_string(state.decision.motive))}});
}

void Decider::choose_all(Instant now) {
  if (!adopted_) {
    ++suppressed_[Guard::Adoption];
    return;  // I13: until the switch has told what stands, nothing is chosen over it
  }
  const auto views = circuit_views();
  for (std::size_t i = 0; i < classes_.size(); ++i) choose_class(i, views, now);
  for (std::size_t i = 0; i < trunks_.size(); ++i)
    if (trunks_[i].adopted) choose_trunk(i, now);
}

}  // namespace linekeeper::decision
