#pragma once
// Time as Linekeeper thinks of it. Two clocks, never mixed:
//  - Instant: the kernel's boot clock (CLOCK_BOOTTIME, clock_gettime(2)): it counts through suspend, no one sets it,
//    and every decision is made on it (invariant I16: a step of the wall clock changes nothing).
//  - WallTime: for people to read, and for expiries a person gave. It never decides about health.
// Nothing in here reads a clock: `now` is a parameter everywhere; only controller/runtime/clock.hpp asks the kernel.
#include <chrono>

namespace linekeeper::model {

/// Tag of the boot clock; has no now() on purpose.
struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;  // NOLINT(readability-identifier-naming): the name is the standard's (TrivialClock)
};

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<BootClock, Duration>;
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Further in the future than any deadline: "no wake-up wanted".
inline constexpr Instant kNever = Instant::max();

/// A duration as seconds for people and metrics.
[[nodiscard]] constexpr double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace linekeeper::model
