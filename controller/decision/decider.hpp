#pragma once
// The judge: observations and orders in, events and a plan out. Pure: the same inputs at the same instants give the same
// outputs, so an incident can be decided again from the journal. No clock, no I/O; nothing is allocated on the way of a probe
// that changes nothing.
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "controller/decision/call_witness.hpp"
#include "controller/decision/check_findings.hpp"
#include "controller/decision/circuit_health.hpp"
#include "controller/decision/diagnoses.hpp"
#include "controller/decision/directions.hpp"
#include "controller/decision/hold_down.hpp"
#include "controller/decision/move_budget.hpp"
#include "controller/decision/path_answers.hpp"
#include "controller/decision/path_endpoints.hpp"
#include "controller/decision/policy.hpp"
#include "controller/decision/proof.hpp"
#include "controller/decision/trunk_policy.hpp"
#include "controller/decision/wake_index.hpp"
#include "controller/model/event.hpp"
#include "controller/model/override.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

/// The switch told what stands in the kernel; planning may begin.
struct Adopted {
  std::uint64_t generation = 0;                          ///< the last the switch accepted; plans count on from it
  std::vector<std::optional<model::CircuitId>> classes;  ///< Site order; nothing: not steered
};

/// By which circuits a class was found to be shared, where the switch told so; said before Adopted.
struct ShareFound {
  model::ClassId traffic_class;
  std::vector<model::CircuitId> circuits;
};

/// A PBX told which dispatcher sets it has in order; empty when it has no lease of ours.
struct TrunkAdopted {
  model::TrunkId trunk;
  std::vector<int> sets;
};

/// The switch carried a plan out but for these moves, which its own guards forbade (I1, I3).
struct MovesHeld {
  struct Move {
    model::ClassId traffic_class;
    std::optional<model::CircuitId> stands;  ///< where it was left; nothing: not steered
    bool escape = false;                     ///< the switch would have counted it as an escape
    model::Duration again_after{};           ///< so much later a move of that kind may pass
  };
  std::vector<Move> moves;
};

/// The overrides in force now, complete.
struct OrdersInForce {
  std::vector<model::Override> overrides;
};

/// A carrier that is suspected by one circuit: is it there by these (a bit for each id)? To be asked at once, as far as etiquette lets.
struct Ask {
  model::CarrierId carrier;
  std::uint64_t circuits = 0;
  friend bool operator==(const Ask&, const Ask&) = default;
};

/// Nothing is known of whether calls by this way pass again: one of our own would tell. Its CallOutcome has `trial`.
struct TryCall {
  model::CarrierId carrier;
  model::CircuitId circuit;
  friend bool operator==(const TryCall&, const TryCall&) = default;
};

struct Output {
  std::vector<model::Event> events;   ///< `wall` and `sequence` are for the shell to fill
  std::optional<model::Plan> plan;    ///< to be carried out; complete
  std::uint64_t probing_changed = 0;  ///< circuits that want to be probed otherwise from now on, a bit for each id: see probe_plan()
  std::optional<Ask> ask;
  std::optional<TryCall> try_call;  ///< only of carriers that are Carrier::tried_by_call
  std::uint64_t ask_gateways = 0;   ///< circuits that have fallen silent: does the gateway on the link still live? A bit for each id
  model::Instant next_wakeup = model::kNever;
  void clear() {
    events.clear();
    plan.reset();
    probing_changed = 0;
    ask.reset();
    try_call.reset();
    ask_gateways = 0;
  }
};

class Decider {
 public:
  /// @param started  when the daemon started: evidence counts from here
  Decider(model::SitePtr site, model::Instant started);

  const Output& observe(const model::Observation& observation, model::Instant now);
  const Output& adopt(const Adopted& adopted, model::Instant now);
  const Output& adopt(const ShareFound& found, model::Instant now);
  const Output& adopt(const TrunkAdopted& adopted, model::Instant now);
  const Output& order(const OrdersInForce& orders, model::Instant now);
  const Output& held(const MovesHeld& held, model::Instant now);
  /// Probes sent as a class's traffic goes were answered, or were not: see proof.hpp.
  const Output& prove(const MoveProof& proof, model::Instant now);
  /// The standing plan once more under a new generation (the switch came back, or could not do it).
  const Output& reissue(model::Instant now);
  const Output& wake(model::Instant now);

