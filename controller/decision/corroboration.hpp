#pragma once
// How far back the probes of a circuit agree, when no single target may have the say (guard I5).
//
// A run is counted from the newest decided probe backwards: losses until the first answer (silence), or answers until the
// first loss (recovery). One target may contradict: a target that always answers (an imposter close by) must not hide a dead
// circuit, a target that never answers must not keep a live one down. So the run is also counted with the first
// contradicting target left out, and the longer of the two is used. Only that one target needs trying: leaving out any other
// ends the run at the same place with fewer probes in it. A run speaks only when at least two targets in two networks stand behind
// it with two probes each; a single target can therefore neither take a circuit down nor bring it up.
#include <span>

#include "controller/decision/probe_window.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::decision {

struct Run {
  int length = 0;          ///< probes in the run
  int targets = 0;         ///< targets with at least two of them
  int networks = 0;        ///< networks those targets are in
  model::Instant first{};  ///< when the oldest probe of the run was sent
  /// Enough targets in enough networks agree.
  [[nodiscard]] bool corroborated() const { return targets >= 2 && networks >= 2; }
};

/// @param fate  Lost: the silence that stands now. Answered: the recovery that stands now.
[[nodiscard]] Run trailing_run(const ProbeWindow& window, ProbeFate fate, std::span<const model::Target> targets);

}  // namespace linekeeper::decision
