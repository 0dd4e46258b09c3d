#pragma once
// Notices a prober from which nothing leaves: a timer that was lost, a socket that takes no packet. Looked at by a clock of its own, once
// a second; where the look itself comes late it was the whole program that stood still, and the prober is not to blame. Pure.
#include <algorithm>
#include <cstdint>

#include "controller/model/time.hpp"

namespace linekeeper::probes {

inline constexpr model::Duration kWatchdogEvery = std::chrono::seconds(1);
inline constexpr int kStuckIntervals = 5;  ///< so many without a probe, and at least kStuckAtLeast
inline constexpr model::Duration kStuckAtLeast = std::chrono::seconds(3);

class ProberWatchdog {
 public:
  enum class Finding : std::uint8_t {
    Well,
    Stuck,       ///< for the first time since a probe left: tell it, and make its sockets anew
    StuckStill,  ///< and again, after twice as long: make them anew once more
  };

  /// @param left      how many probes have left since it began
  /// @param interval  between two of them
  /// @param may       its link is usable: where nothing can leave, nothing is expected to
  Finding look(std::uint64_t left, model::Duration interval, bool may, model::Instant now) {
    const bool late = now - looked_ > 2 * kWatchdogEvery;
    looked_ = now;
    if (left != left_ || !may || late) {
      left_ = left;
      since_ = now;
      patience_ = {};
      return Finding::Well;
    }
    const bool first = patience_ == model::Duration::zero();
    if (now - since_ < (first ? std::max(kStuckIntervals * interval, kStuckAtLeast) : patience_)) return Finding::Well;
    patience_ = 2 * (now - since_);
    return first ? Finding::Stuck : Finding::StuckStill;
  }
  /// Since when nothing has left.
  [[nodiscard]] model::Instant since() const { return since_; }

 private:
  std::uint64_t left_ = 0;
  model::Instant looked_{}, since_{};
  model::Duration patience_{};  // silence until the next finding; zero: none was made yet
};

}  // namespace linekeeper::probes
