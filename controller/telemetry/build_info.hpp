#pragma once
#include <string>

namespace linekeeper::telemetry {

struct BuildInfo {
  std::string version;   ///< "0.1.0"
  std::string revision;  ///< commit, or "unknown" outside a checkout
  std::string compiler;  ///< "clang 19.1.7"
};

/// Of this build.
[[nodiscard]] const BuildInfo& build_info();

}  // namespace linekeeper::telemetry
