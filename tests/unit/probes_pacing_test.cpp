#include <doctest/doctest.h>

#include <algorithm>

#include "probes/pacing.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using model::Instant;
using probes::Pacing;

namespace {
constexpr Instant kStart{1000s};
Pacing pacing(std::size_t targets, model::Duration interval, double jitter, std::uint64_t seed = 1) {
  return Pacing(targets, interval, jitter, runtime::SeededRandom(seed));
}
}  // namespace

TEST_CASE("pacing: nothing is due before the start, and the first probe within one interval of it") {
  auto p = pacing(3, 200ms, 0.1);
  CHECK(p.due() == model::kNever);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    p = pacing(3, 200ms, 0.1, seed);
    p.start(kStart);
    CHECK(p.due() >= kStart);
    CHECK(p.due() < kStart + 200ms);
  }
}

TEST_CASE("pacing: targets are taken in turn") {
  auto p = pacing(3, 200ms, 0.1);
  p.start(kStart);
  for (std::size_t i = 0; i < 12; ++i) CHECK(p.take(p.due()) == i % 3);
}

TEST_CASE("pacing: every gap is within the jitter, gaps differ, and they average to the interval") {
  auto p = pacing(2, 200ms, 0.1);
  p.start(kStart);
  auto last = p.due();
  const auto first = last;
  model::Duration shortest = 1h, longest = 0s;
  for (int i = 0; i < 10'000; ++i) {
    p.take(last);
    const auto gap = p.due() - last;
    CHECK(gap >= 180ms);
    CHECK(gap <= 220ms);
    shortest = std::min(shortest, gap);
    longest = std::max(longest, gap);
    last = p.due();
  }
  CHECK(shortest < 182ms);
  CHECK(longest > 218ms);
  CHECK((last - first) / 10'000 > 199ms);
  CHECK((last - first) / 10'000 < 201ms);
}

TEST_CASE("pacing: without jitter the gaps are exact, and small delays of the loop do not add up") {
  auto p = pacing(1, 200ms, 0);
  p.start(kStart);
  const auto first = p.due();
  for (int i = 0; i < 100; ++i) p.take(p.due() + 30ms);
  CHECK(p.due() == first + 100 * 200ms);
}

TEST_CASE("pacing: after a stall of a minute one probe is sent, not three hundred") {
  auto p = pacing(3, 200ms, 0.1);
  p.start(kStart);
  const auto after = p.due() + 60s;
  p.take(after);
  CHECK(p.due() >= after + 180ms);
  CHECK(p.due() <= after + 220ms);
}

TEST_CASE("pacing: a shorter interval brings the pending probe forward, never into the past") {
  auto p = pacing(3, 10s, 0);
  p.start(kStart);
  const auto sent = p.due();
  p.take(sent);
  p.set_interval(20ms, sent + 5ms);
  CHECK(p.due() == sent + 20ms);
  p = pacing(3, 10s, 0);
  p.start(kStart);
  p.take(sent);
  p.set_interval(20ms, sent + 5s);
  CHECK(p.due() == sent + 5s);
}

TEST_CASE("pacing: a longer interval leaves the pending probe where it is and holds from the next gap on") {
  auto p = pacing(3, 20ms, 0);
  p.start(kStart);
  const auto due = p.due();
  p.set_interval(1s, kStart);
  CHECK(p.due() == due);
  p.take(due);
  CHECK(p.due() == due + 1s);
}

TEST_CASE("pacing: an interval of nothing is taken as a millisecond, a jitter above 0.9 as 0.9") {
  auto p = pacing(1, 0s, 0);
  p.start(kStart);
  const auto due = p.due();
  p.take(due);
  CHECK(p.due() == due + 1ms);
  p = pacing(1, 1s, 50);
  p.start(kStart);
  for (int i = 0; i < 1000; ++i) {
    const auto at = p.due();
    p.take(at);
    CHECK(p.due() >= at + 100ms);
    CHECK(p.due() <= at + 1900ms);
  }
}

TEST_CASE("pacing: one seed, one schedule") {
  auto a = pacing(3, 200ms, 0.5, 9), b = pacing(3, 200ms, 0.5, 9), c = pacing(3, 200ms, 0.5, 10);
  for (auto* p : {&a, &b, &c}) p->start(kStart);
  for (int i = 0; i < 20; ++i) {
    CHECK(a.due() == b.due());
    CHECK(a.due() != c.due());
    for (auto* p : {&a, &b, &c}) p->take(p->due());
  }
}
