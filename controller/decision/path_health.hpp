#pragma once
// Does this carrier take calls through this circuit? `fall` consecutive bad OPTIONS mean down, `rise` good ones mean up again.
// What counts as bad is the reply's class; an error of our own sending counts as nothing; a late answer takes its timeout back.
// A path over a dead circuit is down because of the circuit: the carrier is not blamed, and the path starts from
// "unknown" when the circuit is back.
//
// `trust` is what the trunk order uses: a path loses it when the carrier failed, and gets it back after `hold_down` of being up,
// so that a flapping carrier costs one change (I4). Unknown evidence changes no trust (I6).
#include <optional>

#include "controller/model/site.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

class PathHealth {
 public:
  /// @param site  outlives this
  PathHealth(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit, model::Instant started);

  /// @return true when the carrier's final code is another than last time (an alarm of its own).
  bool on(const model::SipOutcome& outcome, model::Instant now);
  struct Change {
    bool health = false;
    bool trust = false;
  };
  /// Judges what is known at `now`; `circuit` is the health of the circuit below. @return what changed.
  Change judge(model::Health circuit, model::Instant now);
  [[nodiscard]] model::Instant next_wakeup() const;

  /// Found behind another at start: something was held against it, so it must be up for its hold-down first.
  void distrust() { trusted_ = false; }

  [[nodiscard]] const model::Verdict& verdict() const { return verdict_; }
  [[nodiscard]] int last_code() const { return last_code_; }
  [[nodiscard]] bool trusted() const { return trusted_; }
  [[nodiscard]] bool last_was_bad() const { return bad_in_a_row_ > 0; }
  /// Down, and by the carrier's own doing.
  [[nodiscard]] bool down_by_carrier() const { return verdict_.health == model::Health::Down && verdict_.cause != model::Cause::CircuitDown; }
  [[nodiscard]] std::optional<model::Instant> last_good() const { return last_good_; }
  [[nodiscard]] model::Instant first_bad() const { return first_bad_; }
  [[nodiscard]] model::PathStatus status() const;

 private:
  void good(const model::SipOutcome& outcome);
  void bad(const model::SipOutcome& outcome, model::Cause cause, int detail);
  [[nodiscard]] model::Verdict evaluate(model::Health circuit, model::Instant now) const;
  [[nodiscard]] model::Duration stale_after() const;

  const model::Site* site_;
  model::CarrierId carrier_;
  model::CircuitId circuit_;
  model::Verdict verdict_;
  bool needs_rise_ = false;
  bool trusted_ = true;  // nothing is held against a carrier that was never seen failing
  int bad_in_a_row_ = 0, good_in_a_row_ = 0, samples_ = 0;
  model::Cause bad_cause_ = model::Cause::SipTimeout;
  int bad_detail_ = 0;
  bool degraded_ = false;  // the last good answer was one that wants attention (403)
  int last_code_ = 0;
  std::optional<model::Duration> rtt_;
  std::optional<model::Instant> last_good_, last_outcome_;
  model::Instant first_bad_{};
};

}  // namespace linekeeper::decision
