#include "tests/sim/hands.hpp"

#include <algorithm>

#include "tests/sim/reconfigured.hpp"
#include "tests/sim/scenario_text.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Instant;

void Hands::act(const Edge& e, Instant now) {
  const Trouble& t = *e.trouble;
  if (story_->listened_to()) story_->tell(now, "{} {}: {}", e.comes ? "+++" : "---", t.serial, trouble_words(t, script_->site));
  const int by = e.comes ? 1 : -1;
  if (t.fault == Fault::WallClock) {
    // It steps when the trouble comes, and stays stepped.
    if (wall_steps_ && e.comes) daemon_->wall_offset += model::Duration(t.amount), oracle_->on_wall_step(now);
    return;
  }
  if (t.fault == Fault::DaemonCrash || t.fault == Fault::Reload) return on_actors(t, by, now);
  if (t.fault == Fault::Reconfigured) return reconfigure(t, e.comes, now);
  // The truth first, so that the oracle knows it when what follows is done.
  const Aim aim = kind_of(t.fault).aim;
  if (aim == Aim::Circuit)
    for (std::size_t c = 0; c < world_->lines(); ++c)
      if (t.everywhere || c == t.a) on_line(t, c, by, now);
  if (aim == Aim::Target) on_target(t, by);
  if (aim == Aim::Carrier) on_carrier(t, by);
  oracle_->on_edge(e, now);
  if (aim == Aim::Circuit)
    for (std::size_t c = 0; c < world_->lines(); ++c)
      if (t.everywhere || c == t.a) tell_daemon(t, c, now);
  if (is_order(t.fault)) return on_orders(t, e.comes, now);
  if (t.fault > Fault::Hold) on_actors(t, by, now);
}

void Hands::relink(std::size_t circuit, Instant now) {
  switch_->link(*world_, circuit);
  daemon_->link(circuit, now);
  timeline_->put({.at = now + 50ms, .what = Happening::SwitchLook});
}

void Hands::tell_daemon(const Trouble& t, std::size_t circuit, Instant now) {
  switch (t.fault) {
    case Fault::Unplugged:
    case Fault::NoAddress:
    case Fault::NewAddress:
    case Fault::NewInterface: return relink(circuit, now);
    case Fault::GatewayDead:
      // The kernel finds out by and by, and says so each time; it looks again a little after each of its limits.
      for (const model::Duration after : {0ms, 1010ms, 4010ms})
        timeline_->put({.at = now + after, .what = Happening::Gateway, .a = static_cast<std::uint32_t>(circuit)});
      return;
    case Fault::ResolverDead: return daemon_->resolver(circuit, now);
    default: return;
  }
}

void Hands::on_line(const Trouble& t, std::size_t circuit, int by, Instant now) {
  Line& line = world_->line(circuit);
  const model::Duration amount(t.amount);
  switch (t.fault) {
    case Fault::Unplugged: line.unplugged += by; break;
    case Fault::NoAddress: line.no_address += by; break;
    case Fault::NewAddress: line.address_changes += by > 0 ? 1 : 0; break;
    case Fault::NewInterface: line.address_changes += by > 0 ? 1 : 0, line.ifindex += by > 0 ? 10 : 0; break;
    case Fault::BlackHole: line.black_hole += by; break;
    case Fault::GatewayDead: line.gateway_dead += by, line.gateway_since = now; break;
    case Fault::Captive: line.captive += by; break;
    case Fault::Loss:
    case Fault::OutboundLoss:
    case Fault::InboundLoss: line.loss += by * t.amount; break;  // an echo cannot tell the ways apart
    case Fault::Bursts: line.bursts += by * t.amount; break;
    case Fault::Ramp:
      if (by > 0)
        line.ramps.push_back(&t);
      else
        std::erase(line.ramps, &t);
      break;
    case Fault::Delay: line.more_delay += by * amount; break;
    case Fault::Jitter: line.more_jitter += by * amount; break;
    case Fault::Load: line.load += by * amount; break;
    case Fault::Reorder: line.reorder += by; break;
    case Fault::Duplicates: line.duplicates += by; break;
    case Fault::Forged: line.forged += by; break;
    case Fault::Rejects: line.rejects += by; break;
    case Fault::ForgedRejects: line.forged_rejects += by; break;
    case Fault::Unserved: line.unserved += by; break;
    case Fault::LocalErrors: line.local_errors += by; break;
    case Fault::ResolverDead: line.resolver_dead += by; break;
    default: break;
  }
}

