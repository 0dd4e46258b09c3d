#include "controller/decision/call_witness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/decision/kept_text.hpp"

namespace linekeeper::decision {

using model::CallFate;
using model::CallsStanding;
using model::Duration;
using model::Instant;

namespace {

constexpr double kLeastUsual = 0.01, kMostUsual = 0.2, kBroken = 0.6;
constexpr double kLearnedOver = 500;  // calls
constexpr double kHoursInYear = 365.25 * 24;
constexpr int kFigures = 400;  // then the oldest half is forgotten
constexpr int kPddKnown = 20;  // calls, before their usual delay is believed
constexpr int kSlower = 3;
constexpr double kMostInHour = 1e8, kMostCounted = 1e9;  // what is kept over a restart is bounded
constexpr double kShortest = 0.025, kStep = 1.2;         // of the histogram, seconds

bool held_against(CallFate fate) { return fate == CallFate::CarrierFailed || fate == CallFate::Slow; }
bool passed(CallFate fate) { return fate == CallFate::Answered || fate == CallFate::Busy || fate == CallFate::NoAnswer; }

}  // namespace

void PddHistogram::add(Duration pdd) {
  const double steps = std::log(std::max(model::seconds(pdd), kShortest) / kShortest) / std::log(kStep);
  ++steps_[std::min(static_cast<std::size_t>(steps), kSteps - 1)];
  if (++count_ < kFigures) return;
  count_ = 0;
  for (std::uint16_t& n : steps_) count_ += n /= 2;
}

std::optional<Duration> PddHistogram::quantile(double share) const {
  if (count_ == 0) return std::nullopt;
  double left = share * count_;
  std::size_t i = 0;
  while (i + 1 < kSteps && left > steps_[i]) left -= steps_[i++];
  const double middle = kShortest * std::pow(kStep, static_cast<double>(i) + 0.5);
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(middle));
}

CallWitness::CallWitness(const model::Calls& rule) : rule_(&rule), usual_(kLeastUsual), hold_(rule.hold_down, rule.hold_down_max) {}

// --- the test ---

double CallWitness::step_up() const { return std::log(kBroken / std::clamp(usual_, kLeastUsual, kMostUsual)); }
double CallWitness::step_down() const { return std::log((1 - kBroken) / (1 - std::clamp(usual_, kLeastUsual, kMostUsual))); }

double CallWitness::alarm(bool options_ill) const {
  const double a_year = std::max(calls_in_hour_, 1.0) * kHoursInYear;
  const double most = kMostFailures * std::log(kBroken / kLeastUsual);  // one that usually fails more takes more to be told from that
  const double wanted = std::clamp(std::log(a_year / rule_->false_demotions_per_year), 2 * step_up(), most);
  return options_ill ? wanted / 2 : wanted;
}

void CallWitness::learn(bool failed, Instant now) {
  if (last_call_) calls_in_hour_ *= std::exp(-model::seconds(now - *last_call_) / 3600);
  calls_in_hour_ += 1;
  last_call_ = now;
  const bool ordinary = standing_ == CallsStanding::Well || standing_ == CallsStanding::Unknown;
  if (ordinary) usual_ += ((failed ? 1.0 : 0.0) - usual_) / kLearnedOver;
}

CallWitness::Change CallWitness::on(const model::CallOutcome& o, bool counts, bool options_ill, Instant now) {
  count(o);
  if (o.again) return Change::None;
  if (held_against(o.fate)) return counts ? bad(o, options_ill, now) : Change::None;
  return passed(o.fate) ? good(o, now) : Change::None;
}

CallWitness::Change CallWitness::good(const model::CallOutcome& o, Instant now) {
  learn(false, now);
  last_good_ = std::max(last_good_.value_or(o.sent), o.sent);
  ++good_in_a_row_;
  switch (standing_) {
    case CallsStanding::Failing:
      if (!o.trial) return Change::None;  // nothing but its time and a trial ends it
      standing_ = CallsStanding::Trial;
      since_ = now;
      hold_.see(model::Health::Up, now);
      hold_.failed_back(now);
      return Change::Trial;
    case CallsStanding::Trial:
      if (good_in_a_row_ < rule_->trial_calls) return Change::None;
      standing_ = CallsStanding::Well;
      since_ = now;
      score_ = 0;
      return Change::Well;
    case CallsStanding::Unknown: standing_ = CallsStanding::Well, since_ = now; break;
    case CallsStanding::Well: break;
  }
  score_ = std::max(0.0, score_ + step_down());
  ++seen_;
  return Change::None;
}

CallWitness::Change CallWitness::bad(const model::CallOutcome& o, bool options_ill, Instant now) {
  learn(true, now);
  good_in_a_row_ = 0;
  if (standing_ == CallsStanding::Failing) {
    if (o.trial) held_until_ = now + hold_.present(now);
    return Change::None;
  }
  // A call that was made before the trial began says nothing about it.
  if (standing_ == CallsStanding::Trial && o.sent < since_) return Change::None;
  if (score_ <= 0 || standing_ == CallsStanding::Trial) {
    seen_ = failed_ = slow_ = unheard_ = 0;
    first_bad_ = o.sent;
  }
  ++seen_;
  ++failed_;
  slow_ += o.fate == CallFate::Slow ? 1 : 0;
  unheard_ += o.fate == CallFate::CarrierFailed && o.code == 0 ? 1 : 0;
  code_ = o.code;
  score_ += step_up();
  return standing_ == CallsStanding::Trial || score_ >= alarm(options_ill) ? hold_out(now) : Change::None;
}

