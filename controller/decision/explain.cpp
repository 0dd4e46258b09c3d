// The whole answer of `linekeeper explain`.
#include "controller/decision/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace linekeeper::decision {

using model::Health;

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

void explain_calls(const model::Status& s, const model::PathStatus& p, Lines& out) {
  if (!p.calls) return;
  const model::CallFigures& f = *p.calls;
  std::string line = fmt::format("  calls by {:<9} {}", (*s.site)[p.circuit].name, to_string(f.standing));
  if (!f.why.empty()) line += ": " + f.why;
  if (f.held_until) line += fmt::format(", held out for {} more", words(std::max(*f.held_until - s.now, model::Duration::zero())));
  if (f.asr && f.ner)
    line += fmt::format("; of {} {:.0f} % answered (ASR), {:.0f} % not failed by the carrier (NER)", f.attempts, *f.asr * 100, *f.ner * 100);
  if (f.pdd_median && f.pdd_p95 && f.slow_after)
    line += fmt::format("; ring in {} (95 %: {}), slow after {}", words(*f.pdd_median), words(*f.pdd_p95), words(*f.slow_after));
  if (f.in_progress > 0) line += fmt::format("; {} in progress", f.in_progress);
  if (f.quality.loss_ratio) line += fmt::format("; receivers lose {:.1f} %", *f.quality.loss_ratio * 100);
  out.push_back(std::move(line));
}

void explain_carrier(const model::Status& s, const model::CarrierStatus& c, Lines& out) {
  out.push_back(fmt::format("{} is {}: {}.", (*s.site)[c.carrier].name, to_string(c.verdict.health), c.reason));
  for (std::size_t i = 0; i < s.circuits.size(); ++i) {
    const model::PathStatus& p = s.path(c.carrier, model::id_at<model::CircuitId>(i));
    out.push_back(fmt::format("  through {:<10} {}", (*s.site)[p.circuit].name, path_clause(*s.site, p, s.now)));
  }
  for (std::size_t i = 0; i < s.circuits.size(); ++i) explain_calls(s, s.path(c.carrier, model::id_at<model::CircuitId>(i)), out);
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
