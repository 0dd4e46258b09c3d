#pragma once
// The addresses of carriers that have several, or a name: series come and go with what DNS says.
#include <set>
#include <string>
#include <tuple>

#include "controller/model/status.hpp"
#include "controller/telemetry/metric_families.hpp"

namespace linekeeper::telemetry {

class EndpointMetrics {
 public:
  void bind(MetricFamilies& families, const model::Site& site);
  void update(const model::Status& status);

 private:
  using Labels = std::tuple<std::string, std::string, std::string>;  // carrier, circuit, endpoint

  MetricFamilies* families_ = nullptr;
  std::set<Labels> shown_;
};

}  // namespace linekeeper::telemetry
