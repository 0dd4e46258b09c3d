#pragma once
// The circuits as a class sees them that carries one carrier's traffic alone (model::Apart): a circuit is worth to it what the carrier is
// by that circuit.
//
//   the carrier is dead by a circuit, and proven to live by another      the circuit is down, for this class
//   it is dead by a circuit, and nothing proves that another reaches it  the circuit is a last resort: nothing goes there by choice, and
//                                                                        what stands there stays (its path may be the least bad)
//   it answers with a warning                                            the circuit is degraded
//   it answers again, not yet for its hold-down, or not yet for that     not proven well
//   since OPTIONS were lost while the circuit was in doubt
//   not known, or not asked lately                                       not proven well, and a last resort: no reason to leave either
//
// Proof is an answer to something that was sent after the first bad one by the dead path, and nothing overdue since: a carrier that dies by
// all circuits dies by one of them first, and must not be followed to the next (I2, I6). Pure.
#include <span>
#include <vector>

#include "controller/decision/guards.hpp"
#include "controller/decision/hold_down.hpp"
#include "controller/decision/path_endpoints.hpp"

namespace linekeeper::decision {

/// The carrier's path by a circuit is down by the carrier's doing, while another of the class's circuits is proven to reach it.
[[nodiscard]] bool dead_by_one(const model::TrafficClass& part, std::span<const CircuitView> circuits, std::span<const PathEndpoints> paths,
                               model::CircuitId circuit);

/// @param circuits  of all the site's circuits, by id, as other classes see them
/// @param paths     of the carrier, by circuit
/// @param standing  where the class goes now
/// @param back      how long a circuit must have reached the carrier again, by circuit
[[nodiscard]] std::vector<CircuitView> carrier_ways(const model::TrafficClass& part, std::span<const CircuitView> circuits,
                                                    std::span<const PathEndpoints> paths, std::optional<model::CircuitId> standing,
                                                    std::span<const HoldDown> back, model::Instant now);

/// What is held of the carrier by a circuit, for its hold-down: down with either, up when both are well.
[[nodiscard]] model::Health reached_by(const CircuitView& circuit, const PathEndpoints& path);

}  // namespace linekeeper::decision
