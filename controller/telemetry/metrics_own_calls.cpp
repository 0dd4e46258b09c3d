#include "controller/telemetry/metrics_own_calls.hpp"

#include <limits>

namespace linekeeper::telemetry {

namespace {
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
}

void OwnCallMetrics::bind(MetricFamilies& families, const model::Site& site) {
  families_ = &families;
  for (std::size_t k = 0; k < site.carriers.size(); ++k)
    for (std::size_t c = 0; c < site.circuits.size(); ++c) {
      if (!site.reaches(model::id_at<model::CircuitId>(c), model::id_at<model::CarrierId>(k))) continue;
      const std::string &carrier = site.carriers[k].name, &circuit = site.circuits[c].name;
      if (site.carriers[k].registration) families.gauge("path_registered", {carrier, circuit}).Set(kNone);
      if (!site.carriers[k].test_call) continue;
      families.gauge("path_test_call_carried", {carrier, circuit}).Set(kNone);
      families.gauge("path_test_call_pdd_seconds", {carrier, circuit}).Set(kNone);
      families.gauge("path_test_call_timestamp_seconds", {carrier, circuit}).Set(0);
    }
}

void OwnCallMetrics::update(const model::Status& status) {
  const model::Site& site = *status.site;
  for (const model::RegistrationStatus& r : status.registrations) {
    const bool asked = r.state != model::RegistrationState::Trying;
    families_->gauge("path_registered", {site[r.carrier].name, site[r.circuit].name})
        .Set(!asked                                            ? kNone
             : r.state == model::RegistrationState::Registered ? 1
                                                               : 0);
  }
  for (const model::TrialOutcome& t : status.trials) {
    const std::string &carrier = site[t.carrier].name, &circuit = site[t.circuit].name;
    families_->gauge("path_test_call_carried", {carrier, circuit})
        .Set(t.result == model::TrialResult::OurFault  ? kNone
             : t.result == model::TrialResult::Carried ? 1
                                                       : 0);
    families_->gauge("path_test_call_pdd_seconds", {carrier, circuit}).Set(t.pdd ? model::seconds(*t.pdd) : kNone);
    const auto now = std::chrono::duration<double>(status.wall.time_since_epoch()).count();
    families_->gauge("path_test_call_timestamp_seconds", {carrier, circuit}).Set(now - model::seconds(status.now - t.ended));
  }
}

}  // namespace linekeeper::telemetry
