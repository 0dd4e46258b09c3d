#include "controller/telemetry/metrics_connections.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace linekeeper::telemetry {
namespace {

std::string_view field(const model::Event& event, std::string_view key) {
  const auto found = std::ranges::find(event.fields, key, [](const auto& f) { return std::string_view(f.first); });
  return found == event.fields.end() ? std::string_view() : std::string_view(found->second);
}

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();

}  // namespace

void ConnectionMetrics::bind(MetricFamilies& families, const model::Site& site) {
  circuits_.clear();
  for (const model::Circuit& c : site.circuits) {
    Circuit& one = circuits_.emplace_back();
    one.name = c.name;
    for (const model::TrafficClass& t : site.classes) one.draining.push_back(&families.gauge("connections_draining", {t.name, c.name}));
    for (std::size_t i = 0; i < kReasons.size(); ++i) one.cut[i] = &families.counter("connections_cut_total", {c.name, kReasons[i]});
  }
  kept_ = &families.gauge("connections_kept", {});
  resolvers_answering_ = &families.gauge("resolvers_answering", {});
  resolvers_in_sync_ = &families.gauge("resolvers_file_in_sync", {});
  for (Gauge* g : {resolvers_answering_, resolvers_in_sync_}) g->Set(kNotKnown);
}

void ConnectionMetrics::update(const model::Status& status) {
  for (const Circuit& c : circuits_)
    for (Gauge* g : c.draining) g->Set(0);
  for (const model::DrainStatus& d : status.drains)
    if (d.circuit.index() < circuits_.size()) circuits_[d.circuit.index()].draining.at(d.traffic_class.index())->Set(static_cast<double>(d.flows));
  kept_->Set(status.connections_problem.empty() ? 1 : 0);
  const auto& resolvers = status.resolvers;
  resolvers_answering_->Set(resolvers && resolvers->answering ? (*resolvers->answering ? 1 : 0) : kNotKnown);
  resolvers_in_sync_->Set(resolvers ? (resolvers->problem.empty() ? 1 : 0) : kNotKnown);
}

void ConnectionMetrics::on_event(const model::Event& event) {
  if (event.id != model::EventId::ConnectionsCut) return;
  const auto circuit = std::ranges::find(circuits_, field(event, "circuit"), &Circuit::name);
  const auto reason = std::ranges::find(kReasons, field(event, "reason"));
  const std::string_view text = field(event, "flows");
  double flows = 0;
  const bool number = std::from_chars(text.data(), text.data() + text.size(), flows).ec == std::errc{};
  if (circuit == circuits_.end() || reason == kReasons.end() || !number) return;
  circuit->cut[static_cast<std::size_t>(reason - kReasons.begin())]->Increment(flows);
}

}  // namespace linekeeper::telemetry
