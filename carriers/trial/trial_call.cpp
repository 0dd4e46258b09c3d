#include "carriers/trial/trial_call.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "carriers/sip/options_transaction.hpp"

namespace linekeeper::trial {
using model::Duration;
using model::Instant;
using sip::kT1;
using sip::kT2;
using sip::kTimerF;

namespace {

constexpr int kTrying = 100, kUnauthorized = 401, kProxyAuthenticate = 407, kTerminated = 487;

}  // namespace

TrialCall::TrialCall(CallSettings settings, runtime::Peer local, runtime::SeededRandom random, Authorise authorise)
    : settings_(std::move(settings)), random_(random), authorise_(std::move(authorise)), local_(local) {
  call_id_ = sip::hex(random_.next()) + sip::hex(random_.next());
  from_ = "<" + sip::sip_uri(settings_.from_user, sip::uri_host(local_.address), 5060) + ">;tag=" + sip::hex(random_.next());
  to_ = sip::sip_uri(settings_.number, settings_.domain, settings_.port, settings_.sips);
  target_ = to_ + sip::transport_parameter(settings_.transport, settings_.sips);
  invite_.branch = branch();
}

std::string TrialCall::branch() { return "z9hG4bK" + sip::hex(random_.next()) + sip::hex(random_.next()); }

/// RFC 4566, RFC 3264: G.711 and telephone events, both ways; we send nothing, and say where media may go.
std::string TrialCall::session_description() const {
  const std::string family = local_.address.family == model::Family::V6 ? "IP6" : "IP4";
  const std::string here = "IN " + family + " " + local_.address.to_string();
  return "v=0\r\no=linekeeper 1 1 " + here + "\r\ns=-\r\nc=" + here + "\r\nt=0 0\r\nm=audio " + std::to_string(settings_.media_port) +
         " RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";
}

model::Result<std::string> TrialCall::invite(const std::optional<std::pair<std::string, std::string>>& credentials) {
  sip::RequestMessage m{.method = "INVITE",
                        .uri = target_,
                        .transport = std::string(sip::via_transport(settings_.transport)),
                        .local = local_,
                        .branch = invite_.branch,
                        .max_forwards = settings_.max_forwards,
                        .from = from_,
                        .to = "<" + to_ + ">",
                        .call_id = call_id_,
                        .cseq = cseq_,
                        .contact = "<" + sip::sip_uri(settings_.from_user, sip::uri_host(local_.address), local_.port, settings_.sips) +
                                   sip::transport_parameter(settings_.transport, settings_.sips) + ">",
                        .more = {{"Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS"}},
                        .content_type = "application/sdp",
                        .body = session_description()};
  if (credentials) m.more.push_back(*credentials);
  return sip::write_request(m);
}

void TrialCall::arm(Repeated& what, std::string bytes, Instant now, bool capped) {
  what.bytes = std::move(bytes);
  what.gap = kT1;
  what.capped = capped;
  what.at = settings_.reliable() ? model::kNever : now + kT1;
}

model::Result<TrialCall::Step> TrialCall::begin(Instant now) {
  auto bytes = invite(std::nullopt);
  if (!bytes) return std::unexpected(bytes.error());
  began_ = now;
  wait_until_ = now + settings_.wait;
  arm(invite_, *bytes, now, false);
  return Step{.send = {std::move(*bytes)}};
}

bool TrialCall::far_enough() const {
  switch (settings_.expect) {
    case Expect::Ringing: return verdict_.code > kTrying && (verdict_.code < 200 || verdict_.answered);
    case Expect::EarlyMedia: return verdict_.media_described || verdict_.answered;
    case Expect::Answer: return verdict_.answered;
  }
  return false;
}

void TrialCall::tell(Result result, Step& step) {
  if (std::exchange(told_, true)) return;
  verdict_.result = result;
  step.verdict = verdict_;
}

/// What comes now is only acknowledged, for as long as the other side may repeat it (timers D, H and I: 64 T1).
void TrialCall::finish(Instant now) {
  state_ = State::Over;
  invite_.at = ending_.at = wait_until_ = model::kNever;
  end_at_ = now + kTimerF;
}

/// RFC 3261 17.1.1.3: to a refusal with the INVITE's own branch; 13.2.2.4: to an answer as a request of the dialog.
void TrialCall::acknowledge(const sip::DialogFields& fields, int status, Step& step) {
  sip::RequestMessage m = in_dialog("ACK", cseq_);
  if (status >= 300) {
    m.uri = target_;
    m.branch = invite_.branch;
    m.to = fields.to;
    m.routes.clear();
  } else {
    m.branch = branch();
  }
  auto bytes = sip::write_request(m);
  if (!bytes) return;
  if (status < 300) ack_ = *bytes;
  step.send.push_back(std::move(*bytes));
}

sip::RequestMessage TrialCall::in_dialog(const char* method, std::uint32_t cseq) const {
  return {.method = method,
          .uri = remote_target_.empty() ? target_ : remote_target_,
          .transport = std::string(sip::via_transport(settings_.transport)),
          .local = local_,
          .branch = {},
          .max_forwards = settings_.max_forwards,
          .from = from_,
          .to = remote_.empty() ? "<" + to_ + ">" : remote_,
          .call_id = call_id_,
          .cseq = cseq,
          .routes = routes_};
}

TrialCall::Step TrialCall::on_response(const sip::Response& response, std::string_view datagram, Instant now) {
  Step step;
  if (state_ == State::Gone || response.call_id != call_id_) return step;
  const bool to_ending = response.branch == ending_.branch && (response.cseq_method == "BYE" || response.cseq_method == "CANCEL");
  if (to_ending) {
    if (response.status >= 200) {
      ending_.at = model::kNever;
      if (state_ == State::HangingUp) finish(now);  // whatever it says: 481 is over too
    }
    return step;
  }
  if (response.cseq_method != "INVITE" || response.branch != invite_.branch || response.cseq != cseq_) return step;
  const auto fields = sip::read_dialog_fields(datagram);
  heard_ = true;
  invite_.at = model::kNever;
  if (response.status < 200)
    provisional(response.status, fields, now, step);
  else if (response.status < 300)
    answered(fields, now, step);
  else
    refused(response, datagram, fields, now, step);
  return step;
}

void TrialCall::provisional(int status, const sip::DialogFields& fields, Instant now, Step& step) {
  if (state_ == State::Calling) state_ = State::Proceeding;
  if (state_ == State::Cancelling && ending_.bytes.empty()) return cancel(now, step);  // it waited for a sign of life
  if (state_ != State::Proceeding || status == kTrying) return;
  verdict_.code = status;
  if (!verdict_.post_dial_delay) verdict_.post_dial_delay = now - began_;
  if (fields.content_type == "application/sdp" && !fields.body.empty()) verdict_.media_described = true;
  if (settings_.expect == Expect::Answer || !far_enough()) return;
  tell(Result::Carried, step);
  cancel(now, step);
}

/// A second phone behind a fork has answered too (RFC 3261 13.2.2.4): it is hung up on at once, and once only.
void TrialCall::hang_up_fork(const sip::DialogFields& fields, Step& step) {
  for (const char* method : {"ACK", "BYE"}) {
    sip::RequestMessage m = in_dialog(method, std::string_view(method) == "ACK" ? cseq_ : cseq_ + 1);
    m.uri = fields.contact_uri.empty() ? target_ : fields.contact_uri;
    m.to = fields.to;
    m.routes.assign(fields.record_routes.rbegin(), fields.record_routes.rend());
    m.branch = branch();
    if (auto bytes = sip::write_request(m)) step.send.push_back(std::move(*bytes));
  }
}

void TrialCall::answered(const sip::DialogFields& fields, Instant now, Step& step) {
  if (!ack_.empty() && fields.to != remote_) return hang_up_fork(fields, step);
  if (!ack_.empty()) return step.send.push_back(ack_);  // repeated: our ACK was lost
  remote_ = fields.to;
  remote_target_ = fields.contact_uri;
  routes_.assign(fields.record_routes.rbegin(), fields.record_routes.rend());  // RFC 3261 12.1.2
  acknowledge(fields, 200, step);
  if (!told_) {
    verdict_.code = 200;
    verdict_.answered = true;
    if (!verdict_.post_dial_delay) verdict_.post_dial_delay = now - began_;
    if (fields.content_type == "application/sdp" && !fields.body.empty()) verdict_.media_described = true;
    tell(Result::Carried, step);
  }
  if (state_ == State::Cancelling || state_ == State::Over) return hang_up(now, step);  // it crossed our CANCEL
  state_ = State::Talking;
  wait_until_ = now + settings_.talk;
}

void TrialCall::refused(const sip::Response& response, std::string_view datagram, const sip::DialogFields& fields, Instant now, Step& step) {
  acknowledge(fields, response.status, step);
  if (state_ == State::Over || !ack_.empty()) return;  // repeated; or of another branch of a fork, when one has answered
  const bool challenge = response.status == kUnauthorized || response.status == kProxyAuthenticate;
  if (challenge && state_ != State::Cancelling && !credentials_used_ && authorise_) {
    if (const auto credentials = authorise_(datagram, "INVITE", target_)) {
      credentials_used_ = true;
      ++cseq_;
      invite_.branch = branch();
      if (auto bytes = invite(credentials)) {
        state_ = State::Calling;
        arm(invite_, *bytes, now, false);
        step.send.push_back(std::move(*bytes));
        return;
      }
    }
  }
  if (response.status != kTerminated || state_ != State::Cancelling) verdict_.code = response.status;
  if (!verdict_.post_dial_delay) verdict_.post_dial_delay = now - began_;
  tell(state_ == State::Cancelling ? Result::Stuck : Result::Refused, step);
  finish(now);
}

void TrialCall::cancel(Instant now, Step& step) {
  state_ = State::Cancelling;
  invite_.at = model::kNever;
  wait_until_ = now + kTimerF;  // RFC 3261 9.1: no final response by then, and the transaction is as good as cancelled
  if (!heard_) return;          // a CANCEL may not go before anything has come back
  sip::RequestMessage m = in_dialog("CANCEL", cseq_);
  m.uri = target_;
  m.to = "<" + to_ + ">";
  m.branch = ending_.branch = invite_.branch;
  m.routes.clear();
  if (auto bytes = sip::write_request(m)) {
    arm(ending_, *bytes, now, true);
    step.send.push_back(std::move(*bytes));
  }
}

void TrialCall::hang_up(Instant now, Step& step) {
  state_ = State::HangingUp;
  wait_until_ = now + kTimerF;
  bye_cseq_ = cseq_ + 1;
  sip::RequestMessage m = in_dialog("BYE", bye_cseq_);
  m.branch = ending_.branch = branch();
  if (auto bytes = sip::write_request(m)) {
    arm(ending_, *bytes, now, true);
    step.send.push_back(std::move(*bytes));
  } else {
    finish(now);
  }
}

TrialCall::Step TrialCall::on_bye(Instant now) {
  Step step;
  if (state_ == State::Talking || state_ == State::HangingUp) finish(now);
  return step;
}

TrialCall::Step TrialCall::on_unreachable(int error, Instant now) {
  Step step;
  if (state_ != State::Calling) return step;  // somebody has answered already: a hint that others may have forged
  verdict_.error = error;
  tell(Result::Unreachable, step);
  finish(now);
  return step;
}

TrialCall::Step TrialCall::on_connection_lost(int error) {
  Step step;
  if (state_ == State::Gone) return step;
  verdict_.error = error;
  tell(heard_ ? Result::Stuck : Result::Unreachable, step);
  state_ = State::Gone;  // there is nobody left to acknowledge anything to
  return step;
}

TrialCall::Step TrialCall::on_local_error(int error, Instant now) {
  Step step;
  verdict_.error = error;
  tell(Result::OurFault, step);
  if (state_ == State::Calling) finish(now);
  return step;
}

TrialCall::Step TrialCall::give_up(Instant now) {
  Step step;
  switch (state_) {
    case State::Calling:
    case State::Proceeding:
      tell(heard_ ? Result::Stuck : Result::Silent, step);
      cancel(now, step);
      break;
    case State::Talking: hang_up(now, step); break;
    case State::Cancelling:
    case State::HangingUp:
    case State::Over:
    case State::Gone: break;
  }
  return step;
}

void TrialCall::repeat(Repeated& what, Instant now, Step& step) const {
  if (now < what.at) return;
  step.send.push_back(what.bytes);
  what.gap = what.capped ? std::min(2 * what.gap, kT2) : 2 * what.gap;
  what.at = now + what.gap;  // from now: a stalled loop sends one packet, not all it missed
}

TrialCall::Step TrialCall::on_time(Instant now) {
  Step step;
  if (state_ == State::Over) {
    if (now >= end_at_) state_ = State::Gone;
    return step;
  }
  if (now >= wait_until_) {
    switch (state_) {
      case State::Calling:
      case State::Proceeding:
      case State::Talking: return give_up(now);
      case State::Cancelling:
      case State::HangingUp: finish(now); return step;
      case State::Over:
      case State::Gone: return step;
    }
  }
  repeat(invite_, now, step);
  repeat(ending_, now, step);
  return step;
}

Instant TrialCall::next_wakeup() const {
  switch (state_) {
    case State::Gone: return model::kNever;
    case State::Over: return end_at_;
    case State::Calling:
    case State::Proceeding:
    case State::Talking:
    case State::Cancelling:
    case State::HangingUp: break;
  }
  return std::min({wait_until_, invite_.at, ending_.at});
}

}  // namespace linekeeper::trial
