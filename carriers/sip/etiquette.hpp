#pragma once
// How often a carrier may be asked. Carriers ban those who ask more than once in 10 to 15 seconds, so one place decides
// when the next OPTIONS of a path may start, and nothing - suspicion, a new socket, a restart of the client - goes below
// the carrier's floor, counted from start to start. (Retransmissions belong to the OPTIONS they repeat.)
#include <optional>

#include "controller/model/time.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::sip {

class Etiquette {
 public:
  /// @param interval usual gap, jittered by 20 % and never below the floor
  Etiquette(model::Duration interval, model::Duration floor, runtime::SeededRandom random);

  /// When the next OPTIONS starts; kNever until begin().
  [[nodiscard]] model::Instant next() const { return next_; }
  /// No OPTIONS may start before this; Instant::min() when none has been sent.
  [[nodiscard]] model::Instant floor_until() const;

  void begin(model::Instant now, model::Duration first_after);
  /// Its first packet has left. `now` is at or after next().
  void started(model::Instant now);
  /// It ended badly (silence, refusal, a code that costs service): the next one comes as soon as the floor allows, and a
  /// little later so that the paths of a carrier do not fall into step.
  void suspected(model::Instant now);
  /// Nothing could be sent: try again after a second, then two, four..., up to the interval.
  void not_sent(model::Instant now);
  /// The way has changed (new address, new interface): ask soon.
  void changed(model::Instant now);

 private:
  void bring_forward(model::Instant now, model::Duration spread);

  model::Duration interval_, floor_, retry_;
  runtime::SeededRandom random_;
  std::optional<model::Instant> last_;
  model::Instant next_ = model::kNever;
};

}  // namespace linekeeper::sip
