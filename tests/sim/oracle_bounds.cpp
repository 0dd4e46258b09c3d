// What must have happened by now: a class led off a dead way or a bad one, and home again when all is well; a trunk off a dead carrier; and
// nothing at all after a mere restart.
#include <fmt/ranges.h>

#include <algorithm>

#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

constexpr Duration kInTime = 80ms;
constexpr Duration kAct = 350ms;          // plan to kernel, when nothing is the matter with the switch; and a tenth of a second to look again
constexpr Duration kSoonest = 800ms;      // no bound is shorter
constexpr Duration kQuickProofs = 300ms;  // two targets twice, each 50 ms at the closest
constexpr Duration kBrownout = 60s;
constexpr int kRecoveryProbes = 230;  // of a clean line, until its recovery is proven: 34 s at 200 ms, and a third more
constexpr Duration kHome = 15s;

Duration longer(Duration interval) { return interval * 11 / 10; }

}  // namespace

/// How long `dead` may be stayed on while `other` lives, from when both are so. By what the judge says of itself: after how much silence
/// it calls a circuit dead, how long it waits for an answer, how often it probes. Quick probes are counted on only where every target
/// is well and has a budget left.
Duration Oracle::bound(std::size_t dead, std::size_t other, Instant now) const {
  const Published there = published(other, now), here_now = published(dead, now), then = at_death_[dead];
  const int targets = static_cast<int>(site_->targets.size()), odd = std::max({truth_.odd(dead), here_now.aside, then.aside});
  const int odd_there = std::max(truth_.odd(other), there.aside);
  if (!world_->line(dead).linked()) return (2 + odd_there) * longer(there.interval) + there.timeout + kInTime + kAct;
  const Duration timeout = std::max(here_now.timeout, then.timeout),
                 gap = longer(std::max({here_now.interval, then.interval, site_->probing.interval}));
  const bool quick = site_->probing.accelerate && then.quick && odd == 0 && !truth_.circuit(dead).ever_shaky;
  const bool quick_there = site_->probing.accelerate && there.quick && odd_there == 0 && !truth_.circuit(other).ever_shaky;
  const Duration enough = quick ? kQuickProofs : (std::max(5, 2 * targets) + (1 + odd) * targets) * gap;
  const Duration proof =
      quick_there ? kQuickProofs + there.timeout : site_->probing.interval + (2 + 2 * odd_there) * longer(there.interval) + there.timeout;
  const Duration dead_after = std::max(here_now.dead_after, then.dead_after);
  return (1 + 3 * odd) * gap + timeout + std::max({dead_after, enough, proof}) + kAct;
}

void Oracle::look(Instant now) {
  for (std::size_t c = 0; c < site_->circuits.size() && daemon_->alive(); ++c)
    paces_[c].interval = daemon_->judge().probe_plan(model::id_at<model::CircuitId>(c)).interval;
  // While somebody has a hand in it, or nobody is there to act, nothing is owed.
  const bool a_person_steers =
      std::ranges::any_of(daemon_->overrides(), [](const model::Override& o) { return o.kind != model::OverrideKind::Failback; });
  for (std::size_t t = 0; t < site_->trunks.size(); ++t)
    if (may_return(site_->trunks[t].failback, site_->trunks[t].name, now)) let_back_[t] = now;
  const bool excused = !daemon_->alive() || daemon_->stopped() || !daemon_->adopted() || daemon_->switch_away > 0 || daemon_->switch_late > 0 ||
                       daemon_->switch_behind(now) || switch_->trouble > 0 || a_person_steers || now - resumed_ < 1s;
  if (excused) disturbed_ = now;
  for (std::size_t c = 0; c < site_->circuits.size(); ++c)
    if (!world_->line(c).serves()) unserved_[c] = now;
  check_restart(now);
  if (excused) return;
  check_answers(now);
  check_ways(now);
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    check_brownout(i, now);
    check_part_way(i, now);
  }
  check_home(now);
  for (std::size_t t = 0; t < site_->trunks.size(); ++t) check_trunk(t, now);
}

