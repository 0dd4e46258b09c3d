#include "controller/decision/path_health.hpp"

#include <algorithm>

namespace linekeeper::decision {

using model::Cause;
using model::Health;
using model::Instant;
using model::ReplyClass;
using model::SipResult;

PathHealth::PathHealth(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit, Instant started)
    : site_(&site), carrier_(carrier), circuit_(circuit) {
  verdict_.since = started;
}

void PathHealth::good(const model::SipOutcome& outcome) {
  bad_in_a_row_ = 0;
  ++good_in_a_row_;
  ++samples_;
  last_good_ = std::max(last_good_.value_or(outcome.sent), outcome.sent);
  if (outcome.rtt) rtt_ = outcome.rtt;
}

void PathHealth::bad(const model::SipOutcome& outcome, Cause cause, int detail) {
  if (bad_in_a_row_ == 0 && !needs_rise_) first_bad_ = outcome.sent;
  ++bad_in_a_row_;
  good_in_a_row_ = 0;
  ++samples_;
  bad_cause_ = cause;
  bad_detail_ = detail;
}

bool PathHealth::on(const model::SipOutcome& outcome, Instant now) {
  if (outcome.result == SipResult::LocalError) return false;  // never evidence
  last_outcome_ = now;
  if (outcome.result == SipResult::Timeout) {
    bad(outcome, Cause::SipTimeout, bad_in_a_row_ + 1);
    return false;
  }
  if (outcome.result == SipResult::Refused) {
    bad(outcome, Cause::SipRefused, outcome.error);
    return false;
  }
  if (outcome.late && bad_in_a_row_ > 0) --bad_in_a_row_;  // its timeout is taken back before the answer itself counts
  const bool code_changed = last_code_ != 0 && last_code_ != outcome.code;
  last_code_ = outcome.code;
  if (outcome.rtt) rtt_ = outcome.rtt;
  degraded_ = outcome.reply == ReplyClass::Degraded;
  if (outcome.reply == ReplyClass::SoftDown || outcome.reply == ReplyClass::Down)
    bad(outcome, Cause::SipRejected, outcome.code);
  else
    good(outcome);
  return code_changed;
}

model::Duration PathHealth::stale_after() const {
  const model::Carrier& carrier = (*site_)[carrier_];
  return std::max<model::Duration>(site_->carrier_health.stale_after, 3 * carrier.interval + carrier.deadline);
}

model::Verdict PathHealth::evaluate(Health circuit, Instant now) const {
  const model::HealthRule& rule = site_->carrier_health;
  if (circuit == Health::Down) return {Health::Down, Cause::CircuitDown, 0, now};
  if (!last_outcome_) return {Health::Unknown, Cause::NoEvidence, 0, now};
  if (now - *last_outcome_ > stale_after()) return {Health::Unknown, Cause::Stale, 0, now};
  if (bad_in_a_row_ >= rule.fall) return {Health::Down, bad_cause_, bad_cause_ == Cause::SipTimeout ? bad_in_a_row_ : bad_detail_, now};
  if (needs_rise_ && good_in_a_row_ < rule.rise)
    return {Health::Down, good_in_a_row_ > 0 ? Cause::Recovering : bad_cause_, good_in_a_row_ > 0 ? good_in_a_row_ : bad_detail_, now};
  if (verdict_.health == Health::Unknown && (samples_ < rule.min_samples || good_in_a_row_ == 0))
    return {Health::Unknown, Cause::NoEvidence, samples_, now};
  if (degraded_) return {Health::Degraded, Cause::SipUnauthorised, last_code_, now};
  return {Health::Up, Cause::Answering, last_code_, now};
}

PathHealth::Change PathHealth::judge(Health circuit, Instant now) {
  const bool trusted_before = trusted_;
  if (circuit == Health::Down && verdict_.cause != Cause::CircuitDown) {
    // What was asked through a dead circuit says nothing about the carrier; it is asked anew when the circuit is back.
    bad_in_a_row_ = good_in_a_row_ = samples_ = 0;
    last_outcome_.reset();
    first_bad_ = now;
  }
  const model::Verdict next = evaluate(circuit, now);
  const bool by_carrier = next.health == Health::Down && next.cause != Cause::CircuitDown;
  if (by_carrier) needs_rise_ = true;
  if (by_carrier) trusted_ = false;
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
  if (last_outcome_ && verdict_.health != Health::Unknown && verdict_.cause != Cause::CircuitDown)
    next = *last_outcome_ + stale_after() + std::chrono::milliseconds(1);
  if (!trusted_ && (verdict_.health == Health::Up || verdict_.health == Health::Degraded))
    next = std::min(next, verdict_.since + site_->carrier_health.hold_down);
  return next;
}

model::PathStatus PathHealth::status() const {
  return {.carrier = carrier_, .circuit = circuit_, .verdict = verdict_, .reason = {}, .last_code = last_code_, .rtt = rtt_, .last_good = last_good_};
}

}  // namespace linekeeper::decision
