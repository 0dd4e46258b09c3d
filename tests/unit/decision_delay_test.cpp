#include <doctest/doctest.h>

#include <random>

#include "controller/decision/delay_detector.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::DelayDetector;
using doctest::Approx;
using model::Duration;
using model::Instant;

namespace {

constexpr unsigned kSeed = 20261123;

/// Three targets (or more) of 20, 30, 40, ... ms, probed in turn.
struct Probed {
  std::size_t targets;
  DelayDetector detector;
  Instant now{1h};
  std::size_t probe = 0;

  explicit Probed(std::size_t n = 3) : targets(n), detector(n) {}
  static Duration base(std::size_t position) { return 20ms + static_cast<int>(position) * 10ms; }
  template <class Added>
  void run(Duration time, const Added& added, Duration interval = 200ms) {
    for (const Instant end = now + time; now < end; now += interval, ++probe)
      detector.add(probe % targets, base(probe % targets) + added(probe % targets), now);
  }
  void run(Duration time) {
    run(time, [](std::size_t) { return 0ms; });
  }
  [[nodiscard]] bool alarmed() const { return detector.alarmed(now); }
};

auto all(Duration added) {
  return [added](std::size_t) { return added; };
}
auto only(std::size_t which, Duration added) {
  return [=](std::size_t position) { return position == which ? added : 0ms; };
}

}  // namespace

TEST_CASE("delay: nothing is known before eight seconds, then the median target speaks") {
  Probed probed;
  CHECK_FALSE(probed.detector.shortest(probed.now));
  CHECK_FALSE(probed.detector.usual());
  probed.run(7s);
  CHECK_FALSE(probed.detector.shortest(probed.now));
  probed.run(4s);
  CHECK(probed.detector.shortest(probed.now) == 30ms);
  CHECK(probed.detector.usual() == 30ms);
  CHECK_FALSE(probed.alarmed());
  CHECK_FALSE(probed.detector.shortest(probed.now + 6min));  // of long ago: none
}

TEST_CASE("delay: of an even number of targets the mean of the middle two is the median") {
  Probed probed(4);
  probed.run(1min);
  CHECK(probed.detector.shortest(probed.now) == 35ms);
  CHECK(probed.detector.usual() == 35ms);
}

TEST_CASE("delay: 75 ms more than usual is no alarm, 77 ms is, within 21 s") {
  for (const auto& [added, alarms] : {std::pair(75ms, false), std::pair(77ms, true), std::pair(150ms, true), std::pair(5000ms, true)}) {
    Probed probed;
    probed.run(1h);
    const Instant began = probed.now;
    while (!probed.alarmed() && probed.now < began + 60s) probed.run(200ms, all(added));
    CHECK(probed.alarmed() == alarms);
    if (alarms) CHECK(probed.now - began < 21s);
    if (alarms) CHECK(probed.now - began > 19s);  // not the first slow answers
  }
}

TEST_CASE("delay: over below 50 ms above the usual, at once") {
  Probed probed;
  probed.run(4h);
  probed.run(30s, all(150ms));
  REQUIRE(probed.alarmed());
  probed.run(30s, all(52ms));
  CHECK(probed.alarmed());
  probed.run(1s, all(49ms));
  CHECK_FALSE(probed.alarmed());
  probed.run(60s, all(70ms));
  CHECK_FALSE(probed.alarmed());
}

TEST_CASE("delay: a queue that drains once in twenty seconds is no longer way") {
  Probed probed;
  probed.run(1h);
  for (int i = 0; i < 100; ++i) {
    probed.run(17s, all(400ms));
    CHECK_FALSE(probed.alarmed());
    probed.run(600ms);  // each target once
  }
}

TEST_CASE("delay: one target moves nothing, whatever it does") {
  std::mt19937 chance(kSeed);
  for (int story = 0; story < 300; ++story) {
    INFO("story ", story, " of seed ", kSeed);
    const std::size_t targets = std::uniform_int_distribution<std::size_t>(2, 6)(chance);
    const std::size_t sick = std::uniform_int_distribution<std::size_t>(0, targets - 1)(chance);
    Probed probed(targets);
    probed.run(2min);
    for (int i = 0; i < 20; ++i) {
      const Duration added = std::chrono::milliseconds(std::uniform_int_distribution(-100, 3000)(chance));
      probed.run(std::chrono::seconds(std::uniform_int_distribution(1, 60)(chance)), only(sick, added));
      CHECK_FALSE(probed.alarmed());
    }
  }
}

TEST_CASE("delay: two slow targets of three are a slow circuit, of five they are not") {
  const auto two = [](std::size_t position) { return position < 2 ? 150ms : 0ms; };
  Probed three(3), four(4), five(5);
  for (Probed* probed : {&three, &four, &five}) {
    probed->run(1h);
    probed->run(1min, two);
  }
  CHECK(three.alarmed());
  CHECK(four.alarmed());
  CHECK_FALSE(five.alarmed());
}

