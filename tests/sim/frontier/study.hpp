#pragma once
// The whole comparison: every rule on every background, ours with three budgets. Made by as many threads as there are processors; each part
// has seeds of its own, so the result is the same whoever computes it.
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "tests/sim/frontier/measure.hpp"

namespace linekeeper::sim::frontier {

/// Configured false failovers a year; the first is the default of the product.
inline constexpr std::array kBudgets = {12.0, 1.0, 120.0};

/// The real judge on one background with one budget.
struct OursResult {
  double budget = 0;
  Rate down, degraded, suspect;      ///< false ones, of a circuit that lives
  std::vector<Duration> dead_after;  ///< learned, at several times of the run, in rising order; what is learned rises and falls
  double probes_per_second = 0;      ///< on the background, with what suspicion costs
  std::vector<Found> found;          ///< by fault: a black hole when called down, all else when called degraded or down
  Found suspected;                   ///< a black hole: new calls go elsewhere
  [[nodiscard]] Duration usual_dead_after() const { return dead_after[dead_after.size() / 2]; }
  [[nodiscard]] Rate alarms() const { return {down.events + degraded.events, down.years}; }
};

struct OursEffort {
  Duration warm_up{};  ///< it learns so long before anything counts
  double years = 0;
  int trials = 0;
};
[[nodiscard]] OursResult measure_ours(double budget, const Background& background, const OursEffort& effort, std::uint64_t seed);

struct Plan {
  std::uint64_t seed = 1;
  double scale = 1;  ///< of all years and trials
  unsigned threads = 2;
  [[nodiscard]] Effort of_peers(std::size_t background) const;
  [[nodiscard]] OursEffort of_ours(std::size_t budget) const;
};

struct Study {
  Plan plan;
  std::vector<std::vector<PeerResult>> peers;  ///< [background][peer]
  std::vector<std::vector<OursResult>> ours;   ///< [background][budget]
};

using Progress = std::function<void(std::size_t done, std::size_t all, const std::string& part)>;

/// The lowest threshold of a peer that is wrong at most `rate` times a year on every background: what one would have to ship.
[[nodiscard]] int threshold_for_all(const Study& study, std::size_t peer, double rate);

/// @param progress  told when a part is done: how many are, of how many, which
[[nodiscard]] Study run(const Plan& plan, const Progress& progress);

}  // namespace linekeeper::sim::frontier
