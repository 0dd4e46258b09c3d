#pragma once
// The world as it truly is: lines, gateways, targets, carriers, and what is wrong with each. Decision never sees it; it sees only what
// comes back from it. Each wrong is counted or summed, so that troubles may overlap and end in any order.
#include <optional>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "tests/sim/chance.hpp"
#include "tests/sim/script.hpp"

namespace linekeeper::sim {

/// A chain of two states, each lasting without memory.
struct TwoStates {
  bool bad = false;
  model::Instant turns = model::kNever;
};

struct Line {
  LineNature nature;
  // What is wrong: counts, and sums of millionths or of time.
  int unplugged = 0, no_address = 0, black_hole = 0, gateway_dead = 0, captive = 0, local_errors = 0, resolver_dead = 0;
  int reorder = 0, duplicates = 0, forged = 0, rejects = 0, forged_rejects = 0, unserved = 0;
  Measure loss = 0, bursts = 0;
  model::Duration more_delay{}, more_jitter{}, load{};
  std::vector<const Trouble*> ramps;
  int ifindex = 0, address_changes = 0;
  model::Instant gateway_since{};  ///< when the gateway died or came back
  // Where chance stands.
  TwoStates well, burst, busy;
  double queue = 0;  ///< how full, in [0, 1]
  model::Instant queue_at{};

  [[nodiscard]] bool linked() const { return unplugged == 0 && no_address == 0; }
  /// Nothing can come through, for certain.
  [[nodiscard]] bool dead() const { return !linked() || black_hole > 0 || gateway_dead > 0 || captive > 0 || rejects > 0; }
  /// What a class sends by it is answered, as far as it is certain: probes bound to it may be when this is not.
  [[nodiscard]] bool serves() const { return unserved == 0 && local_errors == 0 && (!dead() || (captive > 0 && linked())); }
  /// Chance decides about packets, more than on a line that is well.
  [[nodiscard]] bool shaky() const {
    return loss > 0 || bursts > 0 || !ramps.empty() || more_delay.count() > 0 || more_jitter.count() > 0 || load.count() > 0;
  }
  [[nodiscard]] bool losing() const { return loss > 0 || bursts > 0 || !ramps.empty(); }
};

/// A target as seen through one circuit.
struct Sight {
  int dead = 0, lies = 0;
  Measure loss = 0;
  model::Duration slow{};
  [[nodiscard]] bool well() const { return dead == 0 && lies == 0 && loss == 0 && slow.count() == 0; }
};

/// Answers so many probes a second, of whoever asks; a second's worth may come at once.
struct RateLimit {
  std::vector<Measure> rates;  ///< thousandths a second, of each trouble: the smallest counts
  double left = 1;
  model::Instant at{};
};

/// A carrier as seen through one circuit.
struct Reach {
  int silent = 0, unavailable = 0, refusing = 0, forbidden = 0, local_errors = 0, tries = 0, halfway = 0, calls_refused = 0, calls_slow = 0;
};

/// What becomes of a call.
struct CallAnswer {
  model::CallFate fate = model::CallFate::Answered;
  int code = 200;
  model::Duration after{};  ///< when it rings or is refused; of one that nothing answers: never
};

/// What becomes of one packet of an OPTIONS.
struct SipAnswer {
  enum class Fate : std::uint8_t { NotSent, Lost, Refused, Answered };
  Fate fate = Fate::Lost;
  int code = 0;
  model::Duration after{};
  std::optional<model::Duration> tries_after{};  ///< a 100 comes first, then
};

class World {
 public:
  World(const Script& script, Chance& chance, model::Instant now);

  /// An echo request leaves now. @return when it is answered; nothing: never.
  std::optional<model::Duration> probe(std::size_t circuit, std::size_t target, model::Instant now);
  /// A packet of an OPTIONS leaves now, the first or a repetition.
  SipAnswer options(std::size_t carrier, std::size_t circuit, model::Instant now);
  /// A call is made now.
  [[nodiscard]] CallAnswer call(std::size_t carrier, std::size_t circuit, model::Instant now);
  [[nodiscard]] model::LinkState link(std::size_t circuit) const;
  [[nodiscard]] model::GatewayState gateway(std::size_t circuit, model::Instant now) const;

  Line& line(std::size_t circuit) { return lines_[circuit]; }
  [[nodiscard]] const Line& line(std::size_t circuit) const { return lines_[circuit]; }
  Sight& sight(std::size_t target, std::size_t circuit) { return sights_[target * lines_.size() + circuit]; }
  [[nodiscard]] const Sight& sight(std::size_t target, std::size_t circuit) const { return sights_[target * lines_.size() + circuit]; }
  RateLimit& limit(std::size_t target) { return limits_[target]; }
  /// Nothing is the matter with it that could make an answer come late, wrongly or not at all.
  [[nodiscard]] bool well(std::size_t target, std::size_t circuit) const { return sight(target, circuit).well() && limits_[target].rates.empty(); }
  Reach& reach(std::size_t carrier, std::size_t circuit) { return reaches_[carrier * lines_.size() + circuit]; }
  [[nodiscard]] std::size_t lines() const { return lines_.size(); }

  /// Chance has no say in what is wrong now: no partial loss, no target that answers now and then.
  [[nodiscard]] bool steady() const;

 private:
  bool lost(Line& line, model::Instant now);
  model::Duration round_trip(Line& line, model::Instant now);
  double queue(Line& line, model::Instant now);
  bool limited(std::size_t target, model::Instant now);
  bool bad(TwoStates& chain, model::Duration mean_good, model::Duration mean_bad, model::Instant now);

  const model::Site* site_;
  Chance* chance_;
  std::vector<Line> lines_;
  std::vector<Sight> sights_;
  std::vector<RateLimit> limits_;
  std::vector<Reach> reaches_;
};

}  // namespace linekeeper::sim
