#include "controller/decision/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "controller/decision/quality.hpp"

namespace linekeeper::decision {

using model::CircuitId;
using model::Guard;
using model::Health;
using model::Instant;
using model::Motive;

namespace {

constexpr std::chrono::seconds kLookAgain{1};             // figures move with every probe; no event says when they have moved enough
constexpr std::chrono::milliseconds kLookAgainSoon{100};  // a suspicion is over, or is a death, within about a second

/// The class's circuits as they rank now.
class Ways {
 public:
  Ways(const model::Site& site, const model::TrafficClass& traffic, std::span<const CircuitView> views)
      : site_(&site), traffic_(&traffic), views_(views), order_(traffic.circuits) {
    std::ranges::sort(order_, {}, [this](CircuitId c) { return std::pair(last_resort(c), place_in(traffic_->circuits, c)); });
  }

  /// In order of preference, whatever their health.
  [[nodiscard]] const std::vector<CircuitId>& order() const { return order_; }
  [[nodiscard]] const CircuitView& view(CircuitId c) const { return views_[c.index()]; }
  [[nodiscard]] bool last_resort(CircuitId c) const { return traffic_->avoid_metered && (*site_)[c].metered; }

  /// A circuit that is down has a risk group with this one in common.
  [[nodiscard]] bool shares_risk(CircuitId c) const {
    for (std::size_t d = 0; d < views_.size(); ++d) {
      if (d == c.index() || views_[d].health != Health::Down) continue;
      for (const std::string& group : site_->circuits[d].risk_groups)
        if (std::ranges::find((*site_)[c].risk_groups, group) != (*site_)[c].risk_groups.end()) return true;
    }
    return false;
  }

  /// Those that are usable, the best way out first.
  [[nodiscard]] std::vector<CircuitId> usable() const {
    std::vector<CircuitId> ways;
    for (const CircuitId c : order_)
      if (view(c).usable()) ways.push_back(c);
    std::ranges::sort(ways, {}, [this](CircuitId c) {
      const CircuitView& v = view(c);
      return std::tuple(v.health == Health::Degraded, v.suspect, shares_risk(c), place_in(order_, c));
    });
    return ways;
  }

  [[nodiscard]] bool any_unknown() const {
    return std::ranges::any_of(order_, [this](CircuitId c) { return view(c).health == Health::Unknown; });
  }
  [[nodiscard]] bool all_bad() const {
    std::vector<CircuitView> of_class;
    for (const CircuitId c : order_) of_class.push_back(view(c));
    return all_bad_holds(of_class);
  }

 private:
  static std::ptrdiff_t place_in(const std::vector<CircuitId>& list, CircuitId c) { return std::ranges::find(list, c) - list.begin(); }

  const model::Site* site_;
  const model::TrafficClass* traffic_;
  std::span<const CircuitView> views_;
  std::vector<CircuitId> order_;
};

class Chooser {
 public:
  Chooser(const model::Site& site, const model::TrafficClass& traffic, const CircuitChoice& standing, std::span<const CircuitView> views,
          const Orders& orders, const Pace& pace, Instant now)
      : site_(site), traffic_(traffic), standing_(standing), ways_(site, traffic, views), orders_(orders), pace_(pace), now_(now) {
    choice_.circuit = standing.circuit;
    choice_.motive = standing.motive;
    choice_.because = tells_why(standing.motive) ? standing.because : "";
  }

  CircuitChoice choose() {
    if (orders_.force && obeys_force() && lets_force()) {
      choice_.circuit = orders_.force;
      choice_.motive = Motive::Forced;
      choice_.because.clear();
    } else {
      automatic();
      if (orders_.hold) freeze();
    }
    list_rejected();
    return std::move(choice_);
  }