  /// How this circuit is to be probed now.
  [[nodiscard]] const model::ProbePlan& probe_plan(model::CircuitId circuit) const { return circuits_.at(circuit.index()).plan(); }

  /// What is known of one circuit, without the sentences of fill().
  [[nodiscard]] const CircuitHealth& circuit(model::CircuitId circuit) const { return circuits_.at(circuit.index()); }

  /// How long it must be well before anything goes back to it, now.
  [[nodiscard]] model::Duration hold_down(model::CircuitId circuit, model::Instant now) const { return hold_downs_.at(circuit.index()).present(now); }

  /// What is to outlive a restart, a line each: of a circuit what was learned and its hold-down, of a class its moves. And back, before
  /// anything is observed. @param age of the text, by the wall clock @return false: (some of) it is not understood, and begins afresh
  [[nodiscard]] std::string memory(model::CircuitId circuit, model::Instant now) const;
  bool recall(model::CircuitId circuit, std::string_view text, model::Duration age);
  [[nodiscard]] std::string memory(model::ClassId traffic_class, model::Instant now) const;
  bool recall(model::ClassId traffic_class, std::string_view text, model::Duration age);

  /// Fills what decision knows: circuits, carriers, paths, plan, suppressed.
  void fill(model::Status& status, model::Instant now) const;

  /// A call by this way that does not ring within this is slow.
  [[nodiscard]] model::Duration slow_after(model::CarrierId carrier, model::CircuitId circuit) const;

  /// Silence of the class's own probes by this circuit, where it stands, says something about the way.
  [[nodiscard]] bool proof_counts(model::ClassId traffic, model::CircuitId by, model::Instant now) const;

  /// Would forcing `subject` to `to` be refused? Guard::None: no.
  [[nodiscard]] model::Guard forced_refused(model::ClassId subject, model::CircuitId to) const;
  [[nodiscard]] model::Guard forced_refused(model::TrunkId subject, model::CarrierId to) const;

 private:
  /// When carriers last answered through a circuit: the newest, and the newest of another carrier.
  struct Heard {
    std::size_t carrier = SIZE_MAX;
    std::optional<model::Instant> newest, of_another;
    void note(std::size_t who, model::Instant at) {
      if (who != carrier) of_another = std::exchange(newest, at), carrier = who;
      newest = std::max(newest, std::optional(at));
    }
    [[nodiscard]] std::optional<model::Instant> beside(std::size_t who) const { return who == carrier ? of_another : newest; }
  };
  struct ClassState {
    explicit ClassState(std::size_t circuits) : proofs(circuits) {}
    CircuitChoice choice;
    model::Instant since{};
    Orders orders;
    MoveBudget budget;
    MoveBudget budget_before;                     ///< the last move: an attempt that the switch held back was none
    std::vector<HoldDown> reached;                ///< of a carrier's part: by circuit, for how long the carrier must be reached again
    std::vector<model::CircuitId> dead_by_one;    ///< likewise: circuits that live and by which it is dead
    std::vector<model::CircuitId> shared_before;  ///< what the choice before this one was shared by: what stands where the switch held this back
    WayProofs proofs;
    bool told_unproven = false;  ///< that it stays on a way where it is not proven to pass
  };
  /// What is remembered of a trunk member from one choice to the next.
  struct MemberMemory {
    bool crowded = false;                               ///< could not carry the load when last asked
    bool degraded = false;                              ///< was degraded, and its hold-down since then is not over
    bool owes = false;                                  ///< lost its trust, and was not let back since (Failback)
    model::Instant held_until = model::Instant::min();  ///< it failed when its carrier did by another circuit
  };
  struct TrunkState {
    TrunkDecision decision;
    std::vector<model::TrunkStep> tried{};    ///< its order as a PBX is told it
    std::optional<model::CircuitId> circuit;  ///< of its class, when the first member last changed
    model::Instant since{};
    TrunkOrders orders;
    bool adopted = false;
    std::vector<MemberMemory> members;       ///< as the trunk's members
    std::optional<model::TrunkLoad> load{};  ///< as last measured
  };

