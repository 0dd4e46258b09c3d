#include "controller/telemetry/metrics_checks.hpp"

#include <algorithm>
#include <limits>

namespace linekeeper::telemetry {

namespace {
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
}

void CheckMetrics::bind(MetricFamilies& families, const model::Site& site) {
  checks_.clear();
  for (const model::Check& c : site.checks)
    for (const model::CircuitId circuit : c.circuits) {
      const std::string& by = site[circuit].name;
      families.gauge("check_info", {by, c.name, to_string(c.kind)}).Set(1);
      Check one{.circuit = circuit,
                .name = c.name,
                .seconds = &families.gauge("check_seconds", {by, c.name}),
                .certificate = &families.gauge("check_certificate_expiry_timestamp_seconds", {by, c.name})};
      one.seconds->Set(kNone);
      one.certificate->Set(kNone);
      for (const model::CheckResult r : model::kEveryCheckResult) {
        one.runs[static_cast<std::size_t>(r)] = &families.counter("check_runs_total", {by, c.name, to_string(r)});
        one.result[static_cast<std::size_t>(r)] = &families.gauge("check_result", {by, c.name, to_string(r)});
        one.result[static_cast<std::size_t>(r)]->Set(0);
      }
      checks_.push_back(std::move(one));
    }
}

CheckMetrics::Check* CheckMetrics::find(model::CircuitId circuit, std::string_view name) {
  const auto found = std::ranges::find_if(checks_, [&](const Check& c) { return c.circuit == circuit && c.name == name; });
  return found == checks_.end() ? nullptr : &*found;
}

void CheckMetrics::observe(const model::CheckOutcome& o) {
  if (const Check* c = find(o.circuit, o.check)) c->runs[static_cast<std::size_t>(o.result)]->Increment();
}

void CheckMetrics::update(const model::Status& status) {
  for (const model::CircuitStatus& circuit : status.circuits)
    for (const model::CheckStatus& check : circuit.checks) {
      const Check* c = find(circuit.circuit, check.last.check);
      if (c == nullptr) continue;
      for (const model::CheckResult r : model::kEveryCheckResult) c->result[static_cast<std::size_t>(r)]->Set(r == check.standing ? 1 : 0);
      c->seconds->Set(check.last.took ? model::seconds(*check.last.took) : kNone);
      if (!check.last.certificate_left) continue;
      // The wall clock's "now" is the status's own: the boot clock says how long ago the certificate was seen.
      const auto ends = std::chrono::duration<double>(status.wall.time_since_epoch()).count() +
                        model::seconds(*check.last.certificate_left - (status.now - check.last.at));
      c->certificate->Set(ends);
    }
}

}  // namespace linekeeper::telemetry
