#include "config/traffic.hpp"

#include "config/budget.hpp"

namespace linekeeper::config {
namespace {

double a_month(model::Duration interval, int bytes) { return model::seconds(kMonth) / model::seconds(interval) * 2 * bytes; }

}  // namespace

OwnTraffic own_traffic(const model::Site& site, const model::Circuit& circuit) {
  OwnTraffic traffic{.in_use = a_month(interval_in_use(site.probing, circuit), kEchoBytes),
                     .on_standby = a_month(interval_on_standby(site.probing, circuit), kEchoBytes)};
  for (const model::Carrier& carrier : site.carriers) traffic.options += a_month(carrier.interval, kOptionsBytes);
  return traffic;
}

}  // namespace linekeeper::config