TEST_CASE("delay: a target set aside does not count, neither way") {
  Probed probed;
  probed.run(1h);
  probed.run(1min, [](std::size_t position) { return position < 2 ? 150ms : 0ms; });
  REQUIRE(probed.alarmed());
  probed.detector.skip(0, true);
  CHECK_FALSE(probed.alarmed());
  CHECK(probed.detector.shortest(probed.now) == 110ms);  // the mean of 180 and 40
  probed.detector.skip(0, false);
  CHECK(probed.alarmed());
  probed.detector.skip(2, true);
  CHECK(probed.alarmed());
}

TEST_CASE("delay: a lasting reroute is usual after hours, not after one; a shorter way within the hour") {
  Probed probed;
  probed.run(24h, all(0ms), 1s);
  probed.run(1h, all(150ms), 1s);
  CHECK(probed.alarmed());
  probed.run(1h, all(150ms), 1s);
  CHECK(probed.alarmed());
  probed.run(3h, all(150ms), 1s);
  CHECK_FALSE(probed.alarmed());
  probed.run(24h, all(150ms), 1s);
  CHECK(model::seconds(*probed.detector.usual()) == Approx(0.180).epsilon(0.01));
  probed.run(1h, all(0ms), 1s);
  CHECK(model::seconds(*probed.detector.usual()) == Approx(0.030).epsilon(0.05));
  probed.run(1min, all(150ms), 1s);
  CHECK(probed.alarmed());
}

TEST_CASE("delay: nothing is learned from a time without answers") {
  Probed probed;
  probed.run(4h);
  probed.run(1min, all(150ms));
  REQUIRE(probed.alarmed());
  probed.now += 12h;
  CHECK_FALSE(probed.alarmed());  // nobody knows
  probed.run(1min, all(150ms));
  CHECK(probed.alarmed());
}

TEST_CASE("delay: probed once in five seconds, the last eight answers of each target count") {
  Probed probed;
  probed.run(3h, all(0ms), 5s);
  const Instant began = probed.now;
  while (!probed.alarmed() && probed.now < began + 10min) probed.run(5s, all(150ms), 5s);
  CHECK(probed.alarmed());
  CHECK(probed.now - began >= 100s);
  CHECK(probed.now - began <= 125s);
}

TEST_CASE("delay: no round trip of nothing or less, and none beyond ten seconds, is believed") {
  Probed probed;
  probed.run(1min);
  for (std::size_t i = 0; i < 3; ++i) {
    for (const Duration nonsense : {Duration(0), Duration(-1), Duration::min(), Duration::max()}) probed.detector.add(i, nonsense, probed.now);
  }
  CHECK(probed.detector.shortest(probed.now) == 30ms);
  Probed far;
  far.run(1min, all(1h));
  CHECK(far.detector.shortest(far.now) == 10s);
}

TEST_CASE("delay: what is usual is written and read again; what is old gives way sooner") {
  Probed probed;
  probed.run(24h, all(0ms), 1s);
  const std::string text = probed.detector.to_text();
  const auto after = [&](Duration age) {
    Probed again;
    again.detector = *DelayDetector::from_text(text, age);
    CHECK(again.detector.usual() == 30ms);
    CHECK_FALSE(again.alarmed());
    again.run(1min, all(150ms), 1s);
    CHECK(again.alarmed());
    Duration lasted{};
    for (; again.alarmed() && lasted < 24h; lasted += 1min) again.run(1min, all(150ms), 1s);
    return lasted;
  };
  const Duration fresh = after(0s), old = after(24h * 60);
  CHECK(fresh > 2h);
  CHECK(old > 10min);
  CHECK(old * 2 < fresh);
  CHECK(after(-1h) == fresh);
  CHECK(DelayDetector::from_text(DelayDetector(64).to_text(), 0s)->targets() == 64);
  CHECK_FALSE(DelayDetector::from_text(DelayDetector(2).to_text(), 0s)->usual());
}

TEST_CASE("delay: a text of another or damaged is refused") {
  for (const char* bad : {"", "delays", "delays 1", "delays 1 0", "delays 1 65 1 1", "delays 1 1.5 30 60", "delays 2 1 30 60", "delays 1 1 30",
                          "delays 1 1 30 60 1", "delays 1 1 -1 60", "delays 1 1 10001 60", "delays 1 1 30 -1", "delays 1 1 30 604801",
                          "delays 1 1 nan 60", "delays 1 1e300 30 60", "silences 1 1 30 60"})
    CHECK_FALSE(DelayDetector::from_text(bad, 0s));
  CHECK(DelayDetector::from_text("delays 1 1 10000 604800", 0s));
  CHECK(DelayDetector::from_text("delays 1 1 30 60\n", 0s)->usual() == 30ms);
}
