#pragma once
// What watching a circuit costs in bytes: for metrics, and for people who pay by the byte.
#include <cstdint>

#include "controller/model/status.hpp"

namespace linekeeper::telemetry {

/// What probing the circuit costs in 30 days, both ways together, if it goes on as now: scheduled probes at their present interval
/// with their answers, and one OPTIONS with its answer for each carrier. Quick probes are not in it: they come in outages only.
[[nodiscard]] std::int64_t probe_bytes_month(const model::Site& site, const model::CircuitStatus& circuit);

}  // namespace linekeeper::telemetry
