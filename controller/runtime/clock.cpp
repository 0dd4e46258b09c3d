#include "controller/runtime/clock.hpp"

#include <time.h>

#include <fstream>

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

const std::string& boot_id() {
  static const std::string kId = [] {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
  }();
  return kId;
}

model::WallTime wall_now() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

}  // namespace linekeeper::runtime
