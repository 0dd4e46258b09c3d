#pragma once
// What the site does for people, seen as services: each traffic class (plane "routing") and each trunk (plane "trunk").
// One judgement, from which the status document, the page and the metrics draw alike.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/status.hpp"

namespace linekeeper::telemetry {

enum class Plane : std::uint8_t { Routing, Trunk };
inline constexpr Plane kEveryPlane[] = {Plane::Routing, Plane::Trunk};
[[nodiscard]] constexpr std::string_view to_string(Plane p) { return p == Plane::Routing ? "routing" : "trunk"; }

/// From best to worst: the site is as bad as its worst service.
enum class ServiceState : std::uint8_t {
  Ok,        ///< on its first choice, and another way is left
  Unknown,   ///< not enough is known yet to say
  Degraded,  ///< works on a way that is not the first choice, or that is itself degraded, or has no second way left
  Down,      ///< the way it goes is down
};
inline constexpr ServiceState kEveryServiceState[] = {ServiceState::Ok, ServiceState::Unknown, ServiceState::Degraded, ServiceState::Down};
[[nodiscard]] std::string_view to_string(ServiceState s);  ///< "ok", "unknown", "degraded", "down"

struct Service {
  Plane plane = Plane::Routing;
  std::string_view name;  ///< of the class or trunk; lives in the Site
  ServiceState state = ServiceState::Unknown;
  std::string via;  ///< circuit or carrier it goes by now; empty: not steered yet
  model::Motive motive = model::Motive::NotYet;
  std::string_view reason;  ///< lives in the Status
  model::Instant since{};   ///< of `via`
  int ways_left = 0;        ///< circuits that are up or degraded; trunk members that are eligible
  int ways = 0;             ///< configured
  model::Duration rto{};
  const model::Carried* carried = nullptr;         ///< null before the first plan
  const model::TrunkChoice* trunk = nullptr;       ///< of a trunk, once there is one
  const model::Incident* open_incident = nullptr;  ///< an outage of this service whose recovery is not verified yet
  model::Instant last_good{};                      ///< when the way it goes was last known to work; the epoch: never
};

/// Classes first, then trunks, each in Site order. Refers into `status`, which must outlive it. Survives a Status whose
/// lists are still short (before the first decision): what is missing is unknown.
[[nodiscard]] std::vector<Service> services(const model::Status& status);

/// The worst of them; Unknown when there is none.
[[nodiscard]] ServiceState worst(const std::vector<Service>& services);

/// The path's status, or null when the Status does not hold it yet.
[[nodiscard]] const model::PathStatus* find_path(const model::Status& status, model::CarrierId carrier, model::CircuitId circuit);

/// The circuit a trunk member goes by: its own, or that of the class it follows; nothing before the first choice.
[[nodiscard]] std::optional<model::CircuitId> member_circuit(const model::Status& status, const model::Trunk& trunk,
                                                             const model::TrunkMember& member);

/// Whose outage an incident is. By its subject: a circuit that fails (mode internet circuit) can hit a trunk as well.
[[nodiscard]] Plane plane_of(const model::Site& site, const model::Incident& incident);

/// Does an override speak of this service? By its name, by its plane ("routing", "trunks"), or of everything.
[[nodiscard]] bool speaks_of(const model::Override& override, Plane plane, std::string_view name);

/// An instant of the boot clock as the wall clock shows it now.
[[nodiscard]] model::WallTime wall_of(const model::Status& status, model::Instant at);

}  // namespace linekeeper::telemetry
