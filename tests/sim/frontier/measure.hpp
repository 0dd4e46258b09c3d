#pragma once
// What a rule costs on a background, and what it is worth against a fault.
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/sim/frontier/catalogue.hpp"
#include "tests/sim/frontier/excursions.hpp"
#include "tests/sim/frontier/peers.hpp"

namespace linekeeper::sim::frontier {

inline constexpr Duration kGiveUp = std::chrono::minutes(20);  ///< a fault not found by then is not found

/// How long finding took, over many trials.
struct Found {
  int trials = 0;
  int found = 0;                   ///< before kGiveUp
  std::optional<double> p50, p99;  ///< seconds; nothing when fewer were found than that
};
[[nodiscard]] Found summary(std::vector<double> seconds, int trials);

/// A 95 % confidence interval of a yearly rate, of events counted over years (Poisson, by Byar's approximation; none seen: three).
struct Rate {
  std::int64_t events = 0;
  double years = 0;
  [[nodiscard]] double per_year() const { return years > 0 ? static_cast<double>(events) / years : 0; }
  [[nodiscard]] double low() const;
  [[nodiscard]] double high() const;
};

/// One rule on one background: at every threshold how often it is wrong, and at those of interest how fast it is right.
struct PeerResult {
  double years = 0;
  Excursions alarms;
  int enough = 0;                         ///< the highest threshold that was timed
  std::vector<std::vector<Found>> found;  ///< [fault][threshold - 1]

  [[nodiscard]] Rate rate(int threshold) const { return {alarms.episodes(threshold), years}; }
  [[nodiscard]] const Found& at(std::size_t fault, int threshold) const { return found[fault][static_cast<std::size_t>(threshold - 1)]; }
};

struct Effort {
  double years = 20;
  int trials = 400;
};

/// The false alarms of each threshold, in one pass.
[[nodiscard]] Excursions count_alarms(const Peer& peer, const Background& background, double years, std::uint64_t seed);

/// Of each fault, how long it takes until each threshold up to `enough` is reached.
[[nodiscard]] std::vector<std::vector<Found>> time_faults(const Peer& peer, const Background& background, int enough, int trials, std::uint64_t seed);

inline constexpr Instant kBegin{std::chrono::hours(1)};
[[nodiscard]] constexpr Duration years(double n) { return Duration(static_cast<Duration::rep>(n * 365 * 24 * 3600 * 1e9)); }

}  // namespace linekeeper::sim::frontier