void Oracle::check_ways(Instant now) {
  const Instant calm = calm_since();
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    Class& k = classes_[i];
    const auto by = switch_->told(i);
    if (!by || *by >= site_->circuits.size() || !truth_.circuit(*by).dead_since || now - *truth_.circuit(*by).dead_since < kSoonest) continue;
    if (k.checked_until && now < *k.checked_until) continue;
    const CircuitTruth& c = truth_.circuit(*by);
    if (truth_.undecidable(*by) || outvoted(*by) || !may_escape(k, now) || daemon_->escape_refused(i, now)) continue;
    Instant due = model::kNever;
    Duration most{};
    std::size_t by_way_of = 0;
    for (const model::CircuitId id : site_->classes[i].circuits) {
      const CircuitTruth& o = truth_.circuit(id.index());
      if (!o.good_since || o.dead_since || truth_.undecidable(id.index()) || !reached_well(site_->classes[i], id.index())) continue;
      const Instant owed = std::max({calm, *c.dead_since, c.clear_since, c.undecided, *o.good_since, o.clear_since, o.undecided});
      const Duration b = bound(*by, id.index(), now);
      if (owed + b < due) due = owed + b, most = b, by_way_of = id.index();
    }
    if (due == model::kNever) continue;
    k.checked_until = due;
    if (now > due)
      story_->broken("availability",
                     fmt::format("class {} has been on {}, which is dead, for {:.2f} s since it could have been led to {}; the bound is {:.2f} s",
                                 site_->classes[i].name, name(*by), model::seconds(now - due + most), name(by_way_of), model::seconds(most)),
                     now);
  }
}

/// A class that has limits leaves a circuit that loses nearly a third, for one that is clean.
void Oracle::check_brownout(std::size_t i, Instant now) {
  const Class& k = classes_[i];
  const auto by = switch_->told(i);
  if (!site_->classes[i].limits || !by || *by >= site_->circuits.size()) return;
  const CircuitTruth& c = truth_.circuit(*by);
  if (!c.brown_since || now - *c.brown_since < kBrownout || now - std::max({*c.brown_since, calm_since(), k.moved, c.clear_since}) < kBrownout)
    return;
  if (truth_.undecidable(*by) || truth_.odd(*by) > 0 || !may_move(k, now) || k.quality.size() >= 2) return;
  for (const model::CircuitId id : site_->classes[i].circuits) {
    const CircuitTruth& o = truth_.circuit(id.index());
    const bool clean = truth_.clean_by_nature(id.index()) && o.touched == Instant{} && truth_.odd(id.index()) == 0 && o.good_since &&
                       now - std::max(*o.good_since, ready_) > kBrownout && !site_->circuits[id.index()].metered;
    if (id.index() == *by || !clean || !reached_well(site_->classes[i], id.index())) continue;
    return story_->broken("brownout",
                          fmt::format("class {} has been on {}, which loses 30 % or more, for {:.0f} s, while {} is clean", site_->classes[i].name,
                                      name(*by), model::seconds(now - *c.brown_since), name(id.index())),
                          now);
  }
}

/// A path is in the hold-down that calls have put it in, which grows.
bool Oracle::calls_held_out(Instant now) const {
  model::Status status;
  if (calls_failed_.empty() || !daemon_->status(status, now)) return false;
  return std::ranges::any_of(status.paths, [now](const model::PathStatus& p) {
    if (!p.calls) return false;
    const bool just_ended = p.calls->standing == model::CallsStanding::Trial && now - p.calls->since < 5s;  // the PBX is being told
    return just_ended || p.calls->standing == model::CallsStanding::Failing;
  });
}

