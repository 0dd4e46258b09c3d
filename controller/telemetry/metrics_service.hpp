#pragma once
// Service as people feel it: available or not, for how long not, moves and recoveries against their targets. Outage time
// is measured here, on the boot clock: a gauge scraped every 15 s would say 15 s where the truth was 3.88 s.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/model/event.hpp"
#include "controller/telemetry/metric_families.hpp"
#include "controller/telemetry/service.hpp"

namespace linekeeper::telemetry {

class ServiceMetrics {
 public:
  void bind(MetricFamilies& families, const model::Site& site);
  void update(const model::Status& status);
  /// Moves, refusals, failures, holds. Fields read from routing.moved and trunk.moved: "from" and "to" (a circuit, a
  /// carrier, or "carrier via circuit") and "motive" ("forced" is the operator, all others automatic).
  void on_event(const model::Event& event);
  /// @param incident  at each change; counted once, when verified
  void on_incident(const model::Incident& incident);

 private:
  struct One {
    std::string name;
    Plane plane = Plane::Routing;
    std::array<Gauge*, std::size(kEveryServiceState)> state{};
    Gauge *available = nullptr, *eligible = nullptr, *in_progress = nullptr, *last_duration = nullptr, *last_timestamp = nullptr;
    Gauge *override_active = nullptr, *override_expiry = nullptr;
    Counter* unavailable = nullptr;
    std::array<Counter*, 2> breaches{};  ///< by trigger
    model::Instant accounted{};          ///< outage time up to here is counted
    bool was_down = false;
  };
  struct OfPlane {
    Counter *moved = nullptr, *held = nullptr;
    std::array<std::pair<std::string_view, Counter*>, model::kMotiveCount> motives{};
    Counter *failed_decide = nullptr, *failed_apply = nullptr, *failed_verify = nullptr;
    std::array<Histogram*, 2> duration{};  ///< by trigger
    std::array<Histogram*, 4> phases{};    ///< detect, decide, apply, verify
    std::vector<std::string> ways;         ///< names a move may go from and to
  };

  void bind_plane(MetricFamilies& families, const model::Site& site, Plane plane, const std::vector<double>& bounds);
  void bind_service(MetricFamilies& families, Plane plane, const std::string& name, std::size_t ways, model::Duration rto);
  void count_move(const model::Event& event, Plane plane);
  void count_outage(One& one, model::Instant from, model::Instant to);
  void count_breach(One& one, const model::Incident& incident);
  void update_one(One& one, const Service& service, const model::Status& status);
  [[nodiscard]] One* find(Plane plane, std::string_view name);
  [[nodiscard]] One* find(const model::Incident& incident);
  [[nodiscard]] Plane plane_of(const model::Event& event);
  OfPlane& of(Plane p) { return planes_[static_cast<std::size_t>(p)]; }

  /// Remembers an incident's id; false when it was remembered already. The newest 64: more are never open at once.
  class Once {
   public:
    bool first(std::int64_t id);

   private:
    std::vector<std::int64_t> seen_;
    std::size_t next_ = 0;
  };

  MetricFamilies* families_ = nullptr;
  std::vector<One> services_;  ///< classes, then trunks: the order of services()
  std::array<OfPlane, 2> planes_;
  std::vector<Counter*> suppressed_;            ///< by guard
  std::vector<std::uint64_t> suppressed_seen_;  ///< the Status counts from the start of the daemon: we add differences
  Once verified_, breached_;
};

}  // namespace linekeeper::telemetry
