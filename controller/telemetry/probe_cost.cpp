#include "controller/telemetry/probe_cost.hpp"

#include <cmath>

#include "controller/model/probe_bytes.hpp"

namespace linekeeper::telemetry {

namespace {

constexpr double kMonth = 30.0 * 86400;
/// One OPTIONS of ours and a 200 with the headers carriers usually send (Via, From, To, Call-ID, CSeq, Allow, Accept, Server), with their
/// IP and UDP headers. What was really sent is counted in circuit_probe_bytes_total.
constexpr double kOptionsExchange = 1000;

}  // namespace

std::int64_t probe_bytes_month(const model::Site& site, const model::CircuitStatus& circuit) {
  double bytes = 0;
  const auto& targets = site[circuit.circuit].targets;
  const double every = model::seconds(circuit.detectors.interval);
  if (every > 0)  // taken in turn
    for (const model::TargetId t : targets) bytes += model::probe_bytes(site[t]).both() * kMonth / every / static_cast<double>(targets.size());
  for (const model::Carrier& c : site.carriers)
    if (c.interval > model::Duration::zero() && c.address.family == site[circuit.circuit].family)
      bytes += kOptionsExchange * kMonth / model::seconds(c.interval);
  return std::llround(bytes);
}

}  // namespace linekeeper::telemetry
