#pragma once
// A site with something of everything, as a value: two circuits, two carriers, a class and a trunk, an incident, an override.
#include "controller/model/event.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::support {

[[nodiscard]] model::Site sample_site();

/// The same with one carrier that has a name, wants a registration and has a test number, and one over TLS with two addresses, so that
/// what there is of such ones alone has a series, too.
[[nodiscard]] model::Site site_with_all();

/// All well: everything up, on its first choice.
[[nodiscard]] model::Status calm_status(const model::Site& site);

/// Fiber is dead for 12 s, voice went to coax and is verified, the trunk prefers north via coax, an override ends soon.
[[nodiscard]] model::Status busy_status(const model::Site& site);

/// Nothing is dead: fiber loses 31 % in bursts with one target set aside, coax (metered) is silent just now.
[[nodiscard]] model::Status troubled_status(const model::Site& site);

[[nodiscard]] std::vector<model::Event> sample_events();

}  // namespace linekeeper::support
