#pragma once
// A site by chance: circuits, targets, carriers, classes, a trunk, and the rules they are judged by, within what config/ allows.
#include "controller/model/site.hpp"
#include "tests/sim/chance.hpp"

namespace linekeeper::sim {

[[nodiscard]] model::Site make_site(Chance& chance);

}  // namespace linekeeper::sim
