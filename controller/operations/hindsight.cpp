#include "controller/operations/hindsight.hpp"

#include <algorithm>

namespace linekeeper::operations {

using model::Duration;
using model::Instant;

namespace {
constexpr std::chrono::seconds kShortest{1};  // a shorter silence is no outage to anyone
constexpr int kProbes = 3;                    // one or two that are lost are lost, not silence
constexpr int kOptions = 2;
}  // namespace

void Listener::asked(std::uint64_t sequence, Instant sent) {
  settle(sent);
  open_.push_back({.sequence = sequence, .sent = sent});
}

void Listener::answered(std::uint64_t sequence) {
  // From the newest: an answer is to one of the last that were asked.
  const auto question = std::find_if(open_.rbegin(), open_.rend(), [&](const Question& q) { return q.sequence == sequence && !q.cut_off; });
  if (question != open_.rend()) question->answered = true;
}

void Listener::cut_off(Instant at) { open_.push_back({.sent = at, .cut_off = true}); }

void Listener::settle(Instant now) {
  for (; !open_.empty() && now - open_.front().sent >= kPatience; open_.pop_front()) settled(open_.front());
}

void Listener::finish(Instant now) {
  for (; !open_.empty(); open_.pop_front()) settled(open_.front());
  close(now);
}

void Listener::settled(const Question& question) {
  if (question.answered) return close(question.sent);
  if (!silent_from_) silent_from_ = question.sent;
  unanswered_ += question.cut_off ? questions_ : 1;
}

void Listener::close(Instant at) {
  if (silent_from_ && unanswered_ >= questions_ && at - *silent_from_ >= least_) silences_.push_back({*silent_from_, at});
  silent_from_.reset();
  unanswered_ = 0;
}

Hindsight::Hindsight(const model::Site& site)
    : circuits_(site.circuits.size(), Listener(kShortest, kProbes)),
      paths_(site.carriers.size() * site.circuits.size(), Listener(kShortest, kOptions)) {}

void Hindsight::hear(const model::Observation& observation, Instant now) {
  if (const auto* sent = std::get_if<model::ProbeSent>(&observation)) {
    circuits_[sent->circuit.index()].asked(sent->sequence, sent->sent);
  } else if (const auto* reply = std::get_if<model::ProbeReply>(&observation)) {
    circuits_[reply->circuit.index()].answered(reply->sequence);
  } else if (const auto* link = std::get_if<model::LinkState>(&observation)) {
    if (!link->usable()) circuits_[link->circuit.index()].cut_off(now);
  } else if (const auto* sip = std::get_if<model::SipOutcome>(&observation)) {
    if (sip->result == model::SipResult::LocalError) return;
    Listener& listener = paths_[path(sip->carrier, sip->circuit)];
    const bool takes_calls = sip->result == model::SipResult::Final && sip->reply <= model::ReplyClass::Degraded;
    if (!sip->late) listener.asked(sip->sequence, sip->sent);
    if (takes_calls) listener.answered(sip->sequence);
  }
}

void Hindsight::finish(Instant now) {
  for (Listener& l : circuits_) l.finish(now);
  for (Listener& l : paths_) l.finish(now);
}

Duration Hindsight::silent(model::CircuitId circuit, std::optional<model::CarrierId> carrier, Instant from, Instant to) const {
  std::vector<Silence> all = circuits_[circuit.index()].silences();
  if (carrier) {
    const auto& more = paths_[path(*carrier, circuit)].silences();
    all.insert(all.end(), more.begin(), more.end());
    std::ranges::sort(all, {}, &Silence::from);
  }
  Duration total{};
  Instant counted = from;  // what is silent twice counts once
  for (const Silence& s : all) {
    const Instant begin = std::max(s.from, counted), end = std::min(s.to, to);
    if (end <= begin) continue;
    total += end - begin;
    counted = end;
  }
  return total;
}

}  // namespace linekeeper::operations
