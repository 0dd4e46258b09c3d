#include "controller/telemetry/build_info.hpp"

namespace linekeeper::telemetry {

const BuildInfo& build_info() {
  static const BuildInfo info{.version = LINEKEEPER_VERSION, .revision = LINEKEEPER_REVISION, .compiler = LINEKEEPER_COMPILER};
  return info;
}

}  // namespace linekeeper::telemetry