 private:
  // --- what a person said ---
  bool obeys_force() {
    const Health onto = ways_.view(*orders_.force).health;
    if (orders_.despite_emergency || !emergency_holds(orders_.emergency, onto) || ways_.usable().empty()) return true;
    stay(Guard::Emergency, orders_.force);
    return false;
  }
  /// The switch has the last word on how often a class may move, a person's orders included (I3): it is not asked again and again.
  bool lets_force() {
    if (orders_.force == standing_.circuit) return true;
    const bool escape = standing_.circuit && ways_.view(*standing_.circuit).health == Health::Down;
    const Instant until = escape ? pace_.switch_escapes : pace_.switch_moves;
    if (now_ >= until) return true;
    stay(Guard::RateLimit, orders_.force, until);
    return false;
  }
  /// Undoes what would have moved; but nobody may hold emergency calls on a dead way while another is up (I24).
  void freeze() {
    if (choice_.circuit == standing_.circuit) return;
    if (orders_.emergency && choice_.motive == Motive::Escape) {
      choice_.despite_hold = true;
      return;
    }
    const auto wanted = choice_.circuit;
    choice_.circuit = standing_.circuit;
    choice_.motive = standing_.motive;
    choice_.because = standing_.because;
    choice_.beyond = standing_.beyond;
    choice_.crossed = standing_.crossed;
    choice_.lacking = standing_.lacking;
    stay(Guard::OperatorHold, wanted);
  }

  // --- what is best ---
  void automatic() {
    if (!standing_.circuit) return first_choice();
    const CircuitView& here = ways_.view(*standing_.circuit);
    switch (here.health) {
      case Health::Down: return escape(here);
      case Health::Unknown:
        if (const auto ways = ways_.usable(); !ways.empty()) stay(Guard::Freshness, ways.front());
        return;
      case Health::Up:
      case Health::Degraded: break;
    }
    if (!improve(here)) fail_back();
    if (choice_.circuit == standing_.circuit && choice_.held_by == Guard::None &&
        (choice_.motive == Motive::Forced || choice_.motive == Motive::Held))
      choice_.motive = Motive::FirstChoice;  // the override ended, or the better one failed again
  }

  void first_choice() {
    const auto ways = ways_.usable();
    choice_.motive = Motive::NotYet;
    if (ways.empty()) return stay(ways_.any_unknown() ? Guard::Freshness : Guard::AllBad, std::nullopt);
    if (pace_.doubt) return stay(Guard::SelfDoubt, ways.front(), pace_.doubt_until);
    if (now_ < pace_.switch_moves) return stay(Guard::RateLimit, ways.front(), pace_.switch_moves);
    if (now_ < pace_.settled && better_may_come(ways.front())) return stay(Guard::Freshness, ways.front(), pace_.settled);
    choice_.circuit = ways.front();
    choice_.motive = Motive::FirstChoice;
  }

  /// A circuit preferred to `best` has a link and has not been judged yet.
  bool better_may_come(CircuitId best) const {
    for (const CircuitId c : ways_.order()) {
      if (c == best) return false;
      if (ways_.view(c).health == Health::Unknown) return true;
    }
    return false;
  }

  /// The way that stands is dead: the first usable one that is proven to have outlived it.
  void escape(const CircuitView& dead) {
    const auto ways = ways_.usable();
    const auto first = ways.empty() ? std::optional<CircuitId>() : ways.front();
    if (ways_.all_bad()) return stay(ways_.any_unknown() ? Guard::Freshness : Guard::AllBad, first, first ? now_ + kLookAgainSoon : model::kNever);
    if (self_doubt_holds(pace_.doubt, dead)) return stay(Guard::SelfDoubt, first, pace_.doubt_until);
    for (const CircuitId c : ways) {
      if (!freshness_holds(dead, ways_.view(c), pace_.margin, now_)) {
        if (move_budget_holds(pace_.switch_escapes, now_)) return stay(Guard::RateLimit, c, pace_.switch_escapes);
        if (move_budget_holds(pace_.may_escape, now_)) return stay(Guard::MoveBudget, c, pace_.may_escape);
        choice_.because.clear();
        if (dead.carrier_dead)
          choice_.because = fmt::format("{}, by which {} is dead,", site_[*standing_.circuit].name, site_[traffic_.apart->carrier].name);
        return go(c, Motive::Escape);
      }
      reject(c, Guard::Freshness);
    }
    stay(Guard::Freshness, first);
  }

