#include "controller/decision/sharing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/decision/quality.hpp"

namespace linekeeper::decision {

using model::CircuitId;
using model::Guard;
using model::Health;
using model::Instant;
using model::Motive;

namespace {

constexpr std::chrono::seconds kLookAgain{1};             // as policy.cpp: figures move with every probe
constexpr std::chrono::milliseconds kLookAgainSoon{100};  // a death is proven, or a suspicion is over, within about a second

bool holds(std::span<const CircuitId> all, CircuitId c) { return std::ranges::find(all, c) != all.end(); }

class Sharer {
 public:
  Sharer(const model::Site& site, const model::TrafficClass& traffic, const CircuitChoice& standing, std::span<const CircuitView> views,
         const Orders& orders, const Pace& pace, Instant now, CircuitChoice& choice)
      : site_(site), traffic_(traffic), standing_(standing), views_(views), orders_(orders), pace_(pace), now_(now), choice_(choice) {}

  void share() {
    choice_.shared.clear();
    if (!choice_.circuit) return;
    const bool frozen = orders_.hold && choice_.circuit == standing_.circuit;
    if (frozen) choice_.shared = standing_.shared;
    if (!frozen && choice_.motive != Motive::Forced) {
      stay();
      lead();
      join();
    }
    if (!holds(choice_.shared, *choice_.circuit)) choice_.shared.push_back(*choice_.circuit);
    std::ranges::sort(choice_.shared, {}, [this](CircuitId c) { return std::ranges::find(traffic_.circuits, c) - traffic_.circuits.begin(); });
    std::erase_if(choice_.rejected, [this](const CircuitRejected& r) { return holds(choice_.shared, r.circuit); });
    for (const CircuitId c : traffic_.circuits)  // the one that policy led it from, or to
      if (!holds(choice_.shared, c) && std::ranges::find(choice_.rejected, c, &CircuitRejected::circuit) == choice_.rejected.end())
        choice_.rejected.push_back({.circuit = c});
  }

 private:
  [[nodiscard]] const CircuitView& view(CircuitId c) const { return views_[c.index()]; }
  void look_again(Instant at) { choice_.recheck = std::min(choice_.recheck, at); }

  /// What a circuit that has a part lacks to keep it; empty: nothing. What is not known costs nobody his part (I6).
  [[nodiscard]] std::string lacks(CircuitId c) const {
    const CircuitView& v = view(c);
    if (v.health == Health::Up || v.health == Health::Unknown) return {};
    if (v.health == Health::Down) return "died";
    std::string which;
    if (!traffic_.limits || !v.brown() || v.data_lost) return "degraded";
    return beyond(false, v.figures, *traffic_.limits, traffic_.codec, &which) ? which : std::string();
  }
  /// `other` is there for what `c` is to lose its part for.
  [[nodiscard]] bool outlives(CircuitId other, CircuitId c) const {
    const CircuitView &v = view(other), &bad = view(c);
    if (other == c || !v.usable() || v.suspect) return false;
    if (bad.health == Health::Down) return !self_doubt_holds(pace_.doubt, bad) && !freshness_holds(bad, v, pace_.margin, now_);
    return !pace_.doubt && v.health == Health::Up && !quiet_holds(v, now_);
  }

  /// Who of the share that stands keeps his part.
  void stay() {
    const auto& base = standing_.shared;
    auto others = base;
    others.push_back(*choice_.circuit);  // where policy leads the class, if that is none of them
    for (const CircuitId c : base) {
      const std::string lacking = lacks(c);
      const bool leaves =
          !lacking.empty() && std::ranges::any_of(others, [&](CircuitId other) { return lacks(other).empty() && outlives(other, c); });
      // Out of the configuration, or paid by the byte: nobody's part.
      if (leaves || !holds(traffic_.circuits, c) || (last_resort(c) && c != standing_.circuit)) continue;
      choice_.shared.push_back(c);
      if (!lacking.empty()) look_again(now_ + kLookAgainSoon);
      if (view(c).brown()) look_again(now_ + kLookAgain);
    }
  }