CallWitness::Change CallWitness::hold_out(Instant now) {
  standing_ = CallsStanding::Failing;
  since_ = now;
  score_ = 0;
  hold_.see(model::Health::Down, now);
  held_until_ = now + hold_.present(now);
  return Change::Fails;
}

CallWitness::Change CallWitness::wake(Instant now) {
  if (standing_ != CallsStanding::Failing || now < held_until_) return Change::None;
  standing_ = CallsStanding::Trial;
  since_ = now;
  good_in_a_row_ = 0;
  hold_.see(model::Health::Up, now);
  hold_.failed_back(now);
  return Change::Trial;
}

// --- figures ---

void CallWitness::count(const model::CallOutcome& o) {
  if (o.trial) return;
  if (o.pdd && passed(o.fate)) pdd_.add(*o.pdd);
  if (o.pdd && passed(o.fate) && !o.again && standing_ != CallsStanding::Failing) usual_pdd_.add(*o.pdd);
  answered_ += o.fate == CallFate::Answered ? 1 : 0;
  if (o.again) return;
  carrier_failed_ += o.fate == CallFate::CarrierFailed ? 1 : 0;
  if (++attempts_ < kFigures) return;
  for (int* n : {&attempts_, &answered_, &carrier_failed_}) *n /= 2;
}

Duration CallWitness::slow_after() const {
  const auto usual = usual_pdd_.quantile(0.95);
  if (usual_pdd_.count() < kPddKnown || !usual) return rule_->slow_max;
  return std::clamp<Duration>(kSlower * *usual, rule_->slow_min, std::max(rule_->slow_min, rule_->slow_max));
}

std::string CallWitness::why() const {
  std::string how = fmt::format("failed with {}", code_);
  if (slow_ == failed_)
    how = "did not ring in time";
  else if (unheard_ == failed_)
    how = "had no response at all";
  else if (slow_ + unheard_ > 0)
    how = "failed or did not ring in time";
  return fmt::format("{} of {} call{} {}", failed_, seen_, seen_ == 1 ? "" : "s", how);
}

std::string CallWitness::to_text(Instant now) const {
  if (standing_ == CallsStanding::Unknown && !last_call_) return {};
  const double held = fails() ? std::max(model::seconds(held_until_ - now), 0.0) : 0;
  std::string text =
      fmt::format("{}|{} {:.6f} {:.3f} {:.3f} {:.3f} {:.3f} {:.3f} {:.3f} {} {} {} {} {}", hold_.to_text(now), static_cast<int>(standing_), usual_,
                  calls_in_hour_, held, seconds_before(now, since_), seconds_before(now, last_call_), seconds_before(now, first_bad_),
                  seconds_before(now, last_good_), seen_, failed_, slow_, unheard_, code_);
  std::ranges::replace(text, ' ', ',');
  return text;
}

bool CallWitness::recall(std::string_view kept, Instant now, Duration age) {
  std::string text(kept);
  std::ranges::replace(text, ',', ' ');
  const std::size_t bar = text.find('|');
  if (bar == std::string::npos) return false;
  const std::string own = " " + text.substr(bar + 1);
  const Instant written = written_before(now, age);
  KeptText numbers(own, "");
  CallWitness as(*rule_);
  as.standing_ = static_cast<CallsStanding>(static_cast<int>(numbers.number(0, static_cast<double>(CallsStanding::Trial))));
  as.usual_ = numbers.number(0, 1);
  as.calls_in_hour_ = numbers.number(0, kMostInHour);
  const double held = numbers.number(0, model::seconds(rule_->hold_down_max) + kOldestKept);
  as.since_ = numbers.moment(written).value_or(Instant{});
  as.last_call_ = numbers.moment(written);
  as.first_bad_ = numbers.moment(written).value_or(Instant{});
  as.last_good_ = numbers.moment(written);
  for (int* n : {&as.seen_, &as.failed_, &as.slow_, &as.unheard_}) *n = static_cast<int>(numbers.number(0, kMostCounted));
  as.code_ = static_cast<int>(numbers.number(0, 699));
  if (!numbers.complete() || !as.hold_.recall(std::string_view(text).substr(0, bar), now, age)) return false;
  if (as.fails())
    as.held_until_ = std::min(written + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(held)), now + as.hold_.present(now));
  *this = as;
  return true;
}

model::CallFigures CallWitness::figures() const {
  model::CallFigures f{
      .standing = standing_, .since = since_, .attempts = attempts_, .answered = std::min(answered_, attempts_), .failed = carrier_failed_};
  if (attempts_ > 0) {
    f.asr = static_cast<double>(f.answered) / attempts_;
    f.ner = static_cast<double>(attempts_ - carrier_failed_) / attempts_;
  }
  f.pdd_median = pdd_.quantile(0.5);
  f.pdd_p95 = pdd_.quantile(0.95);
  f.slow_after = slow_after();
  if (fails()) f.held_until = held_until_;
  if (fails() || standing_ == CallsStanding::Trial) f.why = why();
  return f;
}

}  // namespace linekeeper::decision
