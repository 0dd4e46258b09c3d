// Sentences about choices, and the whole answer of `linekeeper explain`.
#include "controller/decision/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace linekeeper::decision {

using model::Guard;
using model::Health;
using model::Motive;

namespace {

std::string held_sentence(Guard guard, std::string_view name) {
  switch (guard) {
    case Guard::AllBad: return fmt::format(" Every way is down: {} is kept, because moving between dead ways helps nobody (guard all_bad).", name);
    case Guard::Freshness: return fmt::format(" {} is kept until another way is proven to work now (guard freshness).", name);
    case Guard::OperatorHold: return " Automatic moves are on hold by an operator (guard operator_hold).";
    default: return {};
  }
}

std::string member_name(const model::Site& site, const model::Trunk& trunk, std::size_t member) {
  const model::TrunkMember& m = trunk.members[member];
  return m.circuit ? fmt::format("{} via {}", site[m.carrier].name, site[*m.circuit].name) : site[m.carrier].name;
}

}  // namespace

void say_class(const model::Site& site, model::ClassChoice& said, const CircuitChoice& choice, std::span<const model::CircuitStatus> circuits,
               model::Instant now) {
  const model::TrafficClass& traffic = site[said.traffic_class];
  if (!choice.circuit) {
    said.reason = fmt::format("{} is not steered yet: no circuit is known to be up, so traffic goes as the host's own routes say.", traffic.name);
  } else {
    const std::string& name = site[*choice.circuit].name;
    const std::string clause = circuit_clause(site, circuits[choice.circuit->index()], now);
    switch (choice.motive) {
      case Motive::Forced:
        said.reason = fmt::format("{} goes by {} because an operator forced it; {} is {}.", traffic.name, name, name, clause);
        break;
      case Motive::Adopted: said.reason = fmt::format("{} goes by {}, found standing at start and kept; {}.", traffic.name, name, clause); break;
      case Motive::Escape: said.reason = fmt::format("{} left a dead circuit for {}; {}.", traffic.name, name, clause); break;
      case Motive::Failback: said.reason = fmt::format("{} came back to {}, up for its hold-down; {}.", traffic.name, name, clause); break;
      case Motive::Quality: said.reason = fmt::format("{} left a circuit that calls sound bad over for {}; {}.", traffic.name, name, clause); break;
      case Motive::Held: said.reason = fmt::format("{} stays on {}; {}.", traffic.name, name, clause); break;
      case Motive::NotYet:
      case Motive::FirstChoice:
        said.reason = fmt::format("{} goes by {}, the most preferred circuit that is up; {}.", traffic.name, name, clause);
        break;
    }
    said.reason += held_sentence(choice.held_by, name);
  }
  said.rejected.clear();
  for (const CircuitRejected& r : choice.rejected) {
    const model::CircuitStatus& c = circuits[r.circuit.index()];
    std::string reason = circuit_clause(site, c, now);
    if (r.guard == Guard::HoldDown)
      reason = fmt::format("preferred and up for {}, used again after {} (guard hold_down)", words(now - c.verdict.since),
                           words(site.circuit_health.hold_down));
    else if (r.guard != Guard::None)
      reason += fmt::format(" (guard {})", to_string(r.guard));
    else if (c.verdict.health == Health::Up)
      reason.insert(0, "up, less preferred: ");
    said.rejected.push_back({site[r.circuit].name, r.guard, std::move(reason)});
  }
}

void say_trunk(const model::Site& site, model::TrunkChoice& said, Guard held_by, std::span<const model::PathStatus> paths, std::size_t circuit_count,
               const std::vector<bool>& trusted, model::Instant now) {
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
  std::string how = "is offered first";
  switch (said.motive) {
    case Motive::Forced: how = "is offered first because an operator forced it"; break;
    case Motive::Escape: how = "is offered first since the one before it failed"; break;
    case Motive::Failback: how = "is now offered first: it is preferred, and nothing is held against it any more"; break;
    case Motive::NotYet: how = "is offered first, as configured, until carriers have answered"; break;
    default: break;
  }
  said.reason = fmt::format("{}: {} {}; {}.", trunk.name, name, how, clause(first)) + held_sentence(held_by, name);
  for (std::size_t i = 1; i < said.order.size(); ++i) {
    const std::size_t member = said.order[i].member;
    const bool waiting = said.order[i].eligible && !trusted[member];
    said.rejected.push_back(
        {member_name(site, trunk, member), waiting ? Guard::HoldDown : Guard::None,
         waiting ? fmt::format("{}; preferred again after {} of being up (guard hold_down)", clause(member), words(site.carrier_health.hold_down))
                 : clause(member)});
  }
}

