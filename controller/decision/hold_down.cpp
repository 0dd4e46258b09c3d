#include "controller/decision/hold_down.hpp"

#include <algorithm>

namespace linekeeper::decision {

using model::Duration;
using model::Health;
using model::Instant;

namespace {

constexpr int kTimes = 3;
constexpr int kMostLevel = 32;  // only for a first time of nothing, which stays nothing however often it is trebled

Duration trebled(Duration first, int level, Duration most) {
  Duration d = first;
  for (int i = 0; i < level && d < most; ++i) d = d > most / kTimes ? most : d * kTimes;
  return std::min(d, most);
}

}  // namespace

HoldDown::HoldDown(Duration first, Duration most) : first_(first), most_(std::max(first, most)) {
  while (most_level_ < kMostLevel && trebled(first_, most_level_, most_) < most_) ++most_level_;
}

int HoldDown::level(Instant now) const {
  if (!stable_since_ || now <= *stable_since_) return level_;
  const auto hours = (now - *stable_since_) / kJudged;
  return hours >= level_ ? 0 : level_ - static_cast<int>(hours);
}

Duration HoldDown::present(Instant now) const { return trebled(first_, level(now), most_); }

void HoldDown::fail(Instant now) {
  level_ = level(now);
  if (trusted_at_ && now - *trusted_at_ <= kJudged) level_ = std::min(level_ + 1, most_level_);
  trusted_at_.reset();  // one failback is judged once, however often the circuit fails before the next
  if (stable_since_) stable_since_ = now;
}

void HoldDown::see(Health health, Instant now) {
  if (health == Health::Down) {
    if (down_) return;
    fail(now);
    down_ = true;
    back_since_.reset();
    stable_since_.reset();  // an hour of being dead is no stable hour
    return;
  }
  if (health == Health::Unknown) return;  // moves nothing, and proves nothing (I6)
  if (down_) back_since_ = now;
  down_ = false;
  if (!stable_since_) stable_since_ = now;
}

}  // namespace linekeeper::decision
