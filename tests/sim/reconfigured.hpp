#pragma once
// Another configuration for a reload: the same site with something changed. Only the last of circuits and carriers are ever missing, so
// that an id means the same under both.
#include "controller/model/site.hpp"
#include "tests/sim/fault_table.hpp"

namespace linekeeper::sim {

// What is changed: a sum of these.
inline constexpr Measure kOtherOrder = 1;      ///< the first class prefers another circuit
inline constexpr Measure kOtherLimits = 2;     ///< it has limits where it had none, or none where it had some
inline constexpr Measure kLongerHoldDown = 4;  ///< of circuits: twice as long
inline constexpr Measure kFewerCarriers = 8;   ///< without the last carrier, where there are two
inline constexpr Measure kFewerCircuits = 16;  ///< without the last circuit, where there are three

[[nodiscard]] model::Site reconfigured(const model::Site& site, Measure changes);

/// Routes that are right under one are right under the other.
[[nodiscard]] bool same_ways(const model::Site& a, const model::Site& b);
/// So are orders of trunks.
[[nodiscard]] bool same_members(const model::Site& a, const model::Site& b);

}  // namespace linekeeper::sim
