#include "carriers/registration/registration.hpp"

#include <algorithm>

#include "carriers/sip/options_transaction.hpp"

namespace linekeeper::registration {
using model::Duration;
using model::Instant;

namespace {

constexpr int kUnauthorized = 401, kProxyAuthenticate = 407, kIntervalTooBrief = 423;
// Unanswered: soon, for a circuit that has just come back. Refused: somebody has to mend something first.
constexpr Duration kFirstPause = std::chrono::seconds(10), kLongestUnanswered = std::chrono::minutes(5), kLongestRefused = std::chrono::minutes(30);
constexpr Duration kLongestRetryAfter = std::chrono::hours(1);
constexpr Duration kLongestExpires = std::chrono::hours(24);
constexpr double kEarliest = 0.45, kLatest = 0.55;  // of its life, when a registration is refreshed

Duration scaled(Duration d, double by) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(d) * by); }

/// 10 s, 20 s, 40 s, ... up to `longest`.
Duration back_off(int failures, Duration longest) {
  Duration pause = kFirstPause;
  for (int i = 1; i < failures && pause < longest; ++i) pause *= 2;
  return std::min(pause, longest);
}

}  // namespace

Registration::Registration(Settings settings, runtime::SeededRandom random, Authorise authorise)
    : settings_(std::move(settings)), random_(random), authorise_(std::move(authorise)) {
  call_id_ = sip::hex(random_.next()) + sip::hex(random_.next());  // one for all its life (RFC 3261 10.2)
  from_tag_ = sip::hex(random_.next());
}

void Registration::begin(Instant now, Duration after) {
  standing_.since = now;
  earliest_ = now + after;
  due(earliest_);
}

void Registration::due(Instant at) {
  next_ = std::max(at, earliest_);
  if (floor_from_ != Instant::min()) next_ = std::max(next_, floor_from_ + settings_.floor);
}

void Registration::moved(const runtime::Peer& local, std::string contact, Instant now) {
  const bool other = !local_ || local_->address != local.address || contact != settings_.contact;
  local_ = local;
  settings_.contact = std::move(contact);
  waiting_.reset();  // its answer would come to a socket that is no more
  failures_ = 0;
  if (other && standing_.state != State::Trying) standing_ = {.state = State::Trying, .since = now};
  due(now);
}

void Registration::passable(Instant now) {
  if (failures_ == 0 || standing_.code >= 300) return;  // a refusal is the carrier's: no circuit mends it
  failures_ = 0;
  if (!waiting_) due(now);
}

Registration::Step Registration::send(const std::optional<std::pair<std::string, std::string>>& credentials, Instant now) {
  if (!local_) {
    next_ = model::kNever;  // until the circuit is there
    return {};
  }
  const std::string aor = "<" + sip::sip_uri(settings_.user, settings_.domain, settings_.port, settings_.sips) + ">";
  Waiting fresh{.branch = "z9hG4bK" + sip::hex(random_.next()) + sip::hex(random_.next()),
                .bytes = {},
                .sent = now,
                .deadline_at = now + settings_.deadline,
                .gap = sip::kT1};
  sip::RequestMessage m{
      .method = "REGISTER",
      .uri = sip::sip_uri({}, settings_.domain, settings_.port, settings_.sips) + sip::transport_parameter(settings_.transport, settings_.sips),
      .transport = std::string(sip::via_transport(settings_.transport)),
      .local = *local_,
      .branch = fresh.branch,
      .max_forwards = settings_.max_forwards,
      .from = aor + ";tag=" + from_tag_,
      .to = aor,
      .call_id = call_id_,
      .cseq = ++cseq_,
      .contact = "<" + settings_.contact + ">",
      .more = {{"Expires", std::to_string(std::chrono::duration_cast<std::chrono::seconds>(settings_.expires).count())}}};
  if (credentials) m.more.push_back(*credentials);
  auto bytes = sip::write_request(m);
  next_ = model::kNever;
  if (!bytes) return failed({.state = State::Unanswered, .error = EINVAL}, kLongestRefused, now);
  if (!settings_.reliable()) fresh.repeat_at = now + fresh.gap;
  fresh.bytes = *bytes;
  waiting_ = std::move(fresh);
  return {.send = std::move(*bytes)};
}

bool Registration::stand(Standing next, Instant now) {
  next.since = next.state == standing_.state ? standing_.since : now;
  const bool changed = next != standing_;
  standing_ = next;
  return changed;
}

