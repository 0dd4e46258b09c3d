#pragma once
// Does this carrier take calls through this circuit? A path is down
//
//  - by answers: `fall` OPTIONS of the usual pace in a row ended badly: unanswered, refused, or answered with a code that
//    means "no calls"; `rise` good ones in a row mean up again;
//  - by silence: no response of any kind, to anything, for `dead_after` since the first unanswered OPTIONS was sent, and `fall`
//    of them unanswered for a second or more each. Where the carrier's own pace would have found it sooner, that counts.
//
//  - by its own word: 480, 500 or 503 with Retry-After (RFC 3261 21.5.4) means down at once and for so long, within the carrier's
//    `retry_after_max`; a good answer ends it sooner.
//
// Any response is life: it ends the silence, whichever OPTIONS it is for and however late it comes. An error of our own sending
// counts as nothing, and so does what was on its way while our own loop stood still (I7) or while the circuit below was
// in doubt: what a lossy circuit swallows is not the carrier's silence, unless that circuit carried another carrier's answer
// in the same time. A path over a dead circuit is down because of the circuit: the carrier is not blamed, and the path
// starts from "unknown" when the circuit is back.
//
// Answers to OPTIONS that were out together are one answer: a carrier that wakes up answers all that it was sent.
//
// `trust` is what the trunk order uses: a path loses it when the carrier failed, and gets it back after `hold_down` of being up,
// so that a flapping carrier costs one change (I4). Unknown evidence changes no trust (I6).
#include <algorithm>
#include <optional>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

/// How the circuit below a path is.
struct Below {
  model::Health health = model::Health::Unknown;
  bool doubtful = false;                          ///< suspect, or losing: it may have swallowed question or answer
  std::optional<model::Instant> others_answered;  ///< when any other carrier last answered through it (PathHealth::last_heard)
};

class PathHealth {
 public:
  /// @param site  outlives this
  PathHealth(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit, model::Instant started);

  void on(const model::SipOutcome& outcome, model::Instant now);
  void on(const model::SipOverdue& overdue, model::Instant now);
  void on(const model::SipProvisional& provisional, model::Instant now);
  /// Our loop stood still: the silence of what was open then is void.
  void stalled(const model::LoopStall& stall);

  struct Change {
    bool health = false;
    bool trust = false;
  };
  /// Judges what is known at `now`. To be called also when the circuit becomes doubtful and when it no longer is. @return what changed.
  Change judge(const Below& below, model::Instant now);
  Change judge(model::Health circuit, model::Instant now) { return judge(Below{.health = circuit}, now); }
  [[nodiscard]] model::Instant next_wakeup() const;

  /// Found behind another at start: something was held against it, so it must be up for its hold-down first.
  void distrust() { trusted_ = false; }

  [[nodiscard]] const model::Verdict& verdict() const { return verdict_; }
  [[nodiscard]] model::SipFault fault() const { return fault_; }
  [[nodiscard]] int last_code() const { return last_code_; }
  [[nodiscard]] bool trusted() const { return trusted_; }
  /// Until when nothing comes back to this path, although nothing may be held against the carrier: OPTIONS of the usual pace, `fall` or
  /// more in a row, were lost while its circuit was to blame or down. Whose fault that was cannot be told, so the hold-down counts from them.
  [[nodiscard]] model::Instant doubted_until() const { return doubted_until_; }
  [[nodiscard]] bool last_was_bad() const { return bad_answers_ > 0 || !lost_.empty(); }
  /// An OPTIONS has had no response of any kind in time, and nothing has been heard since: a suspicion, fit to lead new calls
  /// elsewhere and for nothing else.
  [[nodiscard]] bool overdue() const { return !lost_.empty(); }
  /// Down, and by the carrier's own doing.
  [[nodiscard]] bool down_by_carrier() const { return verdict_.health == model::Health::Down && verdict_.cause != model::Cause::CircuitDown; }
  [[nodiscard]] std::optional<model::Instant> last_good() const { return last_good_; }
  /// It answers with a warning (403): when the first of them was asked for, and when it came. Nothing: its last good answer was none.
  struct Warning {
    model::Instant sent{}, heard{};
  };
  [[nodiscard]] const std::optional<Warning>& warning() const { return warning_; }
  /// An OPTIONS that was sent then or later has had a good answer.
  [[nodiscard]] bool proven_since(model::Instant t) const { return last_good_ && *last_good_ >= t; }
  /// When the last response of any kind came.
  [[nodiscard]] std::optional<model::Instant> last_heard() const { return heard_at_; }
  /// Unanswered since something was last heard.
  [[nodiscard]] int silent_options() const { return unanswered(); }
  /// It is one of so many that are asked in turn: each of them that much more seldom.
  void asked_in_turn(int of) { in_turn_ = std::max(1, of); }
  [[nodiscard]] model::Instant first_bad() const { return first_bad_; }
  [[nodiscard]] model::PathStatus status() const;

