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
  /// Counts circuit.* and carrier.* transitions and suspicions; other events are none of its business.
  /// The subject is "circuit NAME" or "carrier NAME", or the bare name.
  void on_event(const model::Event& event);

 private:
  static constexpr std::size_t kSetAsideReasons = 3;
  using States = std::array<Gauge*, std::size(model::kEveryHealth)>;
  struct Transitions {
    std::string name;
    std::array<Counter*, std::size(model::kEveryHealth)> to{};
    Gauge* last = nullptr;
  };
  struct Circuit {
    States state{};
    Gauge *active = nullptr, *rtt = nullptr, *jitter = nullptr, *loss = nullptr, *mos = nullptr, *r_factor = nullptr, *burst_ratio = nullptr;
    std::array<Gauge*, 2> direction_loss{}, direction_jitter{};  ///< outbound, inbound
    Transitions transitions;
    // What the judge goes by.
    Gauge *suspect = nullptr, *silence = nullptr, *suspect_after = nullptr, *dead_after = nullptr, *learned = nullptr, *lossy = nullptr,
          *bursty = nullptr, *shortest = nullptr, *usual = nullptr, *hold_down = nullptr, *resolver = nullptr, *interval = nullptr, *quick = nullptr;
    bool quick_ever = false;  ///< quick probes are configured at all
    Counter* suspicions = nullptr;
    std::array<Gauge*, std::size(model::kEveryNeighbour)> gateway{};
    Gauge* shared_hops = nullptr;
    std::vector<std::array<Gauge*, kSetAsideReasons>> targets;  ///< in the circuit's order; dead, lossy, lying
  };
  struct Carrier {
    States state{};
    Gauge* active = nullptr;
    Transitions transitions;
  };
  struct Path {
    States state{};
    Gauge* selected = nullptr;
    Gauge* tls_expiry = nullptr;  ///< over TLS alone
    Gauge *reachable = nullptr, *authorised = nullptr, *takes_calls = nullptr;
  };
  static void show_layer(Gauge& gauge, model::Layer layer);
  static void set(const States& states, model::Health health);
  static Transitions bind_transitions(MetricFamilies& families, const std::string& kind, const std::string& name);
  static Circuit bind_circuit(MetricFamilies& families, const model::Site& site, const model::Circuit& settings);
  static void bind_detectors(MetricFamilies& families, Circuit& to, const std::string& name);
  static void show_detectors(const Circuit& to, const model::CircuitStatus& from);

  std::vector<Circuit> circuits_;
  std::vector<Carrier> carriers_;
  std::vector<Path> paths_;  ///< carrier by carrier, circuit by circuit
};

}  // namespace linekeeper::telemetry
