#pragma once
// What is true of each circuit, path and target, and since when: kept from what the world does and from what came back, never from what
// the judge says. The oracle draws its conclusions from this.
#include <algorithm>
#include <bitset>
#include <optional>
#include <vector>

#include "tests/sim/script.hpp"
#include "tests/sim/world.hpp"

namespace linekeeper::sim {

struct CircuitTruth {
  std::optional<model::Instant> dead_since;   ///< nothing comes through
  model::Instant alive_since{};               ///< the end of the last death
  model::Instant last_long_death{};           ///< when a death ended that must have been seen
  std::optional<model::Instant> good_since;   ///< enough answers in a row, of targets that nothing is the matter with, to be up
  std::bitset<200> fates;                     ///< of the newest probes that were not sent because of a suspicion: a bit for each lost one
  int answers = 0, answers_alive = 0;         ///< in a row; since it was last dead
  std::optional<model::Instant> last_answer;  ///< when the last answered probe left
  model::Instant clear_since{};               ///< nothing stood in the way of judging it by probes: local errors, a new address, new timing
  model::Instant last_local_error{};          ///< when a probe could last not be sent
  std::vector<int> answers_of;                ///< by target: how many of `answers` are its own
  std::optional<std::size_t> left_out;        ///< the one odd target that was silent among them: the judge leaves it out, with its answers
  model::Instant undecided{};                 ///< when probes could last not tell (undecidable())
  bool is_undecided = false;                  ///< so it is now
  model::Instant two_odd{};                   ///< when more than one target last misbehaved on it
  bool many_odd = false;                      ///< so it is now
  std::optional<model::Instant> brown_since;  ///< loses 30 % or more, not dead
  model::Instant touched{};                   ///< anything came or went on it
  int troubles = 0;                           ///< now
  bool fooled = false;                        ///< something made it look alive during this death
  bool ever_shaky = false;                    ///< in this run its packets were delayed or lost by more than a death or a target
  bool ever_died_briefly = false;             ///< for less than the longest silence: that may be learned
  std::vector<model::Instant> answered_of;    ///< by target: when the newest of its probes that was answered by now left

  /// Whether it is good is counted anew.
  void begin_again() {
    answers = 0;
    std::ranges::fill(answers_of, 0);
    left_out.reset();
    good_since.reset();
  }
};

struct PathTruth {
  std::optional<model::Instant> bad_since;   ///< takes no calls, and would say so or be silent when asked
  std::optional<model::Instant> good_since;  ///< enough good answers in a row
  int good = 0, bad = 0;
  model::Instant last_down{};
  bool troubled = false;      ///< a trouble of its own is there
  model::Instant last_bad{};  ///< when it last took no calls, or a trouble of its own came or went
};

class Truth {
 public:
  Truth(const model::Site& site, const Script& script, World& world, model::Instant now);

  void on_start();
  void on_resumed(model::Instant now);
  void on_probe(std::size_t circuit, std::size_t target, model::ProbeKind kind, std::optional<model::Duration> answered, model::Instant now);
  /// Its answer is there, and the probe left at `sent`.
  void on_reply(std::size_t circuit, std::size_t target, model::Instant sent);
  void on_local_error(std::size_t circuit, model::Instant now);
  void on_outcome(const model::SipOutcome& outcome, model::Instant now);
  /// @param watched_since  from then on somebody was there to see a death; nothing: nobody
  /// @param seen_after  so long a death takes to be seen
  void on_edge(const Edge& edge, std::optional<model::Instant> watched_since, model::Duration seen_after, model::Instant now);

  [[nodiscard]] const CircuitTruth& circuit(std::size_t c) const { return circuits_[c]; }
  [[nodiscard]] const PathTruth& path(std::size_t carrier, std::size_t circuit) const { return paths_[carrier * circuits_.size() + circuit]; }
  [[nodiscard]] std::size_t circuits() const { return circuits_.size(); }
  /// Targets that answer whatever became of the line; targets that nothing is the matter with.
  [[nodiscard]] int liars(std::size_t circuit) const;
  [[nodiscard]] int odd(std::size_t circuit) const;
  /// Probes cannot tell: too many targets are odd, or something close by answers, or our own side does not send.
  [[nodiscard]] bool undecidable(std::size_t circuit) const;
  /// Of the newest two hundred of them, as the judge counts.
  [[nodiscard]] double loss(std::size_t circuit) const { return static_cast<double>(circuits_[circuit].fates.count()) / 200; }
  /// None of the newest fifty was lost.
  [[nodiscard]] bool lost_none_lately(std::size_t circuit) const {
    return (circuits_[circuit].fates & std::bitset<200>((std::uint64_t{1} << 50) - 1)).none();
  }
  /// Nothing was ever the matter with it as seen through this circuit.
  [[nodiscard]] bool always_well(std::size_t target, std::size_t circuit) const { return !ever_odd_[target * circuits_.size() + circuit]; }
  /// No packet is lost or late on it but by a trouble.
  [[nodiscard]] bool clean_by_nature(std::size_t circuit) const {
    return world_->line(circuit).nature.good_loss == 0 && world_->line(circuit).nature.mean_good == model::Duration::zero();
  }
  [[nodiscard]] int troubles() const { return troubles_; }               ///< of any kind, now
  [[nodiscard]] model::Instant last_edge() const { return last_edge_; }  ///< of any kind
  [[nodiscard]] int edges() const { return edges_; }

 private:
  void see_death(std::size_t c, std::optional<model::Instant> watched_since, model::Duration seen_after, model::Instant now);
  void see_paths(model::Instant now);
  void befall(CircuitTruth& k, const Edge& edge, bool target, model::Instant now) const;

  const model::Site* site_;
  World* world_;
  int enough_answers_ = 0;
  std::vector<CircuitTruth> circuits_;
  std::vector<PathTruth> paths_;
  std::vector<bool> ever_odd_;        // target by circuit
  std::vector<std::size_t> network_;  // by target: equal numbers are one network
  int troubles_ = 0, edges_ = 0;
  model::Instant last_edge_{};
};

}  // namespace linekeeper::sim
