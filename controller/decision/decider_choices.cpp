// How the judge comes from verdicts to choices: the views that policy sees, and what is told when a choice changes or is held back.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "controller/decision/carrier_ways.hpp"
#include "controller/decision/decider.hpp"
#include "controller/decision/explain.hpp"
#include "controller/decision/sharing.hpp"
#include "controller/model/shares.hpp"

namespace linekeeper::decision {

namespace {
constexpr std::chrono::seconds kSettling{4};  // a healthy circuit has its first verdict well within this, a new neighbour included
}

using model::EventId;
using model::Guard;
using model::Health;
using model::Instant;
using model::Motive;

std::vector<CircuitView> Decider::circuit_views(Instant now) const {
  std::vector<CircuitView> views;
  views.reserve(circuits_.size());
  // How good a line is matters only to a class that has limits: else its probes need not be looked through each time.
  const bool figures = std::ranges::any_of(site_->classes, [](const model::TrafficClass& t) { return t.limits.has_value(); });
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    const CircuitHealth& circuit = circuits_[c];
    views.push_back({.health = circuit.verdict().health,
                     .cause = circuit.verdict().cause,
                     .since = circuit.verdict().since,
                     .last_good = circuit.last_good(),
                     .last_proof = circuit.last_proof(),
                     .first_bad = circuit.first_bad(),
                     .suspect = circuit.suspect(),
                     .figures = figures ? circuit.figures(now) : model::Figures{},
                     .proven_well = circuit.proven_well(),
                     .hold_down = hold_downs_[c].present(now),
                     .rtt_expected = circuit.rtt_expected(),
                     .interval = circuit.pace(),
                     .evidence_lasts = circuit.stale_after()});
  }
  return views;
}

void Decider::mark_data_ways(std::vector<CircuitView>& views) const {
  for (std::size_t c = 0; c < views.size(); ++c) {
    const auto id = model::id_at<model::CircuitId>(c);
    const DataWay way = checks_.data_way(id);
    views[c].data_lost = way == DataWay::Lost;
    if (views[c].health != Health::Up) continue;
    if (way != DataWay::Well) views[c].health = Health::Degraded;
    // Its hold-down begins when data was last found to be well, as it does when probes are.
    if (const auto since = checks_.well_since(id)) views[c].since = std::max(views[c].since, *since);
  }
}

bool Decider::carries_calls(model::ClassId traffic) const {
  return (*site_)[traffic].codec != model::Codec::None ||
         std::ranges::any_of(site_->trunks, [&](const model::Trunk& t) { return carries(traffic, t); });
}

bool Decider::carries(model::ClassId traffic, const model::Trunk& trunk) const {
  const auto& apart = (*site_)[traffic].apart;
  if (!apart) return trunk.traffic_class == traffic;
  return trunk.traffic_class == apart->of && std::ranges::find(trunk.carriers, apart->carrier) != trunk.carriers.end();
}

std::optional<model::CircuitId> Decider::way_of(const model::Trunk& trunk, std::size_t member) const {
  const auto& pinned = trunk.members[member].circuit;
  return pinned ? pinned : classes_[trunk.class_of(trunk.members[member]).index()].choice.circuit;
}

