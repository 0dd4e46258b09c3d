#pragma once
// How a circuit wants to be probed now. The judge asks, the prober does it; scheduled probes keep their own time whatever else is sent.
#include <cstdint>
#include <optional>

#include "controller/model/observation.hpp"

namespace linekeeper::model {

/// Targets of one circuit, a bit for each position in Circuit::targets.
using TargetMask = std::uint64_t;
inline constexpr std::size_t kMostTargets = 64;  ///< of one circuit; config/ refuses more

struct ProbePlan {
  Duration interval{};                 ///< between two scheduled probes, over all targets
  std::optional<Duration> extra;       ///< between two additional ones; the first leaves at once. Nothing: none
  ProbeKind kind = ProbeKind::Verify;  ///< of the additional ones
  TargetMask among = 0;                ///< targets that additional ones may go to
  friend bool operator==(const ProbePlan&, const ProbePlan&) = default;
};

}  // namespace linekeeper::model
