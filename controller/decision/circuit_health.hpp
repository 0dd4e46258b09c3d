#pragma once
// Is this circuit up? The first, plain rule: `fall` consecutive losses over at least two targets in two networks mean down,
// `rise` consecutive answers mean up again, nothing is said before `min_samples`, old evidence is no evidence.
// The link below speaks first: without carrier, address or gateway there is nothing to probe with.
//
//   unknown --(min_samples decided, not silent)--> up        any --(link, address or gateway missing)--> down
//   unknown, up --(silence >= fall, corroborated)--> down    any --(evidence older than stale_after)--> unknown
//   down --(recovery >= rise, corroborated)--> up
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/decision/corroboration.hpp"
#include "controller/decision/probe_window.hpp"
#include "controller/decision/rtt_estimator.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

class CircuitHealth {
 public:
  /// @param site  outlives this
  CircuitHealth(const model::Site& site, model::CircuitId circuit, model::Instant started);

  void on(const model::ProbeSent& sent);
  void on(const model::ProbeReply& reply, model::Instant now);
  void on(const model::ProbeLocalError& error, model::Instant now);
  void on(const model::LinkState& link, model::Instant now);

  /// Judges what is known at `now`. @return whether the health changed (cause and detail may change without).
  bool judge(model::Instant now);
  /// When judging again could change something without a new observation.
  [[nodiscard]] model::Instant next_wakeup() const;

  [[nodiscard]] const model::Verdict& verdict() const { return verdict_; }
  [[nodiscard]] const std::optional<model::LinkState>& link() const { return link_; }
  [[nodiscard]] std::optional<model::Instant> last_good() const { return last_good_; }  ///< when the last answered probe left
  /// Since when at the latest two targets have answered: one alone may answer for a dead circuit (I5).
  [[nodiscard]] std::optional<model::Instant> last_proof() const;
  /// When the fault that made it down may have begun at the latest: the first lost probe, or the link event.
  [[nodiscard]] model::Instant first_bad() const { return first_bad_; }
  [[nodiscard]] model::CircuitStatus status() const;

 private:
  struct Judgement {
    model::Health health;
    model::Cause cause;
    int detail;
  };
  [[nodiscard]] Judgement evaluate(model::Instant now) const;
  [[nodiscard]] std::optional<Judgement> evaluate_link() const;

  const model::Site* site_;
  model::CircuitId circuit_;
  ProbeWindow window_;
  std::vector<RttEstimator> rtt_;  // by TargetId, sized once
  std::vector<std::optional<model::Instant>> last_reply_;
  std::vector<std::optional<model::Instant>> last_good_of_;  // by TargetId: when its last answered probe left
  std::optional<model::LinkState> link_;
  model::Verdict verdict_;
  bool needs_rise_ = false;       // was down since it was last up: only `rise` answers bring it back
  model::Instant last_evidence_;  // the newest decided probe, or the start
  std::optional<model::Instant> last_local_error_;
  int last_local_errno_ = 0;
  std::optional<model::Instant> last_good_;
  model::Instant first_bad_{};
};

}  // namespace linekeeper::decision
