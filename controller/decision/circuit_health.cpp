#include "controller/decision/circuit_health.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "controller/decision/guards.hpp"

namespace linekeeper::decision {

using model::Cause;
using model::Duration;
using model::Health;
using model::Instant;
using namespace std::chrono_literals;

namespace {

// Quick probing: closely while it matters most, then less, then no more than the schedule. Within what one target may be asked to answer.
constexpr Duration kQuick = 20ms, kQuickFor = 1s, kSlower = 50ms, kSlowerFor = 4s, kConfirm = 100ms, kCloser = 40ms;
constexpr Duration kOfOneTarget = 50ms;  // no target is asked more than twenty times a second
// Three questions for the neighbour, a second apart (RFC 4861 10: MAX_MULTICAST_SOLICIT, RETRANS_TIMER), and half a second for what follows.
constexpr Duration kFirstAnswer = 3500ms;
constexpr Duration kFamiliar = 90s;  // what was written down so recently (it is, once a minute) was measured until we ended
constexpr Duration kRegret = 1s;     // so soon after it was called dead late answers take that back
constexpr double kDaysOfYear = 365.25;
constexpr double kBudgetBackPerMinute = 0.2;  // of its capacity
constexpr int kLocalErrorShare = 4;           // silence counts only while no more than one in so many probes failed on our own side

std::vector<std::uint8_t> networks_of(const model::Site& site, const model::Circuit& circuit) {
  std::vector<std::uint8_t> numbers;
  for (std::size_t i = 0; i < circuit.targets.size(); ++i) {
    std::size_t same = 0;
    while (site[circuit.targets[same]].network != site[circuit.targets[i]].network) ++same;
    numbers.push_back(static_cast<std::uint8_t>(same));
  }
  return numbers;
}

}  // namespace

CircuitHealth::CircuitHealth(const model::Site& site, model::CircuitId circuit, Instant started)
    : site_(&site),
      circuit_(circuit),
      settings_(&site[circuit]),
      network_(networks_of(site, *settings_)),
      rtt_(network_.size()),
      last_reply_(network_.size()),
      last_good_of_(network_.size()),
      budget_(network_.size(), VerifyBudget(site.probing.verify_budget, site.probing.verify_budget * kBudgetBackPerMinute)),
      standing_(network_),
      loss_(network_.size(), site.probing.interval),
      delay_(network_.size()),
      role_since_(started),
      fresh_before_(started),
      last_evidence_(started),
      judged_at_(started) {
  verdict_.since = started;
  make_plan(started);
}

std::size_t CircuitHealth::position(model::TargetId target) const {
  return static_cast<std::size_t>(std::ranges::find(settings_->targets, target) - settings_->targets.begin());
}

void CircuitHealth::on(const model::ProbeSent& sent) {
  const std::size_t p = position(sent.target);
  if (p >= network_.size()) return;
  window_.sent(sent.sequence, p, sent.sent, rtt_[p].timeout(site_->probing), sent.kind);
  if (sent.kind != model::ProbeKind::Scheduled) budget_[p].take(sent.sent);
}

void CircuitHealth::on(const model::ProbeReply& reply, Instant now) {
  const auto probe = window_.answered(reply.sequence, position(reply.target));
  if (!probe) return;
  const std::size_t p = probe->position;
  if (probe->kind != model::ProbeKind::Verify) loss_.early(p, false);
  // What waited for a new neighbour tells of that, and not of the line.
  if (familiar_ || reply.rtt <= site_->probing.timeout_max) {
    rtt_[p].add(reply.rtt);
    delay_.add(p, reply.rtt, now);
  }
  last_reply_[p] = now;
  last_evidence_ = std::max(last_evidence_, now);
  last_good_ = std::max(last_good_.value_or(probe->sent), probe->sent);
  last_good_of_[p] = std::max(last_good_of_[p].value_or(probe->sent), probe->sent);
  local_errors_ = 0;
}

std::optional<Instant> CircuitHealth::last_proof() const {
  std::optional<Instant> newest, second;
  for (std::size_t p = 0; p < last_good_of_.size(); ++p) {
    if ((standing_.counted() >> p & 1) == 0) continue;
    const auto& at = last_good_of_[p];
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
  ++local_errors_;
}

void CircuitHealth::forget_line() {
  window_.clear();
  standing_.forget();
  loss_.reset();
  silence_ = {};
  silent_since_.reset();
  suspect_ = false;
  local_errors_ = 0;
}

void CircuitHealth::on(const model::LinkState& link, Instant now) {
  if (link.usable() && (!link_ || !link_->usable())) last_evidence_ = now;  // counted anew from when there is a line to probe
  // What was measured before the line went away, or through another address, says nothing about the line that comes back.
  if (link_ && (link_->usable() != link.usable() || link_->address != link.address || link_->ifindex != link.ifindex)) forget_line();
  link_ = link;
}

/// What was not answered while we stood still may have been answered all the same: we were not there to see it (I7).
void CircuitHealth::on(const model::LoopStall& stall) {
  window_.void_unanswered(stall.to);
  silence_ = {};
  silent_since_.reset();
  last_evidence_ = std::max(last_evidence_, stall.to);
}

bool CircuitHealth::set_role(CircuitRole role, Instant now) {
  if (role == role_) return false;
  if (role.in_use != role_.in_use) fresh_before_ = fresh_until(), role_since_ = now;  // what is stale by the new pace was fresh by the old one
  role_ = role;
  return true;
}

Duration CircuitHealth::interval() const {
  const model::CircuitProbing& pace = site_->probing;
  if (verdict_.health == Health::Unknown) return pace.interval;  // the first verdict is waited for
  if (settings_->metered) return role_.in_use ? pace.metered_interval : pace.metered_standby_interval;
  // One that is to be trusted again is probed as one in use: the proof is wanted soon.
  return role_.in_use || !proven_well() ? pace.interval : pace.standby_interval;
}

Duration CircuitHealth::stale_after() const { return std::max(site_->circuit_health.stale_after, 3 * plan_.interval); }

Duration CircuitHealth::dead_after() const {
  const model::CircuitRule& rule = site_->circuit_health;
  return std::clamp(learner_.limit(rule.false_failovers_per_year), rule.dead_after_min, rule.dead_after_max);
}

Duration CircuitHealth::suspect_after() const {
  const model::CircuitRule& rule = site_->circuit_health;
  return std::clamp(learner_.limit(rule.false_suspicions_per_day * kDaysOfYear), rule.suspect_after, std::max(rule.suspect_after, dead_after()));
}

Duration CircuitHealth::rtt_expected() const {
  Duration most{};
  for (std::size_t p = 0; p < rtt_.size(); ++p)
    if ((standing_.counted() >> p & 1) != 0) most = std::max(most, rtt_[p].timeout(site_->probing));
  return most;
}

Duration CircuitHealth::pace() const {
  // Additional probes to one target only prove nothing (I5).
  const bool quick = plan_.extra && std::popcount(plan_.among & standing_.counted()) >= 2;
  return quick ? std::min(*plan_.extra, plan_.interval) : plan_.interval;
}

std::optional<CircuitHealth::Judgement> CircuitHealth::evaluate_link() const {
  if (!link_) return Judgement{Health::Unknown, Cause::NoEvidence, 0};
  if (!link_->present || !link_->admin_up || !link_->carrier) return Judgement{Health::Down, Cause::LinkDown, 0};
  if (!link_->address) return Judgement{Health::Down, Cause::NoAddress, 0};
  if (!link_->gateway && !link_->direct) return Judgement{Health::Down, Cause::NoGateway, 0};
  return std::nullopt;
}

/// While many probes fail on our own side the silence of the others may be our own, too (I7). No longer once probes have left
/// unhindered for as long as a silence must last, and what they asked for is overdue.
bool CircuitHealth::silent_for(Duration long_enough, Instant now) const {
  const bool hindered = last_local_error_ && now - *last_local_error_ < long_enough + rtt_expected();
  const int probes = hindered ? std::max(kSilentProbes, kLocalErrorShare * local_errors_) : kSilentProbes;
  return silence_.probes >= probes && now - silence_.overdue >= long_enough;
}

CircuitHealth::Judgement CircuitHealth::evaluate(Instant now) const {
  const model::CircuitRule& rule = site_->circuit_health;
  if (const auto by_link = evaluate_link()) return *by_link;
  if (stale(now)) {
    if (last_local_error_ && now - *last_local_error_ <= stale_after()) return {Health::Unknown, Cause::LocalErrors, last_local_errno_};
    return {Health::Unknown, verdict_.health == Health::Unknown && verdict_.cause == Cause::NoEvidence ? Cause::NoEvidence : Cause::Stale, 0};
  }
  if (silent_for(dead_after(), now)) {
    if (familiar_before(silence_.first) || now >= silence_.first + kFirstAnswer) return {Health::Down, Cause::Silent, silence_.probes};
    // Nor is it up on the word of one target while the others are as silent as over a dead one: it would be down in the same moment.
    if (verdict_.health == Health::Unknown) return {Health::Unknown, Cause::NoEvidence, 0};
  }
  if (verdict_.health != Health::Up && verdict_.health != Health::Degraded) {
    const Judgement recovered = evaluate_recovery(now);
    if (recovered.health != Health::Up) return recovered;
  }
  if (impaired_) return {Health::Degraded, *impaired_, 0};
  return {Health::Up, Cause::Answering, static_cast<int>(rule.rise)};
}

CircuitHealth::Judgement CircuitHealth::evaluate_recovery(Instant now) const {
  const model::CircuitRule& rule = site_->circuit_health;
  const int most = std::max(rule.rise, 4 * static_cast<int>(network_.size()));
  const Runs runs = trailing_runs(window_, ProbeFate::Answered, network_, standing_.counted(), most);
  const Run& recovery = runs.best();
  int decided = 0;
  for (std::size_t i = 0; i < window_.size() && decided < rule.min_samples; ++i) decided += window_.newest(i).fate != ProbeFate::Open ? 1 : 0;
  if (needs_rise_) {  // it was down: an unknown in between is no short cut
    if (recovery.length >= rule.rise && !corroboration_holds(recovery)) return {Health::Up, Cause::Answering, 0};
    // Nor does the first answer make a circuit that nothing was known of a dead one: unknown moves nothing (I6).
    if (verdict_.health == Health::Unknown) return {Health::Unknown, Cause::NoEvidence, decided};
    if (recovery.length == 0 && verdict_.cause == Cause::Silent) return {Health::Down, Cause::Silent, std::max(silence_.probes, verdict_.detail)};
    return {Health::Down, Cause::Recovering, recovery.length};
  }
  if (decided < rule.min_samples || recovery.any == 0) return {Health::Unknown, Cause::NoEvidence, decided};
  // One target proves no life either (I5): it may be the provider's own, on this side of what has failed. But when the silence of the others should
  // have been called death by now, and was not, it is they who fail.
  const bool alone = recovery.any < std::min(2, std::popcount(standing_.counted()));
  if (alone && now < window_.newest(window_.size() - 1).sent + kFirstAnswer + dead_after()) return {Health::Unknown, Cause::NoEvidence, decided};
  return {Health::Up, Cause::Answering, 0};
}

void CircuitHealth::take(const ProbeRecord& probe) {
  const bool lost = probe.fate != ProbeFate::Answered;
  if (lost && probe.voided) return;
  standing_.settled(probe.position, lost, probe.kind);
  if (!needs_rise_) loss_.add(probe.position, probe.sent, lost, probe.kind);  // a dead circuit is not lossy
  if (probe.kind != model::ProbeKind::Scheduled) return;
  if ((standing_.counted() >> probe.position & 1) != 0) recovery_.add(lost);
  // Time is watched as long as probes leave in their turn; what lies between longer gaps was not.
  if (!needs_rise_ && probe.sent > last_settled_) learner_.watched(std::min(probe.sent - last_settled_, 3 * plan_.interval));
  last_settled_ = std::max(last_settled_, probe.sent);
}

void CircuitHealth::settle(Instant now) {
  while (const auto probe = window_.settle(now)) take(*probe);
}

void CircuitHealth::measure_silence(Instant now) {
  const Runs runs = trailing_runs(window_, ProbeFate::Lost, network_, standing_.counted());
  Silence next;
  for (const Run* run : {&runs.all, &runs.without})
    if (!corroboration_holds(*run) && (next.probes == 0 || run->first < next.first))
      next = {.probes = std::max(next.probes, run->length), .first = run->first, .overdue = run->overdue};
  // It has ended with an answer: such silences are what death is told from. One that meant death was none of a living circuit, and one
  // of a circuit that has not been up yet may have been its neighbour's.
  const bool ended = silence_.probes > 0 && (next.probes == 0 || next.first > silence_.first);
  if (ended && familiar_ && !needs_rise_ && now - silence_.overdue < site_->circuit_health.dead_after_max) learner_.observe(now - silence_.overdue);
  // Called dead, and then probes of that very silence are answered after all (a queue that filled at once): it was none.
  const bool regretted = verdict_.health == Health::Down && verdict_.cause == Cause::Silent && now - verdict_.since <= kRegret && next.probes == 0 &&
                         last_proof() >= first_bad_;
  if (regretted) {
    needs_rise_ = false;
    learner_.observe(now - silence_.overdue);
  }
  if (next.probes > 0 && (silence_.probes == 0 || next.first != silence_.first)) local_errors_ = 0;  // counted from where it began
  silence_ = next;
  silent_since_.reset();
  if (runs.all.length > 0) silent_since_ = runs.all.overdue;
  if (runs.without.any >= 2) silent_since_ = std::min(silent_since_.value_or(runs.without.overdue), runs.without.overdue);
}

void CircuitHealth::judge_brownout(Instant now) {
  const bool delayed = delay_.alarmed(now);
  if (!impaired_) {
    if (loss_.lossy_alarmed())
      impaired_ = Cause::Lossy;
    else if (loss_.bursty_alarmed())
      impaired_ = Cause::Bursty;
    else if (delayed)
      impaired_ = Cause::Delayed;
    if (impaired_) {
      was_bad_ = true;
      recovery_.reset();
      first_bad_ = now;
    }
    return;
  }
  if (*impaired_ == Cause::Delayed ? delayed : !recovery_.passed()) return;
  impaired_.reset();
  if (delayed) impaired_ = Cause::Delayed;
  loss_.reset();
}

TargetMask CircuitHealth::quick_targets(Instant now) const {
  TargetMask mask = standing_.counted();
  for (std::size_t p = 0; p < budget_.size(); ++p)
    if (budget_[p].left(now) < 1) mask &= ~(TargetMask{1} << p);
  return mask;
}

void CircuitHealth::make_plan(Instant now) {
  model::ProbePlan next{.interval = interval(), .extra = std::nullopt};
  const bool usable = link_ && link_->usable();
  if (usable && site_->probing.accelerate) {
    if (silent_since_ && verdict_.health != Health::Down && now - *silent_since_ < kSlowerFor)
      next.extra = now - *silent_since_ < kQuickFor ? kQuick : kSlower;
    else if (role_.confirm && verdict_.health != Health::Down)
      next.extra = kConfirm;
    else if (!impaired_ && loss_.wants_closer() && verdict_.health == Health::Up)
      next.extra = kCloser, next.kind = model::ProbeKind::Closer;
    if (next.extra && *next.extra >= next.interval) next.extra.reset();
    if (next.extra) next.among = quick_targets(now);
    if (next.among == 0) next.extra.reset(), next.kind = model::ProbeKind::Verify;
    if (next.extra) next.extra = std::max(*next.extra, kOfOneTarget / std::popcount(next.among));
  }
  if (next.interval != plan_.interval) loss_.set_interval(next.interval);
  plan_ = next;
}

CircuitHealth::Change CircuitHealth::judge(Instant now) {
  judged_at_ = now;
  const auto overdue = [&](const ProbeRecord& probe) {
    if (probe.kind != model::ProbeKind::Verify && !probe.voided && !needs_rise_) loss_.early(probe.position, true);
  };
  if (window_.expire(now, overdue)) last_evidence_ = std::max(last_evidence_, now);
  settle(now);
  // Stale evidence is none, also when the next probe brings the time of the last evidence up to now.
  if (stale(now)) window_.forget_before(now - stale_after());
  const bool silent_before = silent();
  measure_silence(now);
  judge_brownout(now);
  const Judgement next = evaluate(now);
  Change change{.health = next.health != verdict_.health, .silent = silent() != silent_before};
  if (change.health && next.health == Health::Down) {
    first_bad_ = next.cause == Cause::Silent ? silence_.first : now;
    needs_rise_ = was_bad_ = true;
    impaired_.reset();
    recovery_.reset();
    loss_.reset();
  }
  if (next.health == Health::Up || next.health == Health::Degraded) {
    // Back from death: how good it is counts from the first of the answers that brought it back, not from when it was dead.
    if (needs_rise_) figures_from_ = trailing_runs(window_, ProbeFate::Answered, network_, standing_.counted()).best().first;
    needs_rise_ = false;
    if (!familiar_) familiar_from_ = now;
    familiar_ = true;
  }
  if (was_bad_ && next.health == Health::Up && recovery_.passed()) was_bad_ = false;
  verdict_.cause = next.cause;
  verdict_.detail = next.detail;
  if (change.health) {
    verdict_.health = next.health;
    verdict_.since = now;
  }
  const bool alive = verdict_.health == Health::Up || verdict_.health == Health::Degraded;
  const bool suspect = alive && silent_for(suspect_after(), now);
  change.suspect = suspect != suspect_;
  suspect_ = suspect;
  const model::ProbePlan before = plan_;
  make_plan(now);
  change.plan = before != plan_;
  return change;
}

std::optional<TargetStanding::Change> CircuitHealth::next_standing() {
  const auto change = standing_.judge();
  if (!change) return std::nullopt;
  const bool skipped = change->after != model::SetAside::No;
  loss_.skip(change->position, skipped);
  delay_.skip(change->position, skipped);
  return change;
}

Instant CircuitHealth::next_wakeup() const {
  Instant next = window_.next_expiry();
  if (!link_ || !link_->usable()) return next;
  const auto consider = [&](Instant at) {
    if (at > judged_at_) next = std::min(next, at);
  };
  if (verdict_.health != Health::Unknown) consider(fresh_until() + 1ms);
  if (silent_since_ && verdict_.health != Health::Down) {
    consider(*silent_since_ + kQuickFor);
    consider(*silent_since_ + kSlowerFor);
  }
  if (silence_.probes > 0 && verdict_.health != Health::Down) {
    for (const Duration long_enough : {suspect_after(), dead_after()}) {
      consider(silence_.overdue + long_enough);
      if (last_local_error_) consider(*last_local_error_ + long_enough + rtt_expected());
    }
    if (!familiar_before(silence_.first)) consider(silence_.first + kFirstAnswer);
  }
  return next;
}

std::string CircuitHealth::memory() const { return learner_.to_text() + '\t' + delay_.to_text(); }

bool CircuitHealth::recall(std::string_view text, Duration age) {
  const std::size_t tab = text.find('\t');
  if (tab == std::string_view::npos) return false;
  auto learner = SilenceLearner::from_text(text.substr(0, tab), age);
  auto delay = DelayDetector::from_text(text.substr(tab + 1), age);
  if (!learner) return false;
  learner_ = *learner;
  familiar_ = age <= kFamiliar;
  // What is usual is kept by target: with other targets it is learned anew.
  if (delay && delay->targets() == network_.size()) delay_ = std::move(*delay);
  return true;
}

}  // namespace linekeeper::decision
