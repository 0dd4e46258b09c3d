#pragma once
// Says from the truth whether what was done was right. It knows what is wrong with the world, what came back from it, and what stands in
// the kernel and the PBX. Of the judge it asks only what that publishes of itself: its verdicts when a plan is made (I6), and the times
// after which it says that it calls silence death; by those it is held to its word. Bounds are stated in README.md.
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "controller/decision/decider.hpp"
#include "tests/sim/model_switch.hpp"
#include "tests/sim/truth.hpp"

namespace linekeeper::sim {

class SimDaemon;
struct ModelPbx;

/// What is counted over all runs rather than forbidden in one.
struct Tally {
  double watched_hours = 0;    ///< of circuits whose lines are known to the judge and that nothing befalls
  int false_deaths = 0;        ///< of them
  int other_false_deaths = 0;  ///< of lines that lose by a trouble, and were not known
  int plain_moves = 0;         ///< for quality, off lines that lose 5 % as they always do
  int deaths = 0;              ///< true ones that were called so

  void add(const Tally& t) {
    watched_hours += t.watched_hours;
    false_deaths += t.false_deaths;
    other_false_deaths += t.other_false_deaths;
    plain_moves += t.plain_moves;
    deaths += t.deaths;
  }
};

class Oracle {
 public:
  Oracle(const Script& script, const model::Site& site, World& world, ModelSwitch& route_switch, ModelPbx& pbx, Story& story, model::Instant now);
  void watch(const SimDaemon& daemon) { daemon_ = &daemon; }

  // --- what happened ---
  void on_start(model::Instant now);
  void on_crash(model::Instant now);
  void on_configured(const model::Site& site);                  ///< from its next start on; outlives this
  void on_resumed(model::Instant stopped, model::Instant now);  ///< the daemon, that stood still, goes on
  void on_adopted(bool first, model::Instant now);              ///< first: of this life of the daemon
  void on_refused(const route::Refused& refused, model::Instant now);
  void on_held(const decision::MovesHeld& held, model::Instant now);  ///< by the switch: these classes stay where they stand
  void on_probe(std::size_t circuit, std::size_t target, model::ProbeKind kind, std::optional<model::Duration> answered, model::Instant now);
  void on_reply(std::size_t circuit, std::size_t target, model::Instant sent) { truth_.on_reply(circuit, target, sent); }
  void on_local_error(std::size_t circuit, model::Instant now);
  void on_outcome(const model::SipOutcome& outcome, model::Instant now) { truth_.on_outcome(outcome, now); }
  void on_edge(const Edge& edge, model::Instant now);
  void on_event(const model::Event& event, model::Instant now);
  void on_plan(const model::Plan& plan, const decision::Decider& decider, model::Instant now);
  /// The class's own probes were answered, or were not; the judge is told so at this instant.
  void on_probed(std::size_t traffic_class, std::size_t circuit, bool answered, model::Instant now);
  void on_wall_step(model::Instant now) { wall_stepped_ = now; }
  void on_order(std::size_t trunk, const std::vector<int>& sets, model::Instant now);
  /// Every few seconds: what the judge says of each circuit, against what came back from it (I6, learning).
  void inspect(const decision::Decider& decider, model::Instant now);
  /// A call was made by a trunk whose first member takes it, or does not; others would.
  void on_call(std::size_t trunk, bool first_takes, bool another_takes, model::Instant now);
  /// After every step.
  void look(model::Instant now);
  void end(model::Instant now);

