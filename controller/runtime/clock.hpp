#pragma once
// The only place that asks what time it is.
#include <optional>
#include <string>
#include <string_view>

#include "controller/model/time.hpp"

namespace linekeeper::runtime {

[[nodiscard]] model::Instant boot_now();     ///< clock_gettime(CLOCK_BOOTTIME)
[[nodiscard]] model::WallTime wall_now();    ///< CLOCK_REALTIME, milliseconds
[[nodiscard]] const std::string& boot_id();  ///< of the running kernel (/proc/sys/kernel/random/boot_id, random(4)); empty: cannot be read

/// The wall clock as the kernel stamps packets (SO_TIMESTAMPNS, socket(7)).
using KernelStamp = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Both clocks at one moment: a kernel stamp is carried over to the boot clock with it.
struct ClockPair {
  model::Instant boot;
  KernelStamp wall;
};
[[nodiscard]] ClockPair clocks_now();

/// "2026-11-22T02:26:21.345Z" (RFC 3339, UTC).
[[nodiscard]] std::string rfc3339(model::WallTime t);
/// RFC 3339 with any offset; fractions are cut to milliseconds. Nothing for anything else.
[[nodiscard]] std::optional<model::WallTime> parse_rfc3339(std::string_view text);

}  // namespace linekeeper::runtime
