// Calls in the modelled world: who telephones, what the PBX makes of it, what the daemon hears, and whether that was enough.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::CallFate;
using model::Instant;

namespace {

constexpr int kHandful = 8;  // five, and what is on its way while the order is changed

std::vector<std::size_t> order_of(const model::Trunk& trunk, const std::vector<int>& sets) {
  std::vector<std::size_t> order;
  for (std::size_t m = 0; m < trunk.members.size(); ++m) order.push_back(m);
  if (sets.empty()) return order;  // the PBX's own: as configured
  std::ranges::sort(order, {}, [&](std::size_t m) { return std::pair(std::ranges::find(sets, trunk.members[m].dispatcher_set) - sets.begin(), m); });
  return order;
}

}  // namespace

void SimDaemon::place_call(std::size_t t, Instant now) {
  if (t >= site_->trunks.size()) return;
  const model::Trunk& trunk = site_->trunks[t];
  const auto way = [&](std::size_t m) {
    const auto& pinned = trunk.members[m].circuit;
    const auto by_class = switch_->told(trunk.class_of(trunk.members[m]).index());
    return pinned ? std::optional(pinned->index()) : by_class;
  };
  const auto takes = [&](std::size_t m) {
    const auto by = way(m);
    return by && world_->call(trunk.members[m].carrier.index(), *by, now).fate == CallFate::Answered &&
           world_->reach(trunk.members[m].carrier.index(), *by).calls_slow == 0;
  };
  const auto order = order_of(trunk, pbx_->standing(t, now));
  const auto other = [&](std::size_t m) { return trunk.members[m].carrier != trunk.members[order.front()].carrier && takes(m); };
  oracle_->on_call(t, takes(order.front()), std::ranges::any_of(order, other), now);
  Instant at = now;
  for (const std::size_t m : order) {
    const auto by = way(m);
    if (!by || *by >= site_->circuits.size()) continue;
    const model::CarrierId carrier = trunk.members[m].carrier;
    const auto circuit = model::id_at<model::CircuitId>(*by);
    const CallAnswer answer = world_->call(carrier.index(), *by, now);
    model::CallOutcome o{.carrier = carrier, .circuit = circuit, .fate = answer.fate, .code = answer.code, .pdd = answer.after, .sent = at};
    model::Duration after = answer.after;
    if (alive() && answer.fate == CallFate::Answered && after >= decider_->slow_after(carrier, circuit)) {
      o.fate = CallFate::Slow;
      after = decider_->slow_after(carrier, circuit);
    }
    at += after;
    calls_under_way_[++key_] = o;
    later(at, Happening::CallEnd, 0, key_);
    if (answer.fate != CallFate::CarrierFailed) return;  // taken, or the caller's own affair
  }
}

void SimDaemon::end_call(std::uint64_t key, Instant now) {
  const auto call = calls_under_way_.extract(key);
  if (call.empty()) return;
  const bool failed = call.mapped().fate == CallFate::CarrierFailed || call.mapped().fate == CallFate::Slow;
  if (bug_ != Planted::CallsNotTold || !failed) observe(call.mapped(), now);
}

/// Who takes no calls does not stand first for more than a handful of them while another carrier takes them, and OPTIONS do not speak
/// against that one.
void Oracle::on_call(std::size_t t, bool first_takes, bool another_takes, Instant now) {
  const bool owed = daemon_->alive() && !daemon_->stopped() && daemon_->adopted() && daemon_->overrides().empty() &&
                    !pbx_->deaf(site_->trunks[t].pbx) && now - calm_since() > 5s && truth_.troubles() <= 1;
  if (first_takes || !another_takes || !owed) {
    calls_refused_[t] = 0;
    return;
  }
  if (++calls_refused_[t] <= kHandful + static_cast<int>(10s / std::max<model::Duration>(calls_each_, 1ms))) return;
  calls_refused_[t] = 0;
  model::Status status;
  if (!daemon_->status(status, now)) return;
  // Slowness by a circuit that is in doubt is the circuit's: then nothing is owed.
  const auto doubtful = [](const model::CircuitStatus& c) { return c.verdict.health != model::Health::Up || c.suspect; };
  if (std::ranges::any_of(status.circuits, doubtful)) return;
  const bool to_be_had = std::ranges::any_of(site_->trunks[t].members, [&](const model::TrunkMember& m) {
    if (!m.circuit) return false;
    const Reach& reach = world_->reach(m.carrier.index(), m.circuit->index());
    return status.path(m.carrier, *m.circuit).verdict.health == model::Health::Up && reach.calls_refused + reach.calls_slow == 0;
  });
  if (to_be_had)
    story_->broken(
        "calls",
        fmt::format("call after call of trunk {} was offered first to a carrier that takes none, though another does", site_->trunks[t].name), now);
}

/// I4: nobody goes back to a path that takes no calls before its hold-down is over.
void Oracle::check_calls_move(const model::TrunkChoice& choice, std::size_t first, Instant now) {
  const model::TrunkMember& m = (*site_)[choice.trunk].members[first];
  if (!m.circuit || choice.motive != model::Motive::Failback) return;
  const auto failed = calls_failed_.find(fmt::format("path {} via {}", (*site_)[m.carrier].name, (*site_)[*m.circuit].name));
  if (failed == calls_failed_.end() || failed->second < ready_ || now - failed->second >= site_->calls.hold_down) return;
  story_->broken("I4",
                 fmt::format("trunk {} came back to {} {:.1f} s after it took no calls; its hold-down is {:.0f} s", (*site_)[choice.trunk].name,
                             (*site_)[m.carrier].name, model::seconds(now - failed->second), model::seconds(site_->calls.hold_down)),
                 now);
}

}  // namespace linekeeper::sim
