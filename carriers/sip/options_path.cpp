#include "carriers/sip/options_path.hpp"

#include <algorithm>
#include <utility>

#include "carriers/sip/reply_class.hpp"

namespace linekeeper::sip {
using model::Instant;
using model::kNever;
using model::SipOutcome;
using model::SipResult;

namespace {

constexpr std::size_t kMostTransactions = 16;  // 32 s of them at a floor of 2 s; with a lower floor the oldest is forgotten

constexpr std::chrono::minutes kCredentialsAgain{10};

bool bad(const SipOutcome& o) { return o.reply == model::ReplyClass::SoftDown || o.reply == model::ReplyClass::Down; }

}  // namespace

OptionsPath::OptionsPath(model::CarrierId carrier, const model::Carrier& settings, model::CircuitId circuit, runtime::SeededRandom random, Debt debt)
    : carrier_(carrier), circuit_(circuit), settings_(settings), etiquette_(settings_, random, debt) {}

std::uint32_t OptionsPath::on_the_wire(std::size_t bytes) const {
  const std::size_t network = settings_.address.family == model::Family::V6 ? 40 : 20;  // RFC 8200 3, RFC 791 3.1
  std::size_t transport = 8;                                                            // RFC 768
  // With the segment that confirms it, both with time stamps (RFC 9293 3.1, RFC 7323 3); a record of TLS (RFC 8446 5.2). What it takes to
  // connect is not counted.
  if (settings_.transport != model::SipTransport::Udp) transport = 32 + network + 32;
  if (settings_.transport == model::SipTransport::Tls) transport += 5 + 1 + 16;
  return static_cast<std::uint32_t>(bytes + network + transport);
}

bool OptionsPath::waiting() const {
  return std::ranges::any_of(transactions_, [](const Transaction& t) { return t.machine.waiting(); });
}

Instant OptionsPath::overdue_at(const Transaction& t) const {
  if (!t.machine.waiting() || t.told_overdue || t.provisional || t.sent < heard_sent_) return kNever;
  return std::max(t.sent, heard_at_) + model::kSipOverdueAfter;
}

Instant OptionsPath::next_wakeup() const {
  Instant at = etiquette_.next_verify();
  if (!waiting()) at = std::min(at, etiquette_.next());
  at = paced(at);
  for (const Transaction& t : transactions_) at = std::min({at, t.machine.next_wakeup(), overdue_at(t)});
  return at;
}

OptionsPath::Turn OptionsPath::turn(Instant now) {
  for (Transaction& t : transactions_) {
    if (overdue_at(t) <= now) {
      t.told_overdue = true;
      etiquette_.silent(now);
      return {
          .act = Act::Tell, .bytes = {}, .told = model::SipOverdue{.carrier = carrier_, .circuit = circuit_, .sequence = t.sequence, .sent = t.sent}};
    }
    if (t.machine.next_wakeup() > now) continue;
    const auto step = t.machine.on_time(now);
    if (step.outcome) return {.act = Act::Tell, .bytes = {}, .told = tell(t, *step.outcome, now)};
    if (step.send) {
      ++counters_.retransmissions;
      t.bytes_sent += on_the_wire(t.bytes.size());
      return {.act = Act::Repeat, .sequence = t.sequence, .bytes = t.bytes, .told = {}};
    }
  }
  std::erase_if(transactions_, [](const Transaction& t) { return t.machine.state() == TransactionState::Terminated; });
  const Instant at = paced(waiting() ? etiquette_.next_verify() : std::min(etiquette_.next(), etiquette_.next_verify()));
  if (now < at) return {.act = Act::Nothing, .bytes = {}, .told = {}};
  return {.act = Act::Start, .sequence = ++last_sequence_, .bytes = {}, .told = {}};
}

TransactionIds OptionsPath::next_ids(runtime::SeededRandom& random, std::uint64_t sequence) const {
  auto ids = make_ids(random, sequence);
  if (!challenged_) return ids;
  ids.call_id = challenged_->call_id;
  ids.from_tag = challenged_->from_tag;
  ids.cseq = challenged_->cseq % 0x7fffffff + 1;
  return ids;
}

void OptionsPath::started(std::uint64_t sequence, TransactionIds ids, std::string bytes, Instant now) {
  const bool usual = etiquette_.free(now) && !waiting();
  etiquette_.started(now);
  if (pace_) pace_->free_at = now + pace_->gap;
  const bool second = challenged_.has_value();
  challenged_.reset();
  ++counters_.attempts;
  if (!usual) ++counters_.verify;
  const std::uint32_t sent = on_the_wire(bytes.size());
  if (transactions_.size() == kMostTransactions) transactions_.pop_front();
  transactions_.push_back({.sequence = sequence,
                           .bytes = std::move(bytes),
                           .machine = OptionsTransaction(ids, settings_.deadline, now, settings_.transport != model::SipTransport::Udp),
                           .sent = now,
                           .kind = usual ? model::ProbeKind::Scheduled : model::ProbeKind::Verify,
                           .ids = std::move(ids),
                           .with_credentials = digest_ && digest_->challenged() && now >= refused_until_,
                           .second = second,
                           .bytes_sent = sent});
}

model::Observation OptionsPath::not_started(std::uint64_t sequence, int error, Instant now) {
  etiquette_.not_sent(now);
  return SipOutcome{.carrier = carrier_, .circuit = circuit_, .sequence = sequence, .result = SipResult::LocalError, .error = error, .sent = now};
}

OptionsPath::Told OptionsPath::refused(int error, Instant now) {
  // One that is refused is refused at once, while the next is far off: so the newest is nearly always the one.
  const auto t = std::find_if(transactions_.rbegin(), transactions_.rend(), [](const Transaction& each) { return each.machine.waiting(); });
  if (t == transactions_.rend()) return std::nullopt;
  const auto step = t->machine.on_refused(error, now);
  return step.outcome ? Told(tell(*t, *step.outcome, now)) : std::nullopt;
}

OptionsPath::Told OptionsPath::refused(std::uint64_t sequence, int error, Instant now) {
  const auto t = std::ranges::find(transactions_, sequence, &Transaction::sequence);
  if (t == transactions_.end()) return std::nullopt;
  const auto step = t->machine.on_refused(error, now);
  return step.outcome ? Told(tell(*t, *step.outcome, now)) : std::nullopt;
}

OptionsPath::Told OptionsPath::failed(std::uint64_t sequence, int error, Instant now) {
  const auto t = std::ranges::find(transactions_, sequence, &Transaction::sequence);
  if (t == transactions_.end()) return std::nullopt;
  const auto step = t->machine.on_local_error(error, now);
  return step.outcome ? Told(tell(*t, *step.outcome, now)) : std::nullopt;
}

void OptionsPath::heard(const Transaction& t, Instant now) {
  heard_at_ = std::max(heard_at_, now);
  heard_sent_ = std::max(heard_sent_, t.sent);
}

OptionsPath::Told OptionsPath::on_response(const Response& response, Instant now) {
  const auto t = std::ranges::find_if(transactions_, [&](const Transaction& each) { return each.machine.ours(response); });
  if (t == transactions_.end()) {
    ++counters_.inert;
    return std::nullopt;
  }
  const auto step = t->machine.on_response(response, now);
  if (step.inert) {
    ++counters_.inert;
    return std::nullopt;
  }
  heard(*t, now);
  t->bytes_received += on_the_wire(response.bytes);
  if (step.outcome) {
    auto outcome = *step.outcome;
    weigh_challenge(*t, response.challenge, outcome, now);
    auto told = tell(*t, outcome, now);
    if (outcome.authorisation == model::SipAuthorisation::Challenged) {  // while the nonce is fresh: for a token, or when the floor is over
      etiquette_.doubted(now);
      etiquette_.suspected(now);
    }
    return told;
  }
  ++counters_.provisional;
  etiquette_.stirred();
  if (std::exchange(t->provisional, true)) return std::nullopt;
  return model::SipProvisional{.carrier = carrier_, .circuit = circuit_, .sequence = t->sequence, .sent = t->sent};
}

void OptionsPath::weigh_challenge(const Transaction& t, const std::optional<Challenge>& challenge, SipOutcome& outcome, Instant now) {
  using enum model::SipAuthorisation;
  if (!digest_) return;
  if (outcome.code != 401 && outcome.code != 407) {
    if (t.with_credentials) outcome.authorisation = Accepted;
    return;
  }
  if (now < refused_until_) {
    outcome.authorisation = Refused;
    return;
  }
  if (!challenge || (t.second && t.with_credentials && !challenge->stale)) {
    if (!t.second || !t.with_credentials) return;
    // Carriers ban who tries passwords. A reload with the right one begins anew; without, it is tried again now and then.
    refused_until_ = now + kCredentialsAgain;
    digest_->forget();
    outcome.authorisation = Refused;
    return;
  }
  // A nonce that was stale twice in a row is kept for the next OPTIONS of the usual pace: none is sent for it.
  if (!digest_->take(*challenge) || t.second || outcome.late) return;
  challenged_ = t.ids;
  outcome.authorisation = Challenged;
}

model::Observation OptionsPath::tell(Transaction& t, SipOutcome outcome, Instant now) {
  outcome.carrier = carrier_;
  outcome.circuit = circuit_;
  outcome.sequence = t.sequence;
  outcome.kind = t.kind;
  outcome.provisional = t.provisional;
  outcome.bytes_sent = std::exchange(t.bytes_sent, 0);
  outcome.bytes_received = std::exchange(t.bytes_received, 0);
  if (outcome.result == SipResult::Final) outcome.reply = classify(outcome.code, settings_.replies);
  if (outcome.late) ++counters_.late;
  react(t, outcome, now);
  return outcome;
}

void OptionsPath::react(const Transaction& t, const SipOutcome& outcome, Instant now) {
  switch (outcome.result) {
    case SipResult::LocalError: return;
    case SipResult::Timeout:
    case SipResult::Refused:
      if (t.sent < heard_sent_) return;  // a later one was answered: this one was lost on the way
      if (t.provisional)
        etiquette_.rejected(now);  // somebody took it and never finished
      else
        etiquette_.silent(std::max(now, t.sent + model::kSipOverdueAfter));
      etiquette_.suspected(now);
      return;
    case SipResult::Final:
      // A prober sheds all of its few requests, not a share of them; but never so long that a carrier could switch off what watches it.
      if (outcome.overload && outcome.overload->percent > 0) etiquette_.spare(now + std::min(outcome.overload->valid, settings_.interval));
      if (!bad(outcome)) return etiquette_.answered();
      // Where we are told when to ask again, we do not ask sooner than usual (RFC 3261 21.5.4).
      if (outcome.retry_after)
        etiquette_.stirred();
      else
        etiquette_.rejected(now);
      if (!outcome.late) etiquette_.suspected(now);
      return;
  }
}

}  // namespace linekeeper::sip
