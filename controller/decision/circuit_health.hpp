#pragma once
// Is this circuit alive, and is it any good? Three answers, each by its own means:
//
//   silence    An answer is overdue. At once the circuit is probed in quick succession, for a lost packet and a dead line look alike for a
//              moment only. Silent for longer than it usually is: *suspect*, new calls go elsewhere. Silent for longer than a living circuit
//              is so often a year as configured: *down*, everything goes. What is usual is learned from its own silences.
//   brownout   Part of the probes is lost, in bursts or not, or the shortest round trip has grown: *degraded*. Sequential tests
//              (loss_detector, delay_detector), because a window is either slow or nervous.
//   recovery   `rise` answers bring it back up; Wald's test (recovery_test) says when it may be trusted with what it lost.
//
// The link below speaks first: without carrier, address or gateway there is nothing to probe with. No single target has a say
// (corroboration, target_standing). Our own troubles (a loop that stood still, probes that could not be sent) are no evidence.
//
// One that has not been up since we began, and was not measured a moment before, has longer: neighbour discovery repeats itself after
// seconds (RFC 4861 10, ARP alike), and a line that is new is not dead for it.
//
//   unknown --(min_samples decided, not silent)--> up        any --(link, address or gateway missing)--> down
//   unknown, up, degraded --(silent, corroborated)--> down   any --(evidence older than stale_after)--> unknown
//   down --(recovery >= rise, corroborated)--> up            up <--(a detector alarms; recovery test passed)--> degraded
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/decision/corroboration.hpp"
#include "controller/decision/delay_detector.hpp"
#include "controller/decision/loss_detector.hpp"
#include "controller/decision/probe_window.hpp"
#include "controller/decision/recovery_test.hpp"
#include "controller/decision/rtt_estimator.hpp"
#include "controller/decision/silence_learner.hpp"
#include "controller/decision/target_standing.hpp"
#include "controller/decision/verify_budget.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

/// What the circuit is wanted for; it decides how often it is probed.
struct CircuitRole {
  bool in_use = false;   ///< traffic goes by it
  bool confirm = false;  ///< one in use is silent just now: whether this one lives is wanted quickly
  friend bool operator==(const CircuitRole&, const CircuitRole&) = default;
};

class CircuitHealth {
 public:
  /// @param site  outlives this
  CircuitHealth(const model::Site& site, model::CircuitId circuit, model::Instant started);
  CircuitHealth(CircuitHealth&&) = default;

  void on(const model::ProbeSent& sent);
  void on(const model::ProbeReply& reply, model::Instant now);
  void on(const model::ProbeLocalError& error, model::Instant now);
  void on(const model::LinkState& link, model::Instant now);
  void on(const model::LoopStall& stall);
  /// @return whether it is another one than before: then it is to be judged again
  bool set_role(CircuitRole role, model::Instant now);

  struct Change {
    bool health = false;  ///< cause and detail may change without
    bool suspect = false;
    bool silent = false;
    bool plan = false;  ///< how it is to be probed
  };
  /// Judges what is known at `now`.
  Change judge(model::Instant now);
  /// When judging again could change something without a new observation.
  [[nodiscard]] model::Instant next_wakeup() const;
  /// A target was set aside or has returned; to be asked after judge() until there is none.
  std::optional<TargetStanding::Change> next_standing();

  [[nodiscard]] const model::Verdict& verdict() const { return verdict_; }
  [[nodiscard]] bool suspect() const { return suspect_; }
  /// An answer is overdue: probing has been accelerated, or would be.
  [[nodiscard]] bool silent() const { return silent_since_.has_value(); }
  [[nodiscard]] const model::ProbePlan& plan() const { return plan_; }
  [[nodiscard]] const std::optional<model::LinkState>& link() const { return link_; }
  [[nodiscard]] std::optional<model::Instant> last_good() const { return last_good_; }  ///< when the last answered probe left
  /// Since when at the latest two targets have answered: one alone may answer for a dead circuit (I5).
  [[nodiscard]] std::optional<model::Instant> last_proof() const;
  /// When the fault that made it down, or makes it suspect, may have begun at the latest: the first unanswered probe, or the link event.
  [[nodiscard]] model::Instant first_bad() const { return suspect_ ? silence_.first : first_bad_; }
  /// The recovery test has passed since it was last bad.
  [[nodiscard]] bool proven_well() const { return !was_bad_ || recovery_.passed(); }
  /// How long it is at the most from one probe to the next, to whichever target: what is newer than a few of these is fresh.
  [[nodiscard]] model::Duration pace() const;
  /// How long an answer takes at the most.
  [[nodiscard]] model::Duration rtt_expected() const;
  /// Evidence older than this is none (I6).
  [[nodiscard]] model::Duration stale_after() const;
  [[nodiscard]] model::CircuitStatus status(model::Instant now) const;
  [[nodiscard]] model::Figures figures(model::Instant now) const;
  /// That part of status() which costs no look at the probes.
  [[nodiscard]] model::Detectors detectors(model::Instant now) const;
  [[nodiscard]] TargetMask counted() const { return standing_.counted(); }  ///< targets whose word counts