  /// The way that stands lives, and calls over it sound bad. @return whether that settles it
  bool improve(const CircuitView& here) {
    if (here.data_lost) return leave_lost();
    if (!traffic_.limits) return false;
    std::string entering, staying;
    choice_.beyond = beyond(standing_.beyond, here.figures, *traffic_.limits, traffic_.codec, &staying);
    // What made it bad is the limit to enter that it crossed; the one to leave only says why it is not well again.
    if (choice_.beyond) choice_.crossed = beyond(false, here.figures, *traffic_.limits, traffic_.codec, &entering) ? entering : standing_.crossed;
    if (here.brown()) choice_.recheck = now_ + kLookAgain;
    if (!choice_.beyond || !here.brown()) return false;
    Guard guard = ways_.any_unknown() ? Guard::Freshness : Guard::AllBad;
    choice_.lacking = !entering.empty()         ? entering
                      : choice_.crossed.empty() ? staying
                                                : fmt::format("{}, and not well again since: {}", choice_.crossed, staying);
    for (const CircuitId c : ways_.usable()) {
      const CircuitView& there = ways_.view(c);
      if (c == standing_.circuit || there.health != Health::Up) continue;
      if (there.suspect || quiet_holds(there, now_)) {  // of a moment: it answers soon, or is down
        guard = Guard::Freshness;
        reject(c, guard);
      } else if (!there.proven_well) {
        guard = Guard::HoldDown;
        reject(c, guard);
      } else if (surely_beyond(there.figures, *traffic_.limits, traffic_.codec)) {
        reject(c, Guard::QualityGain);
      } else if (quality_gain_holds(gain_of(here.figures, there.figures, *traffic_.limits, traffic_.codec))) {
        guard = Guard::QualityGain;
        reject(c, guard);
      } else {
        move(c, Motive::Quality, pace_.may_improve);
        return true;
      }
    }
    stay(guard, std::nullopt);
    return guard != Guard::QualityGain;  // not enough better to leave for: it may still be the one to go back to
  }

  /// The way that stands answers probes and carries no data, as several checks agree: to the first that is well in all. @return true
  bool leave_lost() {
    choice_.lacking = "data that did not arrive";
    Guard guard = ways_.any_unknown() ? Guard::Freshness : Guard::AllBad;
    for (const CircuitId c : ways_.usable()) {
      const CircuitView& there = ways_.view(c);
      if (c == standing_.circuit || there.health != Health::Up || there.suspect) continue;
      if (there.proven_well) {
        move(c, Motive::Quality, pace_.may_improve);
        return true;
      }
      guard = Guard::HoldDown;
      reject(c, guard);
    }
    stay(guard, std::nullopt);
    return true;
  }

  /// Back to one that is preferred to the one that stands. A lesser one that is ready is not taken while a better one needs only one
  /// more first hold-down: two moves for one.
  void fail_back() {
    for (const CircuitId c : ways_.order()) {
      if (c == standing_.circuit) break;
      const CircuitView& v = ways_.view(c);
      if (v.health != Health::Up || (ways_.shares_risk(c) && !ways_.shares_risk(*standing_.circuit))) continue;
      const Instant ready = v.since + v.hold_down;
      if (hold_down_holds(v, v.hold_down, now_)) {
        wait(c, Guard::HoldDown, ready > now_ ? ready : now_ + kLookAgain, ready > now_ ? ready : model::kNever);
        if (ready > now_ && ready - now_ <= site_.circuit_health.hold_down) return;
      } else if (v.suspect || quiet_holds(v, now_)) {
        wait(c, Guard::Freshness, now_ + kLookAgainSoon);
      } else if (traffic_.limits && beyond(true, v.figures, *traffic_.limits, traffic_.codec)) {
        wait(c, Guard::QualityGain, now_ + kLookAgain);
      } else if (failback_mode_holds(traffic_.failback, v.since, orders_.failback_open, orders_.failback_permitted, now_)) {
        const bool known = traffic_.failback.mode == model::FailbackMode::After;
        const Instant until = known ? v.since + traffic_.failback.after : model::kNever;
        wait(c, Guard::FailbackMode, until, until);
      } else if (now_ < pace_.led_until) {
        wait(c, Guard::HoldDown, pace_.led_until, pace_.led_until);
      } else {
        move(c, Motive::Failback, pace_.may_fail_back);
        return;
      }
    }
  }

