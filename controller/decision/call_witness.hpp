#pragma once
// Do calls by this carrier through this circuit pass? Probes ask whether a carrier answers; only calls tell whether it takes them. A
// sequential test (Page's cumulative sum, Biometrika 41, 1954) over the outcomes of calls: each one held against the carrier adds
// ln(p1 / p0), each one that passed adds ln((1 - p1) / (1 - p0)), never below nothing; at `alarm` the path takes no calls any more.
//
//  - p0 is the share that usually fails by this path, learned, at least 1 %; p1, 60 %. So a path of which a fifth fails for good is
//    left in the end, and one that fails a twentieth as ever is not.
//  - alarm = ln(calls a year / false demotions a year): the mean number of calls between two false alarms of the sum is e^alarm at least.
//    Calls a year as the last hour had them. Never more than five failures in a row take; half of it where OPTIONS look ill too.
//  - Busy, no answer, our own faults and callers who gave up are never held against a carrier; nor is silence or slowness while the circuit
//    below is in doubt, or ourselves (the caller says so: `counts`).
//
// Then it is held out: hold-down as of circuits (hold_down.hpp), whatever OPTIONS say. After it a trial: it may have calls again. The
// first that fails ends the trial, `trial_calls` good ones in a row end the matter. Rejected: a share of the calls for the trial, since a
// PBX's order is a list; and a trial by OPTIONS, which never were the trouble.
//
// A call is slow when it has not rung for three times what 95 of 100 usually take, within the configured limits. Pure.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/decision/hold_down.hpp"
#include "controller/model/call.hpp"

namespace linekeeper::decision {

/// Post-dial delays, by logarithmic steps of a fifth from 25 ms to 30 s: the newest 200 to 400.
class PddHistogram {
 public:
  void add(model::Duration pdd);
  /// @param share  0..1  @return nothing while there is none
  [[nodiscard]] std::optional<model::Duration> quantile(double share) const;
  [[nodiscard]] int count() const { return count_; }

 private:
  static constexpr std::size_t kSteps = 40;
  std::array<std::uint16_t, kSteps> steps_{};
  int count_ = 0;
};

class CallWitness {
 public:
  enum class Change : std::uint8_t { None, Fails, Trial, Well };
  static constexpr int kMostFailures = 5;  ///< in a row, of a path that usually fails little

  explicit CallWitness(const model::Calls& rule);

  /// @param counts       a failure is the carrier's doing: its circuit is not in doubt, nor are we
  /// @param options_ill  OPTIONS by this path are not as they should be either
  Change on(const model::CallOutcome& outcome, bool counts, bool options_ill, model::Instant now);
  /// Time has passed. @return Trial when the hold-down has ended
  Change wake(model::Instant now);
  [[nodiscard]] model::Instant next_wakeup() const { return standing_ == model::CallsStanding::Failing ? held_until_ : model::kNever; }
  /// It is to be held for another hold-down: a call of our own was asked for, in place of a trial by callers.
  void wait_for_own_call(model::Instant now) { held_until_ = now + hold_.present(now); }

  [[nodiscard]] model::CallsStanding standing() const { return standing_; }
  [[nodiscard]] bool fails() const { return standing_ == model::CallsStanding::Failing; }
  /// When the first of the calls was made that showed it.
  [[nodiscard]] model::Instant first_bad() const { return first_bad_; }
  /// A call that was made then or later has passed.
  [[nodiscard]] bool proven_since(model::Instant t) const { return last_good_ && *last_good_ >= t; }
  [[nodiscard]] model::Duration hold_down(model::Instant now) const { return hold_.present(now); }
  [[nodiscard]] model::Duration slow_after() const;
  [[nodiscard]] int last_code() const { return code_; }
  /// "5 of 5 calls failed with 503"
  [[nodiscard]] std::string why() const;
  [[nodiscard]] bool any() const { return attempts_ > 0; }
  [[nodiscard]] model::CallFigures figures() const;

  /// What is to outlive a restart, without spaces: where it stands, its hold-down and what usually fails. Empty: nothing is known yet.
  [[nodiscard]] std::string to_text(model::Instant now) const;
  /// What usually rings when is learned anew. Held longer than the rule allows now, it is tried at its present hold-down.
  /// @param age  since it was written  @return false, and nothing is changed: to_text() writes no such thing
  bool recall(std::string_view text, model::Instant now, model::Duration age);

 private:
  void count(const model::CallOutcome& outcome);
  void learn(bool failed, model::Instant now);
  Change good(const model::CallOutcome& outcome, model::Instant now);
  Change bad(const model::CallOutcome& outcome, bool options_ill, model::Instant now);
  Change hold_out(model::Instant now);
  [[nodiscard]] double step_up() const;
  [[nodiscard]] double step_down() const;
  [[nodiscard]] double alarm(bool options_ill) const;

  const model::Calls* rule_;
  model::CallsStanding standing_ = model::CallsStanding::Unknown;
  model::Instant since_{};
  double score_ = 0, usual_ = 0;
  double calls_in_hour_ = 0;  // fading
  std::optional<model::Instant> last_call_;
  // Since the score last was nothing:
  int seen_ = 0, failed_ = 0, slow_ = 0, unheard_ = 0, code_ = 0;
  model::Instant first_bad_{};
  int good_in_a_row_ = 0;
  std::optional<model::Instant> last_good_;
  HoldDown hold_;
  model::Instant held_until_ = model::kNever;
  // For people, halved together now and then:
  int attempts_ = 0, answered_ = 0, carrier_failed_ = 0;
  PddHistogram pdd_, usual_pdd_;
};

}  // namespace linekeeper::decision
