#pragma once
// Circuits, SIP carriers and paths: what is held to be true about them, copied from the Status.
#include <array>
#include <string>
#include <vector>

#include "controller/model/event.hpp"
#include "controller/model/status.hpp"
#include "controller/telemetry/metric_families.hpp"

namespace linekeeper::telemetry {

class SiteMetrics {
 public:
  void bind(MetricFamilies& families, const model::Site& site);
  void update(const model::Status& status);
  /// Counts circuit.* and carrier.* transitions; other events are none of its business.
  /// The subject is "circuit NAME" or "carrier NAME", or the bare name.
  void on_event(const model::Event& event);

 private:
  using States = std::array<Gauge*, std::size(model::kEveryHealth)>;
  struct Transitions {
    std::string name;
    std::array<Counter*, std::size(model::kEveryHealth)> to{};
    Gauge* last = nullptr;
  };
  struct Circuit {
    States state{};
    Gauge *active = nullptr, *rtt = nullptr, *jitter = nullptr, *loss = nullptr, *mos = nullptr;
    Transitions transitions;
  };
  struct Carrier {
    States state{};
    Gauge* active = nullptr;
    Transitions transitions;
  };
  struct Path {
    States state{};
    Gauge* selected = nullptr;
  };
  static void set(const States& states, model::Health health);

  std::vector<Circuit> circuits_;
  std::vector<Carrier> carriers_;
  std::vector<Path> paths_;  ///< carrier by carrier, circuit by circuit
};

}  // namespace linekeeper::telemetry
