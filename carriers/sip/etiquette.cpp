#include "carriers/sip/etiquette.hpp"

#include <algorithm>

#include "controller/model/assert.hpp"

namespace linekeeper::sip {
using model::Duration;
using model::Instant;
namespace {
constexpr Duration kFirstRetry = std::chrono::seconds(1);
constexpr Duration kShortest = std::chrono::milliseconds(10);  // an interval of nothing would spin

Duration scaled(Duration d, double by) { return Duration(static_cast<Duration::rep>(static_cast<double>(d.count()) * by)); }
}  // namespace

Etiquette::Etiquette(Duration interval, Duration floor, runtime::SeededRandom random)
    : interval_(std::max(interval, kShortest)), floor_(std::max(floor, Duration::zero())), retry_(kFirstRetry), random_(random) {}

Instant Etiquette::floor_until() const { return last_ ? *last_ + floor_ : Instant::min(); }

void Etiquette::begin(Instant now, Duration first_after) { next_ = std::max(now + first_after, floor_until()); }

void Etiquette::started(Instant now) {
  LK_ASSERT(now >= floor_until());
  last_ = now;
  retry_ = kFirstRetry;
  next_ = now + std::max(floor_, scaled(interval_, 0.8 + 0.4 * random_.unit()));
}

void Etiquette::suspected(Instant now) { bring_forward(now, scaled(floor_, 0.1)); }

void Etiquette::changed(Instant now) { bring_forward(now, std::chrono::milliseconds(500)); }

void Etiquette::bring_forward(Instant now, Duration spread) {
  if (next_ == model::kNever) return;
  const auto soonest = std::max(now, floor_until());
  next_ = std::max(std::min(next_, soonest + scaled(spread, random_.unit())), floor_until());
}

void Etiquette::not_sent(Instant now) {
  next_ = std::max(now + retry_, floor_until());
  retry_ = std::min(2 * retry_, std::max(interval_, kFirstRetry));
}

}  // namespace linekeeper::sip
