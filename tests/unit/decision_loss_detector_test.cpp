#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "controller/decision/loss_detector.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::LossDetector;
using model::Duration;
using model::Instant;
using model::ProbeKind;

namespace {

constexpr unsigned kSeed = 20261123;
using Fates = std::function<bool(std::size_t position, int probe)>;

/// Probes round-robin over the targets, every 200 ms.
struct Probed {
  std::size_t targets;
  LossDetector detector;
  Instant now{1h};
  int probe = 0;

  explicit Probed(std::size_t n, Duration interval = 200ms) : targets(n), detector(n, interval) {}
  void run(int probes, const Fates& lost, ProbeKind kind = ProbeKind::Scheduled, Duration interval = 200ms) {
    for (int i = 0; i < probes; ++i, ++probe, now += interval) {
      const std::size_t position = static_cast<std::size_t>(probe) % targets;
      detector.add(position, now, lost(position, probe), kind);
    }
  }
};

bool never(std::size_t, int) { return false; }
bool always(std::size_t, int) { return true; }
Fates by_chance(double loss, unsigned seed = kSeed) {
  return [loss, chance = std::mt19937(seed)](std::size_t, int) mutable { return std::bernoulli_distribution(loss)(chance); };
}
/// Bursts of `seconds` on average that lose all, `share` of the time, at one probe each 200 ms.
Fates in_bursts(double share, double seconds, unsigned seed = kSeed) {
  return [share, seconds, chance = std::mt19937(seed), bad = false](std::size_t, int) mutable {
    const double leave = bad ? 0.2 / seconds : 0.2 * share / (1 - share) / seconds;
    if (std::bernoulli_distribution(std::min(1.0, leave))(chance)) bad = !bad;
    return bad;
  };
}

}  // namespace

TEST_CASE("loss: a clean circuit scores nothing, a lossy one is found in the time of its loss") {
  Probed probed(3);
  probed.run(20000, never);
  CHECK(probed.detector.lossy() == 0);
  CHECK(probed.detector.bursty() == 0);
  CHECK_FALSE(probed.detector.wants_closer());
  CHECK_FALSE(probed.detector.lossy_alarmed());
  probed.run(75, by_chance(0.3));  // 15 s
  CHECK(probed.detector.lossy_alarmed());
  probed.run(400, never);
  CHECK_FALSE(probed.detector.lossy_alarmed());
  CHECK(probed.detector.lossy() == 0);
}

TEST_CASE("loss: 2 % alone or in bursts of 200 ms goes on for two days without an alarm; 10 % either way does not") {
  for (const Fates& well : {by_chance(0.001), by_chance(0.02), in_bursts(0.02, 0.2)}) {
    Probed probed(3);
    for (int hour = 0; hour < 48; ++hour) {
      probed.run(3600 * 5, well);
      CHECK_FALSE(probed.detector.lossy_alarmed());
      CHECK_FALSE(probed.detector.bursty_alarmed());
    }
  }
  Probed lossy(3), bursty(3);
  lossy.run(120 * 5, by_chance(0.10));
  CHECK(lossy.detector.lossy_alarmed());
  bursty.run(600 * 5, in_bursts(0.10, 0.4));
  CHECK(bursty.detector.bursty_alarmed());
}

TEST_CASE("loss: an alarm begins at its threshold and ends below half of it") {
  for (const bool bursty : {false, true}) {
    Probed probed(3);
    LossDetector& d = probed.detector;
    const auto score = [&] { return bursty ? d.bursty() : d.lossy(); };
    const auto alarmed = [&] { return bursty ? d.bursty_alarmed() : d.lossy_alarmed(); };
    const double alarm = bursty ? d.bursty_alarm() : d.lossy_alarm();
    const Fates fates = bursty ? in_bursts(0.25, 0.4) : by_chance(0.25);
    int begun = 0;
    for (int i = 0; i < 2000; ++i) {
      const bool was = alarmed();
      probed.run(1, fates);
      if (!was) CHECK(alarmed() == (score() >= alarm));
      begun += alarmed() && !was ? 1 : 0;
    }
    CHECK(begun >= 1);
    REQUIRE(alarmed());
    CHECK(score() <= 1.4 * alarm + 2.7);  // it goes not far beyond
    for (int i = 0; i < 2000; ++i) {
      probed.run(1, never);
      CHECK(alarmed() == (score() >= alarm / 2));
      if (!alarmed()) break;
    }
    CHECK_FALSE(alarmed());
  }
}

