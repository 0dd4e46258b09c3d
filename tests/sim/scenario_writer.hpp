#pragma once
// A script as a scenario file: reading it again gives the same run.
#include <string>

#include "tests/sim/script.hpp"

namespace linekeeper::sim {

/// @param remark  why it was written: comment lines at its head
[[nodiscard]] std::string write_scenario(const Script& script, const std::string& remark);

}  // namespace linekeeper::sim