std::vector<MemberView> Decider::member_views(const model::Trunk& trunk, std::span<const model::TrunkStep> standing,
                                              std::span<const CircuitView> circuits, Instant now) const {
  std::vector<MemberView> views;
  // The circuit under the first member has died or is silent: what goes by another is no way out before that one is proven to outlive it.
  std::optional<model::CircuitId> dead;
  if (!standing.empty())
    if (const auto first = way_of(trunk, standing.front().member);
        first && (circuits[first->index()].health == Health::Down || circuits[first->index()].suspect))
      dead = first;
  const auto first_via = standing.empty() ? std::nullopt : way_of(trunk, standing.front().member);
  const bool first_failed = first_via && path(trunk.members[standing.front().member].carrier, *first_via).down_by_carrier();
  const auto place_of = [&](model::CarrierId k) { return std::ranges::find(trunk.carriers, k) - trunk.carriers.begin(); };
  const auto first_place = standing.empty() ? 0 : place_of(trunk.members[standing.front().member].carrier);
  std::optional<model::Instant> failing;  // the carrier, by another circuit: since then at least
  bool siblings_trusted = true;
  for (std::size_t m = 0; m < trunk.members.size(); ++m) {
    const auto via = way_of(trunk, m);
    if (!via) {
      views.push_back({});
      continue;
    }
    const PathEndpoints& p = path(trunk.members[m].carrier, *via);
    if (m == 0 || trunk.members[m].carrier != trunk.members[m - 1].carrier || !way_of(trunk, m - 1)) {  // members stand carrier by carrier
      failing.reset(), siblings_trusted = true;
      for (std::size_t c = 0; c < circuits_.size(); ++c) {
        const PathEndpoints& sibling = path(trunk.members[m].carrier, model::id_at<model::CircuitId>(c));
        // One that failed and has not answered since is down for the carrier's part, although its circuit has died over it.
        const auto& unheard = unheard_[trunk.members[m].carrier.index() * circuits_.size() + c];
        if (unheard) failing = std::max(failing, unheard);
        siblings_trusted =
            siblings_trusted && (sibling.trusted() || sibling.verdict().health == Health::Down || sibling.verdict().health == Health::Unknown);
      }
    }
    // A carrier that recovers comes back whole: not by one circuit now and by the preferred one a moment later.
    const bool in_use = !standing.empty() && trunk.members[standing.front().member].carrier == trunk.members[m].carrier;
    const CircuitView& below = circuits[via->index()];
    const bool unproven = dead && dead != via && freshness_holds(circuits[dead->index()], below, site_->probing.interval, now);
    // Most likely it is the carrier that fails, not the way to it. Who stands first keeps that place until it is suspected itself;
    // whoever may be moved to must have answered something that was sent since, and not be silent just now itself: that is known to be
    // chance, or death, sooner than a move onto it and away again is done. Of those further behind nothing is asked: their order moves no call.
    const bool first = !standing.empty() && standing.front().member == m;
    const bool may_lead = !first && (standing.empty() || first_failed || place_of(trunk.members[m].carrier) <= first_place);
    const bool failing_too = failing && (p.last_was_bad() || (may_lead && !p.proven_since(*failing)));
    const auto back = hold_downs_[via->index()].back_since();
    const auto of_class = classes_[trunk.class_of(trunk.members[m]).index()].choice.circuit;
    views.push_back({.shortfall = {},
                     .home = of_class,
                     .health = p.verdict().health,
                     .warns_newly = first && now < warns_alone_from(trunk.members[m].carrier, *via),
                     .trusted = p.trusted() && (in_use || siblings_trusted || trunk.emergency) && (first || now >= p.doubted_until()),
                     .suspect = unproven || failing_too || (first_failed && !first && p.overdue()),
                     .failed_too = failing && !first && p.last_was_bad(),
                     .circuit_suspect = below.suspect,
                     .circuit_down = below.health == Health::Down,
                     .circuit_by_link = below.health == Health::Down && below.by_link(),
                     .circuit_young = back && now - *back < below.hold_down && via != of_class,
                     .calls_fail = !witnesses_.empty() && witnesses_[trunk.members[m].carrier.index() * circuits_.size() + via->index()].fails(),
                     .calls_doubtful = !first && calls_doubtful(trunk.members[m].carrier, *via)});
  }
  return views;
}

