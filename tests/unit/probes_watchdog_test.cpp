#include <doctest/doctest.h>

#include "probes/watchdog.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using probes::ProberWatchdog;
using Finding = ProberWatchdog::Finding;

namespace {
/// A watchdog that looks each second.
struct Bench {
  ProberWatchdog dog;
  model::Instant now{1h};
  std::uint64_t left = 5;
  model::Duration interval = 200ms;
  Bench() { look(); }
  Finding look(bool may = true, model::Duration after = 1s) {
    now += after;
    return dog.look(left, interval, may, now);
  }
};
}  // namespace

TEST_CASE("watchdog: a prober from which something leaves is well") {
  Bench b;
  for (int i = 0; i < 20; ++i) {
    ++b.left;
    CHECK(b.look() == Finding::Well);
  }
}

TEST_CASE("watchdog: three seconds without a probe are too many, once; then after twice as long again") {
  Bench b;
  ++b.left;
  CHECK(b.look() == Finding::Well);
  const auto begun = b.now;
  CHECK(b.look() == Finding::Well);
  CHECK(b.look(true, 1s - 1ns) == Finding::Well);
  CHECK(b.look(true, 1s + 1ns) == Finding::Stuck);
  CHECK(b.dog.since() == begun);
  CHECK(b.look() == Finding::Well);
  CHECK(b.look() == Finding::Well);
  CHECK(b.look() == Finding::StuckStill);  // 6 s
  for (int i = 7; i < 12; ++i) CHECK(b.look() == Finding::Well);
  CHECK(b.look() == Finding::StuckStill);  // 12 s
  ++b.left;
  CHECK(b.look() == Finding::Well);
  CHECK(b.look() == Finding::Well);
  CHECK(b.look() == Finding::Well);
  CHECK(b.look() == Finding::Stuck);  // another time, told again
}

TEST_CASE("watchdog: of a prober that sends seldom five intervals are waited for") {
  Bench b;
  b.interval = 5s;
  ++b.left;
  b.look();
  for (int i = 1; i < 25; ++i) CHECK(b.look() == Finding::Well);
  CHECK(b.look() == Finding::Stuck);
}

TEST_CASE("watchdog: where nothing can leave, nothing is expected to, and the count begins with the link") {
  Bench b;
  for (int i = 0; i < 20; ++i) CHECK(b.look(false) == Finding::Well);
  CHECK(b.look() == Finding::Well);
  CHECK(b.look() == Finding::Well);
  CHECK(b.look() == Finding::Stuck);
}

TEST_CASE("watchdog: when the look itself comes late it was not the prober that stood still") {
  Bench b;
  CHECK(b.look(true, 2s) == Finding::Well);  // in time, just
  CHECK(b.look(true, 2s) == Finding::Stuck);
  Bench late;
  CHECK(late.look(true, 2s + 1ns) == Finding::Well);
  CHECK(late.look(true, 2s) == Finding::Well);  // counted from there
  CHECK(late.look(true, 1s) == Finding::Stuck);
}
