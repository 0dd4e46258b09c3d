#include "controller/telemetry/metrics.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "controller/runtime/log.hpp"
#include "controller/telemetry/metric_families.hpp"
#include "controller/telemetry/metrics_calls.hpp"
#include "controller/telemetry/metrics_checks.hpp"
#include "controller/telemetry/metrics_connections.hpp"
#include "controller/telemetry/metrics_diagnoses.hpp"
#include "controller/telemetry/metrics_endpoints.hpp"
#include "controller/telemetry/metrics_own_calls.hpp"
#include "controller/telemetry/metrics_probes.hpp"
#include "controller/telemetry/metrics_service.hpp"
#include "controller/telemetry/metrics_site.hpp"

namespace linekeeper::telemetry {

namespace {

constexpr ActuatorFailure kEveryFailure[] = {ActuatorFailure::Refused, ActuatorFailure::Failed, ActuatorFailure::Timeout,
                                             ActuatorFailure::Disconnected, ActuatorFailure::Mismatch};
constexpr std::array<std::string_view, 2> kSinks = {"journal", "stream"};

struct Handler {
  std::string_view path, name;
};
constexpr auto kHandlers = std::to_array<Handler>({{"/", "page"},
                                                   {"/events", "events"},
                                                   {"/metrics", "metrics"},
                                                   {"/livez", "livez"},
                                                   {"/readyz", "readyz"},
                                                   {"/api/v1/status", "status"},
                                                   {"/api/v1/explain", "explain"},
                                                   {"/api/v1/events", "journal"},
                                                   {"/api/v1/events/stream", "journal"},
                                                   {"/api/v1/failover", "failover"},
                                                   {"/api/v1/hold", "hold"},
                                                   {"/api/v1/failback", "failback"},
                                                   {"/api/v1/release", "release"}});

struct Code {
  int code;
  std::string_view label;
};
/// Those the API gives (controller/admin/README.md); anything else counts as "other".
constexpr auto kCodes = std::to_array<Code>({{200, "200"},
                                             {400, "400"},
                                             {403, "403"},
                                             {404, "404"},
                                             {405, "405"},
                                             {409, "409"},
                                             {412, "412"},
                                             {413, "413"},
                                             {421, "421"},
                                             {500, "500"},
                                             {502, "502"},
                                             {503, "503"},
                                             {0, "other"}});

struct LogLevel {
  runtime::Level level;
  std::string_view name;
};
constexpr LogLevel kLogLevels[] = {{runtime::Level::Error, "error"},
                                   {runtime::Level::Warning, "warning"},
                                   {runtime::Level::Notice, "notice"},
                                   {runtime::Level::Info, "info"},
                                   {runtime::Level::Debug, "debug"}};

const std::vector<double> kLagBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};

double unix_seconds(model::WallTime t) { return std::chrono::duration<double>(t.time_since_epoch()).count(); }

/// A counter that follows a count kept elsewhere since the start.
void follow(Counter& counter, double since_start) { counter.Increment(since_start - counter.Value()); }

}  // namespace

std::string_view to_string(ActuatorFailure f) {
  switch (f) {
    case ActuatorFailure::Refused: return "refused";
    case ActuatorFailure::Failed: return "failed";
    case ActuatorFailure::Timeout: return "timeout";
    case ActuatorFailure::Disconnected: return "disconnected";
    case ActuatorFailure::Mismatch: return "mismatch";
  }
  return "?";
}

std::string_view api_handler(std::string_view path) {
  const auto* it = std::ranges::find(kHandlers, path, &Handler::path);
  return it == kHandlers.end() ? "other" : it->name;
}

struct Metrics::Impl {
  struct Actuator {
    std::string name;
    Gauge *connected = nullptr, *in_sync = nullptr;
    Counter *operations = nullptr, *corrections = nullptr;
    std::array<Counter*, std::size(kEveryFailure)> failures{};
  };

  MetricFamilies families;
  ProbeMetrics probes;
  SiteMetrics site;
  DiagnosisMetrics diagnoses;
  CheckMetrics checks;
  CallMetrics calls;
  EndpointMetrics endpoints;
  OwnCallMetrics own_calls;
  ServiceMetrics service;
  ConnectionMetrics connections;
  std::vector<Actuator> actuators;
  Histogram* lag = nullptr;
  BuildInfo build;

  void bind(const model::Site& of) {
    probes.bind(families, of);
    site.bind(families, of);
    diagnoses.bind(families, of);
    checks.bind(families, of);
    endpoints.bind(families, of);
    own_calls.bind(families, of);
    service.bind(families, of);
    connections.bind(families, of);
    calls.bind(families, of);
    actuators.clear();
    bind_actuator("switch");
    for (const auto& pbx : of.pbxs) bind_actuator(pbx.name);
    bind_daemon(of);
  }

  void bind_actuator(const std::string& name) {
    Actuator a{.name = name,
               .connected = &families.gauge("actuator_connected", {name}),
               .in_sync = &families.gauge("actuator_in_sync", {name}),
               .operations = &families.counter("actuator_operations_total", {name}),
               .corrections = &families.counter("actuator_corrections_total", {name})};
    for (const auto f : kEveryFailure) a.failures[static_cast<std::size_t>(f)] = &families.counter("actuator_failures_total", {name, to_string(f)});
    actuators.push_back(std::move(a));
  }

