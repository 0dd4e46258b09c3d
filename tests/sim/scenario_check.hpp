#pragma once
// Holds a run against what its scenario says must be so.
#include <vector>

#include "controller/model/status.hpp"
#include "tests/sim/model_switch.hpp"
#include "tests/sim/run.hpp"
#include "tests/sim/script.hpp"

namespace linekeeper::sim {

class SimDaemon;
struct ModelPbx;

class ScenarioCheck {
 public:
  ScenarioCheck(const Script& script, const ModelSwitch& route_switch, const ModelPbx& pbx, SimDaemon& daemon);

  /// After every step.
  void look(model::Instant now);
  /// Everything of `now` has happened, and nothing until `next`.
  void passed(model::Instant now, model::Instant next);
  [[nodiscard]] const std::vector<Disappointment>& disappointments() const { return disappointments_; }

 private:
  struct Move {
    model::Instant at{};
    std::size_t subject = 0;  // class; or the number of classes plus the trunk
  };
  /// What is instead; empty when it is as expected.
  [[nodiscard]] std::string contradicted(const Expectation& e, model::Instant now);
  [[nodiscard]] std::string way_of(const Expectation& e) const;
  [[nodiscard]] std::string share_of(const Expectation& e) const;
  [[nodiscard]] std::string beginning_of(const Expectation& e, model::Instant now) const;
  [[nodiscard]] std::string target_of(const Expectation& e) const;
  [[nodiscard]] std::string diagnosis_of(const Expectation& e) const;
  [[nodiscard]] std::string counted(const Expectation& e);
  [[nodiscard]] std::optional<std::size_t> first_of(std::size_t trunk, model::Instant now) const;
  void watch_moves(model::Instant now);
  void hold_against(std::size_t i, model::Instant now);

  const Script* script_;
  const ModelSwitch* switch_;
  const ModelPbx* pbx_;
  SimDaemon* daemon_;
  std::vector<bool> done_;                         // by expectation
  std::vector<std::optional<std::size_t>> stood_;  // by subject of moves
  std::vector<Move> moves_;
  model::Status status_;
  model::Instant shown_{};  // what the story around is shown of
  std::vector<Disappointment> disappointments_;
};

}  // namespace linekeeper::sim
