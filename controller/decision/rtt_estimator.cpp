#include "controller/decision/rtt_estimator.hpp"

#include <algorithm>

namespace linekeeper::decision {

using model::Duration;

void RttEstimator::add(Duration rtt) {
  rtt = std::max(rtt, Duration::zero());
  if (!smoothed_) {
    smoothed_ = rtt;
    variation_ = rtt / 2;
  } else {
    const Duration off = std::chrono::abs(*smoothed_ - rtt);
    variation_ += (off - variation_) / 4;
    *smoothed_ += (rtt - *smoothed_) / 8;
    jitter_ += (std::chrono::abs(rtt - *last_) - jitter_) / 16;
  }
  last_ = rtt;
}

Duration RttEstimator::timeout(const model::CircuitProbing& probing) const {
  if (!smoothed_) return probing.timeout_max;
  return std::clamp<Duration>(*smoothed_ + 4 * variation_ + std::chrono::milliseconds(20), probing.timeout_min, probing.timeout_max);
}

}  // namespace linekeeper::decision
