#include "tests/sim/sim_daemon.hpp"

#include <algorithm>

#include "controller/daemon/route_desired.hpp"
#include "tests/sim/oracle.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

// As controller/daemon/actuators.cpp and carriers/trunks/kamailio_driver have them.
constexpr Duration kAfterRefusal = 30s, kFirstRetry = 250ms, kLongestRetry = 10s;
constexpr Duration kReadBack = 3s, kLease = 90s, kRefresh = 30s;

model::SitePtr given_to_the_judge(const model::SitePtr& site, Planted bug) {
  auto s = std::make_shared<model::Site>(*site);
  switch (bug) {
    case Planted::SwapRiseAndFall: std::swap(s->circuit_health.rise, s->circuit_health.fall); break;
    case Planted::ForgetHoldDown: s->circuit_health.hold_down = 0s; break;
    case Planted::ForgetCarrierHoldDown: s->carrier_health.hold_down = 0s; break;
    case Planted::NeverStale: s->circuit_health.stale_after = 24h; break;
    case Planted::ForgetFreshness: s->probing.interval = -60s; break;  // read by nobody but the margin
    default: return site;
  }
  return s;
}

}  // namespace

SimDaemon::SimDaemon(model::SitePtr site, World& world, ModelSwitch& route_switch, ModelPbx& pbx, Timeline& timeline, Chance& chance, Story& story,
                     Oracle& oracle, Planted bug)
    : site_(std::move(site)),
      judged_site_(given_to_the_judge(site_, bug)),
      world_(&world),
      switch_(&route_switch),
      pbx_(&pbx),
      timeline_(&timeline),
      chance_(&chance),
      story_(&story),
      oracle_(&oracle),
      bug_(bug),
      calls_(site_->trunks.size()) {}

Instant SimDaemon::judged_now(Instant now) const { return bug_ == Planted::DecideOnWallClock ? now + wall_offset : now; }

void SimDaemon::later(Instant at, Happening what, std::uint32_t a, std::uint64_t n) {
  timeline_->put({.at = at, .what = what, .a = a, .b = connection_, .n = n, .life = life_});
}

void SimDaemon::start(Instant now) {
  ++life_;
  ++connection_;
  decider_ = std::make_unique<decision::Decider>(judged_site_, judged_now(now));
  wake_at_ = model::kNever;
  links_.assign(site_->circuits.size(), std::nullopt);
  sequence_.assign(site_->circuits.size(), 0);
  newest_target_.assign(site_->circuits.size(), 0);
  turn_.assign(site_->circuits.size(), 0);
  sip_sequence_.assign(site_->carriers.size() * site_->circuits.size(), 0);
  sent_classes_.assign(site_->classes.size(), std::nullopt);
  applied_classes_.assign(site_->classes.size(), std::nullopt);
  sent_orders_.assign(site_->trunks.size(), {});
  outcomes_.clear();
  replies_.clear();
  stay_.clear();
  held_.clear();
  stopped_since_.reset();
  sent_generation_ = 0;
  failures_ = 0;
  adopted_ = false;
  story_->tell(now, "the daemon starts (life {})", life_);
  oracle_->on_start(now);
  tell_orders(now);
  for (std::size_t c = 0; c < links_.size(); ++c) {
    link(c, now);
    if (world_->line(c).gateway_dead > 0) gateway(c, now);
    if (world_->line(c).resolver_dead > 0) resolver(c, now);
    later(now + chance_->between(0ms, site_->probing.interval), Happening::Probe, static_cast<std::uint32_t>(c));
  }
  for (std::size_t p = 0; p < sip_sequence_.size(); ++p) later(now + chance_->between(0s, 2s), Happening::Options, static_cast<std::uint32_t>(p));
  later(now + chance_->between(1ms, 20ms), Happening::Hello);
  for (std::size_t t = 0; t < site_->trunks.size(); ++t)
    later(now + chance_->between(1ms, 40ms), Happening::TrunkRead, static_cast<std::uint32_t>(t));
  later(now + kReadBack, Happening::PbxBeat);
}

void SimDaemon::crash(Instant now) {
  if (!alive()) return;
  story_->tell(now, "the daemon dies");
  decider_.reset();
  oracle_->on_crash(now);
}

