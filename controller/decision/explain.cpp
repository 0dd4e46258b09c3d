// Sentences about choices, and the whole answer of `linekeeper explain`.
#include "controller/decision/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

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
      return fmt::format("preferred and {}, used again after {}, {} (guard hold_down)", up_for, words(r.wanted), in_so_long(r.until, now));
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

namespace {

using Lines = std::vector<std::string>;

/// Where a class would go if its circuit failed now, ranked as policy ranks ways out (policy.hpp): the failure itself is the risk then.
const model::Circuit* next_way(const model::Status& s, const model::ClassChoice& c) {
  const model::Site& site = *s.site;
  const model::TrafficClass& traffic = site[c.traffic_class];
  const auto shares_risk = [&](model::CircuitId id) {
    return std::ranges::any_of(s.circuits, [&](const model::CircuitStatus& other) {
      if (other.circuit == id || (other.circuit != *c.circuit && other.verdict.health != Health::Down)) return false;
      return std::ranges::any_of(site[other.circuit].risk_groups, [&](const std::string& group) {
        return std::ranges::find(site[id].risk_groups, group) != site[id].risk_groups.end();
      });
    });
  };
  const auto no_carrier = [&](model::CircuitId id) {  // a carrier's part goes last where the carrier is not known to be reached
    const Health h = traffic.apart ? s.path(traffic.apart->carrier, id).verdict.health : Health::Up;
    return h != Health::Up;
  };
  const auto rank = [&](model::CircuitId id) {
    const model::CircuitStatus& status = s.circuits[id.index()];
    return std::tuple(status.verdict.health == Health::Degraded || no_carrier(id), status.suspect, shares_risk(id),
                      traffic.avoid_metered && site[id].metered);
  };
  std::optional<model::CircuitId> best;
  for (const model::CircuitId id : traffic.circuits) {
    const Health health = s.circuits[id.index()].verdict.health;
    const bool usable = id != *c.circuit && (health == Health::Up || health == Health::Degraded);
    if (usable && (!best || rank(id) < rank(*best))) best = id;
  }
  return best ? &site[*best] : nullptr;
}

/// Connections left behind, of one class or on one circuit (the other may be any).
void explain_drains(const model::Status& s, std::optional<model::ClassId> traffic_class, std::optional<model::CircuitId> circuit, Lines& out) {
  for (const model::DrainStatus& d : s.drains) {
    if ((traffic_class && d.traffic_class != *traffic_class) || (circuit && d.circuit != *circuit)) continue;
    out.push_back(fmt::format("  draining    {} connection{} of {} stay{} on {} until {} end{}, for {} at most; new ones go the new way.", d.flows,
                              d.flows == 1 ? "" : "s", (*s.site)[d.traffic_class].name, d.flows == 1 ? "s" : "", (*s.site)[d.circuit].name,
                              d.flows == 1 ? "it" : "they", d.flows == 1 ? "s" : "",
                              words(std::max<model::Duration>(d.until - s.now, model::Duration::zero()))));
  }
}

void explain_class(const model::Status& s, const model::ClassChoice& c, Lines& out) {
  out.push_back(c.reason);
  for (const model::Rejected& r : c.rejected) out.push_back(fmt::format("  {:<10} {}", r.name, r.reason));
  explain_drains(s, c.traffic_class, std::nullopt, out);
  if (!c.circuit) return;
  const model::Circuit* next = next_way(s, c);
  const std::string& now_on = (*s.site)[*c.circuit].name;
  out.push_back(next == nullptr ? fmt::format("If {} fails now there is no second way: traffic stays on {} and an alarm is raised.", now_on, now_on)
                                : fmt::format("If {} fails now -> {}.", now_on, next->name));
}

void explain_trunk(const model::TrunkChoice& t, Lines& out) {
  out.push_back(t.reason);
  for (const model::Rejected& r : t.rejected) out.push_back(fmt::format("  then {:<18} {}", r.name, r.reason));
}

std::string milliseconds(const std::optional<model::Duration>& d) { return d ? fmt::format("{:.1f} ms", model::seconds(*d) * 1e3) : "not known"; }

std::string gateway_clause(const model::CircuitStatus& c) {
  if (!c.link.gateway) return c.link.direct ? "point to point" : "gateway not known";
  std::string gateway = "gateway " + c.link.gateway->to_string();
  switch (c.gateway) {
    case model::Neighbour::Unknown: return gateway;
    case model::Neighbour::Answers: return gateway + ", which answers";
    case model::Neighbour::Doubtful: return gateway + ", which is being asked";
    case model::Neighbour::Silent: return gateway + ", which does not answer";
  }
  return gateway;
}

/// What the judge watches, with the limits that he goes by.
void explain_detectors(const model::Site& site, const model::CircuitStatus& c, Lines& out) {
  const model::Detectors& d = c.detectors;
  const model::CircuitRule& rule = site.circuit_health;
  const std::string learned =
      d.learned_over > model::Duration::zero() ? "learned from " + words(d.learned_over) + " of watching it" : "nothing learned yet";
  out.push_back(fmt::format("  silence     {}suspect after {}, called down after {} ({}; never below {} or above {})",
                            d.silent > model::Duration::zero() ? "for " + words(d.silent) + " now; " : "", words(d.suspect_after),
                            words(d.dead_after), learned, words(rule.dead_after_min), words(rule.dead_after_max)));
  out.push_back(fmt::format("  loss        scores {:.1f}, degraded at {:.1f}; bursts score {:.1f}, degraded at {:.1f}", d.lossy, d.lossy_alarm,
                            d.bursty, d.bursty_alarm));
  out.push_back(fmt::format("  delay       shortest round trip {}, usually {}", milliseconds(d.shortest_rtt), milliseconds(d.usual_rtt)));
  if (c.figures.r_factor && c.figures.mos)
    out.push_back(fmt::format("  calls       R {:.0f}, MOS {:.1f}; losses come in runs {:.1f} times as long as by chance", *c.figures.r_factor,
                              *c.figures.mos, c.figures.burst_ratio));
  out.push_back(fmt::format("  probing     every {:.0f} ms; {:.0f} quick probes left for when an answer is overdue", model::seconds(d.interval) * 1e3,
                            d.verify_left));
  out.push_back(fmt::format("  hold-down   must be well for {} before anything goes back to it", words(c.hold_down)));
}

std::string target_line(const model::Site& site, const model::TargetStatus& t) {
  std::string figures = "nothing decided yet";
  if (t.figures.samples > 0)
    figures = fmt::format("loss {:.1f} % of {}, {}", t.figures.loss_ratio * 100, t.figures.samples,
                          t.figures.rtt ? "rtt " + milliseconds(t.figures.rtt) : "never answered");
  if (t.set_aside != model::SetAside::No) figures += fmt::format("; set aside: {}", set_aside_words(t.set_aside));
  return fmt::format("  target {:<12} {:<16} {}", site[t.target].name, site[t.target].address.to_string(), figures);
}

void explain_circuit(const model::Status& s, const model::CircuitStatus& c, Lines& out) {
  const model::Site& site = *s.site;
  const model::Circuit& settings = site[c.circuit];
  out.push_back(fmt::format("{} ({}, {}) is {}.", settings.name, settings.provider.empty() ? "provider not given" : settings.provider,
                            settings.interface, c.verdict.health == Health::Up ? "up: " + c.reason : c.reason));
  for (const model::Diagnosis& d : s.diagnoses)
    if (d.circuit == c.circuit) out.push_back(fmt::format("  diagnosis   {}", d.sentence));
  out.push_back(fmt::format("  address     {}, {}{}", c.link.address ? c.link.address->to_string() : "none", gateway_clause(c),
                            c.resolver ? (*c.resolver ? "; its resolvers answer" : "; its resolvers do not answer") : ""));
  explain_drains(s, std::nullopt, c.circuit, out);
  explain_detectors(site, c, out);
  for (const model::TargetStatus& t : c.targets) out.push_back(target_line(site, t));
  for (const model::CheckStatus& k : c.checks)
    out.push_back(fmt::format("  check {:<13} {} for {}, asked {} ago: {}", k.last.check, to_string(k.standing), words(s.now - k.since),
                              words(s.now - k.last.at), k.last.detail));
  for (const model::SharedHop& h : s.shared_hops)
    if (h.a == c.circuit || h.b == c.circuit)
      out.push_back(fmt::format("  shared      the router {} with {}", h.address.to_string(), site[h.a == c.circuit ? h.b : h.a].name));
}

void explain_carrier(const model::Status& s, const model::CarrierStatus& c, Lines& out) {
  out.push_back(fmt::format("{} is {}: {}.", (*s.site)[c.carrier].name, to_string(c.verdict.health), c.reason));
  for (std::size_t i = 0; i < s.circuits.size(); ++i) {
    const model::PathStatus& p = s.path(c.carrier, model::id_at<model::CircuitId>(i));
    out.push_back(fmt::format("  through {:<10} {}", (*s.site)[p.circuit].name, path_clause(*s.site, p, s.now)));
  }
  for (const model::ClassChoice& choice : s.plan.classes)
    if (const auto& apart = (*s.site)[choice.traffic_class].apart; apart && apart->carrier == c.carrier)
      out.push_back(fmt::format("  steered     apart from {}, as class {}{}", (*s.site)[apart->of].name, (*s.site)[choice.traffic_class].name,
                                choice.circuit ? ": by " + (*s.site)[*choice.circuit].name : ""));
  for (const model::Diagnosis& d : s.diagnoses)
    if (d.carrier == c.carrier) out.push_back(fmt::format("  diagnosis   {}", d.sentence));
}

void explain_orders(const model::Status& s, Lines& out) {
  for (const model::Override& o : s.overrides)
    out.push_back(fmt::format("Override {}: {} {}{} by {} for another {}: {}", o.id,
                              o.kind == model::OverrideKind::Force  ? "forced"
                              : o.kind == model::OverrideKind::Hold ? "hold of"
                                                                    : "permission to go back, for",
                              o.subject.empty() ? "everything" : o.subject, o.to.empty() ? "" : " to " + o.to, o.owner,
                              words(std::max<model::Duration>(o.until - s.wall, model::Duration::zero())), o.reason));
  if (!s.connections_problem.empty())
    out.push_back(fmt::format("Connections in progress are not kept to their circuits: {}.", s.connections_problem));
  if (s.resolvers) {
    std::string servers;
    for (const model::IpAddress& a : s.resolvers->servers) servers += (servers.empty() ? "" : ", ") + a.to_string();
    const bool known = s.resolvers->answering.has_value();
    out.push_back(fmt::format("This host's resolvers ({}) are {}{}; the first {}.{}", s.site->resolvers.file,
                              servers.empty() ? "not written" : servers, s.resolvers->circuit ? ", for " + (*s.site)[*s.resolvers->circuit].name : "",
                              !known                    ? "was not asked yet"
                              : *s.resolvers->answering ? "answers"
                                                        : "does not answer",
                              s.resolvers->problem.empty() ? "" : " Problem: " + s.resolvers->problem + "."));
  }
  if (!s.route_switch.connected) out.push_back("The switch is not connected: routes stay as they are until it is back.");
}

}  // namespace

std::optional<Lines> explain(const model::Status& s, std::string_view subject) {
  Lines out;
  const bool everything = subject.empty();
  // What is wrong with everything is the first thing to know, whatever was asked about.
  Lines of_all;
  for (const model::Diagnosis& d : s.diagnoses)
    if (!d.circuit && !d.carrier && (everything || !d.target)) of_all.push_back(d.sentence);
  for (const model::ClassChoice& c : s.plan.classes)
    if (everything || subject == "routing" || subject == (*s.site)[c.traffic_class].name) explain_class(s, c, out);
  for (const model::TrunkChoice& t : s.plan.trunks)
    if (everything || subject == "trunks" || subject == (*s.site)[t.trunk].name) explain_trunk(t, out);
  for (const model::CircuitStatus& c : s.circuits)
    if (everything || subject == (*s.site)[c.circuit].name) explain_circuit(s, c, out);
  for (const model::CarrierStatus& c : s.carriers)
    if (everything || subject == (*s.site)[c.carrier].name) explain_carrier(s, c, out);
  if (out.empty()) return std::nullopt;
  out.insert(out.begin(), of_all.begin(), of_all.end());
  explain_orders(s, out);
  return out;
}

}  // namespace linekeeper::decision
