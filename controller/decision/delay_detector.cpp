#include "controller/decision/delay_detector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/decision/kept_text.hpp"
#include "controller/model/assert.hpp"

namespace linekeeper::decision {

using model::Duration;
using model::Instant;
using std::chrono::milliseconds;

namespace {

constexpr std::string_view kHeader = "delays 1";
// Half of what a class's limits are apart from a usual round trip; queues keep a minimum above it for 20 s hardly ever.
constexpr Duration kEnter = milliseconds(75), kExit = milliseconds(50);
constexpr Duration kLately = std::chrono::seconds(20);
// A target that is probed seldom has fewer seconds with an answer in so short a time than a minimum needs: then it is these, if not too old.
constexpr std::size_t kSecondsMin = 8;
constexpr Duration kLatelyAtMost = std::chrono::minutes(5);
constexpr Duration kRoundTripMax = std::chrono::seconds(10);

// Usual moves by the share dt / tau of the difference. Upwards the slower the longer it is known; a lasting reroute of +150 ms is usual
// after 3 hours, of +500 ms after 7. Downwards soon: what was shorter for minutes is no fault of the measurement.
constexpr Duration kUpSoonest = std::chrono::minutes(30), kUpLatest = std::chrono::hours(3);
constexpr Duration kDownSoonest = std::chrono::seconds(10), kDownLatest = std::chrono::minutes(10);
constexpr Duration kGapMax = std::chrono::minutes(1);  // nothing is learned from a time without answers
constexpr Duration kLearnedMax = std::chrono::hours(24 * 7);
constexpr double kFadesWithin = 7.0 * 24 * 3600;  // seconds

/// Median of the first n values, which it orders anew. The mean of the middle two when there are two.
std::optional<Duration> median(std::array<double, DelayDetector::kTargetsMax>& values, std::size_t n) {
  if (n == 0) return std::nullopt;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(n / 2);
  std::nth_element(values.begin(), middle, values.begin() + static_cast<std::ptrdiff_t>(n));
  const double upper = *middle;
  const double lower = n % 2 == 1 ? upper : *std::max_element(values.begin(), middle);
  return Duration(std::llround((lower + upper) / 2));
}

double nanoseconds(Duration d) { return static_cast<double>(d.count()); }

}  // namespace

void DelayDetector::Target::note(Duration rtt, Instant now) {
  constexpr Duration kSecond = std::chrono::seconds(1);
  if (size > 0 && now < newest(0).began + kSecond) {
    Second& current = lately[(end + kSeconds - 1) % kSeconds];
    current.shortest = std::min(current.shortest, rtt);
    return;
  }
  lately[end] = {.began = now, .shortest = rtt};
  end = (end + 1) % kSeconds;
  size = std::min(size + 1, kSeconds);
}

std::optional<Duration> DelayDetector::Target::shortest(Instant now) const {
  Duration least = kRoundTripMax;
  std::size_t counted = 0;
  for (; counted < size; ++counted) {
    const Duration age = now - newest(counted).began;
    if (age > (counted < kSecondsMin ? kLatelyAtMost : kLately)) break;
    least = std::min(least, newest(counted).shortest);
  }
  if (counted < kSecondsMin) return std::nullopt;
  return least;
}

void DelayDetector::Target::learn(double shortest_now, Instant now) {
  const Duration since = learned > Duration::zero() ? std::clamp(now - learned_at, Duration::zero(), kGapMax) : Duration::zero();
  learned_at = now;
  if (usual <= 0) usual = shortest_now;
  learned = std::min(std::max(learned + since, Duration(1)), kLearnedMax);
  const Duration tau = shortest_now > usual ? std::clamp(learned, kUpSoonest, kUpLatest) : std::clamp(learned, kDownSoonest, kDownLatest);
  usual += (shortest_now - usual) * std::min(1.0, nanoseconds(since) / nanoseconds(tau));
}

DelayDetector::DelayDetector(std::size_t targets) : targets_(targets) { LK_ASSERT(targets >= 1 && targets <= kTargetsMax); }

std::size_t DelayDetector::targets() const { return targets_.size(); }

void DelayDetector::add(std::size_t position, Duration rtt, Instant now) {
  Target& target = targets_.at(position);
  if (rtt <= Duration::zero()) return;
  target.note(std::min(rtt, kRoundTripMax), now);
  const auto shortest_now = target.shortest(now);
  if (!shortest_now) return;
  target.learn(nanoseconds(*shortest_now), now);
  const double added = nanoseconds(*shortest_now) - target.usual;
  target.slow = target.slow ? added >= nanoseconds(kExit) : added > nanoseconds(kEnter);
}

void DelayDetector::skip(std::size_t position, bool skipped) { targets_.at(position).skipped = skipped; }

std::optional<Duration> DelayDetector::shortest(Instant now) const {
  std::array<double, kTargetsMax> values;
  std::size_t n = 0;
  for (const Target& target : targets_) {
    const auto least = target.skipped ? std::nullopt : target.shortest(now);
    if (least) values[n++] = nanoseconds(*least);
  }
  return median(values, n);
}

std::optional<Duration> DelayDetector::usual() const {
  std::array<double, kTargetsMax> values;
  std::size_t n = 0;
  for (const Target& target : targets_) {
    if (!target.skipped && target.usual > 0) values[n++] = target.usual;
  }
  return median(values, n);
}

bool DelayDetector::alarmed(Instant now) const {
  // Asked with each probe, and hardly ever is one slow.
  if (std::ranges::count_if(targets_, [](const Target& t) { return t.slow && !t.skipped; }) < 2) return false;
  std::size_t slow = 0, counted = 0;
  for (const Target& target : targets_) {
    if (target.skipped || !target.shortest(now)) continue;
    ++counted;
    slow += target.slow ? 1 : 0;
  }
  return slow >= 2 && slow * 2 >= counted;
}

std::string DelayDetector::to_text() const {
  std::string text(kHeader);
  fmt::format_to(std::back_inserter(text), " {}", targets_.size());
  for (const Target& target : targets_) {
    fmt::format_to(std::back_inserter(text), " {} {}", target.usual / nanoseconds(milliseconds(1)), model::seconds(target.learned));
  }
  return text;
}

std::optional<DelayDetector> DelayDetector::from_text(std::string_view text, Duration age) {
  KeptText kept(text, kHeader);
  const double targets = kept.number(1, kTargetsMax);
  if (!kept.sound() || targets != std::floor(targets)) return std::nullopt;
  DelayDetector detector(static_cast<std::size_t>(targets));
  const double faded = std::exp(-std::max(0.0, model::seconds(age)) / kFadesWithin);
  for (Target& target : detector.targets_) {
    target.usual = kept.number(0, model::seconds(kRoundTripMax) * 1e3) * nanoseconds(milliseconds(1));
    target.learned = Duration(static_cast<Duration::rep>(kept.number(0, model::seconds(kLearnedMax)) * faded * 1e9));
  }
  if (!kept.complete()) return std::nullopt;
  return detector;
}

}  // namespace linekeeper::decision
