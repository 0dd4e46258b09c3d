// Sentences about choices: why a class goes by its circuit, why a trunk begins with its first, and why not with another.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "controller/decision/explain.hpp"
#include "controller/decision/sharing.hpp"
#include "controller/model/shares.hpp"

namespace linekeeper::decision {

using model::Guard;
using model::Health;
using model::Motive;

namespace {

/// "in 48 s", or "now" when that has come.
std::string in_so_long(model::Instant until, model::Instant now) { return until > now ? "in " + words(until - now) : "now"; }

std::string clock(std::chrono::minutes of_day) { return fmt::format("{:02}:{:02}", of_day.count() / 60, of_day.count() % 60); }

/// What going back waits for: "until it has been well for 2h00m", "for its window, 02:00 to 04:00", "until a person allows it".
std::string waits_for(const model::Failback& failback) {
  switch (failback.mode) {
    case model::FailbackMode::Automatic: break;
    case model::FailbackMode::After: return fmt::format("until it has been well for {}", words(failback.after));
    case model::FailbackMode::Window: return fmt::format("for its window, {} to {}", clock(failback.opens), clock(failback.closes));
    case model::FailbackMode::Manual: return "until a person allows it";
  }
  return "for nothing more";
}

/// A risk group that a circuit has in common with one that is down: "street-duct with fiber, which is down".
std::string shared_risk(const model::Site& site, model::CircuitId circuit, std::span<const model::CircuitStatus> circuits) {
  for (const std::string& group : site[circuit].risk_groups)
    for (const model::CircuitStatus& other : circuits) {
      if (other.circuit == circuit || other.verdict.health != Health::Down) continue;
      if (std::ranges::find(site[other.circuit].risk_groups, group) != site[other.circuit].risk_groups.end())
        return fmt::format("{} with {}, which is down", group, site[other.circuit].name);
    }
  return "a risk group with one that is down";
}

/// What holds a class where it is, why, and when that ends; empty where nothing does.
class HeldSentence {
 public:
  HeldSentence(const model::Site& site, const model::TrafficClass& traffic, const CircuitChoice& choice,
               std::span<const model::CircuitStatus> circuits, model::Instant now)
      : site_(site), traffic_(traffic), choice_(choice), now_(now), name_(site[*choice.circuit].name) {
    health_ = circuits[choice.circuit->index()].verdict.health;
    const auto about = std::ranges::find(choice.rejected, choice.held_by, &CircuitRejected::guard);
    if (about != choice.rejected.end()) about_ = &*about;
  }

  [[nodiscard]] std::string text() const {
    const std::string other = about_ != nullptr ? site_[about_->circuit].name : "another way";
    switch (choice_.held_by) {
      case Guard::AllBad: return all_bad();
      case Guard::Freshness:
        if (bad()) return fmt::format(" {} No other way is known to be better: it is kept until one is (guard freshness).", sounds_bad());
        if (usable()) return fmt::format(" {} is silent just now; it goes back there when that answers again (guard freshness).", other);
        return fmt::format(" {} is kept until another way is proven to work now (guard freshness).", name_);
      case Guard::OperatorHold: return " Automatic moves are on hold by an operator (guard operator_hold).";
      case Guard::HoldDown:
        if (bad())
          return fmt::format(" {} {} has only just come back: it is taken once its probes have shown that it is well (guard hold_down).",
                             sounds_bad(), other);
        if (!timed()) return fmt::format(" It goes back to {} once its probes have shown for long enough that it is well (guard hold_down).", other);
        return fmt::format(" It goes back to {} {}, if that stays well until then (guard hold_down).", other, when(""));
      case Guard::MoveBudget:
        return fmt::format(" It is to go to {}, but has moved as often as it may for now: it may again {} (guard move_budget).", other,
                           when("later"));
      case Guard::RateLimit:
        return fmt::format(" It is to go to {}, and linekeeper-switch does not let it: it may move again {} (guard rate_limit).", other,
                           when("later"));
      case Guard::QualityGain:
        if (bad()) return fmt::format(" {} No other way is so much better that a move would be heard (guard quality_gain).", sounds_bad());
        return fmt::format(" It goes back to {} when calls over that sound well again (guard quality_gain).", other);
      case Guard::FailbackMode:
        return fmt::format(" {} is well again; going back to it waits {} (guard failback_mode).", other, waits_for(traffic_.failback));
      case Guard::SelfDoubt:
        return fmt::format(
            " It is to go to {}, but our own loop or sending has just failed, so only a lost link would move it; judged anew {} (guard self_doubt).",
            other, when("when that is over"));
      case Guard::Emergency:
        return fmt::format(" The order to force {} is not followed while {} is not up: emergency calls go this way (guard emergency).", other, other);
      default: return {};
    }
  }

