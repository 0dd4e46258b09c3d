#include "controller/decision/diagnoses.hpp"

#include <algorithm>
#include <tuple>

#include "controller/decision/diagnosis_matrix.hpp"
#include "controller/decision/diagnosis_table.hpp"

namespace linekeeper::decision {

using model::Diagnosis;
using model::Failed;
using model::Health;
using model::Instant;

namespace {

/// Told by a check of a circuit that lives: it stands beside what is said of the circuit itself, and beside the others of its kind.
bool of_checks(const Diagnosis& d) {
  return d.failed == Failed::Resolver || d.failed == Failed::CaptivePortal || d.failed == Failed::MtuHole || d.failed == Failed::PublicAddress;
}

bool about_circuits(const Diagnosis& d) { return !d.carrier && !d.target && !of_checks(d) && d.failed != Failed::Ourselves; }

/// One of the two is about all circuits, or both are about the same.
bool overlap(const Diagnosis& a, const Diagnosis& b) { return !a.circuit || !b.circuit || a.circuit == b.circuit; }

/// Does `later` say of the same thing what `earlier` said, or account for why nothing can be known of it any more?
bool accounts_for(const Diagnosis& later, const Diagnosis& earlier) {
  if (later.failed == Failed::Ourselves || earlier.failed == Failed::Ourselves) return false;
  if (about_circuits(later)) {
    const bool hides = about_circuits(earlier) || !later.circuit || earlier.circuit;  // a dead circuit hides what was seen by it alone
    return hides && overlap(later, earlier);
  }
  if (of_checks(later) || of_checks(earlier) || about_circuits(earlier)) return false;
  return later.carrier == earlier.carrier && later.target == earlier.target && overlap(later, earlier);
}

bool coarse(const Diagnosis& d) { return d.line >= 1 && diagnosis_table()[d.line - 1].coarse; }

/// A name given for want of evidence does not take back one that had it: a gateway found dead stays so while the kernel asks it
/// again, a path found bad beside good ones stays so when there is nothing left to compare it with.
bool finer_than(const Diagnosis& told, const Diagnosis& seen) {
  if (!coarse(seen) || coarse(told) || !accounts_for(seen, told)) return false;
  switch (told.failed) {
    case Failed::Site:
    case Failed::Gateway: return about_circuits(seen) && told.circuit == seen.circuit;
    case Failed::Peering:
    case Failed::TargetPath: return !about_circuits(seen);
    default: return false;
  }
}

/// Is the thing itself seen to be well? Absence of evidence is not that.
bool seen_well(const Matrix& m, const Diagnosis& d) {
  if (d.failed == Failed::Ourselves) return true;
  const auto by_any = [&](auto well) {
    if (d.circuit) return well(*d.circuit);
    for (std::size_t i = 0; i < m.circuits(); ++i)
      if (well(model::id_at<model::CircuitId>(i))) return true;
    return false;
  };
  if (d.carrier) return by_any([&](model::CircuitId c) { return m.answer(*d.carrier, c) != Answer::NotAsked; });
  if (d.target) return by_any([&](model::CircuitId c) { return m.answer(*d.target, c) != Answer::NotAsked; });
  if (d.failed == Failed::Resolver) return m.resolver(*d.circuit) == Answer::Well;
  // Not seen any more, and the circuit is fit to be asked by: then the last answer was a good one (or was laid to the server's charge).
  if (of_checks(d)) return m.beyond(*d.circuit) == Beyond::Answers;
  return by_any([&](model::CircuitId c) { return m.evidence().circuits[c.index()].health == Health::Up; });
}

model::Duration settling(const Diagnosis& d, const Evidence& evidence) {
  if (d.failed == Failed::Link) return model::Duration::zero();
  const bool others_silent = std::ranges::any_of(evidence.circuits, [](const CircuitEvidence& c) { return c.health == Health::Up && c.suspect; });
  return others_silent && about_circuits(d) ? kSettleAtMost : kSettle;
}

auto find_same(std::vector<Diagnosis>& in, const Diagnosis& d) {
  return std::ranges::find_if(in, [&](const Diagnosis& o) { return o.same(d); });
}

bool has_same(const std::vector<Diagnosis>& in, const Diagnosis& d) {
  return std::ranges::any_of(in, [&](const Diagnosis& o) { return o.same(d); });
}

}  // namespace

/// Told ones that are still seen get the evidence of now; a coarser line of the same name does not overwrite a finer one.
void Diagnoses::refresh(std::vector<Diagnosis>& seen) {
  for (Diagnosis& t : told_) {
    const auto again = find_same(seen, t);
    if (again == seen.end() || (coarse(*again) && !coarse(t))) continue;
    t.evidence = again->evidence;
    t.mode = again->mode;
    t.line = again->line;
  }
}

void Diagnoses::tell(const Evidence& evidence, std::vector<Diagnosis>& seen, Instant now) {
  std::vector<Diagnosis> waiting;
  next_wakeup_ = model::kNever;
  for (Diagnosis& d : seen) {
    if (has_same(told_, d) || std::ranges::any_of(told_, [&](const Diagnosis& t) { return finer_than(t, d); })) continue;
    if (const auto w = find_same(waiting_, d); w != waiting_.end()) d.since = w->since;
    const Instant settled = d.since + settling(d, evidence);
    if (settled > now) {
      next_wakeup_ = std::min(next_wakeup_, settled);
      waiting.push_back(d);
      continue;
    }
    Made made{.diagnosis = d, .instead_of = {}};
    for (const Diagnosis& t : told_)
      if (!has_same(seen, t) && accounts_for(d, t)) made.instead_of.push_back(t);
    std::erase_if(told_, [&](const Diagnosis& t) { return has_same(made.instead_of, t); });
    told_.push_back(d);
    change_.made.push_back(std::move(made));
  }
  waiting_ = std::move(waiting);
}

void Diagnoses::end(const model::Site& site, const Evidence& evidence, const std::vector<Diagnosis>& seen) {
  const Matrix m(site, evidence);
  const bool in_doubt = m.us() != Us::Well;
  std::erase_if(told_, [&](const Diagnosis& t) {
    if (has_same(seen, t)) return false;
    if (in_doubt && t.failed != Failed::Ourselves) return false;
    if (std::ranges::any_of(seen, [&](const Diagnosis& d) { return finer_than(t, d); })) return false;
    if (std::ranges::any_of(waiting_, [&](const Diagnosis& w) { return accounts_for(w, t); })) return false;  // a better name is on its way
    if (!seen_well(m, t)) return false;
    change_.over.push_back(t);
    return true;
  });
}

const Diagnoses::Change& Diagnoses::update(const model::Site& site, const Evidence& evidence, Instant now) {
  change_.made.clear();
  change_.over.clear();
  std::vector<Diagnosis> seen = diagnose(site, evidence, now);
  refresh(seen);
  tell(evidence, seen, now);
  if (!told_.empty()) end(site, evidence, seen);
  const auto rank = [](const Diagnosis& d) { return std::tie(d.line, d.circuit, d.carrier, d.target); };
  std::ranges::sort(told_, {}, rank);
  return change_;
}

std::vector<Diagnosis> Diagnoses::told(const model::Site& site, const Evidence& evidence, Instant now) const {
  Diagnoses copy;
  copy.told_ = told_;
  std::vector<Diagnosis> seen = diagnose(site, evidence, now);
  copy.refresh(seen);
  return std::move(copy.told_);
}

}  // namespace linekeeper::decision
