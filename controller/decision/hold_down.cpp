#include "controller/decision/hold_down.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/decision/kept_text.hpp"

namespace linekeeper::decision {

using model::Duration;
using model::Health;
using model::Instant;

namespace {

constexpr std::string_view kHeader = "hold1";
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

std::string HoldDown::to_text(Instant now) const {
  return fmt::format("{} {} {} {:.3f} {:.3f} {:.3f}", kHeader, level_, down_ ? 1 : 0, seconds_before(now, stable_since_),
                     seconds_before(now, back_since_), seconds_before(now, trusted_at_));
}

bool HoldDown::is_text(std::string_view text) { return text.starts_with(kHeader); }

bool HoldDown::recall(std::string_view text, Instant now, Duration age) {
  const Instant written = written_before(now, age);
  KeptText kept(text, kHeader);
  const auto level = static_cast<int>(kept.number(0, kMostLevel));
  const bool down = kept.number(0, 1) > 0;
  const auto stable_since = kept.moment(written);
  const auto back_since = kept.moment(written);
  const auto trusted_at = kept.moment(written);
  if (!kept.complete()) return false;
  level_ = std::min(level, most_level_);  // the configuration may allow fewer now
  down_ = down;
  stable_since_ = stable_since;
  back_since_ = back_since;
  trusted_at_ = trusted_at;
  return true;
}

}  // namespace linekeeper::decision
