#include "config/traffic.hpp"

#include "config/budget.hpp"
#include "controller/model/probe_bytes.hpp"

namespace linekeeper::config {
namespace {

/// @param bytes  of what is exchanged each time, both ways
double a_month(model::Duration interval, double bytes) { return model::seconds(kMonth) / model::seconds(interval) * bytes; }

/// Of one probe and its answer, targets taken in turn.
double mean_exchange(const model::Site& site, const model::Circuit& circuit) {
  double bytes = 0;
  for (const model::TargetId t : circuit.targets) bytes += model::probe_bytes(site[t]).both() / static_cast<double>(circuit.targets.size());
  return bytes;
}

}  // namespace

OwnTraffic own_traffic(const model::Site& site, const model::Circuit& circuit) {
  OwnTraffic traffic{.in_use = a_month(interval_in_use(site.probing, circuit), mean_exchange(site, circuit)),
                     .on_standby = a_month(interval_on_standby(site.probing, circuit), mean_exchange(site, circuit))};
  for (const model::Carrier& carrier : site.carriers)
    if (carrier.of_family(circuit.family)) traffic.options += a_month(carrier.interval, 2 * kOptionsBytes);
  return traffic;
}

}  // namespace linekeeper::config
