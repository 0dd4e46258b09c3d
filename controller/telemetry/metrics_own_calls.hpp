#pragma once
// What we do at carriers ourselves: registrations and test calls.
#include "controller/model/status.hpp"
#include "controller/telemetry/metric_families.hpp"

namespace linekeeper::telemetry {

class OwnCallMetrics {
 public:
  void bind(MetricFamilies& families, const model::Site& site);
  void update(const model::Status& status);

 private:
  MetricFamilies* families_ = nullptr;
};

}  // namespace linekeeper::telemetry
