#include "controller/telemetry/metrics_site.hpp"

#include <algorithm>
#include <limits>

namespace linekeeper::telemetry {

using model::Health;

namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();
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

void SiteMetrics::bind(MetricFamilies& families, const model::Site& site) {
  const auto transitions = [&](const std::string& kind, const std::string& name) {
    Transitions t{.name = name, .last = &families.gauge(kind + "_last_transition_timestamp_seconds", {name})};
    for (const Health h : model::kEveryHealth) t.to[at(h)] = &families.counter(kind + "_transitions_total", {name, model::to_string(h)});
    return t;
  };
  circuits_.clear();
  for (const model::Circuit& c : site.circuits) {
    families.gauge("circuit_info", {c.name, c.provider, c.interface, c.medium}).Set(1);
    families.gauge("circuit_priority", {c.name}).Set(c.priority);
    Circuit one{.active = &families.gauge("circuit_active", {c.name}),
                .rtt = &families.gauge("circuit_rtt_seconds", {c.name}),
                .jitter = &families.gauge("circuit_jitter_seconds", {c.name}),
                .loss = &families.gauge("circuit_loss_ratio", {c.name}),
                .mos = &families.gauge("circuit_mos", {c.name}),
                .transitions = transitions("circuit", c.name)};
    for (Gauge* figure : {one.rtt, one.jitter, one.loss}) figure->Set(kNotKnown);
    one.mos->Set(kMosNotKnown);
    for (const Health h : model::kEveryHealth) one.state[at(h)] = &families.gauge("circuit_state", {c.name, model::to_string(h)});
    set(one.state, Health::Unknown);
    circuits_.push_back(std::move(one));
  }
  carriers_.clear();
  paths_.clear();
  for (std::size_t i = 0; i < site.carriers.size(); ++i) {
    const model::Carrier& c = site.carriers[i];
    families.gauge("carrier_info", {c.name, c.provider, trunks_of(site, i), "udp"}).Set(1);
    families.gauge("carrier_priority", {c.name}).Set(c.priority);
    Carrier one{.active = &families.gauge("carrier_active", {c.name}), .transitions = transitions("carrier", c.name)};
    for (const Health h : model::kEveryHealth) one.state[at(h)] = &families.gauge("carrier_state", {c.name, model::to_string(h)});
    set(one.state, Health::Unknown);
    carriers_.push_back(std::move(one));
    for (const model::Circuit& circuit : site.circuits) {
      Path path{.selected = &families.gauge("path_selected", {c.name, circuit.name})};
      for (const Health h : model::kEveryHealth) path.state[at(h)] = &families.gauge("path_state", {c.name, circuit.name, model::to_string(h)});
      set(path.state, Health::Unknown);
      paths_.push_back(path);
    }
  }
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
  }
  for (std::size_t i = 0; i < std::min(carriers_.size(), status.carriers.size()); ++i) {
    set(carriers_[i].state, status.carriers[i].verdict.health);
    carriers_[i].active->Set(status.carriers[i].active ? 1 : 0);
  }
  for (std::size_t i = 0; i < std::min(paths_.size(), status.paths.size()); ++i) {
    set(paths_[i].state, status.paths[i].verdict.health);
    paths_[i].selected->Set(status.paths[i].selected ? 1 : 0);
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
  if (const auto to = circuit_transition(event.id)) count(circuits_, "circuit ", *to);
  if (const auto to = carrier_transition(event.id)) count(carriers_, "carrier ", *to);
}

}  // namespace linekeeper::telemetry
