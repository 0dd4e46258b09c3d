#include "controller/decision/loss_detector.hpp"

#include <algorithm>
#include <cmath>

#include "controller/model/assert.hpp"

namespace linekeeper::decision {

using model::Duration;
using model::Instant;
using model::ProbeKind;

namespace {

/// A line that is good or within a burst (Gilbert 1960, Elliott 1963) in continuous time.
struct Line {
  double share_in_bursts;  ///< of time
  double burst_seconds;    ///< mean
  double loss_when_good;
  double loss_within_bursts;

  /// How fast the past is forgotten, a second.
  [[nodiscard]] constexpr double rate() const { return 1 / (burst_seconds * (1 - share_in_bursts)); }
  /// The fate of one probe: its likelihood; `bad` becomes what is known of bursts after it.
  double weigh(double& bad, bool lost) const {
    const double if_bad = bad * (lost ? loss_within_bursts : 1 - loss_within_bursts);
    const double if_good = (1 - bad) * (lost ? loss_when_good : 1 - loss_when_good);
    bad = if_bad / (if_bad + if_good);
    return if_bad + if_good;
  }
  /// Time passes; `kept` = e^(-dt * rate()).
  void pass(double& bad, double kept) const { bad = share_in_bursts + (bad - share_in_bursts) * kept; }
};

// What counts as well: 2 % of time within bursts of 200 ms and 1.5 % of loss beside them. Wide on purpose: each of independent loss of
// 2 %, and bursts of 50 or 200 ms that lose all or seven tenths, must go on for a year without an alarm.
constexpr Line kWell{.share_in_bursts = 0.02, .burst_seconds = 0.2, .loss_when_good = 0.015, .loss_within_bursts = 0.85};

/// What it is tested against, and its score that is an alarm, as a share of the alarm of its group.
struct Alternative {
  Line line;
  double alarm_share;
};
constexpr Alternative lossier_by(double loss, double alarm_share) {
  return {{kWell.share_in_bursts, kWell.burst_seconds, kWell.loss_when_good + loss, kWell.loss_within_bursts}, alarm_share};
}
constexpr Alternative in_bursts(double share, double seconds, double alarm_share) {
  return {{share, seconds, kWell.loss_when_good, kWell.loss_within_bursts}, alarm_share};
}
// Several side by side: the small ones see small faults, the large ones see large faults sooner.
constexpr std::array kLossier = {lossier_by(0.05, 0.97), lossier_by(0.10, 1.0), lossier_by(0.20, 1.34)};
constexpr std::array kBurstier = {in_bursts(0.10, 0.2, 1.0), in_bursts(0.10, 0.5, 1.36)};

constexpr double kBeyondAlarm = 2;    // a score goes no further beyond its alarm, so that it comes back in time
constexpr double kAlarmOver = 0.5;    // of the alarm: below, it is over
constexpr double kWantsCloser = 0.5;  // score
// The early word: a CUSUM of independent loss, .02 against .10.
constexpr double kEarlyLost = 1.6094379124341003, kEarlyAnswered = -0.08515780834030685, kEarlyMost = 8;

struct AlarmAt {
  double seconds, lossy, bursty;
};
// Measured for one false alarm in a year at the most on each background (README.md); between them by the logarithm of the interval.
constexpr std::array kAlarms = {AlarmAt{0.1, 10.3, 10.0}, AlarmAt{0.2, 9.3, 9.0}, AlarmAt{1.0, 8.5, 8.0}};

AlarmAt alarms(Duration interval) {
  const double s = std::clamp(model::seconds(interval), kAlarms.front().seconds, kAlarms.back().seconds);
  for (std::size_t i = 1; i < kAlarms.size(); ++i) {
    const AlarmAt &a = kAlarms[i - 1], &b = kAlarms[i];
    if (s > b.seconds) continue;
    const double share = std::log(s / a.seconds) / std::log(b.seconds / a.seconds);
    return {s, std::lerp(a.lossy, b.lossy, share), std::lerp(a.bursty, b.bursty, share)};
  }
  return kAlarms.back();
}

double seconds_since(std::optional<Instant> last, Instant now) { return last ? model::seconds(now - *last) : 1e9; }

}  // namespace

LossDetector::LossDetector(std::size_t targets, Duration interval) : left_out_(targets) {
  LK_ASSERT(targets >= 1 && targets <= kTargetsMax);
  set_interval(interval);
  reset();
}

void LossDetector::set_interval(Duration interval) {
  const AlarmAt at = alarms(interval);
  lossy_alarm_ = at.lossy;
  bursty_alarm_ = at.bursty;
  for (std::size_t k = 0; k < kLossyTests; ++k) lossy_most_[k] = std::exp(lossy_alarm_ * kLossier[k].alarm_share + kBeyondAlarm);
  for (std::size_t k = 0; k < kBurstyTests; ++k) bursty_most_[k] = std::exp(bursty_alarm_ * kBurstier[k].alarm_share + kBeyondAlarm);
}

void LossDetector::reset() {
  for (LeftOut& tests : left_out_) {
    const bool skipped = tests.skipped;
    tests = LeftOut{};
    tests.skipped = skipped;
  }
  last_ = last_scheduled_ = std::nullopt;
  lossy_ = bursty_ = 0;
  lossy_alarmed_ = bursty_alarmed_ = false;
}

bool LossDetector::counts(std::size_t position, std::size_t left_out) const {
  return !left_out_[position].skipped && (position != left_out || left_out_.size() == 1);
}

void LossDetector::add(std::size_t position, Instant sent, bool lost, ProbeKind kind) {
  LK_ASSERT(position < left_out_.size());
  if (kind == ProbeKind::Verify || (last_ && sent < *last_)) return;
  const bool scheduled = kind == ProbeKind::Scheduled;
  pass(sent, scheduled);
  for (std::size_t i = 0; i < left_out_.size(); ++i) {
    if (counts(position, i)) weigh(left_out_[i], lost, scheduled);
  }
  judge();
}

void LossDetector::pass(Instant sent, bool scheduled) {
  const double dt = seconds_since(last_, sent), dt_scheduled = seconds_since(last_scheduled_, sent);
  const double kept = std::exp(-dt * kWell.rate());  // the lossier ones have the bursts of the well
  last_ = sent;
  for (LeftOut& tests : left_out_) {
    kWell.pass(tests.bad, kept);
    for (Cusum& test : tests.lossy) kWell.pass(test.bad, kept);
  }
  if (!scheduled) return;
  const double kept_scheduled = std::exp(-dt_scheduled * kWell.rate());
  std::array<double, kBurstyTests> kept_bursty{};
  for (std::size_t k = 0; k < kBurstyTests; ++k) kept_bursty[k] = std::exp(-dt_scheduled * kBurstier[k].line.rate());
  last_scheduled_ = sent;
  for (LeftOut& tests : left_out_) {
    kWell.pass(tests.bad_scheduled, kept_scheduled);
    for (std::size_t k = 0; k < kBurstyTests; ++k) kBurstier[k].line.pass(tests.bursty[k].bad, kept_bursty[k]);
  }
}

void LossDetector::weigh(LeftOut& tests, bool lost, bool scheduled) const {
  const auto weigh_one = [lost](Cusum& test, const Alternative& against, double if_well, double bad_if_well, double most) {
    test.ratio *= against.line.weigh(test.bad, lost) / if_well;
    if (!(test.ratio > 1)) test = {.bad = bad_if_well, .ratio = 1};  // begun anew, from what is known of the line
    test.ratio = std::min(test.ratio, most);
  };
  const double if_well = kWell.weigh(tests.bad, lost);
  for (std::size_t k = 0; k < kLossyTests; ++k) weigh_one(tests.lossy[k], kLossier[k], if_well, tests.bad, lossy_most_[k]);
  if (!scheduled) return;
  const double if_well_scheduled = kWell.weigh(tests.bad_scheduled, lost);
  for (std::size_t k = 0; k < kBurstyTests; ++k) weigh_one(tests.bursty[k], kBurstier[k], if_well_scheduled, tests.bad_scheduled, bursty_most_[k]);
}

template <class Score>
double LossDetector::least(Score score) const {
  std::size_t counted = 0;
  double smallest = 0;
  for (const LeftOut& tests : left_out_) {
    if (tests.skipped) continue;
    const double value = score(tests);
    smallest = counted++ == 0 ? value : std::min(smallest, value);
  }
  return counted >= std::min<std::size_t>(2, left_out_.size()) ? smallest : 0.0;
}

namespace {

/// The largest score of a group, each alternative measured against its own alarm.
template <class Cusums, class Alternatives>
double score(const Cusums& cusums, const Alternatives& alternatives) {
  double largest = 0;
  for (std::size_t k = 0; k < cusums.size(); ++k) {
    if (cusums[k].ratio > 1) largest = std::max(largest, std::log(cusums[k].ratio) / alternatives[k].alarm_share);
  }
  return largest;
}

bool alarmed(bool was, double score, double alarm) { return was ? score >= alarm * kAlarmOver : score >= alarm; }

}  // namespace

void LossDetector::judge() {
  lossy_ = least([](const LeftOut& tests) { return score(tests.lossy, kLossier); });
  bursty_ = least([](const LeftOut& tests) { return score(tests.bursty, kBurstier); });
  lossy_alarmed_ = alarmed(lossy_alarmed_, lossy_, lossy_alarm_);
  bursty_alarmed_ = alarmed(bursty_alarmed_, bursty_, bursty_alarm_);
}

void LossDetector::early(std::size_t position, bool overdue) {
  LK_ASSERT(position < left_out_.size());
  for (std::size_t i = 0; i < left_out_.size(); ++i) {
    double& score = left_out_[i].early;
    if (counts(position, i)) score = std::clamp(score + (overdue ? kEarlyLost : kEarlyAnswered), 0.0, kEarlyMost);
  }
}

void LossDetector::skip(std::size_t position, bool skipped) {
  LK_ASSERT(position < left_out_.size());
  if (left_out_[position].skipped == skipped) return;
  left_out_[position].skipped = skipped;
  if (skipped) {
    // The other tests have counted it so far. What they say without it was kept in the test that left it out.
    const LeftOut& without = left_out_[position];
    const auto lower = [](auto& cusums, const auto& others) {
      for (std::size_t k = 0; k < cusums.size(); ++k) {
        if (others[k].ratio < cusums[k].ratio) cusums[k] = others[k];
      }
    };
    for (LeftOut& tests : left_out_) {
      lower(tests.lossy, without.lossy);
      lower(tests.bursty, without.bursty);
      tests.early = std::min(tests.early, without.early);
    }
  }
  judge();
}

double LossDetector::lossy() const { return lossy_; }
double LossDetector::bursty() const { return bursty_; }
double LossDetector::lossy_alarm() const { return lossy_alarm_; }
double LossDetector::bursty_alarm() const { return bursty_alarm_; }
bool LossDetector::lossy_alarmed() const { return lossy_alarmed_; }
bool LossDetector::bursty_alarmed() const { return bursty_alarmed_; }

bool LossDetector::wants_closer() const {
  return lossy_ > kWantsCloser || least([](const LeftOut& tests) { return tests.early; }) > kWantsCloser;
}

}  // namespace linekeeper::decision
