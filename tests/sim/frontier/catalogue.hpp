#pragma once
// What circuits are like on a good day, and what befalls them.
#include <span>
#include <string_view>

#include "tests/sim/frontier/channel.hpp"

namespace linekeeper::sim::frontier {

struct Background {
  std::string_view name;
  std::string_view says;  ///< one line for the README
  LossModel loss;
};

[[nodiscard]] std::span<const Background> backgrounds();
[[nodiscard]] std::span<const Fault> faults();

// Places in those lists that tests and charts speak of.
inline constexpr std::size_t kClean = 0, kLossy = 1, kBursty = 3, kFiber = 5;
inline constexpr std::size_t kBlackHole = 0, kLoss20 = 2, kLoss30 = 3, kDelay200 = 8;

}  // namespace linekeeper::sim::frontier