void Hands::on_target(const Trouble& t, int by) {
  if (t.fault == Fault::TargetLimited) {
    auto& rates = world_->limit(t.a).rates;
    if (by > 0)
      rates.push_back(t.amount);
    else
      rates.erase(std::ranges::find(rates, t.amount));
    return;
  }
  for (std::size_t c = 0; c < world_->lines(); ++c) {
    if (!t.everywhere && c != t.b) continue;
    Sight& sight = world_->sight(t.a, c);
    switch (t.fault) {
      case Fault::TargetDead: sight.dead += by; break;
      case Fault::TargetLies: sight.lies += by; break;
      case Fault::TargetLoss: sight.loss += by * t.amount; break;
      case Fault::TargetSlow: sight.slow += by * model::Duration(t.amount); break;
      default: break;
    }
  }
}

void Hands::on_carrier(const Trouble& t, int by) {
  for (std::size_t c = 0; c < world_->lines(); ++c) {
    if (!t.everywhere && c != t.b) continue;
    Reach& reach = world_->reach(t.a, c);
    switch (t.fault) {
      case Fault::CarrierSilent: reach.silent += by; break;
      case Fault::CarrierUnavailable: reach.unavailable += by; break;
      case Fault::CarrierRefuses: reach.refusing += by; break;
      case Fault::CarrierForbids: reach.forbidden += by; break;
      case Fault::CarrierLocalErrors: reach.local_errors += by; break;
      case Fault::CarrierTries: reach.tries += by; break;
      case Fault::CarrierHalfway: reach.halfway += by; break;
      case Fault::CallsRefused: reach.calls_refused += by; break;
      case Fault::CallsSlow: reach.calls_slow += by; break;
      default: break;
    }
  }
}

/// A person's order is durable before it acts (I19): while the disk fails it is refused, and one that ends does end.
void Hands::on_orders(const Trouble& t, bool comes, Instant now) {
  const model::Site& site = script_->site;
  if (t.fault == Fault::Release) {
    if (!comes) return;
    overrides_.clear();
  } else if (!comes) {
    std::erase_if(overrides_, [&](const model::Override& o) { return o.id == t.serial; });
  } else if (daemon_->disk_fails > 0) {
    return story_->tell(now, "the order is refused: it cannot be written down");
  } else {
    model::Override o{.id = t.serial, .owner = "sim", .reason = "because"};
    if (t.fault == Fault::Hold) o.kind = model::OverrideKind::Hold;
    if (t.fault == Fault::ForceClass) o.subject = site.classes[t.a].name, o.to = site.circuits[t.b].name;
    if (t.fault == Fault::ForceTrunk) o.subject = site.trunks[t.a].name, o.to = site.carriers[t.b].name;
    if (t.fault == Fault::PermitClass || t.fault == Fault::PermitTrunk) o.kind = model::OverrideKind::Failback;
    if (t.fault == Fault::PermitClass) o.subject = site.classes[t.a].name;
    if (t.fault == Fault::PermitTrunk) o.subject = site.trunks[t.a].name;
    overrides_.push_back(std::move(o));
  }
  daemon_->set_overrides(overrides_, now);
}

/// New senses, a new judge, a new connection: all that a reload keeps is what is kept outside, and what was learned.
void Hands::reload(Instant now) {
  if (!daemon_->alive() || daemon_->stopped()) return;
  daemon_->hand_over(now);
  daemon_->crash(now);
  timeline_->put({.at = now, .what = Happening::RestartDaemon});
}

