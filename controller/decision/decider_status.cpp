// What the judge shows of itself: the figures, verdicts and choices that status, explain, page and metrics are made of.
#include <fmt/format.h>

#include <algorithm>

#include "controller/decision/decider.hpp"
#include "controller/decision/explain.hpp"

namespace linekeeper::decision {

using model::Guard;
using model::Health;
using model::Instant;

Guard Decider::forced_refused(model::ClassId subject, model::CircuitId to) const {
  const auto& dead = classes_.at(subject.index()).dead_by_one;
  const Health h = std::ranges::find(dead, to) != dead.end() ? Health::Down : circuits_.at(to.index()).verdict().health;
  if (emergency_holds(carries_emergency(subject), h)) return Guard::Emergency;
  return h == Health::Up || h == Health::Degraded ? Guard::None : Guard::TargetHealthy;
}

void Decider::say(model::ClassChoice& said, std::span<const model::CircuitStatus> circuits, Instant now) const {
  std::vector<model::PathStatus> of_carrier;
  if (const auto& apart = (*site_)[said.traffic_class].apart)
    for (const model::PathStatus& p : path_statuses())
      if (p.carrier == apart->carrier) of_carrier.push_back(p);
  say_class(*site_, said, classes_[said.traffic_class.index()].choice, circuits, now, of_carrier);
}

Guard Decider::forced_refused(model::TrunkId subject, model::CarrierId to) const {
  const Health h = carriers_.at(to.index()).health;
  if (emergency_holds((*site_)[subject].emergency, h)) return Guard::Emergency;
  return h == Health::Up || h == Health::Degraded ? Guard::None : Guard::TargetHealthy;
}

bool Decider::carries_emergency(model::ClassId traffic) const {
  return std::ranges::any_of(site_->trunks, [&](const model::Trunk& t) { return t.emergency && carries(traffic, t); });
}

std::vector<model::CircuitStatus> Decider::circuit_statuses(Instant now) const {
  std::vector<model::CircuitStatus> all;
  for (const CircuitHealth& c : circuits_) {
    all.push_back(c.status(now));
    all.back().hold_down = hold_downs_[all.size() - 1].present(now);
    all.back().gateway = evidence_.circuits[all.size() - 1].neighbour;
    all.back().resolver = evidence_.circuits[all.size() - 1].resolver;
    all.back().checks = checks_.status(all.back().circuit);
    if (!all.back().checks.empty()) {
      CircuitEvidence seen;
      checks_.show(all.back().circuit, seen);
      if (seen.resolver) all.back().resolver = seen.resolver;
    }
    directions_[all.size() - 1].fill(all.back());
    all.back().reason = circuit_clause(*site_, all.back(), now);
    if (const std::string data = checks_.data_words(all.back().circuit); !data.empty()) all.back().reason += "; bad for data: " + data;
  }
  return all;
}

std::vector<model::PathStatus> Decider::path_statuses() const {
  std::vector<model::PathStatus> all;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    all.push_back(paths_[i].status());
    answers_[i].fill(all.back());
    if (!witnesses_.empty() && witnesses_[i].any()) all.back().calls = witnesses_[i].figures();
  }
  return all;
}

void Decider::fill(model::Status& s, Instant now) const {
  s.site = site_;
  s.now = now;
  s.circuits = circuit_statuses(now);
  s.shared_hops = checks_.shared_hops();
  s.paths = path_statuses();
  for (model::PathStatus& p : s.paths) p.reason = path_clause(*site_, p, now);
  s.carriers.clear();
  for (std::size_t k = 0; k < carriers_.size(); ++k) {
    const auto id = model::id_at<model::CarrierId>(k);
    s.carriers.push_back({.carrier = id, .verdict = carriers_[k], .reason = carrier_clause(s, id)});
    for (std::size_t c = 0; c < circuits_.size(); ++c)
      if (const int code = s.path(id, model::id_at<model::CircuitId>(c)).last_code; code != 0) s.carriers.back().last_code = code;
  }
  s.diagnoses = diagnoses_.told(*site_, evidence_, now);
  for (model::Diagnosis& d : s.diagnoses) {
    d.sentence = diagnosis_sentence(*site_, d);
    d.call = diagnosis_call(*site_, d);
  }
  s.plan = make_plan(now);
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    say(s.plan.classes[i], s.circuits, now);
    const auto c = classes_[i].choice.circuit;
    if (!c) continue;
    s.circuits[c->index()].active = true;
    for (const model::CircuitId shared : classes_[i].choice.shared) s.circuits[shared.index()].active = true;
    if (classes_[i].proofs.against(*c, now))
      s.plan.classes[i].reason +=
          fmt::format(" But probes sent as {} goes are not answered there, though {} answers its own: see its firewall, its translation and ip rule.",
                      site_->classes[i].name, (*site_)[*c].name);
  }
  for (std::size_t i = 0; i < trunks_.size(); ++i) {
    const model::Trunk& trunk = site_->trunks[i];
    say_trunk(*site_, s.plan.trunks[i], trunks_[i].decision, s.paths, circuits_.size(), now);
    if (trunks_[i].decision.order.empty()) continue;
    const model::TrunkMember& first = trunk.members[trunks_[i].decision.order.front().member];
    s.carriers[first.carrier.index()].active = true;
    const auto via = first.circuit ? first.circuit : classes_[trunk.class_of(first).index()].choice.circuit;
    if (via) s.paths[first.carrier.index() * circuits_.size() + via->index()].selected = true;
  }
  s.suppressed = suppressed_;
}

}  // namespace linekeeper::decision
