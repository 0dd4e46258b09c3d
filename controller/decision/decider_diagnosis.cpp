// How the judge comes to a name for what has failed: the evidence that diagnose() sees, and what is told when a name is made or is over.
#include <fmt/format.h>

#include <algorithm>

#include "controller/decision/decider.hpp"
#include "controller/decision/explain.hpp"

namespace linekeeper::decision {

using model::EventId;
using model::Instant;

namespace {

/// A target that has lost so many of its newest probes is silent; one that has answered the newest one answers.
constexpr int kSilent = 3;
/// Evidence is gathered for so long after the start before anything but the kernel's word is taken for a name.
constexpr std::chrono::seconds kStarting{3};

TargetEvidence evidence_of(const model::TargetStatus& t) {
  TargetEvidence e{.says = TargetEvidence::Says::Nothing, .set_aside = t.set_aside};
  if (t.figures.losses_in_a_row >= kSilent)
    e.says = TargetEvidence::Says::Silent;
  else if (t.figures.samples > 0 && t.figures.losses_in_a_row == 0)
    e.says = TargetEvidence::Says::Answers;
  return e;
}

}  // namespace

void Decider::gather_evidence(Instant now) {
  evidence_.late = now < doubt_until_;
  evidence_.starting = now < started_ + kStarting;
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    const CircuitHealth& circuit = circuits_[c];
    CircuitEvidence& e = evidence_.circuits[c];
    e.link = circuit.link();
    e.health = circuit.verdict().health;
    e.cause = circuit.verdict().cause;
    e.suspect = circuit.suspect();
    e.local_errors = circuit.verdict().cause == model::Cause::LocalErrors;
    e.last_good = circuit.last_good();
    e.first_bad = circuit.first_bad();
    e.loss = directions_[c].lost();
    const model::CircuitStatus s = circuit.status(now);
    e.loss_ratio = s.figures.samples > 0 ? std::optional(s.figures.loss_ratio) : std::nullopt;
    checks_.show(s.circuit, e);
    for (const model::TargetStatus& t : s.targets) evidence_.target(t.target, s.circuit) = evidence_of(t);
  }
  for (std::size_t i = 0; i < paths_.size(); ++i)
    evidence_.paths[i] = {.health = paths_[i].verdict().health,
                          .cause = paths_[i].verdict().cause,
                          .detail = paths_[i].verdict().detail,
                          .fault = paths_[i].fault(),
                          .calls_failing = !witnesses_.empty() && (witnesses_[i].fails() || witnesses_[i].standing() == model::CallsStanding::Trial),
                          .calls = witnesses_.empty() || !witnesses_[i].fails() ? std::string() : witnesses_[i].why(),
                          .partly_dead = paths_[i].partly_dead()};
}

void Decider::note_check(const model::CheckOutcome& o, Instant now) {
  const CircuitHealth& circuit = circuits_.at(o.circuit.index());
  const model::Health health = circuit.verdict().health;
  const bool fit = (health == model::Health::Up || health == model::Health::Degraded) && !circuit.suspect() && o.at >= circuit.verdict().since &&
                   now >= doubt_until_;
  const std::vector<model::SharedHop> hops = checks_.shared_hops();
  const auto change = checks_.on(o, fit, now);
  if (o.kind == model::CheckKind::Hops) tell_hops(hops, now);
  if (!change) return;
  diagnosis_due_ = true;
  const bool well = change->after == model::CheckResult::Well;
  if (well && !change->before) return;  // as it should be, from the first time on: nothing to tell
  const std::string& name = (*site_)[o.circuit].name;
  tell(well ? EventId::CheckPassed : EventId::CheckFailed, "circuit " + name,
       fmt::format("{} by {}: {}{}.", o.check, name, o.detail, well ? ", as it should be" : ""), now,
       {{"check", o.check},
        {"kind", std::string(to_string(o.kind))},
        {"result", std::string(to_string(change->after))},
        {"before", change->before ? std::string(to_string(*change->before)) : ""},
        {"code", std::to_string(o.code)}});
}

void Decider::tell_hops(const std::vector<model::SharedHop>& before, Instant now) {
  const auto without = [](const std::vector<model::SharedHop>& all, const std::vector<model::SharedHop>& but, auto each) {
    for (const model::SharedHop& h : all)
      if (std::ranges::find(but, h) == but.end()) each(h);
  };
  const auto say = [&](EventId id, const model::SharedHop& h, std::string_view what) {
    const std::string &a = (*site_)[h.a].name, &b = (*site_)[h.b].name;
    tell(id, "circuit " + a, fmt::format("{} and {} {} the router {}.", a, b, what, h.address.to_string()), now,
         {{"circuit", b}, {"router", h.address.to_string()}});
  };
  without(checks_.shared_hops(), before, [&](const model::SharedHop& h) { say(EventId::HopsShared, h, "both go through"); });
  without(before, checks_.shared_hops(), [&](const model::SharedHop& h) { say(EventId::HopsApart, h, "do not both go any more through"); });
}

void Decider::diagnose_now(Instant now) {
  diagnosis_due_ = false;
  gather_evidence(now);
  diagnosis_again_ = evidence_.late ? doubt_until_ : evidence_.starting ? started_ + kStarting : model::kNever;
  const Diagnoses::Change& change = diagnoses_.update(*site_, evidence_, now);
  for (const Diagnoses::Made& made : change.made) {
    std::string instead;
    for (const model::Diagnosis& d : made.instead_of) instead += (instead.empty() ? "" : " ") + std::string(to_string(d.failed));
    const model::Diagnosis& d = made.diagnosis;
    tell(EventId::DiagnosisMade, subject_of(d), diagnosis_sentence(*site_, d), now,
         {{"failed", std::string(to_string(d.failed))}, {"instead_of", instead}, {"call", diagnosis_call(*site_, d)}});
  }
  for (const model::Diagnosis& d : change.over)
    tell(EventId::DiagnosisOver, subject_of(d), "Over after " + words(now - d.since) + ": " + diagnosis_sentence(*site_, d), now,
         {{"failed", std::string(to_string(d.failed))}});
}

std::string Decider::subject_of(const model::Diagnosis& d) const {
  if (d.carrier && d.circuit) return "path " + (*site_)[*d.carrier].name + " via " + (*site_)[*d.circuit].name;
  if (d.carrier) return "carrier " + (*site_)[*d.carrier].name;
  if (d.target) return "target " + (*site_)[*d.target].name;
  return d.circuit ? "circuit " + (*site_)[*d.circuit].name : "";
}

}  // namespace linekeeper::decision