namespace {

using Lines = std::vector<std::string>;

void explain_class(const model::Status& s, const model::ClassChoice& c, Lines& out) {
  out.push_back(c.reason);
  for (const model::Rejected& r : c.rejected) out.push_back(fmt::format("  {:<10} {}", r.name, r.reason));
  if (!c.circuit) return;
  const auto& order = (*s.site)[c.traffic_class].circuits;
  const auto next =
      std::ranges::find_if(order, [&](model::CircuitId id) { return id != *c.circuit && s.circuits[id.index()].verdict.health == Health::Up; });
  const std::string& now_on = (*s.site)[*c.circuit].name;
  out.push_back(next == order.end()
                    ? fmt::format("If {} fails now there is no second way: traffic stays on {} and an alarm is raised.", now_on, now_on)
                    : fmt::format("If {} fails now -> {}.", now_on, (*s.site)[*next].name));
}

void explain_trunk(const model::TrunkChoice& t, Lines& out) {
  out.push_back(t.reason);
  for (const model::Rejected& r : t.rejected) out.push_back(fmt::format("  then {:<18} {}", r.name, r.reason));
}

void explain_circuit(const model::Status& s, const model::CircuitStatus& c, Lines& out) {
  const model::Circuit& settings = (*s.site)[c.circuit];
  out.push_back(fmt::format("{} ({}, {}) is {}.", settings.name, settings.provider.empty() ? "provider not given" : settings.provider,
                            settings.interface, to_string(c.verdict.health) == "up" ? "up: " + c.reason : c.reason));
  if (c.link.address)
    out.push_back(fmt::format("  address {}, gateway {}", c.link.address->to_string(), c.link.gateway ? c.link.gateway->to_string() : "not known"));
  for (const model::TargetStatus& t : c.targets)
    out.push_back(fmt::format(
        "  target {:<12} {:<16} {}", (*s.site)[t.target].name, (*s.site)[t.target].address.to_string(),
        t.figures.samples == 0 ? "nothing decided yet"
                               : fmt::format("loss {:.1f}% of {}, {}", t.figures.loss_ratio * 100, t.figures.samples,
                                             t.figures.rtt ? fmt::format("rtt {:.1f} ms", model::seconds(*t.figures.rtt) * 1e3) : "never answered")));
}

void explain_carrier(const model::Status& s, const model::CarrierStatus& c, Lines& out) {
  out.push_back(fmt::format("{} is {}: {}.", (*s.site)[c.carrier].name, to_string(c.verdict.health), c.reason));
  for (std::size_t i = 0; i < s.circuits.size(); ++i) {
    const model::PathStatus& p = s.path(c.carrier, model::id_at<model::CircuitId>(i));
    out.push_back(fmt::format("  through {:<10} {}", (*s.site)[p.circuit].name, path_clause(*s.site, p, s.now)));
  }
}

void explain_orders(const model::Status& s, Lines& out) {
  for (const model::Override& o : s.overrides)
    out.push_back(fmt::format("Override {}: {} {}{} by {} for another {}: {}", o.id, o.kind == model::OverrideKind::Force ? "forced" : "hold of",
                              o.subject.empty() ? "everything" : o.subject, o.to.empty() ? "" : " to " + o.to, o.owner,
                              words(std::max<model::Duration>(o.until - s.wall, model::Duration::zero())), o.reason));
  if (!s.route_switch.connected) out.push_back("The switch is not connected: routes stay as they are until it is back.");
}

}  // namespace

std::optional<Lines> explain(const model::Status& s, std::string_view subject) {
  Lines out;
  const bool everything = subject.empty();
  for (const model::ClassChoice& c : s.plan.classes)
    if (everything || subject == "routing" || subject == (*s.site)[c.traffic_class].name) explain_class(s, c, out);
  for (const model::TrunkChoice& t : s.plan.trunks)
    if (everything || subject == "trunks" || subject == (*s.site)[t.trunk].name) explain_trunk(t, out);
  for (const model::CircuitStatus& c : s.circuits)
    if (everything || subject == (*s.site)[c.circuit].name) explain_circuit(s, c, out);
  for (const model::CarrierStatus& c : s.carriers)
    if (everything || subject == (*s.site)[c.carrier].name) explain_carrier(s, c, out);
  if (out.empty()) return std::nullopt;
  explain_orders(s, out);
  return out;
}

}  // namespace linekeeper::decision