Instant Decider::remember_members(std::size_t i, std::span<MemberView> views, std::span<const CircuitView> circuits, Instant now) {
  TrunkState& state = trunks_[i];
  const model::Trunk& trunk = site_->trunks[i];
  const auto load = load_of(trunk, state.load);
  Instant recheck = model::kNever;
  const auto look_at = [&](Instant t) {
    if (t > now) recheck = std::min(recheck, t);
  };
  for (std::size_t m = 0; m < views.size(); ++m) {
    MemberView& view = views[m];
    MemberMemory& memory = state.members[m];
    const auto via = way_of(trunk, m);
    if (!via) continue;
    const PathEndpoints& p = path(trunk.members[m].carrier, *via);
    const Instant since = p.verdict().since;

    // One that answers 403 now and then must not go back and forth with each answer.
    if (view.health == Health::Degraded) memory.degraded = true;
    if (view.health == Health::Down) memory.degraded = false;  // its trust is gone, which holds it back by itself
    if (view.health == Health::Up && now - since >= site_->carrier_health.hold_down) memory.degraded = false;
    view.lately_degraded = view.health == Health::Up && memory.degraded;
    if (view.lately_degraded) look_at(since + site_->carrier_health.hold_down);

    const bool first = !state.decision.order.empty() && state.decision.order.front().member == m;
    // Most likely it was the carrier that failed, and that has its hold-down by every way, also by one whose silence was too short for a
    // verdict: calls would follow a carrier that flaps back and forth.
    if (view.failed_too && !trunk.emergency) memory.held_until = now + site_->carrier_health.hold_down;
    if (!first && now < memory.held_until) view.trusted = false;
    look_at(memory.held_until);
    if (!p.trusted() || view.calls_fail) memory.owes = true;
    const Instant well_since = view.health == Health::Up || view.health == Health::Degraded ? since : now;
    if (first || (view.trusted && !view.calls_fail &&
                  !failback_mode_holds(trunk.failback, well_since, state.orders.failback_open, state.orders.failback_permitted, now)))
      memory.owes = false;
    view.waits = memory.owes && view.trusted && !view.calls_fail;
    if (view.waits && trunk.failback.mode == model::FailbackMode::After) look_at(since + trunk.failback.after);

    look_at(p.doubted_until());
    look_at(warns_alone_from(trunk.members[m].carrier, *via));
    if (view.circuit_young) look_at(*hold_downs_[via->index()].back_since() + circuits[via->index()].hold_down);

    if (load)
      view.shortfall = shortfall_of(*load, claims_.taken(trunk.members[m].carrier, *via), (*site_)[trunk.members[m].carrier], &(*site_)[*via],
                                    (*site_)[trunk.traffic_class].codec, memory.crowded);
    memory.crowded = view.shortfall.has_value();
  }
  if (now < doubt_until_) look_at(doubt_until_);
  return recheck;
}

void Decider::hold_back(Guard before, Guard after, const std::string& subject, const std::string& reason, Instant now) {
  if (before == after || after == Guard::None) return;
  ++suppressed_[after];
  if (after == Guard::AllBad)
    tell(EventId::AllBad, subject, reason, now, {{"guard", "all_bad"}});
  else if (adopted_)
    tell(EventId::GuardHeld, subject, reason, now, {{"guard", std::string(to_string(after))}});
}

std::vector<CircuitView> Decider::part_views(std::size_t i, std::span<const CircuitView> views, Instant now) {
  ClassState& state = classes_[i];
  const model::TrafficClass& part = site_->classes[i];
  const auto paths = paths_of(part.apart->carrier);
  state.dead_by_one.clear();
  for (const model::CircuitId c : part.circuits) {
    state.reached[c.index()].see(reached_by(views[c.index()], paths[c.index()]), now);
    if (dead_by_one(part, views, paths, c)) state.dead_by_one.push_back(c);
  }
  return carrier_ways(part, views, paths, state.choice.circuit, state.reached, now);
}