/// When all has been well for long enough, classes go by what they prefer, and trunks begin with what they prefer.
void Oracle::check_home(Instant now) {
  if (truth_.troubles() > 0 || kind_ == Kind::Quiet) return;
  const Instant well = std::max({truth_.last_edge(), calm_since(), now - 1h});
  if (now - well < site_->carrier_health.hold_down) return;  // far too soon: the rest need not be looked at
  Duration hold{};
  bool clean = true;
  for (std::size_t c = 0; c < site_->circuits.size(); ++c) {
    hold = std::max({hold, hold_down(c), daemon_->judge().hold_down(model::id_at<model::CircuitId>(c), now)});
    clean = clean && truth_.clean_by_nature(c) && !site_->circuits[c].metered;
  }
  const Duration proven = kRecoveryProbes * site_->probing.interval;
  const Duration carrier = site_->carrier_health.hold_down + 40s;
  if (!clean || now - well < std::max(hold, proven) + carrier + kHome) return;
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    const Class& k = classes_[i];
    const model::TrafficClass& traffic = site_->classes[i];
    // How long it stays away after it has come and gone again is its own affair, and nowhere published.
    if (traffic.apart && (!k.failbacks.empty() || !k.quality.empty())) continue;
    if (traffic.failback.mode != model::FailbackMode::Automatic || !may_move(k, now) || k.failbacks.size() >= 3) return;
    const auto by = switch_->told(i);
    if (!by || *by == traffic.circuits.front().index()) continue;
    // What did not serve the class is not tried again so soon (I8).
    if (const Instant failed = k.shown[traffic.circuits.front().index()].failed;
        failed != Instant{} && now - failed < std::max<Duration>(decision::kUnprovenAtLeast, hold) + kHome)
      continue;
    model::Status status;
    if (!daemon_->status(status, now)) continue;
    story_->broken("home",
                   fmt::format("class {} goes by {}, although all has been well for {:.0f} s: {} {}", traffic.name, name(*by),
                               model::seconds(now - well), status.circuits[traffic.circuits.front().index()].reason, status.plan.classes[i].reason),
                   now);
  }
  for (std::size_t t = 0; t < site_->trunks.size(); ++t) {
    const model::Trunk& trunk = site_->trunks[t];
    if (pbx_->deaf(trunk.pbx)) heard_[t] = now;
    const auto& sets = pbx_->standing(t, now);
    if (sets.empty() || heard_[t] + 4s > now || trunk.failback.mode != model::FailbackMode::Automatic) continue;
    if (sets.front() != trunk.members.front().dispatcher_set && !calls_held_out(now))
      story_->broken(
          "home",
          fmt::format("trunk {} begins with {}, although all has been well for {:.0f} s", trunk.name, sets.front(), model::seconds(now - well)), now);
  }
}

void Oracle::check_trunk(std::size_t t, Instant now) {
  const model::Trunk& trunk = site_->trunks[t];
  if (pbx_->deaf(trunk.pbx)) heard_[t] = now;
  if (heard_[t] == now) return;
  const auto& sets = pbx_->standing(t, now);
  if (sets.empty()) return;
  const std::size_t first = member_of(trunk, sets.front());
  if (first >= trunk.members.size()) return;  // of the configuration before: the new order is on its way
  const auto by = circuit_of(trunk, first);
  if (!by) return;
  if (truth_.circuit(*by).dead_since)
    check_trunk_circuit(t, first, *by, now);
  else
    check_trunk_carrier(t, first, *by, now);
}

/// The circuit under the first member is dead: one by another circuit begins.
void Oracle::check_trunk_circuit(std::size_t t, std::size_t first, std::size_t by, Instant now) {
  const model::Trunk& trunk = site_->trunks[t];
  const CircuitTruth& c = truth_.circuit(by);
  if (!trunk.members[first].circuit || truth_.undecidable(by) || now - *c.dead_since < kSoonest) return;
  for (const model::TrunkMember& m : trunk.members) {
    if (!m.circuit || m.circuit->index() == by) continue;
    const CircuitTruth& o = truth_.circuit(m.circuit->index());
    const PathTruth& p = truth_.path(m.carrier.index(), m.circuit->index());
    if (!o.good_since || !p.good_since || truth_.undecidable(m.circuit->index())) continue;
    const Instant owed =
        std::max({calm_since(), heard_[t], *c.dead_since, c.clear_since, c.undecided, *o.good_since, o.clear_since, o.undecided, *p.good_since});
    const Duration most = bound(by, m.circuit->index(), now) + 3s;  // a PBX that has just forgotten is read again every three seconds
    if (now - owed > most)
      return story_->broken(
          "availability",
          fmt::format("trunk {} begins with {} by {}, which is dead, {:.2f} s after it could have begun with another; the bound is {:.2f} s",
                      trunk.name, site_->carriers[trunk.members[first].carrier.index()].name, name(by), model::seconds(now - owed),
                      model::seconds(most)),
          now);
  }
}

/// How long a carrier may be bad by a circuit before that is known and acted upon. It is asked each interval; silence means death after
/// `dead_after` where there are tokens to ask quickly, else the floor decides.
Duration Oracle::carrier_bound(std::size_t k, std::size_t by) const {
  const model::Carrier& carrier = site_->carriers[k];
  const Duration usual = longer(carrier.interval) + site_->carrier_health.dead_after + 1500ms;
  const bool tokens = carrier.verify_burst > 0 && daemon_->debt(k, by).burst_full <= *truth_.path(k, by).bad_since + longer(carrier.interval) +
                                                                                         carrier.verify_burst * carrier.interval;
  const Duration by_floor = 2 * std::max(longer(carrier.floor), carrier.deadline) + carrier.deadline;
  return usual + (tokens ? Duration::zero() : by_floor) + 3s;
}

