#pragma once
// Is a circuit that answers again well? Wald's sequential probability ratio test (Wald 1945) of a loss of .01 or less against .05 or
// more: a sick one passes with a chance of 1e-3. 168 answered probes in a row pass, each loss asks for 39 more, 168 at the most.
// Scheduled probes only: those sent because of a suspicion are not spread over time.

namespace linekeeper::decision {

class RecoveryTest {
 public:
  void add(bool lost);
  [[nodiscard]] bool passed() const { return score_ <= kWell; }
  /// Answered probes in a row that are still wanted; 0 once passed.
  [[nodiscard]] int wanted() const;
  void reset() { score_ = 0; }

 private:
  static constexpr double kWell = -6.907755278982137;  // ln(1e-3)
  double score_ = 0;                                   ///< log of the likelihood ratio sick : well, never above 0
};

}  // namespace linekeeper::decision