void SimDaemon::stop(Instant now) {
  if (!alive() || stopped()) return;
  story_->tell(now, "the daemon stands still");
  stopped_since_ = now;
}

/// First it sees that it stood still, then all that came meanwhile, in that order.
void SimDaemon::go_on(Instant now) {
  if (!alive() || !stopped()) return;
  const Instant since = *stopped_since_;
  stopped_since_.reset();
  story_->tell(now, "the daemon goes on, with {} things to look at", held_.size());
  oracle_->on_resumed(now);
  if (bug_ != Planted::StallNotTold) observe(model::LoopStall{.from = judged_now(since), .to = judged_now(now)}, now);
  for (std::size_t c = 0; c < links_.size(); ++c) {
    link(c, now);
    gateway(c, now);
    resolver(c, now);
  }
  tell_orders(now);
  for (Event& e : held_) {
    e.at = now;
    timeline_->put(e);
  }
  held_.clear();
}

bool SimDaemon::status(model::Status& out, Instant now) const {
  if (!alive()) return false;
  decider_->fill(out, judged_now(now));
  return true;
}

void SimDaemon::observe(const model::Observation& o, Instant now) { take(decider_->observe(o, judged_now(now)), now); }

void SimDaemon::take(const decision::Output& out, Instant now) {
  if (out.next_wakeup != model::kNever && out.next_wakeup != wake_at_) {
    wake_at_ = out.next_wakeup;
    const Instant at = bug_ == Planted::DecideOnWallClock ? wake_at_ - wall_offset : wake_at_;
    later(std::max(at, now), Happening::Wake, 0, static_cast<std::uint64_t>(wake_at_.time_since_epoch().count()));
  }
  for (const model::Event& e : out.events) {
    story_->mark(e.text);
    story_->tell(now, "{} {}: {}", to_string(e.id), e.subject, e.text);
    if (remembers_) said_.push_back({e.id, e.subject, now});
  }
  if (!out.plan) return;
  const model::Plan plan = *out.plan;
  oracle_->on_plan(plan, *decider_, judged_now(now), now);
  carry_out(plan, now);
}

void SimDaemon::carry_out(const model::Plan& plan, Instant now) {
  for (const model::TrunkChoice& choice : plan.trunks) {
    if (choice.order.empty()) continue;
    const model::Trunk& trunk = (*site_)[choice.trunk];
    std::vector<int> sets;
    for (const model::TrunkStep& step : choice.order) sets.push_back(trunk.members[step.member].dispatcher_set);
    if (bug_ == Planted::DropTrunkMember && sets.size() > 1) sets.pop_back();
    if (sets == sent_orders_[choice.trunk.index()]) continue;
    sent_orders_[choice.trunk.index()] = sets;
    orders_[++key_] = {choice.trunk.index(), sets};
    later(now + chance_->between(1ms, 10ms), Happening::ToPbx, 0, key_);
  }
  route::Apply apply{
      .generation = plan.generation, .desired = daemon::route_desired(*site_, plan, links_, stay_, applied_classes_), .retired_classes = {}};
  sent_generation_ = plan.generation;
  for (const model::ClassChoice& c : plan.classes) sent_classes_[c.traffic_class.index()] = c.circuit;
  story_->mark(plan.generation);
  sent_escapes_.clear();
  for (const route::DesiredClass& c : apply.desired.classes) sent_escapes_.push_back(c.escape);
  if (switch_away > 0) return;  // asked for anew after its StateReply
  plans_[++key_] = std::move(apply);
  const Duration way = switch_late > 0 ? chance_->between(500ms, 5s) : chance_->between(200us, 3ms);
  switch_free_ = std::max(switch_free_, now + way);  // one socket: in order
  later(switch_free_, Happening::ToSwitch, 0, key_);
}

