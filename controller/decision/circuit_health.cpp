#include "controller/decision/circuit_health.hpp"

#include <algorithm>
#include <utility>

#include "controller/decision/guards.hpp"
#include "controller/decision/quality.hpp"

namespace linekeeper::decision {

using model::Cause;
using model::Health;
using model::Instant;

namespace {

constexpr int kFigureSamples = 50;  // decided probes that the loss figure is made of

int decided(const ProbeWindow& window) {
  int n = 0;
  for (std::size_t i = 0; i < window.size(); ++i) n += window.newest(i).fate != ProbeFate::Open ? 1 : 0;
  return n;
}

/// Loss among the newest decided probes; of one target when given.
void count_losses(const ProbeWindow& window, std::optional<model::TargetId> only, model::Figures& out) {
  int lost = 0;
  bool in_a_row = true;
  for (std::size_t i = 0; i < window.size() && out.samples < kFigureSamples; ++i) {
    const ProbeRecord& probe = window.newest(i);
    if (probe.fate == ProbeFate::Open || (only && probe.target != *only)) continue;
    ++out.samples;
    const bool is_lost = probe.fate == ProbeFate::Lost;
    lost += is_lost ? 1 : 0;
    in_a_row = in_a_row && is_lost;
    out.losses_in_a_row += in_a_row ? 1 : 0;
  }
  out.loss_ratio = out.samples > 0 ? static_cast<double>(lost) / out.samples : 0.0;
}

/// How a call over the circuit would sound, from the same probes as the loss and from its round trip: half of it is taken for
/// each direction, as echoes cannot tell them apart. Nothing while none of those probes was answered.
void add_voice_quality(const ProbeWindow& window, model::Figures& out) {
  int seen = 0, lost = 0, runs = 0;
  bool in_a_run = false;
  for (std::size_t i = 0; i < window.size() && seen < kFigureSamples; ++i) {
    const ProbeFate fate = window.newest(i).fate;
    if (fate == ProbeFate::Open) continue;
    ++seen;
    const bool is_lost = fate == ProbeFate::Lost;
    lost += is_lost ? 1 : 0;
    runs += is_lost && !in_a_run ? 1 : 0;
    in_a_run = is_lost;
  }
  if (lost == seen || !out.rtt) return;
  const VoiceQuality voice = voice_quality({.loss_ratio = out.loss_ratio,
                                            .burst_ratio = burst_ratio(lost, runs, seen),
                                            .one_way = *out.rtt / 2,
                                            .jitter = out.jitter.value_or(model::Duration::zero())});
  out.r_factor = voice.r_factor;
  out.mos = voice.mos;
}

}  // namespace

CircuitHealth::CircuitHealth(const model::Site& site, model::CircuitId circuit, Instant started)
    : site_(&site),
      circuit_(circuit),
      rtt_(site.targets.size()),
      last_reply_(site.targets.size()),
      last_good_of_(site.targets.size()),
      last_evidence_(started) {
  verdict_.since = started;
}

void CircuitHealth::on(const model::ProbeSent& sent) {
  window_.sent(sent.sequence, sent.target, sent.sent, rtt_.at(sent.target.index()).timeout(site_->probing));
}

void CircuitHealth::on(const model::ProbeReply& reply, Instant now) {
  const auto probe = window_.answered(reply.sequence);
  if (!probe || probe->target != reply.target) return;
  rtt_[probe->target.index()].add(reply.rtt);
  last_reply_[probe->target.index()] = now;
  last_evidence_ = std::max(last_evidence_, now);
  last_good_ = std::max(last_good_.value_or(probe->sent), probe->sent);
  auto& of_target = last_good_of_[probe->target.index()];
  of_target = std::max(of_target.value_or(probe->sent), probe->sent);
}

std::optional<Instant> CircuitHealth::last_proof() const {
  std::optional<Instant> newest, second;
  for (const auto& at : last_good_of_) {
    if (at > newest)
      second = std::exchange(newest, at);
    else
      second = std::max(second, at);
  }
  return second;
}

void CircuitHealth::on(const model::ProbeLocalError& error, Instant now) {
  last_local_error_ = now;
  last_local_errno_ = error.error;
}

void CircuitHealth::on(const model::LinkState& link, Instant now) {
  if (link.usable() && (!link_ || !link_->usable())) last_evidence_ = now;  // counted anew from when there is a line to probe
  // What was measured before the line went away, or through another address, says nothing about the line that comes back.
  if (link_ && (link_->usable() != link.usable() || link_->address != link.address || link_->ifindex != link.ifindex)) window_.clear();
  link_ = link;
}

std::optional<CircuitHealth::Judgement> CircuitHealth::evaluate_link() const {
  if (!link_) return Judgement{Health::Unknown, Cause::NoEvidence, 0};
  if (!link_->present || !link_->admin_up || !link_->carrier) return Judgement{Health::Down, Cause::LinkDown, 0};
  if (!link_->address) return Judgement{Health::Down, Cause::NoAddress, 0};
  if (!link_->gateway) return Judgement{Health::Down, Cause::NoGateway, 0};
  return std::nullopt;
}

CircuitHealth::Judgement CircuitHealth::evaluate(Instant now) const {
  const model::CircuitRule& rule = site_->circuit_health;
  if (const auto by_link = evaluate_link()) return *by_link;

  if (now - last_evidence_ > rule.stale_after) {
    if (last_local_error_ && now - *last_local_error_ <= rule.stale_after) return {Health::Unknown, Cause::LocalErrors, last_local_errno_};
    return {Health::Unknown, verdict_.health == Health::Unknown && verdict_.cause == Cause::NoEvidence ? Cause::NoEvidence : Cause::Stale, 0};
  }
  const Run silence = trailing_run(window_, ProbeFate::Lost, site_->targets);
  if (silence.length >= rule.fall && !corroboration_holds(silence)) return {Health::Down, Cause::Silent, silence.length};

  const Run recovery = trailing_run(window_, ProbeFate::Answered, site_->targets);
  if (verdict_.health == Health::Up) return {Health::Up, Cause::Answering, recovery.targets};
  if (needs_rise_) {  // it was down: an unknown in between is no short cut
    if (recovery.length >= rule.rise && !corroboration_holds(recovery)) return {Health::Up, Cause::Answering, recovery.targets};
    // Nor does the first answer make a circuit that nothing was known of a dead one: unknown moves nothing (I6).
    if (verdict_.health == Health::Unknown) return {Health::Unknown, Cause::NoEvidence, decided(window_)};
    if (recovery.length == 0 && verdict_.cause == Cause::Silent) return {Health::Down, Cause::Silent, verdict_.detail};
    return {Health::Down, Cause::Recovering, recovery.length};
  }
  if (decided(window_) < rule.min_samples || recovery.length == 0) return {Health::Unknown, Cause::NoEvidence, decided(window_)};
  return {Health::Up, Cause::Answering, recovery.targets};
}

bool CircuitHealth::judge(Instant now) {
  if (window_.expire(now)) last_evidence_ = std::max(last_evidence_, now);
  // Stale evidence is none, also when the next probe brings the time of the last evidence up to now.
  if (now - last_evidence_ > site_->circuit_health.stale_after) window_.forget_before(now - site_->circuit_health.stale_after);
  const Judgement next = evaluate(now);
  verdict_.cause = next.cause;
  verdict_.detail = next.detail;
  if (next.health == verdict_.health) return false;
  if (next.health == Health::Down) first_bad_ = next.cause == Cause::Silent ? trailing_run(window_, ProbeFate::Lost, site_->targets).first : now;
  if (next.health == Health::Down) needs_rise_ = true;
  if (next.health == Health::Up) needs_rise_ = false;
  verdict_.health = next.health;
  verdict_.since = now;
  return true;
}

Instant CircuitHealth::next_wakeup() const {
  Instant next = window_.next_expiry();
  if (link_ && link_->usable() && verdict_.health != Health::Unknown)
    next = std::min(next, last_evidence_ + site_->circuit_health.stale_after + std::chrono::milliseconds(1));
  return next;
}

model::CircuitStatus CircuitHealth::status() const {
  model::CircuitStatus s;
  s.circuit = circuit_;
  s.verdict = verdict_;
  s.link = link_.value_or(model::LinkState{.circuit = circuit_, .address = {}, .gateway = {}});
  s.last_good = last_good_;
  count_losses(window_, std::nullopt, s.figures);
  model::Duration rtt{}, jitter{};
  int measured = 0;
  for (const model::TargetId target : (*site_)[circuit_].targets) {
    model::TargetStatus t{.target = target, .figures = {}, .last_reply = last_reply_[target.index()]};
    count_losses(window_, target, t.figures);
    t.figures.rtt = rtt_[target.index()].smoothed();
    t.figures.jitter = rtt_[target.index()].jitter();
    if (t.figures.rtt) {
      rtt += *t.figures.rtt;
      jitter += t.figures.jitter.value_or(model::Duration::zero());
      ++measured;
    }
    s.targets.push_back(t);
  }
  if (measured > 0) {
    s.figures.rtt = rtt / measured;
    s.figures.jitter = jitter / measured;
  }
  add_voice_quality(window_, s.figures);
  return s;
}

}  // namespace linekeeper::decision
