#pragma once
// How a circuit wants to be probed now. The judge asks, the prober does it; scheduled probes keep their own time whatever else is sent.
#include <optional>

#include "controller/decision/corroboration.hpp"
#include "controller/model/observation.hpp"

namespace linekeeper::decision {

struct ProbePlan {
  model::Duration interval{};                        ///< between two scheduled probes, over all targets
  std::optional<model::Duration> extra;              ///< between two additional ones; nothing: none
  model::ProbeKind kind = model::ProbeKind::Verify;  ///< of the additional ones
  TargetMask among = 0;                              ///< targets that additional ones may go to, by position in Circuit::targets
  friend bool operator==(const ProbePlan&, const ProbePlan&) = default;
};

}  // namespace linekeeper::decision
