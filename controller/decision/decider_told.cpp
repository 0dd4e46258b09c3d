// What the judge is told beside observations: what stands in kernel and PBX, what the switch held back, what people ordered, and what an
// earlier judge remembered.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "controller/decision/decider.hpp"
#include "controller/decision/explain.hpp"
#include "controller/decision/sharing.hpp"

namespace linekeeper::decision {

using model::EventId;
using model::Instant;

namespace {

/// What stands of a share whose change the switch held back: whoever was to leave has left, and nobody has come.
std::vector<model::CircuitId> held_share(const std::vector<model::CircuitId>& wanted, const std::vector<model::CircuitId>& stood,
                                         std::optional<model::CircuitId> first) {
  const auto holds = [](const std::vector<model::CircuitId>& all, model::CircuitId c) { return std::ranges::find(all, c) != all.end(); };
  if (!first || wanted.empty()) return {};
  std::vector<model::CircuitId> both;
  std::ranges::copy_if(wanted, std::back_inserter(both), [&](model::CircuitId c) { return holds(stood, c); });
  if (both.empty()) both = stood;
  if (!holds(both, *first)) both.push_back(*first);
  return both;
}

}  // namespace

const Output& Decider::adopt(const Adopted& adopted, Instant now) {
  out_.clear();
  generation_ = std::max(generation_, adopted.generation);
  if (!adopted_)
    for (std::size_t i = 0; i < classes_.size() && i < adopted.classes.size(); ++i)
      if (adopted.classes[i]) {
        classes_[i].choice.circuit = adopted.classes[i];
        classes_[i].choice.motive = model::Motive::Adopted;
        if (!site_->classes[i].shares() || !classes_[i].choice.circuit) classes_[i].choice.shared.clear();
      }
  adopted_ = true;
  return finish(now, true);
}

const Output& Decider::adopt(const ShareFound& found, Instant now) {
  out_.clear();
  if (!adopted_) classes_.at(found.traffic_class.index()).choice.shared = found.circuits;
  return finish(now, false);
}

const Output& Decider::adopt(const TrunkAdopted& adopted, Instant now) {
  out_.clear();
  TrunkState& state = trunks_.at(adopted.trunk.index());
  const auto& members = (*site_)[adopted.trunk].members;
  if (!state.adopted && adopted.sets.size() == members.size()) {
    std::vector<model::TrunkStep> order;
    for (const int set : adopted.sets) {
      const auto m = std::ranges::find(members, set, &model::TrunkMember::dispatcher_set);
      if (m != members.end()) order.push_back({.member = static_cast<std::size_t>(m - members.begin())});
    }
    if (order.size() == members.size()) {
      state.tried = order;
      order = ranked_order((*site_)[adopted.trunk], std::move(order));
      earn_places((*site_)[adopted.trunk], order);
      state.decision.order = std::move(order);
      state.decision.motive = model::Motive::Adopted;
    }
  }
  state.adopted = true;
  return finish(now, true);
}

/// Why it stood so died with the daemon before us. That one who stands behind is preferred to those before is no sign that nothing is held
/// against it, nor the other way round: behind one that answers 403 there may be one that had just failed (I4, I13).
void Decider::earn_places(const model::Trunk& trunk, std::span<const model::TrunkStep> order) {
  for (const model::TrunkStep& step : order.subspan(1)) {
    const model::TrunkMember& m = trunk.members[step.member];
    for (std::size_t c = 0; c < circuits_.size(); ++c)
      if (!m.circuit || m.circuit->index() == c) paths_[m.carrier.index() * circuits_.size() + c].distrust();
  }
}

const Output& Decider::held(const MovesHeld& held, Instant now) {
  out_.clear();
  for (const MovesHeld::Move& m : held.moves) {
    ClassState& state = classes_.at(m.traffic_class.index());
    state.budget = state.budget_before;
    state.budget.refused(m.escape, now + m.again_after);
    const auto shared = held_share(state.choice.shared, state.shared_before, m.stands);
    if (m.traffic_class.index() < standing_.classes.size())
      standing_.classes[m.traffic_class.index()].shares = shares_of((*site_)[m.traffic_class], shared);
    if (state.choice.circuit == m.stands) {
      state.choice.shared = shared;
      continue;
    }
    state.proofs.held_back();
    const auto name = [&](const std::optional<model::CircuitId>& c) { return c ? (*site_)[*c].name : ""; };
    const std::string& who = (*site_)[m.traffic_class].name;
    tell(EventId::RoutingMoved, "class " + who,
         fmt::format("{} was to go by {} and stays {}: linekeeper-switch lets it move again in {}.", who, name(state.choice.circuit),
                     m.stands ? "on " + name(m.stands) : "unsteered", words(m.again_after)),
         now, {{"from", name(state.choice.circuit)}, {"to", name(m.stands)}, {"motive", std::string(to_string(model::Motive::Held))}});
    state.choice = {.circuit = m.stands, .motive = m.stands ? model::Motive::Held : model::Motive::NotYet};
    state.choice.shared = shared;
    state.since = now;
    // What never came about takes no way from anyone when it is unsaid (I1).
    if (m.traffic_class.index() < standing_.classes.size()) standing_.classes[m.traffic_class.index()].circuit = m.stands;
  }
  return finish(now, true);
}

namespace {

/// The overrides in force that are about one of the site's classes or trunks.
template <class Orders, class Option>
void take_orders(Orders& orders, const std::vector<model::Override>& all, const std::string& name, std::string_view group,
                 const std::vector<Option>& options) {
  orders = {};
  for (const model::Override& o : all) {
    if (o.subject != name && o.subject != group && !o.subject.empty()) continue;
    if (o.kind == model::OverrideKind::Hold) orders.hold = true;
    if (o.kind == model::OverrideKind::Failback) (o.id == 0 ? orders.failback_open : orders.failback_permitted) = true;
    const auto to = std::ranges::find(options, o.to, &Option::name);
    if (o.kind == model::OverrideKind::Force && to != options.end())
      orders.force = model::id_at<typename decltype(orders.force)::value_type>(static_cast<std::size_t>(to - options.begin()));
  }
}

}  // namespace

const Output& Decider::order(const OrdersInForce& orders, Instant now) {
  out_.clear();
  for (std::size_t i = 0; i < classes_.size(); ++i)
    take_orders(classes_[i].orders, orders.overrides, site_->classes[i].name, "routing", site_->circuits);
  for (std::size_t i = 0; i < trunks_.size(); ++i) take_orders(trunks_[i].orders, orders.overrides, site_->trunks[i].name, "trunks", site_->carriers);
  return finish(now, false, true);
}

std::string Decider::memory(model::CircuitId circuit, Instant now) const {
  return circuits_.at(circuit.index()).memory() + '\t' + hold_downs_.at(circuit.index()).to_text(now) + answers_memory(circuit) +
         calls_memory(circuit, now);
}

bool Decider::recall(model::CircuitId circuit, std::string_view text, model::Duration age) {
  if (!recall_calls(circuit, text, age) || !recall_answers(circuit, text)) return false;
  const std::size_t tab = text.rfind('\t');
  const bool kept = tab != std::string_view::npos && HoldDown::is_text(text.substr(tab + 1));  // not in what an older release wrote
  const bool hold_down = !kept || hold_downs_.at(circuit.index()).recall(text.substr(tab + 1), started_, age);
  return circuits_.at(circuit.index()).recall(kept ? text.substr(0, tab) : text, age) && hold_down;
}

std::string Decider::memory(model::ClassId traffic_class, Instant now) const { return classes_.at(traffic_class.index()).budget.to_text(now); }

bool Decider::recall(model::ClassId traffic_class, std::string_view text, model::Duration age) {
  return classes_.at(traffic_class.index()).budget.recall(text, started_, age);
}

}  // namespace linekeeper::decision
