#include "controller/decision/policy.hpp"

#include <algorithm>
#include <tuple>

namespace linekeeper::decision {

using model::CircuitId;
using model::Guard;
using model::Health;
using model::Motive;

namespace {

/// The most preferred usable circuit; one that is up goes before one that is degraded.
std::optional<CircuitId> best_of(const model::TrafficClass& traffic, std::span<const CircuitView> views) {
  for (const Health wanted : {Health::Up, Health::Degraded})
    for (const CircuitId c : traffic.circuits)
      if (views[c.index()].health == wanted) return c;
  return std::nullopt;
}

void list_rejected(const model::TrafficClass& traffic, std::span<const CircuitView> views, CircuitChoice& choice, std::optional<CircuitId> held) {
  for (const CircuitId c : traffic.circuits) {
    if (c == choice.circuit) continue;
    Guard guard = c == held ? choice.held_by : Guard::None;
    if (guard == Guard::None && views[c.index()].health == Health::Unknown) guard = Guard::Freshness;
    choice.rejected.push_back({c, guard});
  }
}

bool any_unknown(const model::TrafficClass& traffic, std::span<const CircuitView> views) {
  return std::ranges::any_of(traffic.circuits, [&](CircuitId c) { return views[c.index()].health == Health::Unknown; });
}

/// The way that stands is dead: the first usable one that is proven to have outlived it.
std::optional<CircuitId> escape_from(const model::TrafficClass& traffic, const CircuitView& dead, std::span<const CircuitView> views,
                                     model::Duration margin) {
  for (const Health wanted : {Health::Up, Health::Degraded})
    for (const CircuitId c : traffic.circuits)
      if (views[c.index()].health == wanted && !freshness_holds(dead, views[c.index()], margin)) return c;
  return std::nullopt;
}

/// A circuit preferred to `best` has a link and has not been judged yet.
bool better_may_come(const model::TrafficClass& traffic, CircuitId best, std::span<const CircuitView> views) {
  for (const CircuitId c : traffic.circuits) {
    if (c == best) return false;
    if (views[c.index()].health == Health::Unknown) return true;
  }
  return false;
}

/// Unknown moves nothing (I6): who is not judged keeps the place where it stood, the others take theirs around it. After a restart,
/// when nothing is known of anyone, that is the order that stands (I13).
void keep_unknown_places(std::vector<model::TrunkStep>& order, std::span<const model::TrunkStep> standing) {
  const auto unknown = [](const model::TrunkStep& s) { return s.health == Health::Unknown; };
  std::vector<model::TrunkStep> placed;
  auto known = order.begin();
  for (const model::TrunkStep& stood : standing) {
    const auto now = std::ranges::find(order, stood.member, &model::TrunkStep::member);
    if (unknown(*now)) {
      placed.push_back(*now);
      continue;
    }
    known = std::find_if_not(known, order.end(), unknown);
    placed.push_back(*known++);
  }
  if (placed.front().health == Health::Down) return;  // one that may be well goes before one that is dead
  order = std::move(placed);
}

std::size_t position(const std::vector<CircuitId>& list, CircuitId c) { return static_cast<std::size_t>(std::ranges::find(list, c) - list.begin()); }

}  // namespace

CircuitChoice choose_circuit(const model::TrafficClass& traffic, std::optional<CircuitId> current, Motive motive, std::span<const CircuitView> views,
                             const Orders& orders, const Pace& pace, model::Instant now) {
  CircuitChoice choice{.circuit = current, .motive = motive, .rejected = {}};
  const auto best = best_of(traffic, views);
  std::optional<CircuitId> held;
  const auto stay = [&](Guard guard, std::optional<CircuitId> about) {
    choice.held_by = guard;
    held = about;
  };

  if (orders.force) {
    choice.circuit = orders.force;
    choice.motive = Motive::Forced;
  } else if (orders.hold) {
    if (current && best != current) stay(Guard::OperatorHold, best);
  } else if (!current) {
    if (best && now < pace.settled && better_may_come(traffic, *best, views)) {
      choice.motive = Motive::NotYet;
      choice.recheck = pace.settled;
      stay(Guard::Freshness, best);
    } else if (best) {
      choice.circuit = best;
      choice.motive = Motive::FirstChoice;
    } else {
      choice.motive = Motive::NotYet;
      stay(any_unknown(traffic, views) ? Guard::Freshness : Guard::AllBad, std::nullopt);
    }
  } else if (const CircuitView& now_on = views[current->index()]; now_on.health == Health::Down) {
    if (const auto way = escape_from(traffic, now_on, views, pace.margin)) {
      choice.circuit = way;
      choice.motive = Motive::Escape;
    } else if (best) {
      stay(Guard::Freshness, best);
    } else {
      stay(any_unknown(traffic, views) ? Guard::Freshness : Guard::AllBad, std::nullopt);
    }
  } else if (best && best != current) {
    const CircuitView& better = views[best->index()];
    if (now_on.health == Health::Unknown) {
      stay(Guard::Freshness, best);
    } else if (hold_down_holds(better, pace.hold_down, now)) {
      choice.motive = Motive::Held;
      choice.recheck = better.since + pace.hold_down;
      stay(Guard::HoldDown, best);
    } else {
      choice.circuit = best;
      choice.motive = Motive::Failback;
    }
  } else if (motive == Motive::Forced || motive == Motive::Held) {
    choice.motive = Motive::FirstChoice;  // the override ended, or the better one failed again
  }
  list_rejected(traffic, views, choice, held);
  return choice;
}

TrunkDecision order_trunk(const model::Site& site, const model::Trunk& trunk, std::span<const model::TrunkStep> standing, Motive motive,
                          std::span<const MemberView> views, std::optional<CircuitId> circuit, const TrunkOrders& orders) {
  const auto& class_circuits = site[trunk.traffic_class].circuits;
  const auto carrier_rank = [&](std::size_t member) {
    return static_cast<std::size_t>(std::ranges::find(trunk.carriers, trunk.members[member].carrier) - trunk.carriers.begin());
  };
  const auto circuit_rank = [&](std::size_t member) -> std::size_t {
    const auto& via = trunk.members[member].circuit;
    if (!via || via == circuit) return 0;
    return 1 + position(class_circuits, *via);
  };
  const auto tier = [&](std::size_t member) {
    const MemberView& v = views[member];
    if (v.health == Health::Down) return 4;
    if (v.suspect) return 3;
    if (!v.trusted) return 2;
    return v.health == Health::Degraded ? 1 : 0;  // unknown keeps the trust it had (I6)
  };

  TrunkDecision decision{.order = {}, .motive = motive};
  for (std::size_t m = 0; m < trunk.members.size(); ++m) {
    const Health h = views[m].health;
    decision.order.push_back({.member = m, .eligible = h == Health::Up || h == Health::Degraded, .health = h});
  }
  const bool usable = std::ranges::any_of(decision.order, [](const model::TrunkStep& s) { return s.eligible; });
  const bool none_proven = std::ranges::all_of(views, [](const MemberView& v) { return v.health == Health::Down || v.suspect; });
  const bool any_suspect = std::ranges::any_of(views, [](const MemberView& v) { return v.health != Health::Down && v.suspect; });
  const auto keep_standing = [&](Guard guard) {
    decision.held_by = guard;
    if (standing.size() != decision.order.size()) return;
    std::vector<model::TrunkStep> kept;
    for (const model::TrunkStep& s : standing) kept.push_back(decision.order[s.member]);
    decision.order = std::move(kept);
  };

  const auto stood_at = [&](std::size_t member) {
    return static_cast<std::size_t>(std::ranges::find(standing, member, &model::TrunkStep::member) - standing.begin());
  };
  const auto rank = [&](const model::TrunkStep& s) {
    const bool forced_away = orders.force && trunk.members[s.member].carrier != *orders.force;
    // Of those that are up but not trusted yet, none passes another: each earns its place by its own hold-down (I4).
    const std::size_t stood = tier(s.member) == 2 ? stood_at(s.member) : 0;
    return std::tuple(forced_away, tier(s.member), stood, carrier_rank(s.member), circuit_rank(s.member), s.member);
  };
  if (orders.hold && !orders.force && !standing.empty()) {
    keep_standing(Guard::OperatorHold);
    return decision;
  }
  if (none_proven && !orders.force && !standing.empty()) {
    keep_standing(any_suspect ? Guard::Freshness : Guard::AllBad);
    return decision;
  }
  std::ranges::sort(decision.order, {}, rank);
  if (!orders.force && standing.size() == decision.order.size()) keep_unknown_places(decision.order, standing);
  if (orders.force) {
    decision.motive = Motive::Forced;
  } else if (standing.empty()) {
    decision.motive = usable ? Motive::FirstChoice : Motive::NotYet;
  } else if (standing.front().member != decision.order.front().member) {
    const MemberView& left = views[standing.front().member];
    decision.motive = left.health == Health::Down || left.suspect ? Motive::Escape : Motive::Failback;
  } else if (motive == Motive::Forced || (motive == Motive::NotYet && usable)) {
    decision.motive = Motive::FirstChoice;
  }
  return decision;
}

}  // namespace linekeeper::decision
