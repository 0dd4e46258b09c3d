#include "controller/decision/silence_learner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/decision/kept_text.hpp"

namespace linekeeper::decision {

using model::Duration;

namespace {

constexpr std::string_view kHeader = "silences 2";
constexpr std::array kThreshold = {0.4, 0.8, 1.6};          // seconds
constexpr std::array kHorizon = {3600.0, 7 * 24 * 3600.0};  // seconds
constexpr double kLongest = 6.0;                            // seconds; a longer one was an outage, and the limit is never to be set by an outage
constexpr double kSettleAfter = 1.0;                        // seconds; far below the shortest horizon
constexpr double kYear = 365.25 * 24 * 3600;
constexpr double kLimitMax = 60.0;  // seconds; whatever was read or observed
constexpr double kCountMin = 2.5;   // fewer silences say nothing of a tail; with fading, the third makes it
// So much excess is taken as seen beforehand: silences that just reach the threshold do not prove that none goes further.
constexpr double kExcessBefore = 0.05;  // seconds
constexpr double kRateMin = 1e-3;       // a year: "never" cannot be learned
constexpr double kCountMax = 1e9;       // silences within a horizon; read from a text, no circuit has so many

double positive(Duration d) { return std::max(0.0, model::seconds(d)); }

}  // namespace

void SilenceLearner::Horizon::fade(double factor) {
  watched *= factor;
  for (Cell& c : cells) {
    c.count *= factor;
    c.excess *= factor;
  }
}

void SilenceLearner::settle() {
  for (std::size_t h = 0; h < kHorizons; ++h) {
    const double kept = std::exp(-unsettled_ / kHorizon[h]);
    horizons_[h].fade(kept);
    horizons_[h].watched += kHorizon[h] * (1 - kept);  // what the span itself has left by its end
  }
  unsettled_ = 0;
}

void SilenceLearner::watched(Duration span) {
  unsettled_ += positive(span);
  if (unsettled_ >= kSettleAfter) settle();
}

void SilenceLearner::observe(Duration silence) {
  const double s = std::min(positive(silence), kLongest);
  for (Horizon& horizon : horizons_) {
    for (std::size_t i = 0; i < kThresholds; ++i) {
      if (s <= kThreshold[i]) break;
      horizon.cells[i].count += 1;
      horizon.cells[i].excess += s - kThreshold[i];
    }
  }
}

Duration SilenceLearner::limit(double times_a_year) const {
  const double wanted = std::max(times_a_year, kRateMin);
  double longest = 0;
  for (const Horizon& horizon : horizons_) {
    const double watched = horizon.watched + unsettled_;
    for (std::size_t i = 0; i < kThresholds; ++i) {
      const Cell& c = horizon.cells[i];
      if (c.count < kCountMin || watched <= 0) continue;
      // Mean excess, widened by half of its own uncertainty (an exponential's mean of n has a deviation of 1/sqrt(n)): the longest of all
      // cells is taken, which errs on the long side by itself, and a whole deviation made a limit that was mistaken five times less often
      // than wanted.
      const double mean = (c.excess + kExcessBefore) / (c.count + 1) * (1 + 0.5 / std::sqrt(c.count + 1));
      const double times = c.count / watched * kYear / wanted;
      if (times > 1) longest = std::max(longest, kThreshold[i] + mean * std::log(times));  // else the wanted one is below this threshold
    }
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(longest, kLimitMax)));
}

Duration SilenceLearner::learned_over() const {
  const double seconds = std::min(horizons_.back().watched + unsettled_, kHorizon.back());
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::string SilenceLearner::to_text() const {
  SilenceLearner settled = *this;
  settled.settle();
  std::string text(kHeader);
  for (const Horizon& horizon : settled.horizons_) {
    fmt::format_to(std::back_inserter(text), " {}", horizon.watched);
    for (const Cell& c : horizon.cells) fmt::format_to(std::back_inserter(text), " {} {}", c.count, c.excess);
  }
  return text;
}

std::optional<SilenceLearner> SilenceLearner::from_text(std::string_view text, Duration age) {
  KeptText kept(text, kHeader);
  SilenceLearner learner;
  for (std::size_t h = 0; h < kHorizons; ++h) {
    Horizon& horizon = learner.horizons_[h];
    horizon.watched = kept.number(0, kHorizon[h] * (1 + 1e-9));
    double most = kCountMax;  // longer silences are among the shorter ones
    for (Cell& c : horizon.cells) {
      c.count = most = kept.number(0, most);
      c.excess = kept.number(0, c.count * kLongest);
    }
    horizon.fade(std::exp(-positive(age) / kHorizon[h]));
  }
  if (!kept.complete()) return std::nullopt;
  return learner;
}

}  // namespace linekeeper::decision
