#include "controller/telemetry/metrics_endpoints.hpp"

#include <limits>

namespace linekeeper::telemetry {

namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

double takes_calls(const model::Verdict& v) {
  if (v.health == model::Health::Unknown) return kNotKnown;
  return v.health == model::Health::Down ? 0 : 1;
}

}  // namespace

void EndpointMetrics::bind(MetricFamilies& families, const model::Site& site) {
  families_ = &families;
  shown_.clear();  // what is not asked for again is swept
  for (std::size_t k = 0; k < site.carriers.size(); ++k)
    for (std::size_t c = 0; c < site.circuits.size(); ++c) {
      if (!site.reaches(model::id_at<model::CircuitId>(c), model::id_at<model::CarrierId>(k))) continue;
      const std::string &carrier = site.carriers[k].name, &circuit = site.circuits[c].name;
      if (site.carriers[k].named()) families.gauge("path_name_answered", {carrier, circuit}).Set(kNotKnown);
      for (const model::Endpoint& e : site.carriers[k].addresses) {
        const auto [at, fresh] = shown_.emplace(carrier, circuit, e.to_string());
        families.gauge("endpoint_takes_calls", {carrier, circuit, std::get<2>(*at)}).Set(kNotKnown);
      }
    }
}

void EndpointMetrics::update(const model::Status& status) {
  const model::Site& site = *status.site;
  std::set<Labels> now;
  for (const model::PathStatus& p : status.paths) {
    const std::string &carrier = site[p.carrier].name, &circuit = site[p.circuit].name;
    if (p.located) families_->gauge("path_name_answered", {carrier, circuit}).Set(p.located->lookup == model::Lookup::Found ? 1 : 0);
    for (const model::EndpointStatus& e : p.endpoints) {
      if (!e.listed) continue;
      const auto [at, fresh] = now.emplace(carrier, circuit, e.where.at.to_string());
      families_->gauge("endpoint_takes_calls", {carrier, circuit, std::get<2>(*at)}).Set(takes_calls(e.verdict));
    }
  }
  for (const auto& [carrier, circuit, endpoint] : shown_)
    if (!now.contains({carrier, circuit, endpoint})) families_->forget_gauge("endpoint_takes_calls", {carrier, circuit, endpoint});
  shown_ = std::move(now);
}

}  // namespace linekeeper::telemetry
