#include "controller/decision/path_health.hpp"

#include <algorithm>

namespace linekeeper::decision {

using model::Cause;
using model::Duration;
using model::Health;
using model::Instant;
using model::ReplyClass;
using model::SipResult;

PathHealth::PathHealth(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit, Instant started)
    : site_(&site), carrier_(carrier), circuit_(circuit) {
  verdict_.since = started;
}

// --- what is heard ---

void PathHealth::heard(Instant sent, Instant now) {
  heard_at_ = last_evidence_ = now;
  heard_sent_ = std::max(heard_sent_, sent);
  usual_lost_ = 0;
  // Those that ended badly stay in the count of bad ones in a row until a good answer; only the silence is over.
  if (!blamed_on_circuit_) bad_answers_ = ended_badly();
  lost_.clear();
  folded_ = folded_usual_ = 0;
}

void PathHealth::good(const model::SipOutcome& outcome, Instant now) {
  bad_answers_ = 0;
  bad_at_ = refused_until_ = Instant::min();
  ++samples_;
  last_good_ = std::max(last_good_.value_or(outcome.sent), outcome.sent);
  if (outcome.sent < good_at_) return;
  ++good_in_a_row_;
  good_at_ = now;
}

void PathHealth::note_first_bad(Instant sent) {
  if (bad_answers_ == 0 && lost_.empty() && !needs_rise_) first_bad_ = sent;
}

void PathHealth::bad(const model::SipOutcome& outcome, Instant now) {
  good_in_a_row_ = 0;
  ++samples_;
  if (outcome.sent < bad_at_) return;
  note_first_bad(outcome.sent);
  ++bad_answers_;
  bad_at_ = now;
  bad_cause_ = outcome.result == SipResult::Final ? Cause::SipRejected : Cause::SipTimeout;
  bad_detail_ = outcome.result == SipResult::Final ? outcome.code : ended_badly();
}

// --- what is not heard ---

void PathHealth::remember(const Lost& lost) {
  note_first_bad(lost.sent);
  lost_.insert(std::ranges::upper_bound(lost_, lost.sent, {}, &Lost::sent), lost);
  // A long silence needs its first, for the time, and as many as make the verdict; the rest is a number.
  if (lost_.size() <= static_cast<std::size_t>(site_->carrier_health.fall) + 8) return;
  ++folded_;
  if (lost_[1].usual && lost_[1].ended) ++folded_usual_;
  lost_.erase(lost_.begin() + 1);
}

void PathHealth::on(const model::SipOverdue& overdue, Instant now) {
  if (overdue.sent < heard_sent_ || overdue.sent < void_before_) return;
  if (std::ranges::find(lost_, overdue.sequence, &Lost::sequence) != lost_.end()) return;
  remember({.sequence = overdue.sequence, .sent = overdue.sent, .ended = {}, .usual = true});
  last_evidence_ = now;
  bad_cause_ = Cause::SipTimeout;
  bad_detail_ = ended_badly();
}

void PathHealth::on(const model::SipProvisional& provisional, Instant now) { heard(provisional.sent, now); }

void PathHealth::lost(const model::SipOutcome& outcome, Instant now) {
  if (outcome.sent < heard_sent_ || outcome.sent < void_before_) return;
  last_evidence_ = now;
  if (outcome.kind == model::ProbeKind::Scheduled && ++usual_lost_ >= site_->carrier_health.fall)
    doubted_until_ = now + site_->carrier_health.hold_down;
  if (outcome.provisional) return bad(outcome, now);  // somebody took it and never finished: as bad an answer as a 408
  const auto open = std::ranges::find_if(lost_, [&](const Lost& l) { return l.sequence == outcome.sequence && !l.ended; });
  if (open != lost_.end())
    *open = {.sequence = open->sequence, .sent = open->sent, .ended = now, .usual = outcome.kind == model::ProbeKind::Scheduled};
  else
    remember({.sequence = outcome.sequence, .sent = outcome.sent, .ended = now, .usual = outcome.kind == model::ProbeKind::Scheduled});
  good_in_a_row_ = 0;
  ++samples_;
  bad_cause_ = outcome.result == SipResult::Refused ? Cause::SipRefused : Cause::SipTimeout;
  bad_detail_ = outcome.result == SipResult::Refused ? outcome.error : bad_answers_ + unanswered();
}

void PathHealth::on(const model::SipOutcome& outcome, Instant now) {
  fault_ = outcome.fault;
  if (outcome.certificate_ends) certificate_ends_ = outcome.certificate_ends;
  switch (outcome.result) {
    case SipResult::LocalError:  // never evidence; nor is that it was overdue
      std::erase_if(lost_, [&](const Lost& l) { return l.sequence == outcome.sequence && !l.ended; });
      return;
    case SipResult::Timeout:
    case SipResult::Refused: return lost(outcome, now);
    case SipResult::Final: break;
  }
  if (outcome.late) {  // its timeout is taken back before the answer itself counts
    std::erase_if(lost_, [&](const Lost& l) { return l.sequence == outcome.sequence; });
    if (outcome.provisional && bad_answers_ > 0) --bad_answers_;
  }
  heard(outcome.sent, now);
  if (outcome.rtt) rtt_ = outcome.rtt;
  if (outcome.authorisation == model::SipAuthorisation::Challenged) return;  // life, and nothing more: the next one says who we are
  last_code_ = outcome.code;
  if (outcome.reply != ReplyClass::Degraded)
    warning_.reset();
  else if (!warning_)
    warning_ = Warning{.sent = outcome.sent, .heard = now};
  const bool refused = refuses_for_a_time(outcome, now);
  if (refused || outcome.reply == ReplyClass::SoftDown || outcome.reply == ReplyClass::Down)
    bad(outcome, now);
  else
    good(outcome, now);
}

/// Whether the carrier has said until when it takes no calls. Of answers that crossed on the way the newest question's counts.
bool PathHealth::refuses_for_a_time(const model::SipOutcome& outcome, Instant now) {
  const bool such = outcome.code == 480 || outcome.code == 500 || outcome.code == 503;
  if (!such || !outcome.retry_after || *outcome.retry_after <= Duration::zero() || outcome.sent < last_good_.value_or(Instant::min())) return false;
  refused_until_ = now + std::min(*outcome.retry_after, (*site_)[carrier_].retry_after_max);
  return true;
}

void PathHealth::stalled(const model::LoopStall& stall) {
  std::erase_if(lost_, [&](const Lost& l) { return l.sent < stall.to && (!l.ended || *l.ended > stall.from); });
  void_before_ = std::max(void_before_, stall.to);
}

void PathHealth::void_silence(Instant asked_before) {
  lost_.clear();
  folded_ = folded_usual_ = 0;
  void_before_ = std::max(void_before_, asked_before);
}

// --- what follows ---

int PathHealth::ended_badly() const {
  return bad_answers_ + folded_usual_ + static_cast<int>(std::ranges::count_if(lost_, [](const Lost& l) { return l.usual && l.ended; }));
}

Instant PathHealth::silent_since() const { return std::max(lost_.front().sent, heard_at_.value_or(Instant::min())); }

Duration PathHealth::dead_after() const {
  const model::Carrier& carrier = (*site_)[carrier_];
  // The usual pace alone: one OPTIONS after the other, each given up at its deadline and the next as soon as the floor allows.
  const Duration by_pace = (site_->carrier_health.fall - 1) * std::max(carrier.floor, carrier.deadline) + carrier.deadline;
  return std::min(site_->carrier_health.dead_after, by_pace);
}

Instant PathHealth::dead_at() const {
  const auto fall = static_cast<std::size_t>(site_->carrier_health.fall);
  if (lost_.size() < fall || lost_.empty()) return model::kNever;
  const Duration each = std::min<Duration>(model::kSipOverdueAfter, (*site_)[carrier_].deadline);
  return std::max(silent_since() + dead_after(), lost_[fall - 1].sent + each);
}

bool PathHealth::carrier_failed(Instant now) const {
  const int fall = site_->carrier_health.fall;
  if (now < refused_until_) return true;
  if (blamed_on_circuit_) return bad_answers_ >= fall;
  return ended_badly() >= fall || now >= dead_at();
}

Duration PathHealth::stale_after() const {
  const model::Carrier& carrier = (*site_)[carrier_];
  const Duration pace = in_turn_ == 1 ? carrier.interval : std::max(carrier.interval, in_turn_ * carrier.floor);
  return std::max<Duration>(site_->carrier_health.stale_after, 3 * pace + carrier.deadline);
}

model::Verdict PathHealth::evaluate(const Below& below, Instant now) const {
  const model::HealthRule& rule = site_->carrier_health;
  if (below.health == Health::Down) return {Health::Down, Cause::CircuitDown, 0, now};
  if (!last_evidence_) return {Health::Unknown, Cause::NoEvidence, 0, now};
  if (now - *last_evidence_ > stale_after()) return {Health::Unknown, Cause::Stale, 0, now};
  if (carrier_failed(now)) return {Health::Down, bad_cause_, bad_cause_ == Cause::SipTimeout ? bad_answers_ + unanswered() : bad_detail_, now};
  if (needs_rise_ && good_in_a_row_ < rule.rise)
    return {Health::Down, good_in_a_row_ > 0 ? Cause::Recovering : bad_cause_, good_in_a_row_ > 0 ? good_in_a_row_ : bad_detail_, now};
  if (verdict_.health == Health::Unknown && (samples_ < rule.min_samples || good_in_a_row_ == 0))
    return {Health::Unknown, Cause::NoEvidence, samples_, now};
  if (warning_) return {Health::Degraded, Cause::SipUnauthorised, last_code_, now};
  return {Health::Up, Cause::Answering, last_code_, now};
}

void PathHealth::forget() {
  lost_.clear();
  folded_ = folded_usual_ = 0;
  bad_answers_ = good_in_a_row_ = samples_ = 0;
  good_at_ = bad_at_ = refused_until_ = Instant::min();
  last_evidence_.reset();
}

PathHealth::Change PathHealth::judge(const Below& below, Instant now) {
  const bool trusted_before = trusted_;
  // What was asked through a dead circuit says nothing about the carrier; it is asked anew when the circuit is back.
  const bool over_dead = verdict_.cause == Cause::CircuitDown;
  if ((below.health == Health::Down) != over_dead) {
    forget();
    if (over_dead)
      void_before_ = std::max(void_before_, now);
    else
      first_bad_ = now;
  }
  const bool carried = below.others_answered && !lost_.empty() && *below.others_answered > silent_since();
  if (blamed_on_circuit_ && !below.doubtful && !carried) void_silence(now);
  blamed_on_circuit_ = below.doubtful && !carried;
  if (last_evidence_ && now - *last_evidence_ > stale_after()) {  // nobody listened in between: neither silence nor answers go on
    void_silence(Instant::min());
    good_in_a_row_ = 0;
  }

  const model::Verdict next = evaluate(below, now);
  const bool by_carrier = next.health == Health::Down && next.cause != Cause::CircuitDown;
  if (by_carrier) needs_rise_ = true;
  if (by_carrier) trusted_ = false;
  if (by_carrier && next.cause != Cause::Recovering) good_in_a_row_ = 0;
  const bool changed = next.health != verdict_.health;
  verdict_.cause = next.cause;
  verdict_.detail = next.detail;
  if (changed) {
    verdict_.health = next.health;
    verdict_.since = now;
  }
  const bool well = verdict_.health == Health::Up || verdict_.health == Health::Degraded;
  if (well) needs_rise_ = false;
  if (well && now - verdict_.since >= site_->carrier_health.hold_down) trusted_ = true;
  return {.health = changed, .trust = trusted_ != trusted_before};
}

Instant PathHealth::next_wakeup() const {
  Instant next = model::kNever;
  if (last_evidence_ && verdict_.health != Health::Unknown && verdict_.cause != Cause::CircuitDown)
    next = *last_evidence_ + stale_after() + std::chrono::milliseconds(1);
  if (verdict_.health != Health::Down && !blamed_on_circuit_) next = std::min(next, dead_at());
  if (!trusted_ && (verdict_.health == Health::Up || verdict_.health == Health::Degraded))
    next = std::min(next, verdict_.since + site_->carrier_health.hold_down);
  return next;
}

model::PathStatus PathHealth::status() const {
  return {.carrier = carrier_,
          .circuit = circuit_,
          .verdict = verdict_,
          .reason = {},
          .last_code = last_code_,
          .rtt = rtt_,
          .last_good = last_good_,
          .fault = fault_,
          .certificate_ends = certificate_ends_};
}

}  // namespace linekeeper::decision
