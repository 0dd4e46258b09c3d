#pragma once
// From a plan to what the kernel is to look like: names and addresses for the switch; and from its answers back to the plan's ids. Pure.
#include <span>
#include <vector>

#include "controller/decision/decider.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"
#include "controller/switch/protocol.hpp"

namespace linekeeper::daemon {

/// @param links  by circuit; a circuit without a link state yet gets a table with its terminal unreachable only
/// @param applied  what stands in the kernel, by class: leaving a dead way of these is an escape
[[nodiscard]] route::Desired route_desired(const model::Site& site, const model::Plan& plan, std::span<const std::optional<model::LinkState>> links,
                                           const std::vector<std::optional<model::CircuitId>>& applied);

/// What the switch says stands, as the plan's ids. A class the switch has no name for is known by its table, a circuit by its interface.
[[nodiscard]] std::vector<std::optional<model::CircuitId>> standing_classes(const model::Site& site, const route::StateReply& state);

/// By which circuits the switch found classes to be shared, where it knows their names.
[[nodiscard]] std::vector<decision::ShareFound> standing_shares(const model::Site& site, const route::StateReply& state);

/// The moves that the switch held back, as the judge is to hear of them.
[[nodiscard]] decision::MovesHeld moves_held(const model::Site& site, const route::Applied& applied);

}  // namespace linekeeper::daemon