 private:
  [[nodiscard]] bool usable() const { return health_ == Health::Up || health_ == Health::Degraded; }
  [[nodiscard]] bool bad() const { return usable() && !choice_.lacking.empty(); }
  [[nodiscard]] bool timed() const { return about_ != nullptr && about_->until != model::kNever; }
  [[nodiscard]] std::string sounds_bad() const { return fmt::format("It is bad for {} ({}).", traffic_.name, choice_.lacking); }
  [[nodiscard]] std::string when(std::string_view otherwise) const { return timed() ? in_so_long(about_->until, now_) : std::string(otherwise); }
  [[nodiscard]] std::string all_bad() const {
    if (bad()) return fmt::format(" {} Every other way is down or as bad: the least bad is kept until one is better (guard all_bad).", sounds_bad());
    const bool silent = std::ranges::any_of(choice_.rejected, [](const CircuitRejected& r) { return r.lesser == Lesser::Suspect; });
    return fmt::format(" Every way is down{}: {} is kept, because moving between dead ways helps nobody (guard all_bad).",
                       silent ? " or silent just now" : "", name_);
  }

  const model::Site& site_;
  const model::TrafficClass& traffic_;
  const CircuitChoice& choice_;
  model::Instant now_;
  std::string name_;
  Health health_ = Health::Unknown;
  const CircuitRejected* about_ = nullptr;
};

std::string because(const CircuitChoice& choice) { return choice.because.empty() ? "" : fmt::format(" ({})", choice.because); }

/// How a class came to stand on its circuit, up to the clause about that circuit.
std::string went(std::string_view traffic, std::string_view name, const CircuitChoice& choice, Health health) {
  if (choice.motive == Motive::Forced) return fmt::format("{} goes by {} because an operator forced it; {} is ", traffic, name, name);
  if (health == Health::Down || health == Health::Unknown) return fmt::format("{} stands on {}, which is ", traffic, name);
  switch (choice.motive) {
    case Motive::Adopted: return fmt::format("{} goes by {}, found standing at start and kept; ", traffic, name);
    case Motive::Escape:
      return fmt::format("{} left {} for {}; ", traffic, choice.because.empty() ? std::string("a dead circuit") : choice.because, name);
    case Motive::Failback: return fmt::format("{} came back to {}, up for its hold-down; ", traffic, name);
    case Motive::Quality: return fmt::format("{} left a circuit that calls sound bad over for {}{}; ", traffic, name, because(choice));
    case Motive::Unproven: return fmt::format("{} left a circuit that did not carry its traffic for {}; ", traffic, name);
    case Motive::Held: return fmt::format("{} stays on {}; ", traffic, name);
    case Motive::Forced:
    case Motive::NotYet:
    case Motive::Suspicion:
    case Motive::Capacity:
    case Motive::Follows:
    case Motive::FirstChoice: break;
  }
  return health == Health::Up ? fmt::format("{} goes by {}, the most preferred circuit that is up; ", traffic, name)
                              : fmt::format("{} goes by {}; ", traffic, name);
}

/// What a circuit that lives is worth to the one carrier whose traffic goes by it: "north by it: OPTIONS answered 200 in 31 ms".
std::string carrier_by_it(const model::Site& site, const model::PathStatus& path, model::Instant now) {
  return fmt::format("{} by it: {}", site[path.carrier].name, path_clause(site, path, now));
}

/// A circuit as a class sees it that carries one carrier's traffic alone; of others, and where it is the circuit that fails, as it is.
struct SeenBy {
  const model::CircuitStatus& circuit;
  const model::PathStatus* path;  ///< of the carrier; nullptr: none

