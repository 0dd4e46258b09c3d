#pragma once
// How far back the probes of a circuit agree, when no single target may have the say (guard I5).
//
// A run is counted from the newest decided probe backwards: silence until the first answer, or answers until the first loss
// (recovery). One target may contradict: a target that always answers (an imposter close by) must not hide a dead
// circuit, a target that never answers must not keep a live one down. So the run is also counted with the first
// contradicting target left out, and the longer of the two is used. Only that one target needs trying: leaving out any other
// ends the run at the same place with fewer probes in it. A run speaks only when at least two targets in two networks stand behind
// it with two probes each; a single target can therefore neither take a circuit down nor bring it up.
//
// Targets that are set aside are not counted at all, nor is silence that was voided because we ourselves stood still.
#include <cstdint>
#include <span>

#include "controller/decision/probe_window.hpp"
#include "controller/model/probe_plan.hpp"

namespace linekeeper::decision {

using model::TargetMask;

struct Run {
  int length = 0;            ///< probes in the run
  int any = 0;               ///< targets with at least one of them
  int targets = 0;           ///< targets with at least two of them
  int networks = 0;          ///< networks those targets are in
  model::Instant first{};    ///< when the oldest probe of the run was sent
  model::Instant overdue{};  ///< when it became overdue
  /// Enough targets in enough networks agree.
  [[nodiscard]] bool corroborated() const { return targets >= 2 && networks >= 2; }
};

struct Runs {
  Run all;      ///< over all targets that count
  Run without;  ///< with the first contradicting one left out; empty when none contradicts
  /// The one that speaks: corroborated before not, then the longer.
  [[nodiscard]] const Run& best() const;
};

/// @param fate     Lost: the silence that stands now. Answered: the recovery that stands now.
/// @param network  by position: equal numbers are one network
/// @param counted  targets that count
/// @param most     counting stops there
[[nodiscard]] Runs trailing_runs(const ProbeWindow& window, ProbeFate fate, std::span<const std::uint8_t> network, TargetMask counted,
                                 int most = static_cast<int>(ProbeWindow::kCapacity));

}  // namespace linekeeper::decision
