#include "controller/telemetry/metrics_service.hpp"

#include <algorithm>
#include <limits>

namespace linekeeper::telemetry {

namespace {

constexpr std::array<std::string_view, 2> kTriggers = {"automatic", "operator"};
constexpr std::array<std::string_view, 4> kPhases = {"detect", "decide", "apply", "verify"};
/// So many from-to pairs of a plane stand at 0 from the start; a larger site's come into being when they happen.
constexpr std::size_t kPairsAtStart = 64;

std::size_t trigger_index(std::string_view trigger) { return trigger == kTriggers[1] ? 1 : 0; }

double unix_seconds(model::WallTime t) { return std::chrono::duration<double>(t.time_since_epoch()).count(); }

std::string_view field(const model::Event& event, std::string_view key) {
  for (const auto& [k, v] : event.fields)
    if (k == key) return v;
  return {};
}

/// Bucket bounds of recoveries: a round ladder and every target, so that "within the target" is exact.
std::vector<double> recovery_bounds(const model::Site& site) {
  std::vector<double> bounds = {0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120, 300, 900};
  for (const auto& c : site.classes) bounds.push_back(model::seconds(c.rto));
  for (const auto& t : site.trunks) bounds.push_back(model::seconds(t.rto));
  std::ranges::sort(bounds);
  bounds.erase(std::ranges::unique(bounds).begin(), bounds.end());
  return bounds;
}

}  // namespace

bool ServiceMetrics::Once::first(std::int64_t id) {
  if (holds(seen_, id)) return false;
  if (seen_.size() < 64)
    seen_.push_back(id);
  else
    seen_[next_++ % 64] = id;
  return true;
}

void ServiceMetrics::bind(MetricFamilies& families, const model::Site& site) {
  families_ = &families;
  const std::vector<double> bounds = recovery_bounds(site);
  for (const Plane p : kEveryPlane) bind_plane(families, site, p, bounds);
  std::vector<One> before = std::move(services_);
  services_.clear();
  for (const auto& c : site.classes) bind_service(families, Plane::Routing, c.name, c.circuits.size(), c.rto);
  for (const auto& t : site.trunks) bind_service(families, Plane::Trunk, t.name, t.members.size(), t.rto);
  for (One& now : services_)
    for (const One& old : before)
      if (old.plane == now.plane && old.name == now.name) {
        now.accounted = old.accounted;
        now.was_down = old.was_down;
      }
  suppressed_.clear();
  for (int g = 1; g < model::kGuardCount; ++g)
    suppressed_.push_back(&families.counter("decisions_suppressed_total", {model::to_string(static_cast<model::Guard>(g))}));
  suppressed_seen_.resize(suppressed_.size());
}

void ServiceMetrics::bind_plane(MetricFamilies& families, const model::Site& site, Plane plane, const std::vector<double>& bounds) {
  const std::string_view p = to_string(plane);
  OfPlane& one = of(plane);
  one.moved = &families.counter("decisions_total", {p, "moved"});
  one.held = &families.counter("decisions_total", {p, "held"});
  for (int m = 0; m < model::kMotiveCount; ++m) {
    const std::string_view motive = to_string(static_cast<model::Motive>(m));
    one.motives[static_cast<std::size_t>(m)] = {motive, &families.counter("moves_total", {p, motive})};
  }
  one.failed_decide = &families.counter("failover_failures_total", {p, "decide"});
  one.failed_apply = &families.counter("failover_failures_total", {p, "apply"});
  one.failed_verify = &families.counter("failover_failures_total", {p, "verify"});
  for (std::size_t i = 0; i < kTriggers.size(); ++i) one.duration[i] = &families.histogram("failover_duration_seconds", {p, kTriggers[i]}, bounds);
  for (std::size_t i = 0; i < kPhases.size(); ++i) one.phases[i] = &families.histogram("failover_phase_duration_seconds", {p, kPhases[i]}, bounds);
  one.ways.clear();
  if (plane == Plane::Routing)
    for (const auto& c : site.circuits) one.ways.push_back(c.name);
  else
    for (const auto& c : site.carriers) one.ways.push_back(c.name);
  if (one.ways.size() * one.ways.size() <= kPairsAtStart)
    for (const auto& from : one.ways)
      for (const auto& to : one.ways)
        for (const std::string_view trigger : kTriggers)
          if (from != to || plane == Plane::Trunk) families.counter("failovers_total", {p, from, to, trigger});
  families.keep("failovers_total", [&](const std::vector<std::string>& labels) {
    const auto known = [&](const std::string& way) { return way == "none" || holds(one.ways, way); };
    return labels[0] == p && known(labels[1]) && known(labels[2]);
  });
}

void ServiceMetrics::bind_service(MetricFamilies& families, Plane plane, const std::string& name, std::size_t ways, model::Duration rto) {
  const std::string_view p = to_string(plane);
  const auto gauge = [&](std::string_view family) { return &families.gauge(family, {p, name}); };
  One one{.name = name,
          .plane = plane,
          .available = gauge("service_available"),
          .eligible = gauge("candidates_eligible"),
          .in_progress = gauge("failover_in_progress"),
          .last_duration = gauge("failover_last_duration_seconds"),
          .last_timestamp = gauge("failover_last_timestamp_seconds"),
          .override_active = gauge("override_active"),
          .override_expiry = gauge("override_expiry_timestamp_seconds"),
          .unavailable = &families.counter("service_unavailable_seconds_total", {p, name})};
  for (std::size_t i = 0; i < kTriggers.size(); ++i) one.breaches[i] = &families.counter("rto_breaches_total", {p, name, kTriggers[i]});
  for (const ServiceState s : kEveryServiceState) {
    one.state[static_cast<std::size_t>(s)] = &families.gauge("service_state", {p, name, to_string(s)});
    one.state[static_cast<std::size_t>(s)]->Set(s == ServiceState::Unknown ? 1 : 0);
  }
  one.available->Set(1);
  gauge("candidates_configured")->Set(static_cast<double>(ways));
  gauge("rto_target_seconds")->Set(model::seconds(rto));
  if (one.last_timestamp->Value() == 0) one.last_duration->Set(std::numeric_limits<double>::quiet_NaN());
  services_.push_back(std::move(one));
}

ServiceMetrics::One* ServiceMetrics::find(Plane plane, std::string_view name) {
  const auto it = std::ranges::find_if(services_, [&](const One& one) { return one.plane == plane && one.name == name; });
  return it == services_.end() ? nullptr : &*it;
}

ServiceMetrics::One* ServiceMetrics::find(const model::Incident& incident) {
  // As plane_of(): a circuit's failure can be a trunk's incident.
  One* routing = incident.mode == model::FailureMode::InternetCircuit ? find(Plane::Routing, incident.subject) : nullptr;
  return routing != nullptr ? routing : find(Plane::Trunk, incident.subject);
}

/// Which plane an event speaks of: by its id, by its subject ("trunk outbound", "pbx kamailio"), by a name that only trunks have.
Plane ServiceMetrics::plane_of(const model::Event& event) {
  if (event.id == model::EventId::TrunkMoved || event.subject.starts_with("trunk") || event.subject.starts_with("pbx")) return Plane::Trunk;
  return find(Plane::Trunk, event.subject) != nullptr && find(Plane::Routing, event.subject) == nullptr ? Plane::Trunk : Plane::Routing;
}

void ServiceMetrics::on_event(const model::Event& event) {
  OfPlane& plane = of(plane_of(event));
  using model::EventId;
  if (event.id == EventId::RoutingMoved) count_move(event, Plane::Routing);
  if (event.id == EventId::TrunkMoved) count_move(event, Plane::Trunk);
  if (event.id == EventId::GuardHeld || event.id == EventId::AllBad) plane.held->Increment();
  if (event.id == EventId::PlanRefused) plane.failed_decide->Increment();
  if (event.id == EventId::PlanFailed) plane.failed_apply->Increment();
  if (event.id == EventId::VerifyFailed) plane.failed_verify->Increment();
}

void ServiceMetrics::count_move(const model::Event& event, Plane plane) {
  OfPlane& p = of(plane);
  p.moved->Increment();
  // Names from an event could be anything: only configured ones become labels. A trunk's move names "carrier via circuit".
  const auto known = [&](std::string_view name) {
    if (const auto via = name.find(" via "); plane == Plane::Trunk && via != std::string_view::npos) name = name.substr(0, via);
    return holds(p.ways, name) ? name : std::string_view("none");
  };
  for (const auto& [motive, moves] : p.motives)
    if (motive == field(event, "motive")) moves->Increment();
  const std::string_view trigger = kTriggers[field(event, "motive") == "forced" ? 1 : 0];
  families_->counter("failovers_total", {to_string(plane), known(field(event, "from")), known(field(event, "to")), trigger}).Increment();
}

void ServiceMetrics::count_outage(One& one, model::Instant from, model::Instant to) {
  from = std::max(from, one.accounted);
  if (to <= from) return;
  one.unavailable->Increment(model::seconds(to - from));
  one.accounted = to;
}

void ServiceMetrics::count_breach(One& one, const model::Incident& incident) {
  if (breached_.first(incident.id)) one.breaches[trigger_index(incident.trigger)]->Increment();
}

void ServiceMetrics::on_incident(const model::Incident& incident) {
  One* one = find(incident);
  const auto recovery = incident.recovery();
  if (one == nullptr || !recovery || !verified_.first(incident.id)) return;
  OfPlane& p = of(one->plane);
  p.duration[trigger_index(incident.trigger)]->Observe(model::seconds(*recovery));
  // An outage that ended by itself was never decided or applied: such a phase was not, and is not counted as 0.
  const auto phase = [&](std::size_t i, model::Instant from, std::optional<model::Instant> to) {
    if (from != model::Instant{} && to && *to >= from) p.phases[i]->Observe(model::seconds(*to - from));
  };
  phase(0, incident.last_good, incident.detected);
  phase(1, incident.detected, incident.decided);
  phase(2, incident.decided, incident.applied);
  if (incident.applied) phase(3, *incident.applied, incident.verified);
  one->last_duration->Set(model::seconds(*recovery));
  one->last_timestamp->Set(unix_seconds(incident.opened) + model::seconds(*incident.verified - incident.detected));
  if (*recovery > incident.rto_target) count_breach(*one, incident);
  if (incident.trigger != kTriggers[1]) count_outage(*one, incident.last_good, *incident.verified);
}

void ServiceMetrics::update_one(One& one, const Service& service, const model::Status& status) {
  for (const ServiceState s : kEveryServiceState) one.state[static_cast<std::size_t>(s)]->Set(s == service.state ? 1 : 0);
  one.eligible->Set(service.ways_left);
  one.in_progress->Set(service.open_incident != nullptr ? 1 : 0);
  const bool down = service.state == ServiceState::Down || service.open_incident != nullptr;
  one.available->Set(down ? 0 : 1);
  if (down) {
    // The outage began when the way last worked, not when we noticed; nothing before our own start is claimed.
    model::Instant began = service.open_incident != nullptr ? service.open_incident->last_good : service.last_good;
    if (began == model::Instant{}) began = status.now;
    count_outage(one, std::max(began, status.started), status.now);
    one.accounted = std::max(one.accounted, status.now);
  } else if (one.was_down) {
    one.accounted = std::max(one.accounted, status.now);
  }
  one.was_down = down;
  bool active = false;
  model::WallTime expiry{};
  for (const model::Override& o : status.overrides)
    if (speaks_of(o, one.plane, one.name)) {
      active = true;
      expiry = std::max(expiry, o.until);
    }
  one.override_active->Set(active ? 1 : 0);
  one.override_expiry->Set(active ? unix_seconds(expiry) : 0);
}

void ServiceMetrics::update(const model::Status& status) {
  const std::vector<Service> all = telemetry::services(status);
  for (std::size_t i = 0; i < std::min(all.size(), services_.size()); ++i)
    if (all[i].name == services_[i].name) update_one(services_[i], all[i], status);
  for (const model::Incident& incident : status.incidents)
    if (!incident.verified && status.now - incident.last_good > incident.rto_target)
      if (One* one = find(incident)) count_breach(*one, incident);
  for (const auto& [guard, count] : status.suppressed) {
    const auto i = static_cast<std::size_t>(guard) - 1;
    if (guard == model::Guard::None || i >= suppressed_.size()) continue;
    const std::uint64_t more = count >= suppressed_seen_[i] ? count - suppressed_seen_[i] : count;
    suppressed_[i]->Increment(static_cast<double>(more));
    suppressed_seen_[i] = count;
  }
}

}  // namespace linekeeper::telemetry
