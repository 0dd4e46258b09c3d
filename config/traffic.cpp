#include "config/traffic.hpp"

#include "config/budget.hpp"

namespace linekeeper::config {
namespace {

double a_month(model::Duration interval, int bytes) { return model::seconds(kMonth) / model::seconds(interval) * 2 * bytes; }

}  // namespace

OwnTraffic own_traffic(const model::Site& site, const model::Circuit& circuit) {
  const int echo = circuit.family == model::Family::V4 ? kEchoBytes : kEchoBytes6;
  OwnTraffic traffic{.in_use = a_month(interval_in_use(site.probing, circuit), echo),
                     .on_standby = a_month(interval_on_standby(site.probing, circuit), echo)};
  for (const model::Carrier& carrier : site.carriers)
    if (carrier.address.family == circuit.family) traffic.options += a_month(carrier.interval, kOptionsBytes);
  return traffic;
}

}  // namespace linekeeper::config