  void bind_daemon(const model::Site& of) {
    families.gauge("build_info", {build.version, build.revision, build.compiler}).Set(1);
    families.gauge("config_info", {of.sha256}).Set(1);
    families.gauge("config_last_reload_successful", {});
    families.gauge("config_last_reload_success_timestamp_seconds", {});
    families.gauge("loop_last_tick_timestamp_seconds", {});
    for (const std::string_view mode : {"automatic", "hold"}) families.gauge("operating_mode", {mode});
    if (families.gauge("operating_mode", {"hold"}).Value() == 0) families.gauge("operating_mode", {"automatic"}).Set(1);
    lag = &families.histogram("loop_lag_seconds", {}, kLagBounds);
    for (const LogLevel& l : kLogLevels) families.counter("log_messages_total", {l.name});
    for (const std::string_view sink : kSinks) families.counter("events_dropped_total", {sink});
    families.counter("recording_blocks_dropped_total", {});
    for (const Handler& h : kHandlers)
      for (const Code& c : kCodes) families.counter("api_requests_total", {h.name, c.label});
    for (const Code& c : kCodes) families.counter("api_requests_total", {"other", c.label});
  }

  Actuator* actuator(std::string_view name) {
    const auto it = std::ranges::find(actuators, name, &Actuator::name);
    return it == actuators.end() ? nullptr : &*it;
  }

  void set(const model::ActuatorStatus& status) {
    if (Actuator* a = actuator(status.name)) {
      a->connected->Set(status.connected ? 1 : 0);
      a->in_sync->Set(status.in_sync ? 1 : 0);
    }
  }
};

Metrics::Metrics(const model::Site& site, const BuildInfo& build) : impl_(std::make_unique<Impl>()) {
  impl_->build = build;
  impl_->bind(site);
}
Metrics::~Metrics() = default;

void Metrics::reconfigure(const model::Site& site) {
  impl_->families.begin();
  impl_->bind(site);
  impl_->families.sweep();
}

void Metrics::observe(const model::Observation& observation) {
  impl_->probes.observe(observation);
  if (const auto* check = std::get_if<model::CheckOutcome>(&observation)) impl_->checks.observe(*check);
  if (const auto* call = std::get_if<model::CallOutcome>(&observation)) impl_->calls.observe(*call);
}

void Metrics::on_event(const model::Event& event) {
  impl_->site.on_event(event);
  impl_->service.on_event(event);
  impl_->connections.on_event(event);
}

void Metrics::on_incident(const model::Incident& incident) { impl_->service.on_incident(incident); }

void Metrics::update(const model::Status& status) {
  if (!status.site) return;
  impl_->probes.expire(status.now);
  impl_->site.update(status);
  impl_->diagnoses.update(status);
  impl_->checks.update(status);
  impl_->endpoints.update(status);
  impl_->own_calls.update(status);
  impl_->service.update(status);
  impl_->connections.update(status);
  impl_->calls.update(status);
  const bool hold = status.mode == model::Mode::Hold;
  impl_->families.gauge("operating_mode", {"automatic"}).Set(hold ? 0 : 1);
  impl_->families.gauge("operating_mode", {"hold"}).Set(hold ? 1 : 0);
  model::ActuatorStatus kernel = status.route_switch;
  kernel.name = "switch";
  impl_->set(kernel);
  for (const auto& pbx : status.pbxs) impl_->set(pbx);
  for (const LogLevel& l : kLogLevels)
    follow(impl_->families.counter("log_messages_total", {l.name}), static_cast<double>(runtime::log_count(l.level)));
}

void Metrics::loop_lag(model::Duration lag) { impl_->lag->Observe(std::max(0.0, model::seconds(lag))); }
void Metrics::loop_tick(model::WallTime now) { impl_->families.gauge("loop_last_tick_timestamp_seconds", {}).Set(unix_seconds(now)); }

void Metrics::config_reload(bool ok, model::WallTime now) {
  impl_->families.gauge("config_last_reload_successful", {}).Set(ok ? 1 : 0);
  if (ok) impl_->families.gauge("config_last_reload_success_timestamp_seconds", {}).Set(unix_seconds(now));
}

void Metrics::api_request(std::string_view path, int code) {
  const auto* known = std::ranges::find(kCodes, code, &Code::code);
  impl_->families.counter("api_requests_total", {api_handler(path), known == kCodes.end() ? "other" : known->label}).Increment();
}

void Metrics::events_dropped(Sink sink, std::uint64_t since_start) {
  follow(impl_->families.counter("events_dropped_total", {kSinks[static_cast<std::size_t>(sink)]}), static_cast<double>(since_start));
}

void Metrics::recording_blocks_dropped(std::uint64_t since_start) {
  follow(impl_->families.counter("recording_blocks_dropped_total", {}), static_cast<double>(since_start));
}

void Metrics::actuator_operation(std::string_view name) {
  if (auto* a = impl_->actuator(name)) a->operations->Increment();
}
void Metrics::actuator_failure(std::string_view name, ActuatorFailure reason) {
  if (auto* a = impl_->actuator(name)) a->failures[static_cast<std::size_t>(reason)]->Increment();
}
void Metrics::actuator_correction(std::string_view name) {
  if (auto* a = impl_->actuator(name)) a->corrections->Increment();
}

std::string Metrics::serialize() const { return impl_->families.serialize(); }

}  // namespace linekeeper::telemetry
