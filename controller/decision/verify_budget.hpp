#pragma once
// How many quick probes a target may still be sent: a token bucket. The targets are other people's machines, and a suspicion that does
// not end must not become a nuisance to them.
#include "controller/model/time.hpp"

namespace linekeeper::decision {

class VerifyBudget {
 public:
  /// Full at first.
  /// @param capacity   probes at once; 0 or less: never any
  /// @param per_minute how many come back; 0 or less: none
  VerifyBudget(int capacity, double per_minute);

  /// Takes one. In any span of t minutes no more than capacity + t * per_minute are given, whatever `now` does: a clock that stands or
  /// goes back brings none.
  /// @return false when there is none
  bool take(model::Instant now);
  [[nodiscard]] double left(model::Instant now) const;

 private:
  double capacity_, per_nanosecond_;
  double spent_ = 0;  ///< at `at_`
  model::Instant at_ = model::Instant::min();
};

}  // namespace linekeeper::decision
