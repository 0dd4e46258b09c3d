#include <doctest/doctest.h>

#include "probes/round_trip.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using runtime::ClockPair;
using runtime::KernelStamp;

namespace {
constexpr ClockPair kSent{.boot = model::Instant(1000s), .wall = KernelStamp(1'790'000'000s)};
ClockPair later(model::Duration boot, model::Duration wall) { return {.boot = kSent.boot + boot, .wall = kSent.wall + wall}; }
}  // namespace

TEST_CASE("round trip: the kernel's stamp takes our own delay in reading off") {
  CHECK(probes::round_trip(kSent, later(50ms, 50ms), kSent.wall + 33ms) == 33ms);
  CHECK(probes::round_trip(kSent, later(50ms, 50ms), std::nullopt) == 50ms);
}

TEST_CASE("round trip: a stamp before the send or after the read is left aside") {
  CHECK(probes::round_trip(kSent, later(50ms, 50ms), kSent.wall - 1ns) == 50ms);
  CHECK(probes::round_trip(kSent, later(50ms, 50ms), kSent.wall) == 0ms);
  CHECK(probes::round_trip(kSent, later(50ms, 50ms), kSent.wall + 50ms) == 50ms);
  CHECK(probes::round_trip(kSent, later(50ms, 50ms), kSent.wall + 50ms + 1ns) == 50ms);
}

TEST_CASE("round trip: a step of the wall clock by more than a millisecond, either way, leaves the stamp aside") {
  CHECK(probes::round_trip(kSent, later(50ms, 51ms), kSent.wall + 34ms) == 33ms);
  CHECK(probes::round_trip(kSent, later(50ms, 51ms + 1ns), kSent.wall + 34ms) == 50ms);
  CHECK(probes::round_trip(kSent, later(50ms, 49ms), kSent.wall + 33ms) == 34ms);
  CHECK(probes::round_trip(kSent, later(50ms, 49ms - 1ns), kSent.wall + 33ms) == 50ms);
  CHECK(probes::round_trip(kSent, later(50ms, 3600s), kSent.wall + 33ms) == 50ms);
  CHECK(probes::round_trip(kSent, later(50ms, -3600s), kSent.wall + 33ms) == 50ms);
}

TEST_CASE("round trip: never negative") { CHECK(probes::round_trip(kSent, later(-1ms, -1ms), std::nullopt) == 0ms); }