void SimDaemon::probe(std::size_t c, Instant now) {
  const Duration every = site_->probing.interval;
  later(now + chance_->between(every * 9 / 10, every * 11 / 10), Happening::Probe, static_cast<std::uint32_t>(c));
  if (!links_[c] || !links_[c]->usable()) return;
  const auto circuit = model::id_at<model::CircuitId>(c);
  const auto& targets = (*site_)[circuit].targets;
  const model::TargetId target = targets[turn_[c]++ % targets.size()];
  if (world_->line(c).local_errors > 0) {
    oracle_->on_local_error(c, now);
    if (bug_ != Planted::LocalErrorsAreLosses) return observe(model::ProbeLocalError{circuit, target, 105}, now);
    return observe(model::ProbeSent{circuit, target, ++sequence_[c], judged_now(now)}, now);
  }
  const std::uint64_t sequence = ++sequence_[c];
  newest_target_[c] = target.index();
  auto answered = world_->probe(c, target.index(), now);
  story_->mark(answered ? static_cast<std::uint64_t>(answered->count()) : sequence);
  oracle_->on_probe(c, target.index(), answered, now);
  if (bug_ == Planted::TrustOneTarget) answered = world_->probe(c, targets[0].index(), now);
  observe(model::ProbeSent{circuit, target, sequence, judged_now(now)}, now);
  if (!answered || !alive()) return;
  timeline_->put({.at = now + *answered,
                  .what = Happening::Reply,
                  .a = static_cast<std::uint32_t>(c),
                  .b = target.value,
                  .n = sequence,
                  .life = life_,
                  .took = *answered});
  if (world_->line(c).duplicates > 0 || world_->line(c).forged > 0) strangers(c, target, sequence, *answered, now);
}

/// Answers that count for nothing: the same once more, and such as were never asked for.
void SimDaemon::strangers(std::size_t c, model::TargetId target, std::uint64_t sequence, Duration took, Instant now) {
  Event e{.at = now + took + chance_->between(1ms, 400ms),
          .what = Happening::Reply,
          .a = static_cast<std::uint32_t>(c),
          .b = target.value,
          .n = sequence,
          .life = life_,
          .took = took};
  if (world_->line(c).duplicates > 0) timeline_->put(e);
  if (world_->line(c).forged == 0) return;
  e.n = sequence + 1 + chance_->below(1000);  // not sent yet
  e.at = now;
  timeline_->put(e);
}

void SimDaemon::reply(const Event& e, Instant now) {
  observe(model::ProbeReply{model::id_at<model::CircuitId>(e.a), model::TargetId{static_cast<std::uint16_t>(e.b)}, e.n, e.took}, now);
  if (bug_ != Planted::RepliesOfOtherCircuits) return;
  const std::size_t other = (e.a + 1) % site_->circuits.size();
  observe(model::ProbeReply{model::id_at<model::CircuitId>(other), model::id_at<model::TargetId>(newest_target_[other]), sequence_[other], e.took},
          now);
}

void SimDaemon::options(std::size_t p, Instant now) {
  const std::size_t carrier = p / site_->circuits.size(), circuit = p % site_->circuits.size();
  const Duration every = site_->carriers[carrier].interval;
  later(now + chance_->between(every * 8 / 10, every * 12 / 10), Happening::Options, static_cast<std::uint32_t>(p));
  const SipAnswer answer = world_->options(carrier, circuit, now);
  model::SipOutcome o{.carrier = model::id_at<model::CarrierId>(carrier),
                      .circuit = model::id_at<model::CircuitId>(circuit),
                      .sequence = ++sip_sequence_[p],
                      .result = answer.result,
                      .code = answer.code,
                      .sent = now};
  if (answer.result == model::SipResult::Final) {
    o.reply = answer.code < 300 ? model::ReplyClass::Up : answer.code == 403 ? model::ReplyClass::Degraded : model::ReplyClass::SoftDown;
    o.rtt = answer.after;
  } else {
    o.error = answer.result == model::SipResult::Timeout ? 0 : 111;
  }
  outcomes_[++key_] = o;
  later(now + answer.after, Happening::Outcome, 0, key_);
}

void SimDaemon::outcome(std::uint64_t key, Instant now) {
  const model::SipOutcome o = outcomes_.at(key);
  outcomes_.erase(key);
  oracle_->on_outcome(o, now);
  observe(o, now);
}

void SimDaemon::gateway(std::size_t circuit, Instant now) {
  if (alive() && !stopped()) observe(world_->gateway(circuit, now), now);
}

void SimDaemon::resolver(std::size_t circuit, Instant now) {
  if (!alive() || stopped()) return;
  observe(model::ResolverState{.circuit = model::id_at<model::CircuitId>(circuit), .answering = world_->line(circuit).resolver_dead == 0}, now);
}