void Decider::choose_class(std::size_t i, std::span<const CircuitView> all_views, Instant now) {
  ClassState& state = classes_[i];
  const model::TrafficClass& traffic = site_->classes[i];
  const auto id = model::id_at<model::ClassId>(i);
  const std::vector<CircuitView> own_views = traffic.apart ? part_views(i, all_views, now) : std::vector<CircuitView>();
  const std::span<const CircuitView> views = traffic.apart ? std::span(own_views) : all_views;
  Orders orders = state.orders;
  orders.emergency = carries_emergency(id);
  const Pace pace{.margin = site_->probing.interval,
                  .settled = started_ + kSettling,
                  .may_escape = state.budget.may_escape(),
                  .may_fail_back = state.budget.may_fail_back(),
                  .may_improve = state.budget.may_improve(),
                  .switch_escapes = state.budget.escapes_refused_until(),
                  .switch_moves = state.budget.moves_refused_until(),
                  .led_until = state.proofs.answered() ? state.since + site_->circuit_health.hold_down : Instant{},
                  .doubt = now < doubt_until_,
                  .doubt_until = doubt_until_};
  const auto seen = views_of(state, views, now);
  CircuitChoice next = choose_circuit(*site_, traffic, state.choice, seen, orders, pace, now);
  if (traffic.shares()) share_ways(*site_, traffic, state.choice, seen, orders, pace, now, next);
  note_unproven(state, next, now);
  const CircuitChoice before = std::exchange(state.choice, std::move(next));
  const bool moved = before.circuit != state.choice.circuit;
  if (before.shared != state.choice.shared) count_share(state, before, views, now);
  if (!moved && before.shared != state.choice.shared) tell_share(id, before, now);
  if (!moved && state.choice.held_by == before.held_by) return;
  model::ClassChoice said{.traffic_class = id, .circuit = {}, .reason = {}, .rejected = {}};
  say(said, circuit_statuses(now), now);
  const std::string subject = "class " + traffic.name;
  hold_back(before.held_by, state.choice.held_by, subject, said.reason, now);
  if (!moved) return;
  state.since = now;
  state.proofs.moved(before.circuit);
  state.told_unproven = false;
  count_move(state, before, views, now);
  tell(EventId::RoutingMoved, subject, said.reason, now,
       {{"from", before.circuit ? (*site_)[*before.circuit].name : ""},
        {"to", (*site_)[*state.choice.circuit].name},
        {"motive", std::string(to_string(state.choice.motive))}});
}

/// Who leaves a share although he lives, and who comes back to it: as a class that leaves such a circuit, and goes back to it.
void Decider::count_share(ClassState& state, const CircuitChoice& before, std::span<const CircuitView> views, Instant now) {
  const auto holds = [](const std::vector<model::CircuitId>& all, model::CircuitId c) { return std::ranges::find(all, c) != all.end(); };
  state.shared_before = before.shared;
  if (!before.circuit) return;
  state.budget_before = state.budget;
  for (const model::CircuitId c : before.shared)
    if (!holds(state.choice.shared, c) && c != before.circuit && views[c.index()].health == Health::Degraded) hold_down_of(state, c).left(now);
  for (const model::CircuitId c : state.choice.shared) {
    if (holds(before.shared, c) || c == state.choice.circuit || !hold_downs_[c.index()].back_since()) continue;
    state.budget.moved(Motive::Failback, false, now);
    hold_down_of(state, c).failed_back(now);
  }
}

void Decider::tell_share(model::ClassId id, const CircuitChoice& before, Instant now) {
  const ClassState& state = classes_[id.index()];
  const model::TrafficClass& traffic = (*site_)[id];
  const auto words = [&](const std::vector<model::CircuitId>& shared) { return model::share_words(*site_, shares_of(traffic, shared)); };
  const auto statuses = circuit_statuses(now);
  std::string why;
  for (const model::CircuitId c : traffic.circuits) {
    const bool had = std::ranges::find(before.shared, c) != before.shared.end();
    const bool has = std::ranges::find(state.choice.shared, c) != state.choice.shared.end();
    if (had != has)
      why +=
          fmt::format(" {} {}: {}.", (*site_)[c].name, has ? "has a part again" : "has none now", circuit_clause(*site_, statuses[c.index()], now));
  }
  tell(EventId::RoutingShared, "class " + traffic.name, fmt::format("{} is shared by {} now.{}", traffic.name, words(state.choice.shared), why), now,
       {{"from", words(before.shared)}, {"to", words(state.choice.shared)}});
}

void Decider::count_move(ClassState& state, const CircuitChoice& before, std::span<const CircuitView> views, Instant now) {
  state.budget_before = state.budget;
  if (!before.circuit) return;  // its first way: nobody was moved, and a site that has just begun must be able to
  const Motive motive = state.choice.motive;
  state.budget.moved(motive, before.circuit && views[before.circuit->index()].health == Health::Down, now);
  if (motive == Motive::Quality || motive == Motive::Unproven) hold_down_of(state, *before.circuit).left(now);
  // Going back after a person's order has ended is no trial of the circuit.
  if (motive == Motive::Failback && before.motive != Motive::Forced) hold_down_of(state, *state.choice.circuit).failed_back(now);
}

