#include "controller/daemon/connections.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/decision/explain.hpp"

namespace linekeeper::daemon {
namespace {

using model::Event;
using model::EventId;

std::string counted(std::uint64_t n) { return fmt::format("{} connection{}", n, n == 1 ? "" : "s"); }

template <class Id, class Part>
std::optional<Id> id_of(const std::vector<Part>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &Part::name);
  return found == all.end() ? std::nullopt : std::optional(model::id_at<Id>(static_cast<std::size_t>(found - all.begin())));
}

bool same_place(const model::DrainStatus& a, const model::DrainStatus& b) { return a.traffic_class == b.traffic_class && a.circuit == b.circuit; }

std::string why_cut(const route::Cut& c) {
  if (c.why == "dead") return "it is dead";
  if (c.why == "address") return "the address they had is gone";
  if (c.why == "unshared") return "it has no part in the class now";
  if (c.why == "removed") return "it is no longer configured";
  return "the time they might stay is over";
}

Event cut_event(const route::Cut& c, model::Instant now) {
  const std::string of = c.traffic_class.empty() ? "" : " of " + c.traffic_class;
  return {.id = EventId::ConnectionsCut,
          .at = now,
          .subject = "circuit " + c.circuit,
          .text = fmt::format("{}{} on {} let go{}: {}. The next packet of each goes where its class goes.", counted(c.flows), of, c.circuit,
                              c.strays ? " at a later look" : "", why_cut(c)),
          .fields = {{"circuit", c.circuit}, {"class", c.traffic_class}, {"reason", c.why}, {"flows", std::to_string(c.flows)}}};
}

}  // namespace

std::vector<Event> Connections::heard(const model::Site& site, const route::Flows& flows, model::Instant now) {
  std::vector<Event> events;
  for (const route::Cut& c : flows.cut) events.push_back(cut_event(c, now));
  std::vector<model::DrainStatus> fresh;
  for (const route::Draining& d : flows.draining) {
    const auto c = id_of<model::ClassId>(site.classes, d.traffic_class);
    const auto by = id_of<model::CircuitId>(site.circuits, d.circuit);
    if (!c || !by) continue;
    fresh.push_back({.traffic_class = *c, .circuit = *by, .flows = d.flows, .until = now + d.left});
    if (std::ranges::any_of(drains_, [&](const auto& known) { return same_place(known, fresh.back()); })) continue;
    events.push_back({.id = EventId::ConnectionsStay,
                      .at = now,
                      .subject = "class " + d.traffic_class,
                      .text = fmt::format("{} of {} stay on {} until they end, for {} at most; new ones go the new way.", counted(d.flows),
                                          d.traffic_class, d.circuit, decision::words(d.left)),
                      .fields = {{"circuit", d.circuit}, {"class", d.traffic_class}, {"flows", std::to_string(d.flows)}}});
  }
  for (const model::DrainStatus& was : drains_) {
    const std::string &name = site[was.traffic_class].name, &circuit = site[was.circuit].name;
    const bool stays = std::ranges::any_of(fresh, [&](const auto& d) { return same_place(d, was); });
    const bool cut = std::ranges::any_of(flows.cut, [&](const route::Cut& c) { return c.traffic_class == name && c.circuit == circuit; });
    if (stays || cut) continue;
    events.push_back({.id = EventId::ConnectionsEnded,
                      .at = now,
                      .subject = "class " + name,
                      .text = fmt::format("No connection of {} is left on {}.", name, circuit),
                      .fields = {{"circuit", circuit}, {"class", name}}});
  }
  if (!flows.problem.empty() && flows.problem != problem_)
    events.push_back({.id = EventId::ConnectionsUnkept, .at = now, .subject = "switch", .text = fmt::format("{}. {}", flows.problem, flows.remedy)});
  drains_ = std::move(fresh);
  problem_ = flows.problem;
  return events;
}

void Connections::fill(model::Status& status) const {
  status.drains = drains_;
  status.connections_problem = problem_;
}

}  // namespace linekeeper::daemon
