#pragma once
// What is told of the diagnoses, over time. diagnose() speaks of one instant; people are told a name once it has stood for a moment,
// are told a better name instead of it and not beside it, and are told that it is over only when the thing is seen to be well:
// evidence that is merely gone takes no name back (I6, I7).
//
//   seen --(stands for its settling time)--> told --(another line names the same thing)--> replaced by that one
//                                            told --(the thing is seen to be well)-------> over
//
// A settling time is needed because the columns of the matrix do not change in one instant: of two circuits that die together one is
// called dead first, a gateway is given up by the kernel after the targets behind it.
#include <vector>

#include "controller/decision/diagnosis.hpp"

namespace linekeeper::decision {

inline constexpr model::Duration kSettle = std::chrono::milliseconds(300);  ///< the kernel's word on a link is told at once
/// The most that a name waits for other circuits that have fallen silent too and are not yet judged.
inline constexpr model::Duration kSettleAtMost = std::chrono::seconds(1);

class Diagnoses {
 public:
  struct Made {
    model::Diagnosis diagnosis;
    std::vector<model::Diagnosis> instead_of;  ///< what was told before about the same thing, and is not any more
  };
  struct Change {
    std::vector<Made> made;              ///< the gravest first
    std::vector<model::Diagnosis> over;  ///< with `since` when it began
    [[nodiscard]] bool empty() const { return made.empty() && over.empty(); }
  };

  /// To be called whenever the evidence may have changed, and at next_wakeup. @return what to tell; valid until the next call.
  const Change& update(const model::Site& site, const Evidence& evidence, model::Instant now);
  /// When a name will have settled; kNever when none waits.
  [[nodiscard]] model::Instant next_wakeup() const { return next_wakeup_; }

  /// What is told now, the gravest first, with the evidence of the last update.
  [[nodiscard]] const std::vector<model::Diagnosis>& told() const { return told_; }
  /// The same with evidence as of `now`, for a status made between two updates.
  [[nodiscard]] std::vector<model::Diagnosis> told(const model::Site& site, const Evidence& evidence, model::Instant now) const;

 private:
  void refresh(std::vector<model::Diagnosis>& seen);
  void tell(const Evidence& evidence, std::vector<model::Diagnosis>& seen, model::Instant now);
  void end(const model::Site& site, const Evidence& evidence, const std::vector<model::Diagnosis>& seen);

  std::vector<model::Diagnosis> told_;
  std::vector<model::Diagnosis> waiting_;  // seen, not settled; `since` is when it was first seen
  Change change_;
  model::Instant next_wakeup_ = model::kNever;
};

}  // namespace linekeeper::decision