  SeenBy(std::span<const model::CircuitStatus> circuits, std::span<const model::PathStatus> of_carrier, model::CircuitId id)
      : circuit(circuits[id.index()]), path(of_carrier.empty() ? nullptr : &of_carrier[id.index()]) {
    const bool lives = circuit.verdict.health == Health::Up || circuit.verdict.health == Health::Degraded;
    if (!lives) path = nullptr;
  }
  [[nodiscard]] std::string clause(const model::Site& site, model::Instant now) const {
    const std::string own = circuit_clause(site, circuit, now);
    return path == nullptr ? own : fmt::format("{}; {}", own, carrier_by_it(site, *path, now));
  }
  /// Since when nothing is held against it.
  [[nodiscard]] model::Instant since() const {
    return path == nullptr ? circuit.verdict.since : std::max(circuit.verdict.since, path->verdict.since);
  }
  [[nodiscard]] bool up() const { return circuit.verdict.health == Health::Up && (path == nullptr || path->verdict.health == Health::Up); }
};

/// One circuit that was not taken.
std::string rejected_clause(const model::Site& site, const model::TrafficClass& traffic, const CircuitRejected& r,
                            std::span<const model::CircuitStatus> circuits, model::Instant now, std::span<const model::PathStatus> of_carrier) {
  const SeenBy seen(circuits, of_carrier, r.circuit);
  const std::string clause = seen.clause(site, now);
  const std::string up_for = "up for " + words(now - seen.since());
  switch (r.guard) {
    case Guard::HoldDown:
      if (r.until == model::kNever)
        return fmt::format("{}, used again when its probes have shown for long enough that it is well (guard hold_down)", up_for);
      return fmt::format("{}{}, used again after {}, {} (guard hold_down)", traffic.shares() ? "" : "preferred and ", up_for, words(r.wanted),
                         in_so_long(r.until, now));
    case Guard::FailbackMode: return fmt::format("preferred and {}; going back waits {} (guard failback_mode)", up_for, waits_for(traffic.failback));
    case Guard::MoveBudget: return fmt::format("{}; the next move may be made {} (guard move_budget)", clause, in_so_long(r.until, now));
    case Guard::RateLimit: return fmt::format("{}; linekeeper-switch lets it move again {} (guard rate_limit)", clause, in_so_long(r.until, now));
    case Guard::QualityGain: return fmt::format("{}; not good enough, or not enough better, for a move (guard quality_gain)", clause);
    case Guard::Unproven:
      return fmt::format("{}, but the probes sent as {} goes were not answered there: used again {} at the earliest (guard unproven)", clause,
                         traffic.name, in_so_long(r.until, now));
    case Guard::Emergency: return fmt::format("{}; forced, but emergency calls are not sent by a way that is not up (guard emergency)", clause);
    case Guard::None: break;
    default: return fmt::format("{} (guard {})", clause, to_string(r.guard));
  }
  switch (r.lesser) {
    case Lesser::Suspect: return "up, but silent just now for longer than it usually is: " + clause;
    case Lesser::SharesRisk: return fmt::format("up, but it shares {}: {}", shared_risk(site, r.circuit, circuits), clause);
    case Lesser::Metered: return "up, but metered, and so the last resort: " + clause;
    case Lesser::No: break;
  }
  return seen.up() ? "up, less preferred: " + clause : clause;
}

/// What holds a trunk's order as it is.
std::string held_sentence(const TrunkDecision& decision, std::string_view name) {
  switch (decision.held_by) {
    case Guard::AllBad: return fmt::format(" Every way is down: {} is kept, because moving between dead ways helps nobody (guard all_bad).", name);
    case Guard::Freshness: return fmt::format(" {} is kept until another way is proven to work now (guard freshness).", name);
    case Guard::OperatorHold: return " Automatic moves are on hold by an operator (guard operator_hold).";
    case Guard::SelfDoubt:
      return " The order is kept for a moment, because our own loop or sending has just failed: only a lost link would change it (guard self_doubt).";
    case Guard::Emergency: return " The carrier that an operator forced is not up, and emergency calls are not sent to it first (guard emergency).";
    default: break;
  }
  if (decision.despite_hold) return " It was re-ordered although an operator holds it: emergency calls are not held on a dead way (guard emergency).";
  return {};
}

std::string shortfall_clause(const Shortfall& s) {
  const std::string others = s.by_others > 0 ? " with those of other trunks" : "";
  switch (s.of) {
    case Shortfall::Of::Channels: return fmt::format("{:.0f} calls at once{}, and its contract allows {:.0f}", s.needed, others, s.available);
    case Shortfall::Of::CallsPerSecond: return fmt::format("{:.1f} calls a second{}, and its contract allows {:.1f}", s.needed, others, s.available);
    case Shortfall::Of::Bandwidth:
      return fmt::format("the calls{} need {:.0f} kbit/s each way, and its circuit carries {:.0f}", others, s.needed, s.available);
  }
  return {};
}

/// Why a member stands behind: guard and clause.
std::pair<Guard, std::string> behind_clause(const model::Site& site, const model::Trunk& trunk, std::size_t member, const MemberPlace& place,
                                            const std::string& clause) {
  const auto& via = trunk.members[member].circuit;
  const std::string circuit = via ? site[*via].name : "its circuit";
  switch (place.behind) {
    case Behind::Untrusted:
      return {Guard::HoldDown,
              fmt::format("{}; preferred again after {} of being up (guard hold_down)", clause, words(site.carrier_health.hold_down))};
    case Behind::CircuitYoung:
      return {Guard::HoldDown, fmt::format("{}; preferred again when {} has been up for its hold-down (guard hold_down)", clause, circuit)};
    case Behind::LatelyDegraded:
      return {Guard::HoldDown, fmt::format("{}; was degraded, and is preferred again after {} without that (guard hold_down)", clause,
                                           words(site.carrier_health.hold_down))};
    case Behind::CallsFail: return {Guard::HoldDown, fmt::format("{}; takes no calls, has some again after its hold-down (guard hold_down)", clause)};
    case Behind::CallsDoubtful:
      return {Guard::Freshness,
              fmt::format("{}; the carrier takes no calls by another circuit, and none has passed by {} since (guard freshness)", clause, circuit)};
    case Behind::Suspect: return {Guard::Freshness, fmt::format("{}; not counted on until it is proven to work now (guard freshness)", clause)};
    case Behind::CircuitSuspect:
      return {Guard::None,
              fmt::format("{}; {} is silent just now for longer than it usually is: new calls go elsewhere until it answers", clause, circuit)};
    case Behind::Load: return {Guard::None, fmt::format("{}; cannot carry the load: {}", clause, shortfall_clause(*place.shortfall))};
    case Behind::Waits:
      return {Guard::FailbackMode, fmt::format("{}; well again, going back waits {} (guard failback_mode)", clause, waits_for(trunk.failback))};
    case Behind::Preference:
    case Behind::Degraded:
    case Behind::Down: break;
  }
  return {Guard::None, clause};
}

std::string member_name(const model::Site& site, const model::Trunk& trunk, std::size_t member) {
  const model::TrunkMember& m = trunk.members[member];
  return m.circuit ? fmt::format("{} via {}", site[m.carrier].name, site[*m.circuit].name) : site[m.carrier].name;
}

/// How the first member came to stand there: "since north via fiber failed". Empty: as it was found, or by preference from the start.
std::string how_offered(const model::Site& site, const model::Trunk& trunk, const model::TrunkChoice& said, const std::optional<TrunkLeft>& left) {
  const std::string before = left ? member_name(site, trunk, left->member) : "the one before it";
  const auto& through = left ? trunk.members[left->member].circuit : std::optional<model::CircuitId>();
  const std::string circuit = through ? site[*through].name : "the circuit below " + before;
  const auto because = [&]() -> std::string {
    switch (left ? left->place.behind : Behind::Preference) {
      case Behind::Suspect: return fmt::format("since {} was not proven to work any more", before);
      case Behind::CallsFail: return fmt::format("since {} takes no calls ({} while OPTIONS are answered)", before, left->calls);
      case Behind::Degraded: return fmt::format("because {} answers with a warning", before);
      case Behind::LatelyDegraded: return fmt::format("because {} has lately answered with a warning", before);
      case Behind::Untrusted: return fmt::format("because {} has failed lately", before);
      case Behind::CircuitYoung: return fmt::format("because {} has only just come back", circuit);
      default: return fmt::format("since {} failed", before);
    }
  };
  switch (said.motive) {
    case Motive::Forced: return " because an operator forced it";
    case Motive::Escape:
    case Motive::Quality: return " " + because();
    case Motive::Failback: return " again: it is preferred, and nothing is held against it any more";
    case Motive::Suspicion: return fmt::format(" while {} is silent", circuit);
    case Motive::Capacity:
      if (left && left->place.shortfall)
        return fmt::format(", because {} could not carry the load: {}", before, shortfall_clause(*left->place.shortfall));
      return fmt::format(", because {} could not carry the load", before);
    case Motive::Follows: {
      const auto& via = trunk.members[said.order.front().member].circuit;
      return fmt::format(", because {} goes by {} now and its calls with it{}", site[trunk.class_of(trunk.members[said.order.front().member])].name,
                         via ? site[*via].name : "it", left && !left->because.empty() ? fmt::format(" ({})", left->because) : "");
    }
    case Motive::NotYet: return ", as configured, until carriers have answered";
    case Motive::Adopted:
    case Motive::FirstChoice:
    case Motive::Unproven:
    case Motive::Held: break;
  }
  return {};
}

}  // namespace

void say_class(const model::Site& site, model::ClassChoice& said, const CircuitChoice& choice, std::span<const model::CircuitStatus> circuits,
               model::Instant now, std::span<const model::PathStatus> of_carrier) {
  const model::TrafficClass& traffic = site[said.traffic_class];
  if (!choice.circuit) {
    said.reason = fmt::format("{} is not steered yet: no circuit is known to be up, so traffic goes as the host's own routes say.", traffic.name);
  } else {
    const std::string& name = site[*choice.circuit].name;
    const SeenBy seen(circuits, of_carrier, *choice.circuit);
    const bool carrier_down = seen.path != nullptr && seen.path->verdict.health == Health::Down;
    const Health health = carrier_down ? Health::Degraded : seen.circuit.verdict.health;  // then it is not the most preferred that is up
    said.reason = went(traffic.name, name, choice, health) + seen.clause(site, now) + ".";
    if (choice.shared.size() > 1)
      said.reason +=
          fmt::format(" It is shared by {}: new connections go by all of them.", model::share_words(site, shares_of(traffic, choice.shared)));
    said.reason += HeldSentence(site, traffic, choice, circuits, now).text();
    if (choice.despite_hold) said.reason += " It moved although an operator holds it: emergency calls are not held on a dead way (guard emergency).";
  }
  said.rejected.clear();
  for (const CircuitRejected& r : choice.rejected)
    said.rejected.push_back({site[r.circuit].name, r.guard, rejected_clause(site, traffic, r, circuits, now, of_carrier)});
}

void say_trunk(const model::Site& site, model::TrunkChoice& said, const TrunkDecision& decision, std::span<const model::PathStatus> paths,
               std::size_t circuit_count, model::Instant now) {
  const model::Trunk& trunk = site[said.trunk];
  said.rejected.clear();
  if (said.order.empty()) {
    said.reason = fmt::format("{} has no order yet.", trunk.name);
    return;
  }
  const auto clause = [&](std::size_t member) {
    const model::TrunkMember& m = trunk.members[member];
    if (!m.circuit) return std::string("follows its traffic class");
    return path_clause(site, paths[m.carrier.index() * circuit_count + m.circuit->index()], now);
  };
  const std::size_t first = said.order.front().member;
  const std::string name = member_name(site, trunk, first);
  said.reason = fmt::format("{}: {} is offered first{}; {}.", trunk.name, name, how_offered(site, trunk, said, decision.left), clause(first)) +
                held_sentence(decision, name);
  if (decision.places.size() != trunk.members.size()) return;  // read back from the PBX, not yet chosen
  if (const auto& lacks = decision.places[first].shortfall)
    said.reason += fmt::format(" It cannot carry the load ({}), and neither can any other that is as well.", shortfall_clause(*lacks));
  for (std::size_t i = 1; i < said.order.size(); ++i) {
    const std::size_t member = said.order[i].member;
    auto [guard, reason] = behind_clause(site, trunk, member, decision.places[member], clause(member));
    said.rejected.push_back({member_name(site, trunk, member), guard, std::move(reason)});
  }
}

}  // namespace linekeeper::decision
