#include "controller/telemetry/metrics_diagnoses.hpp"

namespace linekeeper::telemetry {

using model::Failed;

namespace {

enum class About : std::uint8_t { Everything, Circuit, Carrier, Target, Pair };

/// What a diagnosis of that name is about.
About about(Failed f) {
  switch (f) {
    case Failed::Ourselves:
    case Failed::Site:
    case Failed::SharedUpstream: return About::Everything;
    case Failed::Link:
    case Failed::Address:
    case Failed::Gateway:
    case Failed::Circuit:
    case Failed::CircuitOutbound:
    case Failed::CircuitInbound:
    case Failed::Brownout:
    case Failed::Resolver:
    case Failed::CaptivePortal:
    case Failed::MtuHole:
    case Failed::PublicAddress:
    case Failed::Unknown: return About::Circuit;
    case Failed::Target: return About::Target;
    case Failed::Carrier:
    case Failed::Endpoint: return About::Carrier;
    case Failed::TargetPath:
    case Failed::Peering: return About::Pair;
  }
  return About::Everything;
}

}  // namespace

void DiagnosisMetrics::bind(MetricFamilies& families, const model::Site& site) {
  families_ = &families;
  active_.clear();
  for (int i = 0; i < model::kFailedCount; ++i) {
    const auto failed = static_cast<Failed>(i);
    const std::string_view name = to_string(failed);
    counts_[static_cast<std::size_t>(i)] = &families.gauge("diagnoses", {name});
    counts_[static_cast<std::size_t>(i)]->Set(0);
    const auto start = [&](std::string_view circuit, std::string_view carrier, std::string_view target) {
      families.gauge("diagnosis_active", {name, circuit, carrier, target}).Set(0);
    };
    switch (about(failed)) {
      case About::Everything: start("", "", ""); break;
      case About::Circuit:
        for (const auto& c : site.circuits) start(c.name, "", "");
        break;
      case About::Carrier:
        for (const auto& c : site.carriers) start("", c.name, "");
        break;
      case About::Target:
        for (const auto& t : site.targets) start("", "", t.name);
        break;
      case About::Pair: break;
    }
  }
}

void DiagnosisMetrics::update(const model::Status& status) {
  for (Gauge* was : active_) was->Set(0);
  active_.clear();
  std::array<double, model::kFailedCount> counted{};
  const model::Site& site = *status.site;
  for (const model::Diagnosis& d : status.diagnoses) {
    ++counted[static_cast<std::size_t>(d.failed)];
    const auto name = [](const auto& all, const auto& id) { return id && id->index() < all.size() ? std::string_view(all[id->index()].name) : ""; };
    Gauge& now = families_->gauge(
        "diagnosis_active", {to_string(d.failed), name(site.circuits, d.circuit), name(site.carriers, d.carrier), name(site.targets, d.target)});
    now.Set(1);
    active_.push_back(&now);
  }
  for (std::size_t i = 0; i < counted.size(); ++i) counts_[i]->Set(counted[i]);
}

}  // namespace linekeeper::telemetry
