// A carrier that is steered apart (model::Apart): whether its class left a living circuit rightly, and whether it did so in time.
#include <algorithm>

#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;
using model::Motive;

namespace {

Duration longer(Duration interval) { return interval * 11 / 10; }

}  // namespace

/// Nothing is known to be the matter with the class's carrier by this circuit; of a class of many, always.
bool Oracle::reached_well(const model::TrafficClass& traffic, std::size_t circuit) const {
  if (!traffic.apart) return true;
  const PathTruth& p = truth_.path(traffic.apart->carrier.index(), circuit);
  return p.good_since && !p.troubled;
}

void Oracle::check_part_move(const model::Plan& plan, std::size_t i, std::size_t from, std::size_t to, bool circuit_dead, Instant now) {
  const model::TrafficClass& part = site_->classes[i];
  const std::size_t k = part.apart->carrier.index();
  const model::Carrier& carrier = site_->carriers[k];
  const PathTruth &left = truth_.path(k, from), &taken = truth_.path(k, to);
  const Motive motive = plan.classes[i].motive;
  const auto broken = [&](std::string_view invariant, std::string_view why) {
    story_->broken(std::string(invariant), fmt::format("class {} moved from {} to {}, {}", part.name, name(from), name(to), why), now);
  };
  if (motive == Motive::Failback && taken.last_down > ready_ && now - taken.last_down < site_->carrier_health.hold_down)
    broken("I4", fmt::format("where {} failed {:.1f} s ago; its hold-down is {:.0f} s", carrier.name, model::seconds(now - taken.last_down),
                             model::seconds(site_->carrier_health.hold_down)));
  // Asked each interval, an answer is overdue after a second; nothing is asked while the daemon stands still.
  const Duration known_after = 2 * longer(carrier.interval) + carrier.deadline + 1s;
  const bool stood_still = resumed_ != Instant{} && now - resumed_ < known_after;
  if (motive != Motive::Escape || circuit_dead) return;
  if (taken.bad_since && !stood_still && now - *taken.bad_since > known_after)
    broken("I2", fmt::format("where {} has taken no calls for {:.1f} s", carrier.name, model::seconds(now - *taken.bad_since)));
  const CircuitTruth& c = truth_.circuit(from);
  const bool clean = truth_.clean_by_nature(from) && !c.ever_shaky && !c.dead_since && now - std::max(c.alive_since, c.touched) > 60s && !stood_still;
  // It is called dead until it has answered often enough again.
  const Duration remembered = (site_->carrier_health.rise + 3) * longer(carrier.interval) + carrier.deadline + 5s;
  if (clean && !left.troubled && now - left.last_bad > remembered)
    broken("apart", fmt::format("by which {} has answered for {:.0f} s", carrier.name, model::seconds(now - left.last_bad)));
}

/// Its carrier is dead by the circuit that it goes by, and well by another.
void Oracle::check_part_way(std::size_t i, Instant now) {
  const model::TrafficClass& part = site_->classes[i];
  const auto by = switch_->told(i);
  if (!part.apart || !by || *by >= site_->circuits.size() || !may_escape(classes_[i], now) || daemon_->escape_refused(i, now)) return;
  const std::size_t k = part.apart->carrier.index();
  const PathTruth& p = truth_.path(k, *by);
  const CircuitTruth& c = truth_.circuit(*by);
  if (!p.bad_since || c.troubles > 0 || !c.good_since || !truth_.clean_by_nature(*by)) return;
  // The other way is asked when this one is first suspected, or in its turn where it may not be asked sooner.
  const Duration most = std::max(carrier_bound(k, *by), 2 * longer(site_->carriers[k].interval) + 5s);
  if (now - *p.bad_since < most) return;
  for (const model::CircuitId id : part.circuits) {
    const CircuitTruth& o = truth_.circuit(id.index());
    const PathTruth& q = truth_.path(k, id.index());
    if (id.index() == *by || !o.good_since || o.troubles > 0 || !truth_.clean_by_nature(id.index()) || !reached_well(part, id.index())) continue;
    const Instant owed =
        std::max({calm_since(), *p.bad_since, *c.good_since, c.touched, c.clear_since, *o.good_since, o.touched, *q.good_since, classes_[i].moved});
    if (now - owed > most)
      return story_->broken(
          "availability",
          fmt::format("class {} goes by {}, where {} takes no calls, {:.2f} s after it could have gone by {}; the bound is {:.2f} s", part.name,
                      name(*by), site_->carriers[k].name, model::seconds(now - owed), name(id.index()), model::seconds(most)),
          now);
  }
}

}  // namespace linekeeper::sim
