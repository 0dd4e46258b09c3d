#pragma once
// Calls by each carrier and circuit, as the PBX was seen to make them. Series are there only where calls are listened to ([calls]).
#include <array>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/status.hpp"
#include "controller/telemetry/metric_families.hpp"

namespace linekeeper::telemetry {

class CallMetrics {
 public:
  void bind(MetricFamilies& families, const model::Site& site);
  void observe(const model::CallOutcome& outcome);
  void update(const model::Status& status);

 private:
  struct Path {
    std::array<Counter*, model::kCallFateCount> ended{};
    std::array<Gauge*, std::size(model::kEveryCallsStanding)> state{};
    Gauge *asr = nullptr, *ner = nullptr, *median = nullptr, *p95 = nullptr, *in_progress = nullptr, *loss = nullptr, *jitter = nullptr;
  };
  std::vector<Path> paths_;  ///< carrier by carrier, circuit by circuit; empty: not listened to
  std::size_t circuits_ = 0;
  Gauge* heard_ = nullptr;
  std::array<Counter*, 4> feed_{};
  std::array<double, 4> feed_told_{};
};

}  // namespace linekeeper::telemetry
