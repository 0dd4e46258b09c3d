#pragma once
// Says from the truth whether what was done was right. It knows what is wrong with the world, what came back from it, and what stands in
// the kernel and the PBX; it never asks the judge, save for its verdicts when a plan is made (I6). Bounds are stated in README.md.
#include <optional>
#include <vector>

#include "controller/decision/decider.hpp"
#include "tests/sim/model_switch.hpp"
#include "tests/sim/script.hpp"
#include "tests/sim/world.hpp"

namespace linekeeper::sim {

class SimDaemon;
struct ModelPbx;

class Oracle {
 public:
  Oracle(const model::Site& site, World& world, ModelSwitch& route_switch, ModelPbx& pbx, Story& story, model::Instant now);
  void watch(const SimDaemon& daemon, Kind kind) {
    daemon_ = &daemon;
    kind_ = kind;
  }

  // --- what happened ---
  void on_start(model::Instant now);
  void on_crash(model::Instant now);
  void on_resumed(model::Instant now);              ///< the daemon, that stood still, goes on
  void on_adopted(bool first, model::Instant now);  ///< first: of this life of the daemon
  void on_refused(const route::Refused& refused, model::Instant now);
  void on_probe(std::size_t circuit, std::size_t target, model::ProbeKind kind, std::optional<model::Duration> answered, model::Instant now);
  void on_local_error(std::size_t circuit, model::Instant now);
  void on_outcome(const model::SipOutcome& outcome, model::Instant now);
  void on_edge(const Edge& edge, model::Instant now);
  /// @param judged  the instant that the judge was given
  void on_plan(const model::Plan& plan, const decision::Decider& decider, model::Instant judged, model::Instant now);
  void on_order(std::size_t trunk, const std::vector<int>& sets, model::Instant now);
  /// Every few seconds: what the judge says of each circuit, against what came back from it (I6).
  void inspect(const decision::Decider& decider, model::Instant judged, model::Instant now);
  /// After every step.
  void look(model::Instant now);

  /// The longest that a black hole may take to be found, and a class to be led away from it, by the site's own rule.
  [[nodiscard]] model::Duration detection_bound() const { return bound(0); }

 private:
  struct Circuit {
    std::optional<model::Instant> dead_since;   // truly
    std::optional<model::Instant> good_since;   // answers in a row, enough to be up by the rule
    int answers = 0;                            // in a row, in time
    int answers_alive = 0;                      // since it was last dead
    int answers_of_life = 0;                    // since the daemon started
    std::uint64_t fates_of_well = 0;            // the same of targets that nothing is the matter with
    bool many_bad = false;                      // more than one target misbehaves on it
    model::Instant two_bad{};                   // when more than one target last misbehaved on it
    model::Instant slow_until{};                // until then longer round trips are remembered than are true
    std::uint64_t fates = 0;                    // the last 64 probes, a bit for each lost one
    model::Instant alive_since{};               // truly
    model::Instant clear_since{};               // nothing stood in the way of judging it by probes: no local error, no new address
    std::optional<model::Instant> last_answer;  // when the last answered probe left
    model::Instant last_long_death{};           // when a death that the rule must have seen ended
  };
  struct Path {
    int good = 0, bad = 0;
    std::optional<model::Instant> bad_since, good_since;
    model::Instant last_down{};
  };
  [[nodiscard]] bool undecidable(std::size_t circuit) const;
  [[nodiscard]] int liars(std::size_t circuit) const;
  [[nodiscard]] model::Duration bound(std::size_t circuit) const;
  void check_ways(model::Instant now);
  void check_trunk(std::size_t trunk, model::Instant now);
  void check_restart(model::Instant now);
  void check_move(const model::Plan& plan, std::size_t i, const model::Status& status, model::Instant now);
  void check_trunk_move(const model::Plan& plan, std::size_t t, model::Instant now);
  [[nodiscard]] model::Instant calm_since() const;
  [[nodiscard]] const std::string& name(std::size_t circuit) const { return site_->circuits[circuit].name; }
  [[nodiscard]] std::optional<std::size_t> circuit_of(const model::Trunk& trunk, std::size_t member) const;

  const model::Site* site_;
  World* world_;
  ModelSwitch* switch_;
  ModelPbx* pbx_;
  Story* story_;
  const SimDaemon* daemon_ = nullptr;
  Kind kind_ = Kind::Mixed;

  model::Duration detection_{};  // the longest of all bounds
  model::Instant now_{};
  int enough_answers_ = 0;
  std::vector<Circuit> circuits_;
  std::vector<Path> paths_;
  std::vector<std::optional<model::CircuitId>> standing_;  // by the last plan
  std::vector<std::optional<std::size_t>> first_;          // by trunk: first member of the last plan
  std::vector<model::Instant> heard_;                      // by trunk: when its PBX last did not answer
  std::vector<model::Instant> moved_;                      // by class: the last plan that moved it
  std::uint64_t plan_generation_ = 0;
  model::Instant ready_{}, disturbed_{}, orders_changed_{}, planned_{};
  // I13
  model::Instant edge_at_{}, crash_at_{}, adopted_at_{}, resumed_{};
  std::uint64_t changes_at_crash_ = 0;
  std::vector<std::vector<int>> orders_at_crash_;
  bool restart_counts_ = false;
  int edges_ = 0, edges_at_crash_ = 0;
};

}  // namespace linekeeper::sim
