#include "probes/pacing.hpp"

#include <algorithm>

#include "controller/model/assert.hpp"

namespace linekeeper::probes {
using model::Duration;
using model::Instant;

namespace {
constexpr Duration kShortest = std::chrono::milliseconds(1);

Duration scaled(Duration d, double by) { return Duration(static_cast<Duration::rep>(static_cast<double>(d.count()) * by)); }
}  // namespace

Pacing::Pacing(std::size_t targets, Duration interval, double jitter_ratio, runtime::SeededRandom random)
    : targets_(targets), interval_(std::max(interval, kShortest)), jitter_ratio_(std::clamp(jitter_ratio, 0.0, 0.9)), random_(random) {
  LK_ASSERT(targets > 0);
}

Duration Pacing::gap() { return scaled(interval_, 1 + jitter_ratio_ * (2 * random_.unit() - 1)); }

void Pacing::start(Instant now) {
  last_ = now;
  due_ = now + scaled(interval_, random_.unit());
}

std::size_t Pacing::take(Instant now) {
  const auto target = next_target_;
  next_target_ = (next_target_ + 1) % targets_;
  // Counted from when it was due, so that the loop's small delays do not add up; from now when it was later than a gap.
  const auto step = gap();
  due_ = due_ + step > now ? due_ + step : now + step;
  last_ = now;
  return target;
}

void Pacing::set_interval(Duration interval, Instant now) {
  interval_ = std::max(interval, kShortest);
  if (due_ == model::kNever) return;
  due_ = std::min(due_, std::max(now, last_ + gap()));
}

}  // namespace linekeeper::probes
