#pragma once
// The guards that stand between what policy would like and what is done. Each is a named function that says whether it holds a
// move back; the name is what status, explain, metrics and --override-guard use. I-numbers: the safety invariants in README.md.
#include <span>

#include "controller/decision/corroboration.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"
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
  [[nodiscard]] bool usable() const { return health == model::Health::Up || health == model::Health::Degraded; }
};

/// I1: `next` would take a way from a class that has one, or shrink a trunk's order.
[[nodiscard]] bool last_path_holds(const model::Site& site, const model::Plan& standing, const model::Plan& next);

/// I2: none of these is usable, so what stands stays: moving between dead ways helps nobody.
[[nodiscard]] bool all_bad_holds(std::span<const CircuitView> candidates);

/// I4: the better way has not been up for `hold_down` yet.
[[nodiscard]] bool hold_down_holds(const CircuitView& better, model::Duration hold_down, model::Instant now);

/// I5: fewer than two targets in two networks stand behind this run.
[[nodiscard]] bool corroboration_holds(const Run& run);

/// I6: `other` may not receive what leaves `dead`, because nothing proves that it outlived it: the newest answered probe of
/// `other` must have left at least `margin` after the fault of `dead` began (everything may be failing at once), to two targets (I5).
/// A link that goes down tells its moment exactly; then an answer no older than `margin` before it is enough.
[[nodiscard]] bool freshness_holds(const CircuitView& dead, const CircuitView& other, model::Duration margin);

}  // namespace linekeeper::decision
