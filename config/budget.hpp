#pragma once
// How long recovery takes at worst, computed from the configuration alone: from the last probe that was answered (t0) over
// verdict, plan and read-back to three end-to-end successes on the new way (t4). The same clock as model::Incident, so that
// what is promised here can be compared with what is measured there.
//
// A black hole, the hardest case: nothing says that the circuit died but the silence. The next probe leaves one interval after
// t0 and is overdue one timeout later; from there the silence must last as long as was learned for this circuit. What was
// learned is not known here, its limits are: `dead_after_max` is promised, `dead_after_min` is what a circuit that never
// falls silent for nothing comes to. A brownout (loss, delay) is not a failure with an RTO: it is left when that is better.
#include <optional>
#include <string>
#include <vector>

#include "controller/model/site.hpp"

namespace linekeeper::config {

struct WorstCase {
  std::string fails;                 ///< "circuit fiber", "any circuit", "carrier north"
  std::string recovers;              ///< "class voice", "trunk outbound"
  model::Duration typical_detect{};  ///< where nothing else is wrong; shown, never promised
  model::Duration detect{}, decide{}, apply{}, verify{};
  model::Duration rto{};
  [[nodiscard]] model::Duration total() const { return detect + decide + apply + verify; }
  [[nodiscard]] bool met() const { return total() <= rto; }
};

inline constexpr double kSipJitter = 0.1;  ///< of OPTIONS intervals (model::Carrier::interval)
[[nodiscard]] model::Duration longest(model::Duration interval, double jitter);

[[nodiscard]] model::Duration interval_in_use(const model::CircuitProbing& probing, const model::Circuit& circuit);
[[nodiscard]] model::Duration interval_on_standby(const model::CircuitProbing& probing, const model::Circuit& circuit);

/// Losses in a row that give two targets in two networks two losses each: nothing less may condemn a circuit (I5,
/// controller/decision/corroboration.hpp). Probes take targets in Site order, round and round, and the fault may begin at any
/// of them. A target that goes on answering although the circuit is dead is not counted in.
/// @return nothing when its targets are all in one network: it could never be called down
[[nodiscard]] std::optional<int> losses_needed(const model::Site& site, const model::Circuit& circuit);

/// The slowest silent failure of one of the class's circuits.
[[nodiscard]] WorstCase circuit_failure(const model::Site& site, model::ClassId traffic_class);
/// The same as the trunk sees it; nothing when its members all follow the class (routing moves them, the PBX does nothing).
[[nodiscard]] std::optional<WorstCase> circuit_failure(const model::Site& site, model::TrunkId trunk);
/// The slowest silent failure of one of the trunk's carriers.
[[nodiscard]] WorstCase carrier_failure(const model::Site& site, model::TrunkId trunk);
/// All of them, classes first.
[[nodiscard]] std::vector<WorstCase> worst_cases(const model::Site& site);

}  // namespace linekeeper::config
