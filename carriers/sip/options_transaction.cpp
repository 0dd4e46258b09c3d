#include "carriers/sip/options_transaction.hpp"

#include <algorithm>
#include <utility>

namespace linekeeper::sip {
using model::Instant;
using model::SipOutcome;
using model::SipResult;
using enum TransactionState;

OptionsTransaction::OptionsTransaction(TransactionIds ids, model::Duration deadline, Instant now, bool reliable)
    : ids_(std::move(ids)),
      sent_(now),
      reliable_(reliable),
      retransmit_at_(reliable ? model::kNever : now + kT1),
      deadline_at_(now + std::min(deadline, kTimerF)),
      end_at_(now + kTimerF) {}

bool OptionsTransaction::ours(const Response& r) const {
  return r.branch == ids_.branch && r.cseq == ids_.cseq && r.cseq_method == "OPTIONS" && r.call_id == ids_.call_id;
}

SipOutcome OptionsTransaction::outcome(SipResult result) const {
  SipOutcome out;
  out.result = result;
  out.sent = sent_;
  return out;
}

OptionsTransaction::Step OptionsTransaction::expire(SipResult result, int error) {
  state_ = Expired;
  Step step;
  step.outcome = outcome(result);
  step.outcome->error = error;
  return step;
}

OptionsTransaction::Step OptionsTransaction::on_response(const Response& response, Instant now) {
  Step step;
  if (state_ == Completed || state_ == Terminated || !ours(response)) {
    step.inert = true;
    return step;
  }
  if (response.status < 200) {
    if (state_ == Trying) state_ = Proceeding;  // timer E runs on, and from its next expiry at T2
    step.provisional = true;
    return step;
  }
  auto out = outcome(SipResult::Final);
  out.code = response.status;
  out.late = state_ == Expired;
  // Which of several packets was answered cannot be told (Karn and Partridge).
  if (transmissions_ == 1) out.rtt = std::max(now - sent_, model::Duration::zero());
  out.retry_after = response.retry_after;
  out.overload = response.overload;
  out.received_address = response.received;
  step.outcome = out;
  state_ = reliable_ ? Terminated : Completed;
  end_at_ = now + kT4;
  return step;
}

OptionsTransaction::Step OptionsTransaction::on_refused(int error, Instant) {
  if (waiting()) return expire(SipResult::Refused, error);
  Step step;
  step.inert = true;
  return step;
}

OptionsTransaction::Step OptionsTransaction::on_local_error(int error, Instant) {
  if (waiting()) return expire(SipResult::LocalError, error);
  Step step;
  step.inert = true;
  return step;
}

OptionsTransaction::Step OptionsTransaction::on_time(Instant now) {
  Step step;
  switch (state_) {
    case Trying:
    case Proceeding:
      if (now >= deadline_at_) return expire(SipResult::Timeout, 0);
      if (now >= retransmit_at_) {
        step.send = true;
        ++transmissions_;
        e_ = state_ == Proceeding ? kT2 : std::min(2 * e_, kT2);
        retransmit_at_ = now + e_;  // from now: a stalled loop sends one packet, not all it missed
      }
      return step;
    case Expired:
    case Completed:
      if (now >= end_at_) state_ = Terminated;
      return step;
    case Terminated: return step;
  }
  return step;
}

Instant OptionsTransaction::next_wakeup() const {
  switch (state_) {
    case Trying:
    case Proceeding: return std::min(retransmit_at_, deadline_at_);
    case Expired:
    case Completed: return end_at_;
    case Terminated: return model::kNever;
  }
  return model::kNever;
}

}  // namespace linekeeper::sip
