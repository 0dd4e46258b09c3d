#pragma once
// Many runs at once, told in the order of their seeds whatever the number of threads.
#include <cstdint>
#include <functional>
#include <optional>

#include "tests/sim/run.hpp"

namespace linekeeper::sim {

struct Campaign {
  std::uint64_t seed = 1, runs = 100;
  std::optional<model::Duration> lasts;  ///< of each run; nothing: as drawn
  std::optional<double> seconds;         ///< as many runs as fit; nothing: `runs`
  Planted bug = Planted::None;
  unsigned jobs = 1;
};

struct Told {
  std::uint64_t seed = 0;
  std::size_t troubles = 0;
  Result result;
};

/// A run of a seed, and now and then the same run again with a wall clock that nobody steps: nothing may be different (I16).
[[nodiscard]] Told run_and_compare(std::uint64_t seed, std::optional<model::Duration> lasts, Planted bug, Telling telling);

/// @param on_run  called on this thread, in the order of the seeds. @return whether to go on
void carry_out(const Campaign& campaign, const std::function<bool(const Told&)>& on_run);

}  // namespace linekeeper::sim
