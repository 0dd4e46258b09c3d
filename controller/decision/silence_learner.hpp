#pragma once
// How long a circuit must be silent before that is no silence of a living circuit.
//
// A burst that loses everything cannot be told from death until it outlasts the bursts this circuit is known for, and those differ a
// thousandfold between a fibre and a radio link. So the limit is not configured: the *rate of mistakes* is, and the limit follows from
// the silences of this circuit that ended with an answer.
//
// Above a threshold u such silences fall off nearly exponentially: n of them in a watched time T, longer than u by B on average,
// leave n/T * e^(-(s-u)/B) a second that last longer than s. Set to the wanted rate and solved for s:
//     s = u + B * ln(n/T * year / times_a_year).
// Three thresholds, for a mixture of causes (single losses, bursts, re-synchronisations) has a tail of its own at each length; two
// horizons, for an evening can be worse than the week was. The longest answer holds: each cell may warn, none may appease.
// Rejected: the longest silence of the last day plus a margin (one repair sets it for a day, and it says nothing about rates); a fixed
// limit (misses the budget by up to four orders of magnitude).
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "controller/model/time.hpp"

namespace linekeeper::decision {

class SilenceLearner {
 public:
  /// So much more time was watched while the circuit lived. Outages, stalls of our own and times without probes do not count.
  void watched(model::Duration span);
  /// A silence that ended with an answer, without the time in which an answer may stay away (RFC 6298 timeout). Counts as 6 s at most.
  void observe(model::Duration silence);

  /// The silence that a living circuit exceeds `times_a_year`; 0 when nothing of the kind was learned, never more than a minute. The
  /// caller keeps it within what is configured.
  [[nodiscard]] model::Duration limit(double times_a_year) const;
  /// How much watched time is known of; fades with a week, so never more than a week.
  [[nodiscard]] model::Duration learned_over() const;

  /// One line, to be kept over a restart.
  [[nodiscard]] std::string to_text() const;
  /// @param age how long ago it was written, by the wall clock: what is old counts less; a negative age counts as none
  /// @return nothing when the text is not one that to_text() writes
  static std::optional<SilenceLearner> from_text(std::string_view text, model::Duration age);

 private:
  struct Cell {
    double count = 0;   ///< silences longer than the threshold
    double excess = 0;  ///< seconds beyond it, summed
  };
  static constexpr std::size_t kThresholds = 3, kHorizons = 2;
  struct Horizon {
    double watched = 0;  ///< seconds
    std::array<Cell, kThresholds> cells{};
    void fade(double factor);
  };

  void settle();

  std::array<Horizon, kHorizons> horizons_{};
  double unsettled_ = 0;  ///< watched seconds that have not faded anything yet: e^x is not paid for on every answer
};

}  // namespace linekeeper::decision
