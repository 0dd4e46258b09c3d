#pragma once
// From a plan to what the kernel is to look like: names and addresses for the switch. Pure.
#include <span>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"
#include "controller/switch/protocol.hpp"

namespace linekeeper::daemon {

/// @param links  by circuit; a circuit without a link state yet gets a table with its terminal unreachable only
/// @param stay     classes (names) that the switch does not let move now: they are left at `applied`, unless that way is dead
/// @param applied  what stands in the kernel, by class: leaving a dead way of these is an escape
[[nodiscard]] route::Desired route_desired(const model::Site& site, const model::Plan& plan, std::span<const std::optional<model::LinkState>> links,
                                           const std::vector<std::string>& stay, const std::vector<std::optional<model::CircuitId>>& applied);

/// What the switch says stands, as the plan's ids. A class the switch has no name for is known by its table, a circuit by its interface.
[[nodiscard]] std::vector<std::optional<model::CircuitId>> standing_classes(const model::Site& site, const route::StateReply& state);

}  // namespace linekeeper::daemon
