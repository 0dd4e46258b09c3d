// What must have happened by now: a class led off a dead way, a trunk off a dead carrier, and nothing at all after a mere restart.
#include <fmt/ranges.h>

#include <algorithm>

#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

void Oracle::look(Instant now) {
  now_ = now;
  for (std::size_t p = 0; p < paths_.size(); ++p)
    if (paths_[p].bad_since && !circuits_[p % circuits_.size()].dead_since) paths_[p].last_down = now;
  // While somebody has a hand in it, or nobody is there to act, nothing is owed.
  const bool excused = !daemon_->alive() || daemon_->stopped() || !daemon_->adopted() || daemon_->switch_away > 0 || daemon_->switch_late > 0 ||
                       switch_->trouble > 0 || daemon_->staying() || !daemon_->overrides().empty();
  if (excused) disturbed_ = now;
  check_restart(now);
  if (excused) return;
  check_ways(now);
  for (std::size_t t = 0; t < site_->trunks.size(); ++t) check_trunk(t, now);
}

void Oracle::check_ways(Instant now) {
  const Instant calm = calm_since();
  for (std::size_t i = 0; i < site_->classes.size(); ++i) {
    const auto by = switch_->told(i);
    if (!by) continue;
    const Circuit& c = circuits_[*by];
    if (!c.dead_since || undecidable(*by)) continue;
    Instant other = model::kNever;
    for (const model::CircuitId id : site_->classes[i].circuits)
      if (const Circuit& o = circuits_[id.index()]; o.good_since && !o.dead_since) other = std::min(other, std::max(*o.good_since, o.clear_since));
    if (other == model::kNever) continue;
    const Instant owed = std::max({calm, *c.dead_since, c.clear_since, other});
    if (const Duration most = bound(*by); now - owed > most)
      story_->broken("availability",
                     fmt::format("class {} has been on {}, which is dead, for {:.2f} s since it could have been led away; the bound is {:.2f} s",
                                 site_->classes[i].name, name(*by), model::seconds(now - owed), model::seconds(most)),
                     now);
  }
}

void Oracle::check_trunk(std::size_t t, Instant now) {
  const model::Trunk& trunk = site_->trunks[t];
  if (pbx_->deaf(trunk.pbx)) heard_[t] = now;
  if (heard_[t] == now) return;
  const auto sets = pbx_->standing(t, now);
  if (sets.empty()) return;
  const auto member = [&](int set) {
    return static_cast<std::size_t>(std::ranges::find(trunk.members, set, &model::TrunkMember::dispatcher_set) - trunk.members.begin());
  };
  const std::size_t first = member(sets.front());
  const auto by = circuit_of(trunk, first);
  if (!by) return;
  const Path& p = paths_[trunk.members[first].carrier.index() * circuits_.size() + *by];
  // Only what the carrier did: a dead circuit under it is the class's matter, and has its own bound.
  if (!p.bad_since || circuits_[*by].dead_since || !circuits_[*by].good_since) return;
  Instant other = model::kNever;
  for (std::size_t m = 0; m < trunk.members.size(); ++m) {
    const auto via = circuit_of(trunk, m);
    if (!via || !circuits_[*via].good_since) continue;
    const Path& o = paths_[trunk.members[m].carrier.index() * circuits_.size() + *via];
    if (o.good_since) other = std::min(other, std::max(*o.good_since, *circuits_[*via].good_since));
  }
  if (other == model::kNever) return;
  const Instant owed = std::max({calm_since(), heard_[t], *p.bad_since, *circuits_[*by].good_since, other, moved_[trunk.traffic_class.index()]});
  if (now - owed > 5s)
    story_->broken("availability",
                   fmt::format("trunk {} begins with {} via {}, which takes no calls, {:.2f} s after it could have begun with another", trunk.name,
                               site_->carriers[trunk.members[first].carrier.index()].name, name(*by), model::seconds(now - owed)),
                   now);
}

/// I13: from the crash until the first thing that may rightly happen after it (a hold-down that began anew), nothing is written.
void Oracle::check_restart(Instant now) {
  if (!restart_counts_) return;
  const Duration quiet = std::min(site_->circuit_health.hold_down, site_->carrier_health.hold_down);
  const bool over = edges_at_crash_ != edges_;
  if (over || (daemon_->alive() && ready_ > crash_at_ && now - ready_ >= quiet)) {
    restart_counts_ = false;
    return;
  }
  if (switch_->changes() != changes_at_crash_) {
    restart_counts_ = false;
    story_->broken("I13", "a restart in an unchanged world changed the kernel", now);
  }
  for (std::size_t t = 0; t < orders_at_crash_.size() && restart_counts_; ++t) {
    const auto sets = pbx_->standing(t, now);
    if (sets.empty()) orders_at_crash_[t].clear();  // the lease ran out: that is no unchanged world
    if (orders_at_crash_[t].empty() || sets == orders_at_crash_[t]) continue;
    restart_counts_ = false;
    story_->broken("I13",
                   fmt::format("a restart in an unchanged world changed the order of {} from {} to {}", site_->trunks[t].name,
                               fmt::join(orders_at_crash_[t], " "), fmt::join(sets, " ")),
                   now);
  }
}

}  // namespace linekeeper::sim
