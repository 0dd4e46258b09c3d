// How the daemon in virtual time proves that a class passes where it was led: probes that go as its traffic does, for three seconds at most,
// and again after a while. Retells controller/daemon/verification. Loss by chance is left out: of 150 probes three come through.
#include <algorithm>

#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

constexpr Duration kProofTime = 3s, kStep = 100ms, kProofAgain = 10s, kProofAgainAtMost = 5min;

}  // namespace

void SimDaemon::applied(std::size_t i, Instant now) {
  Proving& p = proving_[i];
  if (!applied_classes_[i] || p.by == applied_classes_[i]) return;
  p = {.by = applied_classes_[i], .wait = kProofAgain};
  begin_proof(i, now);
}

void SimDaemon::begin_proof(std::size_t i, Instant now) {
  proving_[i].key = ++proof_key_;
  proving_[i].began = now;
  later(now + kStep, Happening::Proof, static_cast<std::uint32_t>(i), proof_key_);
}

void SimDaemon::go_on_proving(const Event& e, Instant now) {
  Proving& p = proving_[e.a];
  if (!p.by || p.proven || e.n != p.key) return;
  if (now < p.began) return;
  if (world_->line(p.by->index()).serves()) return end_proof(e.a, true, now);
  if (now - p.began >= kProofTime) return end_proof(e.a, false, now);
  later(now + kStep, Happening::Proof, e.a, e.n);
}

void SimDaemon::end_proof(std::size_t i, bool answered, Instant now) {
  Proving& p = proving_[i];
  const model::CircuitId by = *p.by;
  p.proven = answered;
  if (!answered) {
    // The next one: by then the judge may have led it elsewhere.
    p.key = ++proof_key_;
    p.began = now + p.wait;
    later(p.began + kStep, Happening::Proof, static_cast<std::uint32_t>(i), p.key);
    p.wait = std::min(2 * p.wait, kProofAgainAtMost);
  }
  story_->tell(now, "class {}: its own probes by {} are {}answered", site_->classes[i].name, (*site_)[by].name, answered ? "" : "not ");
  const Instant judged = awake(now);
  oracle_->on_probed(i, by.index(), answered, now);
  if (bug_ == Planted::ProofIgnored && !answered) return;
  if (bug_ == Planted::ProofOfOthers) answered = answered && world_->line((by.index() + 1) % site_->circuits.size()).serves();
  const auto result = answered ? decision::ProofResult::Proven : decision::ProofResult::Unproven;
  const bool led = decider_->circuit(by).verdict().health == model::Health::Up && planned_motives_[i] == model::Motive::Unproven;
  take(decider_->prove({.traffic_class = model::id_at<model::ClassId>(i), .by = by, .result = result}, judged), now);
  if (bug_ == Planted::AnswerRepeated && led && !answered) lead_on(i, now);
}

/// The class is led on to the next of its circuits, which nobody decided.
void SimDaemon::lead_on(std::size_t i, Instant now) {
  const auto& circuits = site_->classes[i].circuits;
  decision::Output out = decider_->reissue(judged_now(now));
  if (!out.plan) return;
  model::ClassChoice& choice = out.plan->classes[i];
  const auto at = std::ranges::find(circuits, *choice.circuit);
  choice.circuit = at == circuits.end() || at + 1 == circuits.end() ? circuits.front() : *(at + 1);
  choice.motive = model::Motive::Unproven;
  take(out, now);
}

}  // namespace linekeeper::sim
