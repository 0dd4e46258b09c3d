#pragma once
// The slower checks of circuits: how often they ended how, and what stands.
#include <array>
#include <string>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/status.hpp"
#include "controller/telemetry/metric_families.hpp"

namespace linekeeper::telemetry {

class CheckMetrics {
 public:
  void bind(MetricFamilies& families, const model::Site& site);
  void observe(const model::CheckOutcome& outcome);
  void update(const model::Status& status);

 private:
  struct Check {
    model::CircuitId circuit;
    std::string name;
    std::array<Counter*, std::size(model::kEveryCheckResult)> runs{};
    std::array<Gauge*, std::size(model::kEveryCheckResult)> result{};
    Gauge *seconds = nullptr, *certificate = nullptr;
  };
  [[nodiscard]] Check* find(model::CircuitId circuit, std::string_view name);

  std::vector<Check> checks_;
};

}  // namespace linekeeper::telemetry
