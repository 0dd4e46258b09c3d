#include "controller/runtime/clock.hpp"

#include <fmt/chrono.h>
#include <time.h>

namespace linekeeper::runtime {

model::Instant boot_now() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return model::Instant(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

ClockPair clocks_now() {
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  return {.boot = boot_now(), .wall = KernelStamp(std::chrono::seconds(wall.tv_sec) + std::chrono::nanoseconds(wall.tv_nsec))};
}

model::WallTime wall_now() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

std::string rfc3339(model::WallTime t) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(t);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), (t - whole).count());
}

}  // namespace linekeeper::runtime
