#pragma once
// What is to be: for each traffic class its circuit, for each trunk its order; each with its reason and with the
// alternatives that were not taken and why. A plan is complete (level, not edge): it names every class and trunk.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/ids.hpp"
#include "controller/model/time.hpp"
#include "controller/model/verdict.hpp"

namespace linekeeper::model {

/// Why a class or trunk goes the way it goes.
enum class Motive : std::uint8_t {
  NotYet,       ///< nothing is known to be good and nothing was steered before: left alone (I6)
  Adopted,      ///< found standing at start (I13)
  FirstChoice,  ///< the most preferred that is up
  Escape,       ///< the way that stood is down
  Failback,     ///< a better one has been up for its hold-down
  Quality,      ///< the way that stood lives, but calls over it sound bad; (trunks) it takes calls, but something is held against it
  Suspicion,    ///< (trunks) the circuit below the one that stood is silent for longer than usual: new calls go elsewhere
  Capacity,     ///< (trunks) the one that stood cannot carry the load
  Follows,      ///< (trunks) the same carrier, by the circuit that its traffic class goes by now
  Held,         ///< stays although a better one exists: a guard says so
  Forced,       ///< a person's override
  Unproven,     ///< the way that stood was not proven to carry the class's traffic (I8)
};
inline constexpr int kMotiveCount = static_cast<int>(Motive::Unproven) + 1;
[[nodiscard]] std::string_view to_string(Motive m);  ///< "escape", "failback", ...

/// Guards that stand between policy and plan. `to_string` names are what people type after --override-guard.
enum class Guard : std::uint8_t {
  None,
  LastPath,       ///< I1: would leave no way at all
  AllBad,         ///< I2: nothing is up: what stands stays
  HoldDown,       ///< I4: the better one has not been up long enough
  Corroboration,  ///< I5: fewer than two targets in two networks agree
  Freshness,      ///< I6: unknown or stale evidence moves nothing
  Adoption,       ///< I13: just started; what stands is kept until something is known
  OperatorHold,   ///< a person froze automatic moves
  TargetHealthy,  ///< a forced way must be up
  RateLimit,      ///< I3: the switch's cap on moves
  MoveBudget,     ///< I3: as many moves as are allowed in the hour have been made
  QualityGain,    ///< the other way is not enough better to be worth a move
  FailbackMode,   ///< going back waits for its time, its window or a person
  SelfDoubt,      ///< I7: our own loop or sending failed just now
  Emergency,      ///< I24: would reduce the ways of emergency calls
  Unproven,       ///< I8, I9: the class's own probes were not answered there lately, whatever the circuit's own say; or that was answered once
};
inline constexpr int kGuardCount = static_cast<int>(Guard::Unproven) + 1;
[[nodiscard]] std::string_view to_string(Guard g);  ///< "last_path", "all_bad", ...
[[nodiscard]] std::optional<Guard> guard_named(std::string_view name);

/// A way that was looked at and not taken.
struct Rejected {
  std::string name;  ///< circuit, or "carrier via circuit"
  Guard guard = Guard::None;
  std::string reason;  ///< a clause: "down for 12 s: 7 probes in a row unanswered by 3 targets"
};

/// One of the circuits that a class is shared by, and its part.
struct Share {
  CircuitId circuit;
  int weight = 1;
  friend bool operator==(const Share&, const Share&) = default;
};

struct ClassChoice {
  ClassId traffic_class;
  std::optional<CircuitId> circuit;  ///< nothing: not steered (only before the first choice ever)
  Motive motive = Motive::NotYet;
  std::string reason;  ///< a sentence made from the same values that decided
  std::vector<Rejected> rejected;
  Instant since{};  ///< of this circuit
  /// Of a carrier's part (Apart): circuits that live and by which the carrier is dead, while another reaches it. To it they are as the
  /// plan's `dead` are.
  std::vector<CircuitId> dead{};
  std::vector<Share> shares{};  ///< of a class that shares: all it goes by, `circuit` among them, in its order; empty: it goes by `circuit`
  [[nodiscard]] bool goes_by(CircuitId c) const {
    if (circuit == c) return true;
    return std::ranges::find(shares, c, &Share::circuit) != shares.end();
  }
};

struct TrunkStep {
  std::size_t member = 0;  ///< position in Trunk::members
  bool eligible = false;   ///< offered because it is good; false: kept last so that the set is never empty
  Health health = Health::Unknown;
  friend bool operator==(const TrunkStep& a, const TrunkStep& b) { return a.member == b.member; }
};

struct TrunkChoice {
  TrunkId trunk;
  std::vector<TrunkStep> order;  ///< every member once, best first: re-ordered, never removed
  Motive motive = Motive::NotYet;
  std::string reason;
  std::vector<Rejected> rejected;
  Instant since{};
};

struct Plan {
  std::uint64_t generation = 0;  ///< counts up; the switch refuses one not above the last (I21)
  Instant decided{};
  /// Circuits that were down then. Whoever stands on one of them and is to go elsewhere escapes, whatever the motive says: the
  /// switch counts that on a limiter of its own (I3), and a move that was refused before does not hold it back.
  std::vector<CircuitId> dead;
  std::vector<ClassChoice> classes;  ///< one for each, in Site order
  std::vector<TrunkChoice> trunks;   ///< one for each, in Site order
};

}  // namespace linekeeper::model