void SimDaemon::calls(std::size_t trunk, int in_progress, Instant now) {
  calls_[trunk] = in_progress;
  if (alive() && !stopped())
    observe(model::TrunkLoad{.trunk = model::id_at<model::TrunkId>(trunk), .calls = in_progress, .calls_per_second = in_progress / 100.0}, now);
}

void SimDaemon::link(std::size_t circuit, Instant now) {
  if (!alive() || stopped()) return;
  const model::LinkState state = world_->link(circuit);
  if (bug_ == Planted::IgnoreLinkEvents && !state.usable() && links_[circuit]) return;
  links_[circuit] = state;
  observe(state, now);
}

void SimDaemon::switch_left() { ++connection_; }

void SimDaemon::switch_returned(Instant now) {
  if (alive()) later(now + chance_->between(1ms, 500ms), Happening::Hello);
}

void SimDaemon::set_overrides(std::vector<model::Override> overrides, Instant now) {
  overrides_ = std::move(overrides);
  if (alive() && !stopped()) tell_orders(now);
}

void SimDaemon::tell_orders(Instant now) {
  if (bug_ == Planted::OverrideNeverEnds) {
    for (const model::Override& o : overrides_)
      if (std::ranges::find(told_overrides_, o.id, &model::Override::id) == told_overrides_.end()) told_overrides_.push_back(o);
  } else {
    told_overrides_ = overrides_;
  }
  if (bug_ == Planted::IgnoreHold) std::erase_if(told_overrides_, [](const model::Override& o) { return o.kind == model::OverrideKind::Hold; });
  take(decider_->order(decision::OrdersInForce{told_overrides_}, judged_now(now)), now);
}

void SimDaemon::to_switch(std::uint64_t key, Instant now) {
  const route::Apply plan = std::move(plans_.at(key));
  plans_.erase(key);
  replies_[++key_] = switch_->apply(plan, now);
  if (const auto* done = std::get_if<route::Applied>(&replies_[key_]))
    for (const std::string& change : done->changes) story_->tell(now, "switch: generation {}: {}", done->generation, change);
  const Duration way = switch_late > 0 ? chance_->between(500ms, 5s) : chance_->between(200us, 3ms);
  switch_free_ = std::max(switch_free_, now + way);
  later(switch_free_, Happening::FromSwitch, 0, key_);
}

void SimDaemon::from_switch(const route::Reply& reply, Instant now) {
  const auto again = [&](Duration after, bool forget) {
    forget_refusal_ = forget;
    later(now + after, Happening::Retry, 0, ++retry_key_);
  };
  if (const auto* state = std::get_if<route::StateReply>(&reply)) {
    failures_ = 0;
    auto standing = daemon::standing_classes(*site_, *state);
    applied_classes_ = standing;
    if (bug_ == Planted::ForgetAdoption) standing.assign(standing.size(), std::nullopt);
    oracle_->on_adopted(!adopted_, now);
    adopted_ = true;
    const std::uint64_t generation = bug_ == Planted::ForgetGeneration ? 0 : state->generation;
    take(decider_->adopt(decision::Adopted{.generation = generation, .classes = std::move(standing)}, judged_now(now)), now);
  } else if (const auto* applied = std::get_if<route::Applied>(&reply)) {
    if (applied->generation != sent_generation_) return;
    failures_ = 0;
    for (std::size_t i = 0; i < sent_classes_.size(); ++i)
      if (std::ranges::find(stay_, site_->classes[i].name) == stay_.end()) applied_classes_[i] = sent_classes_[i];
  } else if (const auto* refused = std::get_if<route::Refused>(&reply)) {
    story_->tell(now, "switch refuses generation {} by {}: {}", refused->generation, refused->guard, refused->why);
    if (refused->generation != sent_generation_) return;
    oracle_->on_refused(*refused, now);
    for (std::size_t i = 0; i < sent_escapes_.size(); ++i)
      if (sent_escapes_[i] && std::ranges::find(refused->classes, site_->classes[i].name) != refused->classes.end()) escape_refused_ = true;
    const bool new_stay = !refused->classes.empty() && refused->classes != stay_;
    if (new_stay) stay_ = refused->classes;
    again(new_stay ? kFirstRetry : kAfterRefusal, !new_stay);
  } else if (const auto* failed = std::get_if<route::Failed>(&reply)) {
    story_->tell(now, "switch fails generation {}: {}", failed->generation, failed->why);
    if (failed->generation != sent_generation_) return;
    again(std::min(kFirstRetry * (1 << std::min(failures_++, 10)), kLongestRetry), false);
  }
}

