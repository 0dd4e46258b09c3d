#pragma once
// One run of a script: its site, its world and its troubles; the daemon, the switch and the PBX in it; the oracle over all of it.
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/sim/oracle.hpp"
#include "tests/sim/script.hpp"
#include "tests/sim/story.hpp"

namespace linekeeper::sim {

struct Order {
  Telling telling = Telling::Silent;
  bool wall_steps = true;  ///< false: the same run with a wall clock that nobody steps; nothing may differ (I16)
};

/// An expectation of a scenario that was not met.
struct Disappointment {
  int line = 0;
  std::string expected, was;
  model::Instant at{};
};

struct Result {
  std::optional<Violation> violation;  ///< the first
  model::Duration lasted{};
  std::uint64_t steps = 0;
  std::uint64_t fingerprint = 0;
  std::vector<Disappointment> disappointments;
  Tally tally;
  std::vector<StoryLine> story;  ///< when it was kept
};

[[nodiscard]] Result run(const Script& script, const Order& order);

}  // namespace linekeeper::sim