 private:
  /// An OPTIONS that nothing has answered.
  struct Lost {
    std::uint64_t sequence = 0;
    model::Instant sent{};
    std::optional<model::Instant> ended;  // given up, or refused; nothing: overdue and still waiting
    bool usual = true;                    // of the usual pace
  };

  void good(const model::SipOutcome& outcome, model::Instant now);
  void bad(const model::SipOutcome& outcome, model::Instant now);
  void lost(const model::SipOutcome& outcome, model::Instant now);
  bool refuses_for_a_time(const model::SipOutcome& outcome, model::Instant now);
  void remember(const Lost& lost);
  void heard(model::Instant sent, model::Instant now);
  void note_first_bad(model::Instant sent);
  void void_silence(model::Instant asked_before);
  void forget();
  [[nodiscard]] int ended_badly() const;
  [[nodiscard]] int unanswered() const { return static_cast<int>(lost_.size()) + folded_; }
  [[nodiscard]] model::Instant silent_since() const;
  [[nodiscard]] model::Duration dead_after() const;
  [[nodiscard]] model::Instant dead_at() const;
  [[nodiscard]] bool carrier_failed(model::Instant now) const;
  [[nodiscard]] model::Verdict evaluate(const Below& below, model::Instant now) const;
  [[nodiscard]] model::Duration stale_after() const;

  const model::Site* site_;
  model::CarrierId carrier_;
  model::CircuitId circuit_;
  int in_turn_ = 1;
  model::Verdict verdict_;
  bool needs_rise_ = false;
  bool trusted_ = true;  // nothing is held against a carrier that was never seen failing
  int bad_answers_ = 0, good_in_a_row_ = 0, samples_ = 0;
  std::vector<Lost> lost_;                                                           // by time of sending; since something was last heard
  int folded_ = 0, folded_usual_ = 0;                                                // of them, no longer kept one by one
  model::Instant heard_sent_ = model::Instant::min();                                // of the newest OPTIONS that was answered in any way
  model::Instant void_before_ = model::Instant::min();                               // the silence of what was sent earlier says nothing
  model::Instant good_at_ = model::Instant::min(), bad_at_ = model::Instant::min();  // when the last answers came that were counted
  int usual_lost_ = 0;                                                               // of the usual pace, in a row, whoever was to blame
  model::Instant doubted_until_ = model::Instant::min();
  bool blamed_on_circuit_ = false;
  model::Cause bad_cause_ = model::Cause::SipTimeout;
  int bad_detail_ = 0;
  std::optional<Warning> warning_;                        // the last good answer was one that wants attention (403)
  model::Instant refused_until_ = model::Instant::min();  // its own word (Retry-After), unless a good answer comes before
  int last_code_ = 0;
  model::SipFault fault_ = model::SipFault::None;  // for words alone: nothing is decided by it, nor by the next
  std::optional<model::WallTime> certificate_ends_;
  std::optional<model::Duration> rtt_;
  std::optional<model::Instant> last_good_, last_evidence_, heard_at_;
  model::Instant first_bad_{};
};

}  // namespace linekeeper::decision
