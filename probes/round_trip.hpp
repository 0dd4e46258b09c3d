#pragma once
// How long an echo took, from the kernel's receive stamp where it can be trusted. The stamp counts the wall clock, which
// people and NTP set; the boot clock decides. So the stamp only tells how long the packet waited in the kernel before we
// read it, and that wait is taken off the boot clock's measure. A wall clock that was stepped meanwhile is noticed
// by its distance to the boot clock (slewing moves both), and the stamp is then left aside.
#include <optional>

#include "controller/runtime/clock.hpp"

namespace linekeeper::probes {

/// @param sent   both clocks just before the request was handed to the kernel
/// @param read   both clocks just after the reply was read
/// @param stamp  the kernel's receive stamp
/// @return the round trip, never negative; with the stamp left aside it includes our own delay in reading.
[[nodiscard]] model::Duration round_trip(const runtime::ClockPair& sent, const runtime::ClockPair& read,
                                         const std::optional<runtime::KernelStamp>& stamp);

}  // namespace linekeeper::probes