  /// Who is first, when the one that was has left the share, or policy led the class away from it.
  void lead() {
    if (!standing_.circuit) return;
    const CircuitId was = *standing_.circuit;
    const bool moved = choice_.circuit != was;
    const bool left = moved && (choice_.motive == Motive::Escape || choice_.motive == Motive::Quality);
    if (left) std::erase(choice_.shared, was);
    if (holds(choice_.shared, moved ? *choice_.circuit : was)) return;
    const auto well =
        std::ranges::find_if(traffic_.circuits, [&](CircuitId c) { return holds(choice_.shared, c) && lacks(c).empty() && outlives(c, was); });
    if (well == traffic_.circuits.end() || (moved && !left)) return;
    choice_.circuit = *well;
    choice_.held_by = Guard::None;
    if (moved) return;
    choice_.motive = view(was).health == Health::Down ? Motive::Escape : Motive::Quality;
    choice_.because =
        choice_.motive == Motive::Escape ? "" : fmt::format("{} had {}", site_[was].name, lacks(was) == "degraded" ? "degraded" : lacks(was));
    choice_.lacking.clear();
    choice_.crossed.clear();
    choice_.beyond = false;
    look_again(now_ + kLookAgain);
  }

  // --- who gets a part ---
  void join() {
    for (const CircuitId c : traffic_.circuits) {
      if (holds(choice_.shared, c) || c == choice_.circuit || last_resort(c) || view(c).health != Health::Up) continue;
      if (const Guard guard = keeps_out(c); guard != Guard::None)
        wait(c, guard);
      else
        choice_.shared.push_back(c);
    }
  }
  [[nodiscard]] bool last_resort(CircuitId c) const { return traffic_.avoid_metered && site_[c].metered; }
  [[nodiscard]] Guard keeps_out(CircuitId c) const {
    const CircuitView& v = view(c);
    // At a cold start all that are found well begin together; what comes up later has come back.
    const bool begins = choice_.motive == Motive::FirstChoice && v.since <= pace_.settled && v.proven_well;
    if (!begins && hold_down_holds(v, v.hold_down, now_)) return Guard::HoldDown;
    if (v.suspect || quiet_holds(v, now_)) return Guard::Freshness;
    if (traffic_.limits && beyond(true, v.figures, *traffic_.limits, traffic_.codec)) return Guard::QualityGain;
    if (begins) return move_budget_holds(pace_.switch_moves, now_) ? Guard::RateLimit : Guard::None;
    if (failback_mode_holds(traffic_.failback, v.since, orders_.failback_open, orders_.failback_permitted, now_)) return Guard::FailbackMode;
    if (orders_.hold) return Guard::OperatorHold;
    if (pace_.doubt) return Guard::SelfDoubt;
    if (move_budget_holds(pace_.switch_moves, now_)) return Guard::RateLimit;
    return move_budget_holds(pace_.may_fail_back, now_) ? Guard::MoveBudget : Guard::None;
  }
  void wait(CircuitId c, Guard guard) {
    const CircuitView& v = view(c);
    const Instant ready = v.since + v.hold_down;
    Instant until = model::kNever;
    if (guard == Guard::HoldDown && ready > now_) until = ready;
    if (guard == Guard::RateLimit) until = pace_.switch_moves;
    if (guard == Guard::MoveBudget) until = pace_.may_fail_back;
    if (guard == Guard::FailbackMode && traffic_.failback.mode == model::FailbackMode::After) until = v.since + traffic_.failback.after;
    look_again(guard == Guard::Freshness ? now_ + kLookAgainSoon : until == model::kNever ? now_ + kLookAgain : until);
    const auto told = std::ranges::find(choice_.rejected, c, &CircuitRejected::circuit);
    if (told == choice_.rejected.end() || told->guard != Guard::None) return;  // policy has said why
    told->guard = guard;
    told->until = until;
    told->wanted = v.hold_down;
  }

  const model::Site& site_;
  const model::TrafficClass& traffic_;
  const CircuitChoice& standing_;
  std::span<const CircuitView> views_;
  const Orders& orders_;
  const Pace& pace_;
  Instant now_;
  CircuitChoice& choice_;
};

}  // namespace

void share_ways(const model::Site& site, const model::TrafficClass& traffic, const CircuitChoice& standing, std::span<const CircuitView> views,
                const Orders& orders, const Pace& pace, Instant now, CircuitChoice& choice) {
  CircuitChoice stood = standing;  // a class that has just begun to share was shared by the one it went by
  if (stood.circuit && !holds(stood.shared, *stood.circuit)) stood.shared.push_back(*stood.circuit);
  Sharer(site, traffic, stood, views, orders, pace, now, choice).share();
}

std::vector<model::Share> shares_of(const model::TrafficClass& traffic, std::span<const CircuitId> shared) {
  std::vector<model::Share> shares;
  for (const CircuitId c : shared) {
    const auto place = static_cast<std::size_t>(std::ranges::find(traffic.circuits, c) - traffic.circuits.begin());
    // One that a person forced, and that the class's own list does not have, goes alone: then every weight is as good.
    shares.push_back({.circuit = c, .weight = place < traffic.weights.size() ? traffic.weights[place] : 1});
  }
  return shares;
}

}  // namespace linekeeper::decision
