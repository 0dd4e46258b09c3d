#pragma once
// Words for a class that is shared, the same wherever it is shown.
#include <span>
#include <string>

#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::model {

/// The circuits with their weights: "fiber (3) and coax (1)".
[[nodiscard]] std::string share_words(const Site& site, std::span<const Share> shares);

}  // namespace linekeeper::model
