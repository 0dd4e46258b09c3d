#pragma once
// One run: a site, a world and its faults from one seed; the daemon, the switch and the PBX in it; the oracle over all of it.
#include <cstdint>
#include <optional>

#include "tests/sim/planted.hpp"
#include "tests/sim/story.hpp"

namespace linekeeper::sim {

struct Order {
  std::uint64_t seed = 1;
  std::optional<model::Duration> lasts;  ///< nothing: 20 to 60 minutes, from the seed
  Planted bug = Planted::None;
  bool aloud = false;
  bool wall_steps = true;  ///< false: the same run with a wall clock that nobody steps; nothing may differ (I16)
};

struct Result {
  std::optional<Violation> violation;  ///< the first
  model::Duration lasted{};
  std::uint64_t steps = 0;
  std::uint64_t fingerprint = 0;
  int faults = 0;
  int moves = 0;
};

[[nodiscard]] Result run(const Order& order);

}  // namespace linekeeper::sim
