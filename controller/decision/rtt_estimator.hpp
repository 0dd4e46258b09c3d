#pragma once
// Round-trip time of one target, as the retransmission timers of the internet estimate it.
#include <optional>

#include "controller/model/site.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::decision {

class RttEstimator {
 public:
  /// RFC 6298 section 2 (gains 1/8 and 1/4); jitter by RFC 3550 section 6.4.1 (gain 1/16).
  void add(model::Duration rtt);
  /// How long an unanswered probe is waited for: srtt + 4 rttvar + 20 ms within [timeout_min, timeout_max];
  /// timeout_max while nothing was ever answered.
  [[nodiscard]] model::Duration timeout(const model::CircuitProbing& probing) const;
  [[nodiscard]] std::optional<model::Duration> smoothed() const { return smoothed_; }
  [[nodiscard]] std::optional<model::Duration> jitter() const { return last_ ? std::optional(jitter_) : std::nullopt; }

 private:
  std::optional<model::Duration> smoothed_;
  std::optional<model::Duration> last_;
  model::Duration variation_{};
  model::Duration jitter_{};
};

}  // namespace linekeeper::decision