  /// @param replan  publish a plan even when no choice changed  @param look  choose anew even when no health changed
  const Output& finish(model::Instant now, bool replan, bool look = false);
  /// Nobody passes whom the order that was found standing has before him, until he has earned it by his hold-down.
  void earn_places(const model::Trunk& trunk, std::span<const model::TrunkStep> order);
  /// Judges whom something was heard of, and whoever is due. @return whether a choice may be another one now
  bool judge_due(model::Instant now);
  bool judge_circuit(std::size_t c, model::Instant now);
  bool judge_path(std::size_t i, model::Instant now);
  bool judge_carrier(std::size_t k, model::Instant now);
  void judge_later(std::size_t circuit) { due_circuits_.set(circuit, model::Instant::min()); }
  void judge_path_later(std::size_t path) { due_paths_.set(path, model::Instant::min()); }
  void tell_standing(std::size_t c, const TargetStanding::Change& change, model::Instant now);
  /// Which circuits are in use, and whether one of those is silent: what each is probed for.
  void assign_roles(model::Instant now);
  void tell_located(const model::CarrierLocated& located, const PathEndpoints::Relisted& changed, model::Instant now);
  void tell_endpoints(std::size_t path, model::Instant now);
  void note_check(const model::CheckOutcome& outcome, model::Instant now);
  bool note_call(const model::CallOutcome& outcome, model::Instant now);  ///< @return whether a choice may be another one now
  bool look_at_calls(model::Instant now);                                 ///< likewise
  void tell_calls(std::size_t path, CallWitness::Change change, model::Instant now);
  [[nodiscard]] bool calls_doubtful(model::CarrierId carrier, model::CircuitId via) const;
  void tell_hops(const std::vector<model::SharedHop>& before, model::Instant now);
  /// The views as a class sees them: what carries no calls sees what the slower checks found too.
  void mark_data_ways(std::vector<CircuitView>& views) const;
  [[nodiscard]] bool carries_calls(model::ClassId traffic) const;
  void gather_evidence(model::Instant now);
  void diagnose_now(model::Instant now);
  [[nodiscard]] std::string subject_of(const model::Diagnosis& d) const;
  void choose_all(model::Instant now);
  void choose_class(std::size_t i, std::span<const CircuitView> views, model::Instant now);
  /// The views as a carrier's part sees them, and what is remembered of them.
  [[nodiscard]] std::vector<CircuitView> part_views(std::size_t i, std::span<const CircuitView> views, model::Instant now);
  [[nodiscard]] std::span<const PathEndpoints> paths_of(model::CarrierId carrier) const {
    return std::span(paths_).subspan(carrier.index() * circuits_.size(), circuits_.size());
  }
  void say(model::ClassChoice& said, std::span<const model::CircuitStatus> circuits, model::Instant now) const;
  /// The hold-down that a class's own moves count in: its circuits', or, of a carrier's part, its own of them.
  [[nodiscard]] HoldDown& hold_down_of(ClassState& state, model::CircuitId circuit);
  static std::vector<CircuitView> views_of(const ClassState& state, std::span<const CircuitView> views, model::Instant now);
  static void note_unproven(const ClassState& state, CircuitChoice& choice, model::Instant now);
  void answer(model::ClassId traffic, model::Instant now);
  void tell_share(model::ClassId traffic, const CircuitChoice& before, model::Instant now);
  void count_share(ClassState& state, const CircuitChoice& before, std::span<const CircuitView> views, model::Instant now);
  void count_move(ClassState& state, const CircuitChoice& before, std::span<const CircuitView> views, model::Instant now);
  void choose_trunk(std::size_t i, std::span<const CircuitView> circuits, model::Instant now);
  void claim(std::size_t trunk);  ///< what the trunk carries, where its order begins
  void publish(model::Instant now, bool force);
  [[nodiscard]] model::Plan make_plan(model::Instant now) const;
  [[nodiscard]] std::vector<CircuitView> circuit_views(model::Instant now) const;
  [[nodiscard]] bool carries(model::ClassId traffic, const model::Trunk& trunk) const;  ///< calls of that trunk go by the class
  [[nodiscard]] std::vector<MemberView> member_views(const model::Trunk& trunk, std::span<const model::TrunkStep> standing,
                                                     std::span<const CircuitView> circuits, model::Instant now) const;
  /// Adds to the views what only memory tells, and keeps that memory. @return when it may have changed by time alone
  model::Instant remember_members(std::size_t trunk, std::span<MemberView> views, std::span<const CircuitView> circuits, model::Instant now);
  [[nodiscard]] std::optional<model::CircuitId> way_of(const model::Trunk& trunk, std::size_t member) const;
  [[nodiscard]] std::vector<model::CircuitStatus> circuit_statuses(model::Instant now) const;
  [[nodiscard]] std::vector<model::PathStatus> path_statuses() const;
  void note_answer(model::SipOutcome& outcome, model::Instant now);
  [[nodiscard]] std::string answers_memory(model::CircuitId circuit) const;
  /// Each takes from the end of `text` what its counterpart put there. @return false, and nothing is changed: it is not what that writes
  bool recall_answers(model::CircuitId circuit, std::string_view& text);
  [[nodiscard]] std::string calls_memory(model::CircuitId circuit, model::Instant now) const;
  bool recall_calls(model::CircuitId circuit, std::string_view& text, model::Duration age);
  [[nodiscard]] bool carries_emergency(model::ClassId traffic) const;  ///< some trunk of the class is for emergency calls (I24)
  void note_heard(model::CarrierId carrier, model::CircuitId through);
  [[nodiscard]] static bool fallen_silent(const CircuitHealth& c) { return c.suspect() || c.verdict().cause == model::Cause::Silent; }
  [[nodiscard]] bool doubtful(std::size_t circuit) const;
  [[nodiscard]] bool troubled_elsewhere(model::CarrierId carrier, model::CircuitId but) const;
  /// A carrier answers with a warning (403) by this circuit: until then its other paths, which have been asked, may still say whether it is the
  /// carrier that warns or this circuit's address that it does not know. The past: they have said so, or there is none, or no warning.
  [[nodiscard]] model::Instant warns_alone_from(model::CarrierId carrier, model::CircuitId circuit) const;
  void ask_beside(model::CarrierId carrier, model::CircuitId suspected);
  [[nodiscard]] const PathEndpoints& path(model::CarrierId carrier, model::CircuitId circuit) const;
  void tell(model::EventId id, std::string subject, std::string text, model::Instant now,
            std::vector<std::pair<std::string, std::string>> fields = {});
  void hold_back(model::Guard before, model::Guard after, const std::string& subject, const std::string& reason, model::Instant now);

