#pragma once
// What moves with a class beside its packets: connections in progress that stay behind or were deleted, and this host's resolvers.
#include <array>
#include <string>
#include <vector>

#include "controller/model/event.hpp"
#include "controller/model/status.hpp"
#include "controller/telemetry/metric_families.hpp"

namespace linekeeper::telemetry {

class ConnectionMetrics {
 public:
  void bind(MetricFamilies& families, const model::Site& site);
  void update(const model::Status& status);
  /// Counts connections.cut by its fields "circuit", "reason" and "flows".
  void on_event(const model::Event& event);

 private:
  static constexpr std::array<std::string_view, 4> kReasons = {"dead", "deadline", "address", "removed"};
  struct Circuit {
    std::string name;
    std::vector<Gauge*> draining;  ///< by class
    std::array<Counter*, kReasons.size()> cut{};
  };
  std::vector<Circuit> circuits_;
  Gauge* kept_ = nullptr;
  Gauge* resolvers_answering_ = nullptr;
  Gauge* resolvers_in_sync_ = nullptr;
};

}  // namespace linekeeper::telemetry
