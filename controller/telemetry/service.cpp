#include "controller/telemetry/service.hpp"

#include <algorithm>

#include "controller/model/shares.hpp"

namespace linekeeper::telemetry {

using model::Health;

std::string_view to_string(ServiceState s) {
  switch (s) {
    case ServiceState::Ok: return "ok";
    case ServiceState::Unknown: return "unknown";
    case ServiceState::Degraded: return "degraded";
    case ServiceState::Down: return "down";
  }
  return "?";
}

const model::PathStatus* find_path(const model::Status& status, model::CarrierId carrier, model::CircuitId circuit) {
  const std::size_t width = status.site->circuits.size();
  const std::size_t at = carrier.index() * width + circuit.index();
  return circuit.index() < width && at < status.paths.size() ? &status.paths[at] : nullptr;
}

std::optional<model::CircuitId> member_circuit(const model::Status& status, const model::Trunk& trunk, const model::TrunkMember& member) {
  if (member.circuit) return member.circuit;
  const std::size_t followed = trunk.class_of(member).index();
  return followed < status.plan.classes.size() ? status.plan.classes[followed].circuit : std::nullopt;
}

model::WallTime wall_of(const model::Status& status, model::Instant at) {
  return status.wall - std::chrono::duration_cast<std::chrono::milliseconds>(status.now - at);
}

Plane plane_of(const model::Site& site, const model::Incident& incident) {
  // Not by its mode: a class of one carrier is hit by that carrier's failures, a trunk by a circuit's.
  return std::ranges::find(site.classes, incident.subject, &model::TrafficClass::name) != site.classes.end() ? Plane::Routing : Plane::Trunk;
}

bool speaks_of(const model::Override& override, Plane plane, std::string_view name) {
  return override.subject.empty() || override.subject == name || override.subject == (plane == Plane::Routing ? "routing" : "trunks");
}

namespace {

template <class List>
auto element(const List& list, std::size_t i) -> const typename List::value_type* {
  return i < list.size() ? &list[i] : nullptr;
}

bool works(Health h) { return h == Health::Up || h == Health::Degraded; }

ServiceState judge(Health way, bool first_choice, const Service& service) {
  switch (way) {
    case Health::Unknown: return ServiceState::Unknown;
    case Health::Down: return ServiceState::Down;
    case Health::Degraded: return ServiceState::Degraded;
    case Health::Up: break;
  }
  // A service that was given one way only cannot lose its second.
  const bool alone = service.ways > 1 && service.ways_left < 2;
  return first_choice && !alone ? ServiceState::Ok : ServiceState::Degraded;
}

const model::Incident* open_incident(const model::Status& status, Plane plane, std::string_view subject) {
  const auto it = std::ranges::find_if(status.incidents, [&](const model::Incident& i) {
    return i.subject == subject && plane_of(*status.site, i) == plane && !i.verified && i.trigger != "operator";
  });
  return it == status.incidents.end() ? nullptr : &*it;
}

Service class_service(const model::Status& status, std::size_t index) {
  const model::TrafficClass& c = status.site->classes[index];
  Service service{.plane = Plane::Routing, .name = c.name, .ways = static_cast<int>(c.circuits.size()), .rto = c.rto};
  service.carried = element(status.class_carried, index);
  service.open_incident = open_incident(status, Plane::Routing, c.name);
  for (const model::CircuitId id : c.circuits)
    if (const auto* circuit = element(status.circuits, id.index()); circuit != nullptr && works(circuit->verdict.health)) ++service.ways_left;
  const auto* choice = element(status.plan.classes, index);
  if (choice == nullptr) return service;
  service.motive = choice->motive;
  service.reason = choice->reason;
  service.since = choice->since;
  if (!choice->circuit) return service;
  service.via = (*status.site)[*choice->circuit].name;
  if (choice->shares.size() > 1) service.via = model::share_words(*status.site, choice->shares);
  const auto* circuit = element(status.circuits, choice->circuit->index());
  if (circuit == nullptr) return service;
  service.last_good = circuit->last_good.value_or(model::Instant{});
  service.state = judge(circuit->verdict.health, !c.circuits.empty() && c.circuits.front() == *choice->circuit, service);
  return service;
}

Service trunk_service(const model::Status& status, std::size_t index) {
  const model::Trunk& t = status.site->trunks[index];
  Service service{.plane = Plane::Trunk, .name = t.name, .ways = static_cast<int>(t.members.size()), .rto = t.rto};
  service.carried = element(status.trunk_carried, index);
  service.open_incident = open_incident(status, Plane::Trunk, t.name);
  service.trunk = element(status.plan.trunks, index);
  if (service.trunk == nullptr) return service;
  service.motive = service.trunk->motive;
  service.reason = service.trunk->reason;
  service.since = service.trunk->since;
  service.ways_left = static_cast<int>(std::ranges::count_if(service.trunk->order, &model::TrunkStep::eligible));
  if (service.trunk->order.empty()) return service;
  const model::TrunkStep& first = service.trunk->order.front();
  if (first.member >= t.members.size()) return service;
  const model::TrunkMember& member = t.members[first.member];
  service.via = (*status.site)[member.carrier].name;
  if (const auto circuit = member_circuit(status, t, member))
    if (const auto* path = find_path(status, member.carrier, *circuit)) service.last_good = path->last_good.value_or(model::Instant{});
  // A member bound to a circuit is the first choice only by the circuit its class prefers; one that follows the class always is.
  const auto& preferred = (*status.site)[t.traffic_class].circuits;
  const bool first_choice = !t.carriers.empty() && t.carriers.front() == member.carrier &&
                            (!member.circuit || (!preferred.empty() && preferred.front() == *member.circuit));
  service.state = judge(first.health, first_choice, service);
  return service;
}

}  // namespace

std::vector<Service> services(const model::Status& status) {
  std::vector<Service> all;
  if (!status.site) return all;
  all.reserve(status.site->classes.size() + status.site->trunks.size());
  for (std::size_t i = 0; i < status.site->classes.size(); ++i) all.push_back(class_service(status, i));
  for (std::size_t i = 0; i < status.site->trunks.size(); ++i) all.push_back(trunk_service(status, i));
  return all;
}

ServiceState worst(const std::vector<Service>& all) {
  const auto it = std::ranges::max_element(all, {}, &Service::state);
  return it == all.end() ? ServiceState::Unknown : it->state;
}

}  // namespace linekeeper::telemetry
