#pragma once
// How often a statistic climbs to each of its levels, in one pass: a threshold is read off afterwards instead of running the years again
// for each. A false alarm is an episode: being at the level again before the rule has forgotten the last time is the same alarm.
#include <cstdint>
#include <vector>

#include "controller/model/time.hpp"

namespace linekeeper::sim::frontier {

class Excursions {
 public:
  /// @param memory how long after the statistic has left a level its return to it is the same episode
  explicit Excursions(model::Duration memory = std::chrono::seconds(10)) : memory_(memory) {}

  /// The statistic is `level` from `now` on.
  void set(int level, model::Instant now);
  [[nodiscard]] int level() const { return level_; }
  [[nodiscard]] int highest() const { return static_cast<int>(levels_.size()); }  ///< ever reached
  /// Episodes that reached `level` (1, 2, ...).
  [[nodiscard]] std::int64_t episodes(int level) const;
  /// The lowest level from which on all are reached at most `rate` times a year (a level that is hardly ever left has few episodes as
  /// well, and is no threshold); one above the highest seen where nothing seen is rare enough.
  [[nodiscard]] int threshold(double rate, double years) const;

 private:
  struct Level {
    std::int64_t episodes = 0;
    model::Instant last{};  // when the statistic last fell below it
  };
  model::Duration memory_;
  std::vector<Level> levels_;  // levels_[i] is level i + 1
  int level_ = 0;
};

}  // namespace linekeeper::sim::frontier
