#include "controller/telemetry/metrics_site.hpp"

#include <algorithm>
#include <limits>

namespace linekeeper::telemetry {

using model::Health;

namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();
constexpr std::array kReasons = {model::SetAside::Dead, model::SetAside::Lossy, model::SetAside::Lying};
constexpr std::array<std::string_view, 2> kDirections = {"outbound", "inbound"};
constexpr double kMosNotKnown = 0;  // no score is below 1, so a query keeps what is known with `> 0`

double seconds_or_nan(const std::optional<model::Duration>& d) { return d ? model::seconds(*d) : kNotKnown; }
std::size_t at(Health h) { return static_cast<std::size_t>(h); }

std::optional<Health> circuit_transition(model::EventId id) {
  if (id == model::EventId::CircuitUp) return Health::Up;
  if (id == model::EventId::CircuitDegraded) return Health::Degraded;
  if (id == model::EventId::CircuitDown) return Health::Down;
  if (id == model::EventId::CircuitUnknown) return Health::Unknown;
  return std::nullopt;
}

std::optional<Health> carrier_transition(model::EventId id) {
  if (id == model::EventId::CarrierUp) return Health::Up;
  if (id == model::EventId::CarrierDegraded) return Health::Degraded;
  if (id == model::EventId::CarrierDown) return Health::Down;
  if (id == model::EventId::CarrierUnknown) return Health::Unknown;
  return std::nullopt;
}

/// The trunks that offer this carrier, as one label value: a series for each trunk would break joins on the carrier.
std::string trunks_of(const model::Site& site, std::size_t carrier) {
  std::string list;
  for (const model::Trunk& t : site.trunks)
    if (holds(t.carriers, model::id_at<model::CarrierId>(carrier))) list += (list.empty() ? "" : ",") + t.name;
  return list;
}

}  // namespace

void SiteMetrics::set(const States& states, Health health) {
  for (const Health h : model::kEveryHealth) states[at(h)]->Set(h == health ? 1 : 0);
}

SiteMetrics::Transitions SiteMetrics::bind_transitions(MetricFamilies& families, const std::string& kind, const std::string& name) {
  Transitions t{.name = name, .last = &families.gauge(kind + "_last_transition_timestamp_seconds", {name})};
  for (const Health h : model::kEveryHealth) t.to[at(h)] = &families.counter(kind + "_transitions_total", {name, model::to_string(h)});
  return t;
}

void SiteMetrics::bind_detectors(MetricFamilies& families, Circuit& to, const std::string& name) {
  const auto gauge = [&](std::string_view family) { return &families.gauge(family, {name}); };
  to.suspect = gauge("circuit_suspect");
  to.suspicions = &families.counter("circuit_suspicions_total", {name});
  to.silence = gauge("circuit_silence_seconds");
  to.suspect_after = gauge("circuit_suspect_after_seconds");
  to.dead_after = gauge("circuit_dead_after_seconds");
  to.learned = gauge("circuit_learned_seconds");
  to.lossy = &families.gauge("circuit_detector_score_ratio", {name, "lossy"});
  to.bursty = &families.gauge("circuit_detector_score_ratio", {name, "bursty"});
  to.shortest = gauge("circuit_shortest_rtt_seconds");
  to.usual = gauge("circuit_usual_rtt_seconds");
  to.hold_down = gauge("circuit_hold_down_seconds");
  to.resolver = gauge("circuit_resolver_answers");
  to.interval = gauge("circuit_probe_interval_seconds");
  to.quick = gauge("circuit_quick_probes_left");
  for (Gauge* figure : {to.shortest, to.usual, to.resolver, to.dead_after, to.suspect_after, to.interval, to.quick}) figure->Set(kNotKnown);
  for (const model::Neighbour n : model::kEveryNeighbour) {
    to.gateway[static_cast<std::size_t>(n)] = &families.gauge("circuit_gateway_state", {name, to_string(n)});
    to.gateway[static_cast<std::size_t>(n)]->Set(n == model::Neighbour::Unknown ? 1 : 0);
  }
}