/// Only what the carrier did.
void Oracle::check_trunk_carrier(std::size_t t, std::size_t first, std::size_t by, Instant now) {
  const model::Trunk& trunk = site_->trunks[t];
  const auto member = trunk.members[first].carrier;
  const PathTruth& p = truth_.path(member.index(), by);
  const CircuitTruth& c = truth_.circuit(by);
  if (!p.bad_since || c.troubles > 0 || !c.good_since || !truth_.clean_by_nature(by)) return;
  const model::Carrier& carrier = (*site_)[member];
  const Duration most = carrier_bound(member.index(), by);
  if (now - *p.bad_since < most) return;
  Instant other = model::kNever;
  for (std::size_t m = 0; m < trunk.members.size(); ++m) {
    const auto via = circuit_of(trunk, m);
    if (!via || !truth_.circuit(*via).good_since || truth_.circuit(*via).troubles > 0 || !truth_.clean_by_nature(*via)) continue;
    if (const auto& good = truth_.path(trunk.members[m].carrier.index(), *via).good_since)
      other = std::min(other, std::max(*good, *truth_.circuit(*via).good_since));
  }
  if (other == model::kNever) return;
  const Instant moved = classes_[trunk.class_of(trunk.members[first]).index()].moved;
  const Instant owed = std::max({calm_since(), heard_[t], *p.bad_since, *c.good_since, c.touched, c.clear_since, other, moved});
  if (now - owed > most)
    story_->broken(
        "availability",
        fmt::format("trunk {} begins with {} via {}, which takes no calls, {:.2f} s after it could have begun with another; the bound is {:.2f} s",
                    trunk.name, carrier.name, name(by), model::seconds(now - owed), model::seconds(most)),
        now);
}

bool Oracle::first_is_dead(const model::Trunk& trunk, int set, std::size_t by) const {
  const PathTruth& p = truth_.path(trunk.members[member_of(trunk, set)].carrier.index(), by);
  return truth_.circuit(by).dead_since || p.bad_since;
}

/// I13: from the crash until the first thing that may rightly happen after it (a hold-down that began anew), nothing is written.
void Oracle::check_restart(Instant now) {
  if (!restart_counts_) return;
  const Duration quiet = std::min(site_->circuit_health.hold_down, site_->carrier_health.hold_down);
  const bool over = edges_at_crash_ != truth_.edges();
  if (over || (daemon_->alive() && ready_ >= crash_at_ && now - ready_ >= quiet)) {
    restart_counts_ = false;
    return;
  }
  // A line that loses bursts by nature was silent for a moment: that is news, restart or not.
  for (std::size_t c = 0; c < site_->circuits.size() && daemon_->alive(); ++c)
    if (!truth_.clean_by_nature(c) && !truth_.circuit(c).dead_since && daemon_->judge().circuit(model::id_at<model::CircuitId>(c)).suspect())
      return void(restart_counts_ = false);
  if (switch_->changes() != changes_at_crash_) {
    restart_counts_ = false;
    story_->broken("I13", "a restart in an unchanged world changed the kernel", now);
  }
  for (std::size_t t = 0; t < orders_at_crash_.size() && restart_counts_; ++t) {
    const auto& sets = pbx_->standing(t, now);
    const model::Trunk& trunk = site_->trunks[t];
    if (sets.empty()) orders_at_crash_[t].clear();  // the lease ran out: that is no unchanged world
    if (orders_at_crash_[t].empty() || sets == orders_at_crash_[t]) continue;
    // For emergency calls one that nothing is known of yet goes before one that is dead.
    const auto by = circuit_of(trunk, member_of(trunk, orders_at_crash_[t].front()));
    if (trunk.emergency && by && first_is_dead(trunk, orders_at_crash_[t].front(), *by)) continue;
    restart_counts_ = false;
    story_->broken("I13",
                   fmt::format("a restart in an unchanged world changed the order of {} from {} to {}", trunk.name,
                               fmt::join(orders_at_crash_[t], " "), fmt::join(sets, " ")),
                   now);
  }
}

}  // namespace linekeeper::sim
