#pragma once
// What needs a person now, as sentences: what is wrong, then what to do next.
#include <string>
#include <vector>

#include "controller/telemetry/service.hpp"

namespace linekeeper::telemetry {

/// An override that ends within this time is announced.
inline constexpr std::chrono::minutes kExpirySoon{10};

/// The most urgent first; empty when nothing needs anyone. Pure.
[[nodiscard]] std::vector<std::string> attention(const model::Status& status, const std::vector<Service>& services);

/// "8.1s", "42s", "18m", "5h 3m", "41d 2h": durations as they are said to people everywhere. Negative ones count as 0.
[[nodiscard]] std::string human(model::Duration d);

}  // namespace linekeeper::telemetry