  /// What it has learned, one line, to be kept over a restart; and back, `age` later by the wall clock. @return false: not understood.
  [[nodiscard]] std::string memory() const;
  bool recall(std::string_view text, model::Duration age);

  static constexpr int kSilentProbes = 5;  ///< unanswered and overdue, before silence means anything

 private:
  struct Judgement {
    model::Health health;
    model::Cause cause;
    int detail;
  };
  struct Silence {
    int probes = 0;  ///< unanswered, of the corroborated silence that began first; 0: none is corroborated
    model::Instant first{}, overdue{};
  };
  [[nodiscard]] Judgement evaluate(model::Instant now) const;
  [[nodiscard]] std::optional<Judgement> evaluate_link() const;
  [[nodiscard]] Judgement evaluate_recovery(model::Instant now) const;
  [[nodiscard]] bool silent_for(model::Duration long_enough, model::Instant now) const;
  void settle(model::Instant now);
  void take(const ProbeRecord& probe);
  void measure_silence(model::Instant now);
  void judge_brownout(model::Instant now);
  void make_plan(model::Instant now);
  [[nodiscard]] model::Duration interval() const;
  [[nodiscard]] model::Duration suspect_after() const;
  [[nodiscard]] model::Duration dead_after() const;
  /// Until when what is known counts. After a change of role the new pace has its own time to bring evidence, and no more than the old
  /// pace had left.
  [[nodiscard]] model::Instant fresh_until() const {
    return std::max(last_evidence_ + stale_after(), std::min(role_since_ + stale_after(), fresh_before_));
  }
  [[nodiscard]] bool stale(model::Instant now) const { return now > fresh_until(); }
  [[nodiscard]] std::size_t position(model::TargetId target) const;
  [[nodiscard]] TargetMask quick_targets(model::Instant now) const;
  [[nodiscard]] model::Figures losses_of(TargetMask among, std::size_t most) const;
  void forget_line();

  const model::Site* site_;
  model::CircuitId circuit_;
  const model::Circuit* settings_;
  std::vector<std::uint8_t> network_;  // by position, as all below
  ProbeWindow window_;
  std::vector<RttEstimator> rtt_;
  std::vector<std::optional<model::Instant>> last_reply_, last_good_of_;  // when it came; when the answered probe left
  std::vector<VerifyBudget> budget_;
  TargetStanding standing_;
  SilenceLearner learner_;
  LossDetector loss_;
  DelayDetector delay_;
  RecoveryTest recovery_;

  std::optional<model::LinkState> link_;
  CircuitRole role_;
  model::Instant role_since_, fresh_before_;  // fresh_until() as it was by the role before
  model::Verdict verdict_;
  bool familiar_ = false;                                 // it has been up, or was measured until a moment before we began
  model::Instant familiar_from_ = model::Instant::min();  // what was sent earlier, and is not answered yet, may wait for a neighbour still
  [[nodiscard]] bool familiar_before(model::Instant sent) const { return familiar_ && sent >= familiar_from_; }
  bool needs_rise_ = false;  // was down since it was last up: only `rise` answers bring it back
  bool was_bad_ = false;     // down or degraded, and not proven well since
  bool suspect_ = false;
  std::optional<model::Cause> impaired_;
  Silence silence_;
  std::optional<model::Instant> silent_since_;  // an answer is overdue since; quick probes tell whether that means anything
  model::ProbePlan plan_;
  model::Instant last_evidence_;  // the newest decided probe, or the start
  model::Instant judged_at_{}, last_settled_{};
  std::optional<model::Instant> last_local_error_;
  int last_local_errno_ = 0, local_errors_ = 0;  // since the last answer
  std::optional<model::Instant> last_good_;
  model::Instant first_bad_{}, figures_from_{};
};

}  // namespace linekeeper::decision
