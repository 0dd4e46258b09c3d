#pragma once
// What measuring costs in bytes: people on metered lines pay for it.
#include "controller/model/site.hpp"

namespace linekeeper::config {

inline constexpr int kOptionsBytes = 500;  ///< one OPTIONS or its answer with UDP and IPv4, roughly: carriers' answers differ
inline constexpr model::Duration kMonth = std::chrono::hours(24 * 30);

/// Bytes a month, both ways, when every probe is answered. Quick probes while an answer is overdue come on top: few in a
/// month that goes well.
struct OwnTraffic {
  double in_use = 0, on_standby = 0;  ///< probes, were it so all month
  double options = 0;                 ///< every carrier is asked by every circuit, in use or not
};

[[nodiscard]] OwnTraffic own_traffic(const model::Site& site, const model::Circuit& circuit);

}  // namespace linekeeper::config
