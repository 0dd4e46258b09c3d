#pragma once
// What is wrong, by name. Names of circuits, carriers and targets come from the configuration. A diagnosis about one thing has its
// series from the start; one about a path (there may be 16,384) from the first time it is made, and keeps it.
#include <array>
#include <vector>

#include "controller/model/status.hpp"
#include "controller/telemetry/metric_families.hpp"

namespace linekeeper::telemetry {

class DiagnosisMetrics {
 public:
  void bind(MetricFamilies& families, const model::Site& site);
  void update(const model::Status& status);

 private:
  MetricFamilies* families_ = nullptr;
  std::array<Gauge*, model::kFailedCount> counts_{};
  std::vector<Gauge*> active_;  ///< those that are 1
};

}  // namespace linekeeper::telemetry
