#include "controller/telemetry/probe_cost.hpp"

#include <cmath>

namespace linekeeper::telemetry {

namespace {

constexpr int kEcho = 32;
constexpr double kMonth = 30.0 * 86400;
/// One OPTIONS of ours and a 200 with the headers carriers usually send (Via, From, To, Call-ID, CSeq, Allow, Accept, Server), with their
/// IP and UDP headers. What was really sent is counted in circuit_probe_bytes_total.
constexpr double kOptionsExchange = 1000;

}  // namespace

int echo_bytes(const model::IpAddress& target) { return kEcho + (target.family == model::Family::V6 ? 40 : 20); }

std::int64_t probe_bytes_month(const model::Site& site, const model::CircuitStatus& circuit) {
  double bytes = 0;
  const auto& targets = site[circuit.circuit].targets;
  const double every = model::seconds(circuit.detectors.interval);
  if (every > 0)  // taken in turn
    for (const model::TargetId t : targets) bytes += 2.0 * echo_bytes(site[t].address) * kMonth / every / static_cast<double>(targets.size());
  for (const model::Carrier& c : site.carriers)
    if (c.interval > model::Duration::zero() && c.address.family == site[circuit.circuit].family)
      bytes += kOptionsExchange * kMonth / model::seconds(c.interval);
  return std::llround(bytes);
}

}  // namespace linekeeper::telemetry
