#pragma once
// The guards that stand between what policy would like and what is done. Each is a named function that says whether it holds a
// move back; the name is what status, explain, metrics and --override-guard use. I-numbers: the safety invariants in README.md.
#include <span>

#include "controller/decision/corroboration.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"
#include "controller/model/verdict.hpp"

namespace linekeeper::decision {

/// A circuit as policy sees it.
struct CircuitView {
  model::Health health = model::Health::Unknown;
  model::Cause cause = model::Cause::NoEvidence;
  model::Instant since{};                    ///< of health
  std::optional<model::Instant> last_good;   ///< when the last answered probe left
  std::optional<model::Instant> last_proof;  ///< the same of the second target: what one target alone cannot claim
  model::Instant first_bad{};                ///< when what took it down began
  bool suspect = false;                      ///< silent for longer than it usually is, not yet for long enough to be down
  model::Figures figures{};
  bool proven_well = true;                                  ///< its recovery test has passed since it was last bad
  model::Duration hold_down{};                              ///< how long it must be up before anything goes back to it, now
  model::Duration rtt_expected{};                           ///< how long an answer takes
  model::Duration interval{};                               ///< between two of its probes
  model::Duration evidence_lasts = model::Duration::max();  ///< what it answered longer ago counts for nothing (I6)
  bool carrier_dead = false;  ///< it lives, and is down for one carrier's traffic alone, because that is dead by it (carrier_ways.hpp)
  bool data_lost = false;     ///< several checks agree that data does not arrive by it; only ever set for a class that carries no calls
  [[nodiscard]] bool usable() const { return health == model::Health::Up || health == model::Health::Degraded; }
  /// The kernel says so: no link, no address, no gateway. It tells the moment exactly, and needs no clock of ours.
  [[nodiscard]] bool by_link() const {
    return cause == model::Cause::LinkDown || cause == model::Cause::NoAddress || cause == model::Cause::NoGateway;
  }
  /// A detector of loss or delay has alarmed.
  [[nodiscard]] bool brown() const {
    return health == model::Health::Degraded && (cause == model::Cause::Lossy || cause == model::Cause::Bursty || cause == model::Cause::Delayed);
  }
};

/// I1: `next` would take a way from a class that has one, or shrink a trunk's order.
[[nodiscard]] bool last_path_holds(const model::Site& site, const model::Plan& standing, const model::Plan& next);

/// I2: none of these is usable and answering, so what stands stays: moving between dead ways helps nobody, and when all are silent at
/// once it is most likely ourselves.
[[nodiscard]] bool all_bad_holds(std::span<const CircuitView> candidates);

/// I4: the better way has not been up for `hold_down` yet, or has not passed its recovery test.
[[nodiscard]] bool hold_down_holds(const CircuitView& better, model::Duration hold_down, model::Instant now);

/// I5: fewer than two targets in two networks stand behind this run.
[[nodiscard]] bool corroboration_holds(const Run& run);

/// I6: `other` may not receive what leaves `dead`, because nothing proves that it outlived it (everything may be failing at once).
///
/// Two things are asked of the newest answered probe of `other`, which must have gone to two targets (I5). It left at least `margin`
/// after the fault of `dead` began. And it left lately: within the later half of the time that `dead` has been dead, or within an answer's
/// time and three probes, and in no case before evidence is stale; for on a lossy circuit a chance loss just before everything dies makes the fault
/// seem to have begun before it did, and then an answer from in between proves nothing.
///
/// A link that goes down tells its moment exactly: then an answer no older than `margin`, or than an answer's time and two probes, before
/// it is enough, of any target; unless `other` is suspect itself.
[[nodiscard]] bool freshness_holds(const CircuitView& dead, const CircuitView& other, model::Duration margin, model::Instant now);

/// I6: nothing goes to `way` of which nothing was heard lately: no answer to a probe that left within an answer's time and four probes, nor
/// within the time that evidence lasts. Its verdict does not tell that: over a stall of our own, and while nothing can be sent, it stays.
[[nodiscard]] bool quiet_holds(const CircuitView& way, model::Instant now);

/// How much better another way is than the one that stands.
struct Gain {
  std::optional<double> r;  ///< points of the R factor; nothing without a codec, or where one of the two has no figure
  double loss = 0;          ///< ratio that is lost less there
  bool late = false;        ///< the one that stands is beyond its limit of round trip
};
/// Of the one that stands counts the loss that there still is: what has ended is no gain to whoever leaves now.
[[nodiscard]] Gain gain_of(const model::Figures& here, const model::Figures& there, const model::QualityLimits& limits, model::Codec codec);

/// A quality move is not worth its cost: the other is less than 10 points of R better, and the one that stands neither is late nor loses
/// at least 5 in a hundred more.
[[nodiscard]] bool quality_gain_holds(const Gain& gain);

/// I3: the next move of that kind may not be made before `allowed` (MoveBudget).
[[nodiscard]] bool move_budget_holds(model::Instant allowed, model::Instant now);

/// Going back waits for its time, its window or a person, as configured.
/// @param since      when the preferred one became well
/// @param open       the daily window is open (local time is the shell's affair: no clock in here)
/// @param permitted  a person said: now; that opens every mode
[[nodiscard]] bool failback_mode_holds(const model::Failback& failback, model::Instant since, bool open, bool permitted, model::Instant now);

/// I7: we doubt ourselves (our loop stood still, our sends fail), so only what the kernel itself says of `standing` moves anything.
[[nodiscard]] bool self_doubt_holds(bool doubt, const CircuitView& standing);

/// I24: a person may not force what carries emergency calls onto a way that is not up.
[[nodiscard]] bool emergency_holds(bool emergency, model::Health forced_onto);

}  // namespace linekeeper::decision