  // --- how it is said ---
  [[nodiscard]] static bool tells_why(Motive motive) { return motive == Motive::Quality || motive == Motive::Escape; }
  void go(CircuitId to, Motive motive) {
    choice_.circuit = to;
    choice_.motive = motive;
    choice_.held_by = Guard::None;
    // What is waited for from the old place is forgotten; from the new one, a better circuit may still be in its hold-down.
    choice_.recheck = now_ + kLookAgain;
    choice_.beyond = false;
    choice_.crossed.clear();
    choice_.lacking.clear();
    if (!tells_why(motive)) choice_.because.clear();
  }
  /// A move that is not an escape, if the last two guards let it.
  void move(CircuitId to, Motive motive, Instant allowed) {
    const Guard guard = pace_.doubt                                   ? Guard::SelfDoubt
                        : move_budget_holds(pace_.switch_moves, now_) ? Guard::RateLimit
                        : move_budget_holds(allowed, now_)            ? Guard::MoveBudget
                                                                      : Guard::None;
    if (guard == Guard::None) {
      if (motive == Motive::Quality) choice_.because = fmt::format("{} had {}", site_[*standing_.circuit].name, choice_.lacking);
      return go(to, motive);
    }
    const Instant until = guard == Guard::SelfDoubt ? pace_.doubt_until : guard == Guard::RateLimit ? std::max(pace_.switch_moves, allowed) : allowed;
    if (motive == Motive::Failback) choice_.motive = Motive::Held;
    stay(guard, to, until);
  }
  void wait(CircuitId c, Guard guard, Instant recheck, Instant until = model::kNever) {
    choice_.motive = Motive::Held;
    if (choice_.held_by == Guard::None) choice_.held_by = guard;
    choice_.recheck = std::min(choice_.recheck, recheck);
    reject(c, guard, until);
  }
  void stay(Guard guard, std::optional<CircuitId> about, Instant until = model::kNever) {
    choice_.held_by = guard;
    choice_.recheck = std::min(choice_.recheck, until);
    if (about) reject(*about, guard, until);
  }
  void reject(CircuitId c, Guard guard, Instant until = model::kNever) {
    std::erase_if(told_, [c](const CircuitRejected& r) { return r.circuit == c; });
    told_.push_back({.circuit = c, .guard = guard, .until = until, .wanted = ways_.view(c).hold_down});
  }
  void list_rejected() {
    for (const CircuitId c : ways_.order()) {
      if (c == choice_.circuit) continue;
      const CircuitView& v = ways_.view(c);
      const auto told = std::ranges::find(told_, c, &CircuitRejected::circuit);
      CircuitRejected r = told != told_.end() ? *told : CircuitRejected{.circuit = c};
      if (r.guard == Guard::None && v.health == Health::Unknown) r.guard = Guard::Freshness;
      if (v.usable())
        r.lesser = v.suspect ? Lesser::Suspect : ways_.shares_risk(c) ? Lesser::SharesRisk : ways_.last_resort(c) ? Lesser::Metered : Lesser::No;
      choice_.rejected.push_back(r);
    }
    for (const CircuitRejected& r : told_)  // a forced way that the class's list does not have
      if (r.circuit != choice_.circuit && std::ranges::find(ways_.order(), r.circuit) == ways_.order().end()) choice_.rejected.push_back(r);
  }

  const model::Site& site_;
  const model::TrafficClass& traffic_;
  const CircuitChoice& standing_;
  Ways ways_;
  const Orders& orders_;
  const Pace& pace_;
  Instant now_;
  CircuitChoice choice_;
  std::vector<CircuitRejected> told_;  // what was looked at and held back, and why
};

}  // namespace

CircuitChoice choose_circuit(const model::Site& site, const model::TrafficClass& traffic, const CircuitChoice& standing,
                             std::span<const CircuitView> views, const Orders& orders, const Pace& pace, Instant now) {
  return Chooser(site, traffic, standing, views, orders, pace, now).choose();
}

}  // namespace linekeeper::decision
