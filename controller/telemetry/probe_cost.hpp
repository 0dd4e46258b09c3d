#pragma once
// What watching a circuit costs in bytes: for metrics, and for people who pay by the byte.
#include <cstdint>

#include "controller/model/status.hpp"

namespace linekeeper::telemetry {

/// Bytes on the wire of one echo request to that target, and of its answer: 32 of ICMP (probes/icmp_codec.hpp) and the IP header
/// (RFC 791 3.1: 20, RFC 8200 3: 40). What the link adds is not known here.
[[nodiscard]] int echo_bytes(const model::IpAddress& target);

/// What probing the circuit costs in 30 days, both ways together, if it goes on as now: scheduled echo requests at their present interval
/// with their answers, and one OPTIONS with its answer for each carrier. Quick probes are not in it: they come in outages only.
[[nodiscard]] std::int64_t probe_bytes_month(const model::Site& site, const model::CircuitStatus& circuit);

}  // namespace linekeeper::telemetry