void SimDaemon::to_pbx(std::uint64_t key, Instant now) {
  const auto [trunk, sets] = orders_.at(key);
  orders_.erase(key);
  if (pbx_->deaf((*site_).trunks[trunk].pbx) || (alive() && sets != sent_orders_[trunk])) return;
  if (pbx_->standing(trunk, now) != sets) story_->tell(now, "pbx: order {}", fmt::format("{}", fmt::join(sets, " ")));
  oracle_->on_order(trunk, sets, now);
  pbx_->order[trunk] = sets;
  pbx_->until[trunk] = now + kLease;
}

void SimDaemon::beat(Instant now) {
  later(now + kReadBack, Happening::PbxBeat);
  for (std::size_t t = 0; t < sent_orders_.size(); ++t) {
    const bool due = pbx_->standing(t, now) != sent_orders_[t] || pbx_->until[t] - now <= kLease - kRefresh;
    if (sent_orders_[t].empty() || !due) continue;
    orders_[++key_] = {t, sent_orders_[t]};
    to_pbx(key_, now);
  }
}

void SimDaemon::happen(const Event& e, Instant now) {
  // A plan on its way outlives the daemon that sent it; everything else is forgotten with it.
  if (e.what == Happening::ToSwitch) {
    if (e.b == connection_ && switch_away == 0) return to_switch(e.n, now);
    plans_.erase(e.n);
    return;
  }
  if (e.what == Happening::ToPbx) return to_pbx(e.n, now);
  if (!alive() || e.life != life_) return;
  if (stopped()) return held_.push_back(e);
  switch (e.what) {
    case Happening::Probe: return probe(e.a, now);
    case Happening::Reply: return reply(e, now);
    case Happening::Options: return options(e.a, now);
    case Happening::Outcome: return outcome(e.n, now);
    case Happening::Wake:
      if (e.n != static_cast<std::uint64_t>(wake_at_.time_since_epoch().count())) return;
      wake_at_ = model::kNever;
      return take(decider_->wake(judged_now(now)), now);
    case Happening::Hello:
      if (e.b != connection_ || switch_away > 0) return;
      replies_[++key_] = switch_->hello();
      return later(now + 1ms, Happening::FromSwitch, 0, key_);
    case Happening::FromSwitch:
      if (e.b == connection_ && switch_away == 0) from_switch(route::Reply(replies_.at(e.n)), now);
      replies_.erase(e.n);
      return;
    case Happening::Retry:
      if (e.n != retry_key_) return;
      if (forget_refusal_) stay_.clear();
      if (forget_refusal_) escape_refused_ = false;
      take(decider_->reissue(judged_now(now)), now);
      if (!stay_.empty()) {
        forget_refusal_ = true;
        later(now + kAfterRefusal, Happening::Retry, 0, ++retry_key_);
      }
      return;
    case Happening::TrunkRead: {
      // One that does not answer has no order of ours to respect; one that hangs is given up only after its reply is overdue.
      const model::PbxId pbx = site_->trunks[e.a].pbx;
      if (pbx_->hung[pbx.index()] > 0 && e.n == 0) return later(now + (*site_)[pbx].reply_timeout, Happening::TrunkRead, e.a, 1);
      auto sets = pbx_->deaf(pbx) ? std::vector<int>{} : pbx_->standing(e.a, now);
      if (bug_ == Planted::ForgetTrunkAdoption) sets.clear();
      return take(decider_->adopt(decision::TrunkAdopted{.trunk = model::id_at<model::TrunkId>(e.a), .sets = std::move(sets)}, judged_now(now)), now);
    }
    case Happening::PbxBeat: oracle_->inspect(*decider_, judged_now(now), now); return beat(now);
    default: return;
  }
}

}  // namespace linekeeper::sim
