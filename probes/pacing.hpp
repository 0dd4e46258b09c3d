#pragma once
// When the next probe is due and to whom: round-robin over the targets, each gap jittered so that the probes of many
// circuits and sites do not fall into step. A stalled loop never sends a burst to catch up: what was missed is missed.
#include <cstddef>

#include "controller/model/time.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::probes {

class Pacing {
 public:
  /// @param targets   how many, at least one
  /// @param interval  between two probes, over all targets; at least 1 ms is taken
  /// @param jitter_ratio  each gap is interval * (1 +- this); clamped to [0, 0.9]
  Pacing(std::size_t targets, model::Duration interval, double jitter_ratio, runtime::SeededRandom random);

  /// The first probe is due within one interval from `now`, at a random phase.
  void start(model::Instant now);
  [[nodiscard]] model::Instant due() const { return due_; }  ///< kNever before start()

  /// The probe that is due is sent now: which target it is for. The next one's due time is set.
  std::size_t take(model::Instant now);

  /// A shorter interval brings the pending probe forward; a longer one holds from the next gap on.
  void set_interval(model::Duration interval, model::Instant now);

 private:
  model::Duration gap();

  std::size_t targets_;
  model::Duration interval_;
  double jitter_ratio_;
  runtime::SeededRandom random_;
  std::size_t next_target_ = 0;
  model::Instant last_{};
  model::Instant due_ = model::kNever;
};

}  // namespace linekeeper::probes
