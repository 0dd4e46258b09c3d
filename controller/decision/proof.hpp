#pragma once
// What follows when a class that has moved is not proven to pass (I8, I9).
//
// A circuit is judged by probes bound to it. That these are answered does not show that a class's traffic is: a rule of somebody else's may
// take it elsewhere, a firewall may let only the probes out, translation may be broken. So the shell sends probes as the class's traffic
// goes, and tells what became of them. When they are silent while the circuit's own are answered, the way does not serve the class, and it is
// answered once: back to where the class came from (undo), or on to another way (escalate). Both only to a way that is answering now and
// that nothing is held against, so never to a worse one; after that the class stays, whatever its probes say, until another reason moves it.
//
// Silence counts only where the same kind of probe has been answered before for this class: else it is as likely that nobody
// answers such probes at all, as where the answer to an address of the LAN finds no way back.
#include <optional>
#include <span>
#include <vector>

#include "controller/decision/guards.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::decision {

/// A way that did not serve a class is not tried again by it for this, or the circuit's present hold-down if that is longer: each trial costs the
/// class the time until its proof has failed.
inline constexpr model::Duration kUnprovenAtLeast = std::chrono::minutes(3);

enum class ProofResult : std::uint8_t { Proven, Unproven };

/// What became of the probes that were sent as the class's own traffic goes, while it went by that circuit.
struct MoveProof {
  model::ClassId traffic_class;
  model::CircuitId by;
  ProofResult result = ProofResult::Proven;
};

/// What a class's own probes have shown of each circuit, and whether the present move is itself an answer to that.
class WayProofs {
 public:
  explicit WayProofs(std::size_t circuits) : ways_(circuits) {}

  /// The class went from one circuit to another for some other reason than a proof that failed.
  void moved(std::optional<model::CircuitId> from) {
    before_ = from;
    answered_ = false;
  }
  /// It was led away by an answer: the one that there may be.
  void led(model::CircuitId from) {
    before_ = from;
    answered_ = true;
  }
  /// The switch did not carry the answer out: there was none.
  void held_back() { answered_ = false; }
  void proven(model::CircuitId by) { ways_[by.index()] = {.proven = true, .against_until = {}}; }
  void disproven(model::CircuitId by, model::Instant until) { ways_[by.index()].against_until = until; }

  /// Some way has been proven: silence means something.
  [[nodiscard]] bool count() const;
  [[nodiscard]] bool proven_once(model::CircuitId c) const { return ways_[c.index()].proven; }
  /// Until when it is held against the circuit that it did not serve this class; nothing when it is not, or while no such probe was ever answered.
  [[nodiscard]] std::optional<model::Instant> against(model::CircuitId c, model::Instant now) const {
    return count() && now < ways_[c.index()].against_until ? std::optional(ways_[c.index()].against_until) : std::nullopt;
  }
  [[nodiscard]] std::optional<model::CircuitId> before() const { return before_; }
  [[nodiscard]] bool answered() const { return answered_; }

 private:
  struct Way {
    bool proven = false;
    model::Instant against_until{};
  };
  std::vector<Way> ways_;  // by circuit
  std::optional<model::CircuitId> before_;
  bool answered_ = false;
};

/// Why a circuit that did not serve a class is left in peace: to that class it is not well, whatever its own probes say.
/// @param views  of all circuits by id; changed
void hold_against(const WayProofs& proofs, std::span<CircuitView> views, model::Instant now);

/// The circuit's own probes are answered, and the class's have been before: only then silence of these says anything about the way.
[[nodiscard]] bool proof_counts(const WayProofs& proofs, const CircuitView& stands, bool doubt, model::Instant now);

struct ProofOrders {
  bool forced = false;        ///< a person wants the class there
  bool hold = false;          ///< a person froze automatic moves
  model::Instant may_move{};  ///< I3
};

/// Where to, and why not.
struct ProofAnswer {
  std::optional<model::CircuitId> to;         ///< nothing: it stays
  model::Guard held_by = model::Guard::None;  ///< why it stays
  /// Back to where it passed; elsewhere, or where it was and nobody has seen it pass, it goes on.
  [[nodiscard]] bool undo(const WayProofs& proofs) const { return to && to == proofs.before() && proofs.proven_once(*to); }
};

/// The class stands on `stands` and is not proven to pass there; proof_counts() has been asked.
/// @param views  of all circuits, by id, as the class sees them (hold_against)
[[nodiscard]] ProofAnswer answer_unproven(const model::Site& site, const model::TrafficClass& traffic, model::CircuitId stands,
                                          const WayProofs& proofs, std::span<const CircuitView> views, const ProofOrders& orders, model::Instant now);

}  // namespace linekeeper::decision