HoldDown& Decider::hold_down_of(ClassState& state, model::CircuitId circuit) {
  return state.reached.empty() ? hold_downs_[circuit.index()] : state.reached[circuit.index()];
}

void Decider::choose_trunk(std::size_t i, std::span<const CircuitView> circuits, Instant now) {
  TrunkState& state = trunks_[i];
  const model::Trunk& trunk = site_->trunks[i];
  auto views = member_views(trunk, state.decision.order, circuits, now);
  const Instant recheck = remember_members(i, views, circuits, now);
  // The one that stood first, or is to be the first ever: its carrier's class, where that is steered apart.
  const model::TrunkMember& stood = trunk.members[state.decision.order.empty() ? 0 : state.decision.order.front().member];
  const CircuitChoice& of_class = classes_[trunk.class_of(stood).index()].choice;
  TrunkDecision next = order_trunk(*site_, trunk, state.decision.order, state.decision.motive, views, of_class.circuit, state.orders,
                                   now < doubt_until_, state.circuit);
  next.recheck = recheck;
  const bool had = !state.decision.order.empty();
  const std::size_t first_before = had ? state.decision.order.front().member : 0;
  const bool first_changed = !had || first_before != next.order.front().member;
  const Guard held_before = state.decision.held_by;
  if (!first_changed)
    next.left = std::move(state.decision.left);
  else if (next.left && next.motive == Motive::Follows && of_class.motive == Motive::Quality)
    next.left->because = of_class.because;
  if (first_changed && next.left && next.left->place.behind == Behind::CallsFail)
    if (const auto via = way_of(trunk, next.left->member))
      next.left->calls = witnesses_[trunk.members[next.left->member].carrier.index() * circuits_.size() + via->index()].why();
  if (first_changed) state.circuit = classes_[trunk.class_of(trunk.members[next.order.front().member]).index()].choice.circuit;
  state.decision = std::move(next);
  state.tried = tried_order(trunk, state.decision, state.tried.size() > 1 ? std::optional(state.tried[1].member) : std::nullopt);
  if (!first_changed && state.decision.held_by == held_before) return;
  model::TrunkChoice said{
      .trunk = model::id_at<model::TrunkId>(i), .order = state.tried, .motive = state.decision.motive, .reason = {}, .rejected = {}};
  say_trunk(*site_, said, state.decision, path_statuses(), circuits_.size(), now);
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

void Decider::claim(std::size_t i) {
  const model::Trunk& trunk = site_->trunks[i];
  const auto load = load_of(trunk, trunks_[i].load);
  const auto& order = trunks_[i].decision.order;
  if (!load || order.empty()) return;
  const std::size_t first = order.front().member;
  claims_.claim(*load, trunk.members[first].carrier, way_of(trunk, first), (*site_)[trunk.traffic_class].codec);
}

void Decider::choose_all(Instant now) {
  if (!adopted_) {
    ++suppressed_[Guard::Adoption];
    return;  // I13: until the switch has told what stands, nothing is chosen over it
  }
  for (std::size_t c = 0; c < circuits_.size(); ++c) hold_downs_[c].see(circuits_[c].verdict().health, now);
  const auto views = circuit_views(now);
  auto data_views = views;
  mark_data_ways(data_views);
  for (std::size_t i = 0; i < classes_.size(); ++i) choose_class(i, carries_calls(model::id_at<model::ClassId>(i)) ? views : data_views, now);
  claims_.reset(*site_);
  for (const bool emergency : {true, false})  // who claims first: see Claims
    for (std::size_t i = 0; i < trunks_.size(); ++i) {
      if (!trunks_[i].adopted || site_->trunks[i].emergency != emergency) continue;
      choose_trunk(i, views, now);
      claim(i);
    }
}

}  // namespace linekeeper::decision
