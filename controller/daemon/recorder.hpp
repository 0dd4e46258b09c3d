#pragma once
// Writes down what the judge is told, with the instant it is told at, so that it can be judged again (linekeeper replay). Each call of the judge is
// passed through here: it takes what the judge will be given and gives back the instant to give with it.
//
// A record goes into a buffer that is kept; a block leaves it every few seconds, to the journal's writer. Nothing waits, and nothing
// is allocated for a probe.
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "controller/decision/decider.hpp"
#include "controller/journal/journal.hpp"
#include "controller/journal/observation_codec.hpp"

namespace linekeeper::daemon {

class Recorder {
 public:
  static constexpr std::chrono::seconds kBlockSpan{5};
  static constexpr std::size_t kBlockBytes = 16384;
  static constexpr std::chrono::minutes kStandingEvery{1};

  using Sink = std::function<void(journal::ObservationBlock)>;
  using WallClock = std::function<model::WallTime()>;
  /// @param wall  asked once for each block
  Recorder(Sink sink, WallClock wall) : sink_(std::move(sink)), wall_(std::move(wall)) {}

  /// A new judge begins. What follows is told to it. @param text  of the site's configuration; empty: not known
  model::Instant started(const model::Site& site, std::string text, model::Instant now);
  model::Instant told(const model::Observation& observation, model::Instant now);
  model::Instant told(const decision::Adopted& adopted, model::Instant now);
  model::Instant told(const decision::ShareFound& found, model::Instant now);
  model::Instant told(const decision::TrunkAdopted& adopted, model::Instant now);
  model::Instant told(const decision::OrdersInForce& orders, model::Instant now);
  model::Instant told(const decision::MovesHeld& held, model::Instant now);
  model::Instant told(const decision::MoveProof& proof, model::Instant now);
  model::Instant reissued(model::Instant now);
  model::Instant woken(model::Instant now);

  /// What was learned before is given to the judge. @return the text
  std::string_view recalled(model::CircuitId circuit, std::string_view text, model::Duration age, model::Instant now);
  std::string_view recalled(model::ClassId traffic_class, std::string_view text, model::Duration age, model::Instant now);

  /// Once a second: a block that is due leaves, and now and then how things stand is written.
  void every_second(const model::Status& status, const decision::Decider& decider);
  /// All there is leaves: at the end.
  void flush();

 private:
  void add(const journal::Input& input, model::Instant now);
  void make_room(model::Instant now);
  [[nodiscard]] journal::Standing standing(const model::Status& status, const decision::Decider& decider) const;

  Sink sink_;
  WallClock wall_;
  std::shared_ptr<const journal::Configuration> configuration_;
  std::optional<journal::BlockWriter> writer_;  // nothing before the first judge
  model::WallTime block_wall_{};
  model::Instant standing_at_{};
  std::vector<std::optional<model::GatewayState>> gateways_;  // not in Status; by circuit
  std::vector<std::optional<model::ResolverState>> resolvers_;
};

}  // namespace linekeeper::daemon