/// What the registrar says of our own binding; else of all; else what we asked for (RFC 3261 10.2.4).
Duration Registration::granted_for(const sip::DialogFields& fields) const {
  for (const std::string& contact : fields.contacts) {
    if (sip::address_uri(contact) != settings_.contact) continue;
    const auto own = sip::address_parameter(contact, "expires");
    if (!own || own->empty() || own->size() > 9 || !std::ranges::all_of(*own, [](char c) { return c >= '0' && c <= '9'; })) continue;
    return std::chrono::seconds(std::stoul(*own));
  }
  return fields.expires.value_or(settings_.expires);
}

Registration::Step Registration::granted(const sip::DialogFields& fields, Instant now) {
  const Instant sent = waiting_->sent;
  waiting_.reset();
  const Duration life = std::min(granted_for(fields), kLongestExpires);
  if (life <= Duration::zero()) return refused(200, std::nullopt, now);  // taken, and ended at once
  failures_ = 0;
  due(sent + scaled(life, kEarliest + (kLatest - kEarliest) * random_.unit()));
  return {.changed = stand({.state = State::Registered, .code = 200, .until = sent + life}, now)};
}

/// A registration that still holds is kept as it is: its carrier reaches us until it ends.
Registration::Step Registration::failed(Standing how, Duration pause, Instant now) {
  waiting_.reset();
  const bool holds = standing_.state == State::Registered && now < standing_.until;
  if (holds)
    how = {
        .state = State::Registered, .code = how.code, .error = how.error, .until = standing_.until, .credentials_refused = how.credentials_refused};
  due(now + scaled(pause, 1 + 0.2 * random_.unit()));
  return {.changed = stand(how, now)};
}

Registration::Step Registration::refused(int code, const std::optional<Duration>& retry_after, Instant now) {
  ++failures_;
  const bool ours = (code == kUnauthorized || code == kProxyAuthenticate) && (challenged_ || !authorise_);
  const Duration pause =
      retry_after ? std::clamp(*retry_after, settings_.floor, std::max(settings_.floor, kLongestRetryAfter)) : back_off(failures_, kLongestRefused);
  return failed({.state = State::Refused, .code = code, .credentials_refused = ours}, pause, now);
}

Registration::Step Registration::on_response(const sip::Response& response, std::string_view datagram, Instant now) {
  if (!waiting_ || response.branch != waiting_->branch || response.cseq != cseq_ || response.cseq_method != "REGISTER" ||
      response.call_id != call_id_)
    return {};
  if (response.status < 200) {
    waiting_->repeat_at = std::max(waiting_->repeat_at, now + sip::kT2);  // timer E while Proceeding; kNever on a stream
    return {};
  }
  const auto fields = sip::read_dialog_fields(datagram);
  if (response.status < 300) return granted(fields, now);
  if ((response.status == kUnauthorized || response.status == kProxyAuthenticate) && !challenged_ && authorise_) {
    challenged_ = true;
    if (const auto credentials = authorise_(datagram, "REGISTER", sip::sip_uri({}, settings_.domain, settings_.port))) return send(credentials, now);
  }
  if (response.status == kIntervalTooBrief && !stretched_ && fields.min_expires && *fields.min_expires > settings_.expires) {
    stretched_ = true;
    settings_.expires = std::min(*fields.min_expires, kLongestExpires);
    challenged_ = false;  // the new request may be challenged anew
    return send(std::nullopt, now);
  }
  return refused(response.status, response.retry_after, now);
}

Registration::Step Registration::on_failure(int error, Instant now) {
  if (!waiting_) return {};
  ++failures_;
  return failed({.state = State::Unanswered, .error = error}, back_off(failures_, kLongestUnanswered), now);
}

Registration::Step Registration::on_time(Instant now) {
  bool changed = false;
  if (standing_.state == State::Registered && now >= standing_.until)  // nobody has granted it anew
    changed = stand({.state = standing_.code >= 300 ? State::Refused : State::Unanswered,
                     .code = standing_.code,
                     .error = standing_.error,
                     .credentials_refused = standing_.credentials_refused},
                    now);
  Step step;
  if (waiting_ && now >= waiting_->deadline_at) {
    ++failures_;
    step = failed({.state = State::Unanswered}, back_off(failures_, kLongestUnanswered), now);
  } else if (waiting_ && now >= waiting_->repeat_at) {
    waiting_->gap = std::min(2 * waiting_->gap, sip::kT2);
    waiting_->repeat_at = now + waiting_->gap;
    step.send = waiting_->bytes;
  } else if (!waiting_ && now >= next_) {
    challenged_ = stretched_ = false;
    floor_from_ = now;
    step = send(std::nullopt, now);
  }
  step.changed = step.changed || changed;
  return step;
}

Instant Registration::next_wakeup() const {
  Instant at = waiting_ ? std::min(waiting_->deadline_at, waiting_->repeat_at) : next_;
  if (standing_.state == State::Registered) at = std::min(at, standing_.until);
  return at;
}

}  // namespace linekeeper::registration
