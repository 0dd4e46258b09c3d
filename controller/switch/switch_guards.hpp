#pragma once
// The invariants that the privileged process holds by itself, whatever the brain says. Pure: a plan, what stands and what is
// remembered go in; a refusal comes out, naming its guard, why, and what to do.
//
// A plan that is wrong in itself is refused whole: nothing was touched. A move that may not be made now is held back alone, for a class
// that has moved too often, or is sent to a link that has just gone, must not cost another its escape.
#include <expected>
#include <map>
#include <optional>
#include <vector>

#include "controller/model/time.hpp"
#include "controller/switch/flow_drains.hpp"
#include "controller/switch/kernel_state.hpp"
#include "controller/switch/route_diff.hpp"

namespace linekeeper::route {

// I3, for each class. An escape leaves a dead way and has its own, wider, still finite limit.
inline constexpr std::size_t kMovesPerTenMinutes = 3;
inline constexpr std::size_t kMovesPerHour = 6;
inline constexpr std::size_t kEscapesPerTenMinutes = 12;
inline constexpr model::Duration kShortWindow = std::chrono::minutes(10);
inline constexpr model::Duration kLongWindow = std::chrono::hours(1);
// I11: repairs of one object against a foreign hand.
inline constexpr std::size_t kRepairsPerTenMinutes = 3;

struct MoveHistory {
  std::vector<model::Instant> moves;    ///< of the last hour
  std::vector<model::Instant> escapes;  ///< of the last ten minutes
};

/// What the switch remembers across connections and its own restarts (not across a reboot: routes do not survive one either).
struct Memory {
  std::uint64_t accepted = 0;                    ///< generation of the last plan that passed the guards
  std::uint64_t applied = 0;                     ///< generation of `desired`
  std::optional<Desired> desired;                ///< the last plan that was applied and read back
  std::map<std::uint32_t, MoveHistory> history;  ///< by the class's table
  FlowMemory flows;
};

/// The circuit a class was last told to use, or stands on: "" when none is known.
[[nodiscard]] std::string told_circuit(const DesiredClass& traffic_class, const Memory& memory, const KernelState& observed,
                                       const std::vector<DesiredCircuit>& circuits);

/// I21: a generation at or below the last accepted one.
[[nodiscard]] std::optional<Refused> stale_generation(const Apply& plan, const Memory& memory);

/// I11, the plan by itself: tables, names, interfaces and marks inside our ranges and each given once; every circuit a class
/// names is there, and of its family.
[[nodiscard]] std::optional<Refused> foreign_ranges(const Apply& plan);

/// I1: a class that the kernel steers may not become unsteered, nor vanish unless it is named as retired. A plan without circuits or
/// without classes is refused: empty is not "all".
[[nodiscard]] std::optional<Refused> last_path(const Apply& plan, const Memory& memory, const KernelState& observed);

/// I1, the operations by themselves: none removes a default that a class or a circuit in use goes by.
[[nodiscard]] std::optional<Refused> last_path_operations(const Apply& plan, const std::vector<Operation>& operations);

/// I9: from `now` back to what stood `before`, when `plan` could not be carried out; but never back to nothing: a default that a class
/// of the plan goes by now stays, although none stood before (its link had taken it).
[[nodiscard]] std::vector<Operation> way_back(const Apply& plan, const KernelState& before, const KernelState& now);

/// I11, the kernel: foreign objects inside our ranges. While a class escapes, only those that an operation would overwrite count.
[[nodiscard]] std::optional<Refused> foreign_objects(const Apply& plan, const std::vector<Operation>& operations, const KernelState& observed);

/// The foreign object this operation would overwrite, in words; "" when there is none.
[[nodiscard]] std::string overwritten(const Operation& operation, const KernelState& observed);

/// Every guard of a whole plan that needs no operations, in the order above; the first refusal wins.
[[nodiscard]] std::optional<Refused> judge(const Apply& plan, const Memory& memory, const KernelState& observed);

/// I1, one move: to a circuit without interface, link or gateway. A class may stay where it is whatever became of its circuit.
[[nodiscard]] std::optional<HeldMove> lost_path(const DesiredClass& traffic_class, const Apply& plan, const Memory& memory,
                                                const KernelState& observed);

/// I3, one move: see the limits above. The same way again is not a move.
[[nodiscard]] std::optional<HeldMove> rate_limit(const DesiredClass& traffic_class, const Apply& plan, const Memory& memory,
                                                 const KernelState& observed, model::Instant now);

/// Leaves in `plan` what may be carried out of it: a class whose move one of these two forbids is to stay where it stands.
/// @return the moves held back; a refusal of the whole when such a class stands on what the plan does not know (it cannot be left there
/// then), or when they are more than kMaxHeldMoves
[[nodiscard]] std::expected<std::vector<HeldMove>, Refused> hold_moves(Apply& plan, const Memory& memory, const KernelState& observed,
                                                                       model::Instant now);

/// Enters the plan's moves into the history and forgets what is too old to count. Call once the plan is accepted, before it is
/// carried out: an attempt that fails and is put back has moved traffic too.
void remember_moves(const Apply& plan, const KernelState& observed, model::Instant now, Memory& memory);

/// I11: how often one object of ours may be put back.
class RepairLimit {
 public:
  enum class Verdict : std::uint8_t { Repair, GaveUp, StillGivenUp };
  /// @return Repair at most kRepairsPerTenMinutes times in kShortWindow for each key; GaveUp once when that is used up.
  [[nodiscard]] Verdict ask(const std::string& key, model::Instant now);
  void forget() { repairs_.clear(); }  ///< a new plan starts afresh
  /// What was given up is told once more: somebody has come who has not heard it.
  void tell_again() {
    for (auto& [key, repairs] : repairs_) repairs.told = false;
  }

 private:
  struct Repairs {
    std::vector<model::Instant> at;
    bool told = false;
  };
  std::map<std::string, Repairs> repairs_;  // bounded by the objects of one plan; cleared by the next
};

}  // namespace linekeeper::route
