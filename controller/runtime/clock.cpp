#include "controller/runtime/clock.hpp"

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

}  // namespace linekeeper::runtime