  model::SitePtr site_;
  model::Instant started_;
  std::vector<CircuitHealth> circuits_;
  std::vector<Directions> directions_;  // by circuit
  std::vector<PathEndpoints> paths_;    // carrier by carrier, circuit by circuit
  std::vector<PathAnswers> answers_;    // likewise
  /// By path: the carrier failed there since, and has not answered, whatever became of the circuit.
  std::vector<std::optional<model::Instant>> unheard_;
  std::vector<CallWitness> witnesses_;  // as paths_; empty: calls are not listened to
  WakeIndex due_circuits_, due_paths_, due_calls_;
  std::vector<Heard> heard_;  // by circuit
  std::vector<std::size_t> touched_carriers_;
  std::vector<model::Verdict> carriers_;
  std::vector<HoldDown> hold_downs_;  // by circuit
  model::Instant doubt_until_{};      // I7: our own loop or sending failed; until then only the kernel's word on links moves anything
  std::vector<ClassState> classes_;
  std::vector<TrunkState> trunks_;
  Claims claims_;  // of the trunks that have been ordered in this look
  std::map<model::Guard, std::uint64_t> suppressed_;
  bool adopted_ = false;
  Evidence evidence_;
  CheckFindings checks_;
  Diagnoses diagnoses_;
  bool diagnosis_due_ = true;                       // evidence has changed since a name was last sought
  model::Instant diagnosis_again_ = model::kNever;  // while we start or doubt ourselves nothing is concluded: then what stands is looked at again
  bool roles_due_ = false;
  bool plan_due_ = false;  // a plan waits for adoption
  std::uint64_t generation_ = 0;
  model::Plan standing_;
  Output out_;
};

}  // namespace linekeeper::decision