  [[nodiscard]] const Truth& truth() const { return truth_; }
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  /// What the judge says of a circuit.
  struct Published {
    model::Duration dead_after{}, timeout{}, interval{};
    int aside = 0;       ///< targets whose word does not count
    bool quick = false;  ///< may be probed in quick succession
  };
  struct Moves {
    std::deque<model::Instant> escapes, moves, failbacks, quality;  ///< that the judge can know of
  };
  struct Class : Moves {
    std::optional<model::CircuitId> standing;  ///< by the last plan
    model::Instant moved{}, arrived{};
    Moves before;                                 ///< the last move
    std::optional<model::Instant> checked_until;  ///< nothing is owed before
    bool emergency = false;
    bool forced = false;  ///< by a person, when it last moved
    struct Shown {
      bool served = false;  ///< the class's own probes were answered there, in this life of the daemon
      model::Instant failed{};
    };
    std::vector<Shown> shown;              ///< by circuit
    bool led = false;                      ///< its last move was the answer to a proof that failed (I9)
    model::Instant held{};                 ///< when the switch last held it back
    std::optional<model::Instant> answer;  ///< a proof failed, and to that there must have been an answer
    std::string answer_to;
  };
  struct Pace {
    model::Instant since{};
    int scheduled = 0;           ///< since then
    std::vector<double> tokens;  ///< by target: quick probes that it may still be sent
    std::vector<model::Instant> at;
    int level = 0;  ///< how often it failed within an hour of a failback
    std::optional<model::Instant> trusted;
    model::Duration slowest{};  ///< the longest interval of its probes that its evidence may still be of
    model::Instant slowest_at{};
    model::Duration interval{};  ///< between its probes, as it was before the step that is looked at
  };
  [[nodiscard]] bool outvoted(std::size_t circuit) const;
  [[nodiscard]] Published published(std::size_t circuit, model::Instant now) const;
  [[nodiscard]] model::Duration bound(std::size_t dead, std::size_t other, model::Instant now) const;
  [[nodiscard]] bool may_escape(const Class& c, model::Instant now) const;
  [[nodiscard]] bool may_move(const Class& c, model::Instant now) const;
  [[nodiscard]] model::Duration hold_down(std::size_t circuit) const;
  [[nodiscard]] std::optional<model::Instant> watched_since(std::size_t circuit) const;
  void check_led(std::size_t i, std::size_t from, std::size_t to, const decision::Decider& decider, model::Instant now);
  [[nodiscard]] std::optional<std::size_t> better_way(std::size_t i, std::size_t by, model::Instant now) const;
  void check_answers(model::Instant now);
  void check_ways(model::Instant now);
  void check_brownout(std::size_t i, model::Instant now);
  void check_home(model::Instant now);
  void check_trunk(std::size_t trunk, model::Instant now);
  void check_trunk_circuit(std::size_t trunk, std::size_t first, std::size_t by, model::Instant now);
  void check_trunk_carrier(std::size_t trunk, std::size_t first, std::size_t by, model::Instant now);
  void check_restart(model::Instant now);
  [[nodiscard]] bool first_is_dead(const model::Trunk& trunk, int set, std::size_t by) const;
  void check_death(std::size_t circuit, bool silent, model::Instant now);
  void check_move(const model::Plan& plan, std::size_t i, const decision::Decider& decider, model::Instant now);
  void check_destination(std::size_t i, std::size_t to, model::Motive motive, model::Instant now);
  void check_part_move(const model::Plan& plan, std::size_t i, std::size_t from, std::size_t to, bool circuit_dead, model::Instant now);
  void check_part_way(std::size_t i, model::Instant now);
  [[nodiscard]] bool reached_well(const model::TrafficClass& traffic, std::size_t circuit) const;
  [[nodiscard]] model::Duration carrier_bound(std::size_t carrier, std::size_t by) const;
  void check_quality(std::size_t i, std::size_t from, std::size_t to, model::Instant now);
  void count_move(std::size_t i, std::size_t to, model::Motive motive, bool from_dead, model::Instant now);
  [[nodiscard]] bool permitted(const std::string& who) const;  ///< by a person, to go back now
  [[nodiscard]] bool may_return(const model::Failback& failback, const std::string& who, model::Instant now) const;
  void check_trunk_move(const model::Plan& plan, std::size_t i, model::Instant now);
  [[nodiscard]] bool calls_held_out(model::Instant now) const;
  void check_calls_move(const model::TrunkChoice& choice, std::size_t first, model::Instant now);
  [[nodiscard]] model::Instant calm_since() const;
  [[nodiscard]] const std::string& name(std::size_t circuit) const { return all_->circuits[circuit].name; }
  [[nodiscard]] std::optional<std::size_t> circuit_of(const model::Trunk& trunk, std::size_t member) const;
  [[nodiscard]] std::size_t member_of(const model::Trunk& trunk, int set) const;
  [[nodiscard]] bool is_known_line() const { return kind_ == Kind::Quiet; }

  const model::Site* site_;  // as configured now
  const model::Site* all_;   // as the script has it: with every circuit and carrier there ever is
  World* world_;
  ModelSwitch* switch_;
  ModelPbx* pbx_;
  Story* story_;
  Kind kind_;
  model::Duration calls_each_;  // somebody telephones; nothing: nobody
  const SimDaemon* daemon_ = nullptr;
  Truth truth_;

  std::vector<Published> at_death_;  // by circuit
  std::vector<Class> classes_;
  std::vector<model::Instant> unserved_;           // by circuit: when it last did not serve
  std::vector<Pace> paces_;                        // by circuit
  std::vector<std::optional<std::size_t>> first_;  // by trunk: first member of the last plan
  std::vector<model::Instant> let_back_;           // by trunk: when its mode of failback last let it go back
  std::vector<model::Instant> heard_;              // by trunk: when its PBX last did not answer
  std::uint64_t plan_generation_ = 0;
  model::Instant started_{}, ready_{}, disturbed_{}, orders_changed_{}, planned_{}, adopted_at_{}, resumed_{}, stopped_{}, wall_stepped_{};
  // I13
  model::Instant crash_at_{};
  std::uint64_t changes_at_crash_ = 0;
  std::vector<std::vector<int>> orders_at_crash_;
  bool restart_counts_ = false;
  int edges_at_crash_ = 0;
  Tally tally_;
  std::map<std::string, model::Instant> calls_failed_;  // "path north via fiber": held out since
  std::map<std::size_t, int> calls_refused_;            // by trunk: in a row, by who stands first, though another would take them
};

}  // namespace linekeeper::sim
