#pragma once
// Which circuit for a class: a pure choice from views, with the guard that held each alternative back.
//
// A class goes by its most preferred usable circuit. It leaves a dead one at once for one that is proven to outlive it; it leaves one
// that lives but sounds bad only for one that is clearly better; it goes back only to one that has been well for its hold-down, when the
// configuration lets it; and it stays where it is when all are bad, when nothing is known, and while we doubt ourselves.
//
// Ways out rank: up before degraded, answering before suspect, one that shares no risk group with a circuit that is down before one that
// does (whatever dug up the street may have cut both), metered last where the class avoids that, then the class's own order.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/decision/guards.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::decision {

/// Why a circuit ranks behind its place in the class's order.
enum class Lesser : std::uint8_t { No, Suspect, SharesRisk, Metered };

struct CircuitRejected {
  model::CircuitId circuit;
  model::Guard guard = model::Guard::None;  ///< None: simply less preferred, or down
  Lesser lesser = Lesser::No;
  model::Instant until = model::kNever;  ///< when the guard lets go, where that is known
  model::Duration wanted{};              ///< of hold_down: how long it must be well
  friend bool operator==(const CircuitRejected&, const CircuitRejected&) = default;
};

struct CircuitChoice {
  std::optional<model::CircuitId> circuit;
  model::Motive motive = model::Motive::NotYet;
  model::Guard held_by = model::Guard::None;  ///< why a wanted move did not happen
  std::vector<CircuitRejected> rejected;
  model::Instant recheck = model::kNever;  ///< when a guard in the way may have lapsed
  bool beyond = false;                     ///< the circuit that stands is beyond the class's limits (with their hysteresis)
  /// Of a quality move: "fiber had loss 6.0 % above 5.0 %". Of an escape from a circuit that lives: "fiber, by which north is dead,"
  std::string because;
  std::string lacking;                     ///< what the circuit that stands lacks, while it is to be left for that
  std::string crossed{};                   ///< while `beyond`: the limit to enter that was crossed last, "loss 6.0 % above 5.0 %"
  std::vector<model::CircuitId> shared{};  ///< all that the class is shared by, `circuit` among them, in its order; empty: it does not share
  bool despite_hold = false;               ///< it escaped although a person holds it: emergency calls go by it (I24)
};

/// The times that policy goes by.
struct Pace {
  model::Duration margin{};  ///< see freshness_holds
  /// Until then a first choice waits for a more preferred circuit that has a link and no verdict yet: otherwise whichever
  /// answers first at a cold start would be taken, and left again a hold-down later.
  model::Instant settled{};
  model::Instant may_escape{}, may_fail_back{}, may_improve{};  ///< see MoveBudget
  model::Instant switch_escapes{}, switch_moves{};              ///< until then the switch lets no such move pass, for whatever reason
  /// Until then it does not go back: it has just been led away from a way that did not serve it (I8). Else it would go on to a third way in
  /// the same step, two moves of its budget for one, and might pass nowhere with none left.
  model::Instant led_until{};
  bool doubt = false;  ///< I7: our own loop or sending failed just now
  model::Instant doubt_until = model::kNever;
};

struct Orders {
  std::optional<model::CircuitId> force;  ///< a person's override
  bool hold = false;                      ///< a person froze automatic moves
  bool failback_open = false;             ///< the daily window of Failback::Window is open
  bool failback_permitted = false;        ///< a person lets this class go back now
  bool emergency = false;                 ///< the class carries a trunk for emergency calls (I24)
  bool despite_emergency = false;         ///< a person overrode that guard by name
};

/// @param standing  the last choice: the circuit that stands, if any, why, and whether it was beyond the limits
/// @param views     of all the site's circuits, by id
[[nodiscard]] CircuitChoice choose_circuit(const model::Site& site, const model::TrafficClass& traffic, const CircuitChoice& standing,
                                           std::span<const CircuitView> views, const Orders& orders, const Pace& pace, model::Instant now);

}  // namespace linekeeper::decision