/// The file is another one from now on, and the daemon is told to read it: at once, or when it starts.
void Hands::reconfigure(const Trouble& t, bool comes, Instant now) {
  if (comes)
    changes_.push_back(t.amount);
  else
    changes_.erase(std::ranges::find(changes_, t.amount));
  if (daemon_->stopped()) return;  // read at the next occasion
  Measure all = 0;
  for (const Measure each : changes_) all |= each;
  sites_.push_back(std::make_shared<const model::Site>(reconfigured(script_->site, all)));
  reload(now);
  daemon_->configure(sites_.back());
  oracle_->on_configured(*sites_.back());
}

void Hands::on_actors(const Trouble& t, int by, Instant now) {
  const bool comes = by > 0;
  switch (t.fault) {
    case Fault::DaemonCrash:
      crashes_ += by;
      if (comes) daemon_->crash(now);
      if (crashes_ == 0) timeline_->put({.at = now, .what = Happening::RestartDaemon});
      break;
    case Fault::DaemonStopped:
      stops_ += by;
      if (comes && stops_ == 1) daemon_->stop(now);
      if (stops_ == 0) daemon_->go_on(now);
      break;
    case Fault::Reload:
      if (comes) reload(now);
      break;
    case Fault::DiskFails: daemon_->disk_fails += by; break;
    case Fault::SwitchForgets:
      if (comes) switch_->forget();
      [[fallthrough]];
    case Fault::SwitchAway:
      daemon_->switch_away += by;
      if (comes) daemon_->switch_left();
      if (daemon_->switch_away == 0) daemon_->switch_returned(now);
      break;
    case Fault::SwitchLate: daemon_->switch_late += by; break;
    case Fault::KernelTrouble: switch_->trouble += by; break;
    case Fault::ForeignHand:
      if (!comes) break;
      switch_->foreign_hand(t.a, now);
      timeline_->put({.at = now + 50ms, .what = Happening::SwitchLook});
      break;
    case Fault::MadBrain:
      if (comes) mad_plan(t.a, now);
      break;
    case Fault::PbxAway: pbx_->away[t.a] += by; break;
    case Fault::PbxHangs: pbx_->hung[t.a] += by; break;
    case Fault::PbxRestart:
      for (std::size_t k = 0; comes && k < script_->site.trunks.size(); ++k)
        if (script_->site.trunks[k].pbx.index() == t.a) pbx_->until[k] = now;
      break;
    case Fault::Calls: daemon_->calls(t.a, comes ? static_cast<int>(t.amount) : 0, now); break;
    default: break;
  }
}

/// What a captured or mistaken brain might send. The real guards refuse each of these whole.
void Hands::mad_plan(std::size_t kind, Instant now) {
  if (daemon_->switch_away > 0) return;
  for (std::size_t i = 0; i < script_->site.classes.size(); ++i)
    if (!switch_->way(i)) return;  // a class that is not steered has no way to lose
  // The oldest that is remembered and would be carried out if it came in time.
  const auto& taken = switch_->taken();
  const auto whole = std::ranges::find_if(taken, [](const route::Apply& p) {
    return std::ranges::none_of(p.desired.classes, [](const route::DesiredClass& c) { return c.circuit.empty(); });
  });
  if (whole == taken.end()) return;
  route::Apply plan = *whole;
  switch (kind % 4) {
    case 0: break;  // an old one again
    case 1:
      plan.generation = switch_->taken().back().generation + 1;
      plan.desired.classes.clear();
      break;
    case 2:
      plan.generation = switch_->taken().back().generation + 1;
      for (route::DesiredClass& c : plan.desired.classes) c.circuit.clear();
      break;
    default:
      plan.generation = switch_->taken().back().generation + 1;
      plan.desired.circuits.clear();
      break;
  }
  const route::Reply reply = switch_->apply(plan, now);
  if (const auto* refused = std::get_if<route::Refused>(&reply))
    story_->tell(now, "switch refuses a mad plan by {}: {}", refused->guard, refused->why);
  else if (!story_->first())
    story_->broken(kind % 4 == 0 ? "I21" : "I1", "the switch carried out a plan that nobody may carry out", now);
}

}  // namespace linekeeper::sim