TEST_CASE("loss: whatever one target does, the scores stay nothing while two others are perfect") {
  std::mt19937 chance(kSeed);
  for (int story = 0; story < 2000; ++story) {
    INFO("story ", story, " of seed ", kSeed);
    const std::size_t targets = std::uniform_int_distribution<std::size_t>(3, 6)(chance);
    const std::size_t sick = std::uniform_int_distribution<std::size_t>(0, targets - 1)(chance);
    const double loss = std::uniform_real_distribution(0.0, 1.0)(chance);
    Probed probed(targets);
    for (int i = 0; i < 200; ++i) {
      const bool closer = std::bernoulli_distribution(0.3)(chance);
      const auto fate = [&](std::size_t position, int) { return position == sick && std::bernoulli_distribution(loss)(chance); };
      probed.run(1, fate, closer ? ProbeKind::Closer : ProbeKind::Scheduled, closer ? 40ms : 200ms);
      probed.detector.early(static_cast<std::size_t>(i) % targets, static_cast<std::size_t>(i) % targets == sick);
    }
    CHECK(probed.detector.lossy() == 0);
    CHECK(probed.detector.bursty() == 0);
    probed.detector.skip(sick, true);  // nor does setting it aside let out what it said
    CHECK(probed.detector.lossy() == 0);
    CHECK(probed.detector.bursty() == 0);
  }
}

TEST_CASE("loss: one sick target of three does not hide that the others are lossy too") {
  Probed probed(3);
  probed.run(300, [fates = by_chance(0.3)](std::size_t position, int i) mutable { return position == 0 || fates(position, i); });
  CHECK(probed.detector.lossy_alarmed());
  Probed one_perfect(3);  // nor does one that always answers
  one_perfect.run(300, [fates = by_chance(0.3)](std::size_t position, int i) mutable { return position != 0 && fates(position, i); });
  CHECK(one_perfect.detector.lossy_alarmed());
}

TEST_CASE("loss: scores are never negative nor beyond bounds, whatever the story") {
  std::mt19937 chance(kSeed);
  const auto upto = [&](int most) { return std::uniform_int_distribution(0, most)(chance); };
  for (int story = 0; story < 1500; ++story) {
    INFO("story ", story, " of seed ", kSeed);
    const std::size_t targets = static_cast<std::size_t>(upto(7)) + 1;
    LossDetector detector(targets, std::chrono::milliseconds(upto(20000)));
    Instant now{};
    const double loss = std::uniform_real_distribution(0.0, 1.0)(chance);
    for (int i = 0; i < 300; ++i) {
      const std::size_t position = static_cast<std::size_t>(upto(static_cast<int>(targets) - 1));
      now += std::chrono::milliseconds(upto(3) == 0 ? upto(1000) * upto(10000) : upto(300));
      detector.add(position, now, std::bernoulli_distribution(loss)(chance), static_cast<ProbeKind>(upto(2)));
      if (upto(30) == 0) detector.skip(position, upto(1) == 0);
      if (upto(60) == 0) detector.set_interval(std::chrono::milliseconds(upto(5000)));
      if (upto(200) == 0) detector.reset();
      detector.early(position, upto(2) == 0);
      for (const double score : {detector.lossy(), detector.bursty()}) CHECK((score >= 0 && score < 30));
      CHECK((detector.lossy_alarm() > 5 && detector.lossy_alarm() < 15 && detector.bursty_alarm() > 5 && detector.bursty_alarm() < 15));
    }
  }
}

TEST_CASE("loss: probes sent to verify are ignored, closer ones count for one test only, and nothing counts out of order") {
  Probed verify(3), closer(3);
  verify.run(100, always, ProbeKind::Verify);
  CHECK(verify.detector.lossy() == 0);
  CHECK(verify.detector.bursty() == 0);
  closer.run(300, by_chance(0.4), ProbeKind::Closer, 40ms);
  CHECK(closer.detector.lossy() > 0);
  CHECK(closer.detector.bursty() == 0);

  Probed alone(3), between(3);
  for (int i = 0; i < 500; ++i) {
    alone.run(1, by_chance(0.2, kSeed + static_cast<unsigned>(i)));
    between.run(1, by_chance(0.2, kSeed + static_cast<unsigned>(i)));
    for (std::size_t n = 0; n < 3; ++n) between.detector.add(n, between.now - 100ms, i % 2 == 0, ProbeKind::Closer);
    CHECK(between.detector.bursty() == alone.detector.bursty());
  }
  CHECK(alone.detector.bursty() > 0);

  Probed ordered(3), disordered(3);
  for (int i = 0; i < 500; ++i) {
    const Fates fates = by_chance(0.1, kSeed + static_cast<unsigned>(i));
    ordered.run(1, fates);
    disordered.run(1, by_chance(0.1, kSeed + static_cast<unsigned>(i)));
    disordered.detector.add(0, disordered.now - 201ms, true, ProbeKind::Scheduled);  // 1 ms before the last one
    CHECK(disordered.detector.lossy() == ordered.detector.lossy());
    CHECK(disordered.detector.bursty() == ordered.detector.bursty());
  }
}

