#pragma once
// Reads a scenario file. Grammar and examples: tests/scenario/README.md.
#include <expected>
#include <string>
#include <vector>

#include "tests/sim/script.hpp"

namespace linekeeper::sim {

/// @return the script; or every mistake of the file, each "file:line: what is wrong; what would be right".
[[nodiscard]] std::expected<Script, std::vector<std::string>> read_scenario(const std::string& path);

}  // namespace linekeeper::sim