SiteMetrics::Circuit SiteMetrics::bind_circuit(MetricFamilies& families, const model::Site& site, const model::Circuit& c) {
  families.gauge("circuit_info", {c.name, c.provider, c.interface, c.medium}).Set(1);
  families.gauge("circuit_priority", {c.name}).Set(c.priority);
  families.gauge("circuit_metered", {c.name}).Set(c.metered ? 1 : 0);
  families.gauge("circuit_dead_after_limit_seconds", {c.name}).Set(model::seconds(site.circuit_health.dead_after_max));
  Circuit one{.active = &families.gauge("circuit_active", {c.name}),
              .rtt = &families.gauge("circuit_rtt_seconds", {c.name}),
              .jitter = &families.gauge("circuit_jitter_seconds", {c.name}),
              .loss = &families.gauge("circuit_loss_ratio", {c.name}),
              .mos = &families.gauge("circuit_mos", {c.name}),
              .r_factor = &families.gauge("circuit_r_factor", {c.name}),
              .burst_ratio = &families.gauge("circuit_burst_ratio", {c.name}),
              .transitions = bind_transitions(families, "circuit", c.name)};
  for (Gauge* figure : {one.rtt, one.jitter, one.loss, one.r_factor, one.burst_ratio}) figure->Set(kNotKnown);
  one.mos->Set(kMosNotKnown);
  for (std::size_t d = 0; d < kDirections.size(); ++d) {
    one.direction_loss[d] = &families.gauge("circuit_direction_loss_ratio", {c.name, kDirections[d]});
    one.direction_jitter[d] = &families.gauge("circuit_direction_jitter_seconds", {c.name, kDirections[d]});
    for (Gauge* figure : {one.direction_loss[d], one.direction_jitter[d]}) figure->Set(kNotKnown);
  }
  for (const Health h : model::kEveryHealth) one.state[at(h)] = &families.gauge("circuit_state", {c.name, model::to_string(h)});
  set(one.state, Health::Unknown);
  bind_detectors(families, one, c.name);
  one.shared_hops = &families.gauge("circuit_shared_hops", {c.name});
  one.quick_ever = site.probing.accelerate && site.probing.verify_budget > 0;
  for (const model::TargetId t : c.targets) {
    auto& reasons = one.targets.emplace_back();
    for (std::size_t i = 0; i < kReasons.size(); ++i)
      reasons[i] = &families.gauge("target_set_aside", {site[t].name, c.name, to_string(kReasons[i])});
  }
  return one;
}

void SiteMetrics::bind(MetricFamilies& families, const model::Site& site) {
  circuits_.clear();
  for (const model::Circuit& c : site.circuits) circuits_.push_back(bind_circuit(families, site, c));
  carriers_.clear();
  paths_.clear();
  for (std::size_t i = 0; i < site.carriers.size(); ++i) {
    const model::Carrier& c = site.carriers[i];
    families.gauge("carrier_info", {c.name, c.provider, trunks_of(site, i), to_string(c.transport)}).Set(1);
    families.gauge("carrier_priority", {c.name}).Set(c.priority);
    Carrier one{.active = &families.gauge("carrier_active", {c.name}), .transitions = bind_transitions(families, "carrier", c.name)};
    for (const Health h : model::kEveryHealth) one.state[at(h)] = &families.gauge("carrier_state", {c.name, model::to_string(h)});
    set(one.state, Health::Unknown);
    carriers_.push_back(std::move(one));
    for (std::size_t at_circuit = 0; at_circuit < site.circuits.size(); ++at_circuit) {
      const model::Circuit& circuit = site.circuits[at_circuit];
      if (!site.reaches(model::id_at<model::CircuitId>(at_circuit), model::id_at<model::CarrierId>(i))) {
        paths_.emplace_back();
        continue;
      }
      Path path{.selected = &families.gauge("path_selected", {c.name, circuit.name})};
      for (const Health h : model::kEveryHealth) path.state[at(h)] = &families.gauge("path_state", {c.name, circuit.name, model::to_string(h)});
      set(path.state, Health::Unknown);
      if (c.transport == model::SipTransport::Tls) {
        path.tls_expiry = &families.gauge("carrier_tls_expiry_timestamp_seconds", {c.name, circuit.name});
        path.tls_expiry->Set(kNotKnown);
      }
      const auto layer = [&](std::string_view name) {
        Gauge& gauge = families.gauge("path_layer", {c.name, circuit.name, name});
        show_layer(gauge, model::Layer::Unknown);
        return &gauge;
      };
      path.reachable = layer("reachable");
      path.authorised = layer("authorised");
      path.takes_calls = layer("takes_calls");
      paths_.push_back(path);
    }
  }
}

void SiteMetrics::show_layer(Gauge& gauge, model::Layer layer) {
  gauge.Set(layer == model::Layer::Unknown ? std::numeric_limits<double>::quiet_NaN() : layer == model::Layer::Yes ? 1 : 0);
}

