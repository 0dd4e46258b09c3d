#pragma once
// All of /metrics. One object, fed from the loop, read by a scrape on the same thread. What it says stands in
// metric_catalogue.hpp; how each group is kept stands in metrics_*.hpp.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controller/model/event.hpp"
#include "controller/model/incident.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"
#include "controller/telemetry/build_info.hpp"

namespace linekeeper::telemetry {

/// Why an actuator did not do what it was asked.
enum class ActuatorFailure : std::uint8_t {
  Refused,       ///< it said no, by a guard of its own
  Failed,        ///< it tried and could not
  Timeout,       ///< no answer
  Disconnected,  ///< not there
  Mismatch,      ///< said yes, but reads back otherwise
};
[[nodiscard]] std::string_view to_string(ActuatorFailure f);

/// Who could not take an event.
enum class Sink : std::uint8_t { Journal, Stream };

class Metrics {
 public:
  /// Every family and label combination of the site stands from here on.
  Metrics(const model::Site& site, const BuildInfo& build);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// After a reload: series of what is gone disappear, counters of what stays keep their values.
  void reconfigure(const model::Site& site);

  /// The probe path: no allocation (but for the first answer of a path with a new SIP code), tens of nanoseconds.
  void observe(const model::Observation& observation);
  void on_event(const model::Event& event);
  void on_incident(const model::Incident& incident);  ///< at each change of one
  /// Before a scrape, each second, and at each change of a choice: outage time is counted between these calls.
  void update(const model::Status& status);

  void loop_lag(model::Duration lag);                ///< how late a timer was served
  void loop_tick(model::WallTime now);               ///< each second
  void config_reload(bool ok, model::WallTime now);  ///< also after the first load
  /// @param path  of the request; reduced to the fixed vocabulary of the API, so that no request can make a series
  void api_request(std::string_view path, int code);
  void events_dropped(Sink sink, std::uint64_t since_start);  ///< the sink's own count
  void recording_blocks_dropped(std::uint64_t since_start);   ///< the journal's own count

  /// @param actuator  "switch" or the PBX's name; one that is not configured is ignored
  void actuator_operation(std::string_view actuator);
  void actuator_failure(std::string_view actuator, ActuatorFailure reason);
  void actuator_correction(std::string_view actuator);

  /// Text format 0.0.4: "text/plain; version=0.0.4; charset=utf-8".
  [[nodiscard]] std::string serialize() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The part of the API a path belongs to: "page", "events", "metrics", "livez", "readyz", "status", "explain", "journal",
/// "failover", "hold", "release" or "other".
[[nodiscard]] std::string_view api_handler(std::string_view path);

}  // namespace linekeeper::telemetry
