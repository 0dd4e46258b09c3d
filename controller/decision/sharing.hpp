#pragma once
// Which circuits share a class whose new connections may go by several: pure, beside policy.hpp, which chooses the first of them.
//
// A circuit has its part while it is up, or lives within the class's limits, and is not one that is the class's last resort. One that dies or
// degrades leaves at once, when another of the share is proven to outlive it, or to be well: whoever goes by two ways has the other already,
// so this asks no budget of moves, and only the guards that keep us from taking our own trouble for the circuit's (I2, I6, I7). One that returns
// is as one that is gone back to: after its hold-down, within limits, when the class's failback lets it, within the budget (I3, I4).
#include <span>
#include <string>
#include <vector>

#include "controller/decision/policy.hpp"

namespace linekeeper::decision {

/// Completes `choice`, which policy has just made for a class that shares: who has a part now (`shared`), and who is its first then. Where the
/// first one is to leave, or policy led the class out of a share in which others are well, the most preferred of those is first.
/// @param standing  the choice before, with its share
void share_ways(const model::Site& site, const model::TrafficClass& traffic, const CircuitChoice& standing, std::span<const CircuitView> views,
                const Orders& orders, const Pace& pace, model::Instant now, CircuitChoice& choice);

/// The parts of these circuits in the class.
[[nodiscard]] std::vector<model::Share> shares_of(const model::TrafficClass& traffic, std::span<const model::CircuitId> shared);

}  // namespace linekeeper::decision