void SiteMetrics::show_detectors(const Circuit& to, const model::CircuitStatus& from) {
  const model::Detectors& d = from.detectors;
  to.suspect->Set(from.suspect ? 1 : 0);
  to.silence->Set(model::seconds(d.silent));
  to.suspect_after->Set(model::seconds(d.suspect_after));
  to.dead_after->Set(model::seconds(d.dead_after));
  to.learned->Set(model::seconds(d.learned_over));
  to.lossy->Set(d.lossy_alarm > 0 ? d.lossy / d.lossy_alarm : 0);
  to.bursty->Set(d.bursty_alarm > 0 ? d.bursty / d.bursty_alarm : 0);
  to.shortest->Set(seconds_or_nan(d.shortest_rtt));
  to.usual->Set(seconds_or_nan(d.usual_rtt));
  to.hold_down->Set(model::seconds(from.hold_down));
  to.resolver->Set(from.resolver ? (*from.resolver ? 1 : 0) : kNotKnown);
  to.interval->Set(model::seconds(d.interval));
  if (to.quick_ever) to.quick->Set(d.verify_left);
  for (const model::Neighbour n : model::kEveryNeighbour) to.gateway[static_cast<std::size_t>(n)]->Set(n == from.gateway ? 1 : 0);
  for (std::size_t t = 0; t < std::min(to.targets.size(), from.targets.size()); ++t)
    for (std::size_t i = 0; i < kReasons.size(); ++i) to.targets[t][i]->Set(from.targets[t].set_aside == kReasons[i] ? 1 : 0);
}

void SiteMetrics::update(const model::Status& status) {
  for (std::size_t i = 0; i < std::min(circuits_.size(), status.circuits.size()); ++i) {
    const model::CircuitStatus& from = status.circuits[i];
    const Circuit& to = circuits_[i];
    set(to.state, from.verdict.health);
    to.active->Set(from.active ? 1 : 0);
    to.rtt->Set(seconds_or_nan(from.figures.rtt));
    to.jitter->Set(seconds_or_nan(from.figures.jitter));
    to.loss->Set(from.figures.samples > 0 ? from.figures.loss_ratio : kNotKnown);
    to.mos->Set(from.figures.mos.value_or(kMosNotKnown));
    to.r_factor->Set(from.figures.r_factor.value_or(kNotKnown));
    to.burst_ratio->Set(from.figures.samples > 0 ? from.figures.burst_ratio : kNotKnown);
    for (std::size_t d = 0; d < kDirections.size(); ++d) {
      const model::Direction& direction = d == 0 ? from.outbound : from.inbound;
      to.direction_loss[d]->Set(direction.loss_ratio.value_or(kNotKnown));
      to.direction_jitter[d]->Set(seconds_or_nan(direction.jitter));
    }
    show_detectors(to, from);
    to.shared_hops->Set(static_cast<double>(
        std::ranges::count_if(status.shared_hops, [&](const model::SharedHop& h) { return h.a == from.circuit || h.b == from.circuit; })));
  }
  for (std::size_t i = 0; i < std::min(carriers_.size(), status.carriers.size()); ++i) {
    set(carriers_[i].state, status.carriers[i].verdict.health);
    carriers_[i].active->Set(status.carriers[i].active ? 1 : 0);
  }
  for (std::size_t i = 0; i < std::min(paths_.size(), status.paths.size()); ++i) {
    if (paths_[i].selected == nullptr) continue;  // no such path
    set(paths_[i].state, status.paths[i].verdict.health);
    show_layer(*paths_[i].reachable, status.paths[i].reachable);
    show_layer(*paths_[i].authorised, status.paths[i].authorised);
    show_layer(*paths_[i].takes_calls, status.paths[i].takes_calls);
    paths_[i].selected->Set(status.paths[i].selected ? 1 : 0);
    if (const auto& ends = status.paths[i].certificate_ends; paths_[i].tls_expiry != nullptr && ends)
      paths_[i].tls_expiry->Set(std::chrono::duration<double>(ends->time_since_epoch()).count());
  }
}

void SiteMetrics::on_event(const model::Event& event) {
  const auto count = [&](auto& all, std::string_view kind, Health to) {
    std::string_view name = event.subject;
    if (name.starts_with(kind)) name.remove_prefix(kind.size());
    for (auto& one : all) {
      if (one.transitions.name != name) continue;
      one.transitions.to[at(to)]->Increment();
      one.transitions.last->Set(std::chrono::duration<double>(event.wall.time_since_epoch()).count());
    }
  };
  if (event.id == model::EventId::CircuitSuspect)
    for (Circuit& c : circuits_)
      if (event.subject == "circuit " + c.transitions.name) c.suspicions->Increment();
  if (const auto to = circuit_transition(event.id)) count(circuits_, "circuit ", *to);
  if (const auto to = carrier_transition(event.id)) count(carriers_, "carrier ", *to);
}

}  // namespace linekeeper::telemetry
