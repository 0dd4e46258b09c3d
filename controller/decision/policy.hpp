#pragma once
// Which circuit for a class, which order for a trunk: pure choices from views, with the guard that held each alternative back.
//
// A class goes by its most preferred usable circuit; it leaves a dead one at once for one that is proven to outlive it, comes
// back only after hold-down, and stays where it is when all are bad or nothing is known.
//
// A trunk's order always holds every member. Members rank by tier (up, degraded, up again but not yet trusted,
// suspect, down; unknown keeps its former tier), then by carrier preference, then by circuit: the class's present circuit first, so that
// signalling stays with the media.
#include <optional>
#include <span>
#include <vector>

#include "controller/decision/guards.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::decision {

struct CircuitRejected {
  model::CircuitId circuit;
  model::Guard guard = model::Guard::None;  ///< None: simply less preferred, or down
  friend bool operator==(const CircuitRejected&, const CircuitRejected&) = default;
};

struct CircuitChoice {
  std::optional<model::CircuitId> circuit;
  model::Motive motive = model::Motive::NotYet;
  model::Guard held_by = model::Guard::None;  ///< why a wanted move did not happen
  std::vector<CircuitRejected> rejected;
  model::Instant recheck = model::kNever;  ///< when a guard in the way may have lapsed
};

/// The times that policy goes by.
struct Pace {
  model::Duration hold_down{};  ///< up for so long before anything moves back (I4)
  model::Duration margin{};     ///< see freshness_holds
  /// Until then a first choice waits for a more preferred circuit that has a link and no verdict yet: otherwise whichever
  /// answers first at a cold start would be taken, and left again a hold-down later.
  model::Instant settled{};
};

struct Orders {
  std::optional<model::CircuitId> force;  ///< a person's override
  bool hold = false;                      ///< a person froze automatic moves
};

/// @param current  the circuit that stands, if any  @param motive  why it stands
/// @param views    of all the site's circuits, by id
[[nodiscard]] CircuitChoice choose_circuit(const model::TrafficClass& traffic, std::optional<model::CircuitId> current, model::Motive motive,
                                           std::span<const CircuitView> views, const Orders& orders, const Pace& pace, model::Instant now);

/// A trunk member as policy sees it.
struct MemberView {
  model::Health health = model::Health::Unknown;
  bool trusted = true;  ///< not failing, or up again for its hold-down
  /// Calls are not sent there for now, and it proves nothing for anyone: its last OPTIONS failed while the same carrier is
  /// down through another circuit (most likely the carrier is failing), or its circuit is not yet proven to have outlived
  /// the one that just died (most likely everything is failing).
  bool suspect = false;
};

struct TrunkOrders {
  std::optional<model::CarrierId> force;
  bool hold = false;
};

struct TrunkDecision {
  std::vector<model::TrunkStep> order;
  model::Motive motive = model::Motive::NotYet;
  model::Guard held_by = model::Guard::None;
};

/// @param standing  the order that stands; empty before the first
/// @param views     by position in trunk.members
/// @param circuit   the class's present circuit, if any
[[nodiscard]] TrunkDecision order_trunk(const model::Site& site, const model::Trunk& trunk, std::span<const model::TrunkStep> standing,
                                        model::Motive motive, std::span<const MemberView> views, std::optional<model::CircuitId> circuit,
                                        const TrunkOrders& orders);

}  // namespace linekeeper::decision
