#pragma once
// A site by chance: circuits, targets, carriers, classes, a trunk, and the rules they are judged by, within what config/ allows.
#include "controller/model/site.hpp"
#include "tests/sim/chance.hpp"

namespace linekeeper::sim {

[[nodiscard]] model::Site make_site(Chance& chance);

/// The carrier's traffic becomes a class of its own beside the class of each trunk that offers it, as config/steer_apart.cpp does.
void steer_apart(model::Site& site, model::CarrierId carrier);

}  // namespace linekeeper::sim