TEST_CASE("loss: one overdue answer asks for closer probes at once, two of two targets until it is clear") {
  Probed probed(3);
  for (int i = 0; i < 30; ++i) probed.detector.early(static_cast<std::size_t>(i) % 3, false);
  CHECK_FALSE(probed.detector.wants_closer());
  probed.detector.early(0, true);
  CHECK(probed.detector.wants_closer());
  for (int i = 0; i < 19; ++i) probed.detector.early(static_cast<std::size_t>(i) % 3, false);
  CHECK(probed.detector.wants_closer());
  probed.detector.early(1, false);
  CHECK_FALSE(probed.detector.wants_closer());
  for (int i = 0; i < 2; ++i) {
    for (int n = 0; n < 60; ++n) probed.detector.early(static_cast<std::size_t>(n) % 2, true);
    CHECK(probed.detector.wants_closer());
    for (int n = 0; n < 200; ++n) probed.detector.early(static_cast<std::size_t>(n) % 3, false);
    CHECK_FALSE(probed.detector.wants_closer());
  }
  CHECK(probed.detector.lossy() == 0);  // it is a word, not a score
  Probed final_only(3);
  final_only.run(3, always);
  CHECK(final_only.detector.wants_closer());
}

TEST_CASE("loss: a dead target does not speed the probing up for good, and one set aside not at all") {
  Probed probed(3);
  int closer = 0;
  for (int i = 0; i < 30000; ++i) {
    probed.detector.early(static_cast<std::size_t>(i) % 3, i % 3 == 0);
    closer += probed.detector.wants_closer() ? 1 : 0;
  }
  CHECK(closer > 1000);
  CHECK(closer <= 20 * (5 + 30000 / 300));
  Probed aside(3);
  aside.detector.skip(0, true);
  for (int i = 0; i < 100; ++i) {
    aside.detector.early(0, true);
    CHECK_FALSE(aside.detector.wants_closer());
  }
}

TEST_CASE("loss: with fewer than two targets that count there is no score, unless there is but one") {
  Probed one(1);
  one.run(100, by_chance(0.4));
  CHECK(one.detector.lossy_alarmed());
  one.detector.skip(0, true);
  CHECK(one.detector.lossy() == 0);
  Probed two(2);
  two.run(200, by_chance(0.4));
  CHECK(two.detector.lossy_alarmed());
  two.detector.skip(1, true);
  CHECK(two.detector.lossy() == 0);
  CHECK_FALSE(two.detector.lossy_alarmed());
  two.run(300, by_chance(0.4));
  CHECK(two.detector.lossy() == 0);
  two.detector.skip(1, false);
  two.run(300, by_chance(0.4));
  CHECK(two.detector.lossy_alarmed());
}

TEST_CASE("loss: a target set aside leaves the score to the others, and what it says then does not count") {
  Probed with(3), without(3);
  with.detector.skip(2, true);
  without.detector.skip(2, true);
  for (int i = 0; i < 500; ++i) {
    const auto fates = [&](bool dead) {
      return [&, dead](std::size_t position, int probe) { return position == 2 ? dead : by_chance(0.1, static_cast<unsigned>(probe))(0, 0); };
    };
    with.run(1, fates(true));
    without.run(1, fates(false));
    CHECK(with.detector.lossy() == without.detector.lossy());
    CHECK(with.detector.bursty() == without.detector.bursty());
  }
}

TEST_CASE("loss: a reset leaves nothing but what is set aside; another interval keeps the scores") {
  Probed probed(3);
  probed.detector.skip(0, true);
  probed.run(200, by_chance(0.3));
  REQUIRE(probed.detector.lossy() > 0);
  const double score = probed.detector.lossy();
  const double alarm = probed.detector.lossy_alarm();
  probed.detector.set_interval(1s);
  CHECK(probed.detector.lossy() == score);
  CHECK(probed.detector.lossy_alarm() < alarm);
  probed.detector.set_interval(100ms);
  CHECK(probed.detector.lossy_alarm() > alarm);
  probed.detector.reset();
  CHECK(probed.detector.lossy() == 0);
  CHECK(probed.detector.bursty() == 0);
  CHECK_FALSE(probed.detector.lossy_alarmed());
  probed.detector.skip(1, true);
  probed.run(300, always);
  CHECK(probed.detector.lossy() == 0);  // two of three are still aside
}

TEST_CASE("loss: sixty-four targets are as good as three") {
  Probed probed(64);
  probed.run(2000, by_chance(0.02));
  CHECK_FALSE(probed.detector.lossy_alarmed());
  probed.run(100, by_chance(0.3));
  CHECK(probed.detector.lossy_alarmed());
}
