#include "tests/sim/sim_daemon.hpp"

#include <algorithm>

#include "tests/sim/oracle.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

// As controller/daemon/actuators.cpp and carriers/trunks/leased_orders have them.
constexpr Duration kStallNoticed = 250ms, kTick = 100ms;  // as daemon_flow
constexpr Duration kRemember = 1min;

model::SitePtr given_to_the_judge(const model::SitePtr& site, Planted bug) {
  auto s = std::make_shared<model::Site>(*site);
  switch (bug) {
    case Planted::OneAnswerIsUp: s->circuit_health.rise = 1; break;
    case Planted::ForgetHoldDown: s->circuit_health.hold_down = 0s; break;
    case Planted::ForgetCarrierHoldDown: s->carrier_health.hold_down = 0s; break;
    case Planted::HoldDownNeverGrows: s->circuit_health.hold_down_max = s->circuit_health.hold_down; break;
    case Planted::LearnerHearsNothing: s->circuit_health.false_failovers_per_year = 1e6; break;
    case Planted::MeteredAsOthers:
      for (model::Circuit& c : s->circuits) c.metered = false;
      break;
    case Planted::GainIgnored:
      for (model::TrafficClass& c : s->classes)
        if (c.limits) c.limits->rtt_enter = 0s;
      break;
    case Planted::LimitsIgnored:
      for (model::TrafficClass& c : s->classes) c.limits.reset();
      break;
    case Planted::PartsSeeCircuitsAlone:
      for (model::TrafficClass& c : s->classes) c.apart.reset();
      break;
    case Planted::FailbackAtAnyTime:
      for (model::TrafficClass& c : s->classes) c.failback.mode = model::FailbackMode::Automatic;
      for (model::Trunk& t : s->trunks) t.failback.mode = model::FailbackMode::Automatic;
      break;
    case Planted::CallsForgetHoldDown: s->calls.hold_down = s->calls.hold_down_max = 1ms; break;
    case Planted::NeverStale: s->circuit_health.stale_after = 24h; break;
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
      calls_(site_->trunks.size()),
      learned_(site_->circuits.size()),
      moves_(site_->classes.size()),
      debts_(site_->carriers.size() * site_->circuits.size()) {}

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
  sent_classes_.assign(site_->classes.size(), std::nullopt);
  applied_classes_.assign(site_->classes.size(), std::nullopt);
  sent_orders_.assign(site_->trunks.size(), {});
  replies_.clear();
  held_.clear();
  stopped_since_.reset();
  stood_since_ = model::kNever;
  sent_generation_ = 0;
  failures_ = 0;
  adopted_ = false;
  escape_refused_until_.assign(site_->classes.size(), Instant{});
  proving_.assign(site_->classes.size(), {});
  planned_motives_.assign(site_->classes.size(), model::Motive::NotYet);
  kept_ = life_ > 1 && remembered_at_ >= planned_at_;
  story_->tell(now, "the daemon starts (life {})", life_);
  oracle_->on_start(now);
  due_ = model::kNever;
  senses_ = std::make_unique<SimSenses>(*site_, *world_, *timeline_, *chance_, *story_, *oracle_, bug_, life_, debts_,
                                        [this](const model::Observation& o, Instant at) { observe(o, at); });
  recall(now);
  open_windows_.clear();
  tell_orders(now);
  for (std::size_t c = 0; c < links_.size(); ++c) {
    link(c, now);
    if (world_->line(c).gateway_dead > 0) gateway(c, now);
    if (world_->line(c).resolver_dead > 0) resolver(c, now);
  }
  senses_->begin(now);
  later(now + chance_->between(1ms, 20ms), Happening::Hello);
  for (std::size_t t = 0; t < site_->trunks.size(); ++t)
    later(now + chance_->between(1ms, 40ms), Happening::TrunkRead, static_cast<std::uint32_t>(t));
  later(now + kPbxReadBack, Happening::PbxBeat);
  later(now + kRemember, Happening::Remember);
  const auto by_window = [](const auto& list) {
    return std::ranges::any_of(list, [](const auto& x) { return x.failback.mode == model::FailbackMode::Window; });
  };
  if (by_window(site_->classes) || by_window(site_->trunks)) look_at_windows(now);
}

/// By a wall clock that showed midnight when the run began. As daemon.cpp.
bool SimDaemon::window_open(const model::Failback& f, Instant now) const {
  constexpr Duration kDay = 24h;
  const Duration of_day = ((now - kBegin + wall_offset) % kDay + kDay) % kDay;
  const auto minute = std::chrono::floor<std::chrono::minutes>(of_day);
  return f.opens < f.closes ? minute >= f.opens && minute < f.closes : minute >= f.opens || minute < f.closes;
}

void SimDaemon::look_at_windows(Instant now) {
  later(now + 1s, Happening::Second);
  std::vector<std::string> open;
  const auto look = [&](const auto& list) {
    for (const auto& x : list)
      if (x.failback.mode == model::FailbackMode::Window && window_open(x.failback, now)) open.push_back(x.name);
  };
  look(site_->classes);
  look(site_->trunks);
  if (open == open_windows_) return;
  open_windows_ = std::move(open);
  tell_orders(now);
}

void SimDaemon::configure(model::SitePtr site) {
  const std::size_t before = site_->circuits.size();
  std::vector<sip::Debt> debts(site->carriers.size() * site->circuits.size());
  for (std::size_t k = 0; k < std::min(site_->carriers.size(), site->carriers.size()); ++k)
    for (std::size_t c = 0; c < std::min(before, site->circuits.size()); ++c) debts[k * site->circuits.size() + c] = debts_[k * before + c];
  debts_ = std::move(debts);
  site_ = std::move(site);
  judged_site_ = given_to_the_judge(site_, bug_);
}

/// What was learned, as the journal kept it: its age is told by the clock that nobody steps (runtime::read_kept).
void SimDaemon::recall(Instant now) {
  const auto recall = [&](const Learned& l, auto id, std::string_view text) {
    if (!text.empty() && !decider_->recall(id, text, now - l.written)) story_->broken("memory", "what the judge wrote it does not understand", now);
  };
  for (std::size_t c = 0; c < site_->circuits.size() && bug_ != Planted::ForgetLearned; ++c) {
    const std::string_view text = learned_[c].text;
    const bool with_hold_down = bug_ != Planted::ForgetMoves || text.find('\t') == text.rfind('\t');
    recall(learned_[c], model::id_at<model::CircuitId>(c), with_hold_down ? text : text.substr(0, text.rfind('\t')));
  }
  for (std::size_t i = 0; i < site_->classes.size() && bug_ != Planted::ForgetMoves; ++i)
    recall(moves_[i], model::id_at<model::ClassId>(i), moves_[i].text);
}

void SimDaemon::remember(Instant now) {
  later(now + kRemember, Happening::Remember);
  if (disk_fails == 0) keep(now);
}

void SimDaemon::hand_over(Instant now) {
  keep(now);
  reloads_ = true;
}

void SimDaemon::keep(Instant now) {
  remembered_at_ = now;
  const auto text = [&](auto id) { return Learned{decider_->memory(id, judged_now(now)), now}; };
  for (std::size_t c = 0; c < site_->circuits.size(); ++c) learned_[c] = text(model::id_at<model::CircuitId>(c));
  for (std::size_t i = 0; i < site_->classes.size(); ++i) moves_[i] = text(model::id_at<model::ClassId>(i));
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
  was_stopped_ = true;
}

/// First it sees that it stood still, then all that came meanwhile, in that order.
void SimDaemon::go_on(Instant now) {
  if (!alive() || !stopped()) return;
  const Instant since = *stopped_since_;
  stopped_since_.reset();
  stood_since_ = since;
  story_->tell(now, "the daemon goes on, with {} things to look at", held_.size());
  oracle_->on_resumed(since, now);
  // A person's order is in force from when the daemon hears of it: first, so that the oracle may count it from when it was given.
  tell_orders(now);
  for (std::size_t c = 0; c < links_.size(); ++c) {
    link(c, now);
    gateway(c, now);
    resolver(c, now);
  }
  // Timers first: what a loop that wakes up looks at first is not for us to choose.
  const auto again = [&](bool packets) {
    for (Event& e : held_) {
      if ((e.what == Happening::Reply || e.what == Happening::Rejected || e.what == Happening::SipResponse) != packets) continue;
      e.at = now;
      timeline_->put(e);
    }
  };
  again(false);
  again(true);
  held_.clear();
}

bool SimDaemon::status(model::Status& out, Instant now) const {
  if (!alive()) return false;
  decider_->fill(out, judged_now(now));
  return true;
}

void SimDaemon::observe(const model::Observation& o, Instant now) { take(decider_->observe(o, awake(now)), now); }

Instant SimDaemon::awake(Instant now) {
  notice_stall(now);
  return judged_now(now);
}

/// The judge is told before it hears anything else.
void SimDaemon::notice_stall(Instant now) {
  const Instant judged = judged_now(now);
  const Instant stood = std::exchange(stood_since_, model::kNever);
  const Instant from = std::min(due_, stood == model::kNever ? stood : judged_now(stood) + kTick);
  if (from == model::kNever || judged - from <= kStallNoticed || bug_ == Planted::StallNotTold) return;
  take(decider_->observe(model::LoopStall{.from = from, .to = judged}, judged), now);
}

void SimDaemon::take(const decision::Output& out, Instant now) {
  due_ = out.next_wakeup;
  for (std::size_t c = 0; c < links_.size(); ++c)
    if ((out.probing_changed >> c & 1) != 0) senses_->follow(c, decider_->probe_plan(model::id_at<model::CircuitId>(c)), now);
  if (out.ask) senses_->ask(out.ask->carrier.index(), out.ask->circuits, now);
  if (out.next_wakeup != model::kNever && out.next_wakeup != wake_at_) {
    wake_at_ = out.next_wakeup;
    const Instant at = bug_ == Planted::DecideOnWallClock ? wake_at_ - wall_offset : wake_at_;
    later(std::max(at, now), Happening::Wake, 0, static_cast<std::uint64_t>(wake_at_.time_since_epoch().count()));
  }
  for (const model::Event& e : out.events) {
    story_->mark(e.text);
    story_->tell(now, "{} {}: {}", to_string(e.id), e.subject, e.text);
    oracle_->on_event(e, now);
    if (remembers_) said_.push_back({e.id, e.subject, now});
  }
  if (!out.plan) return;
  planned_at_ = now;
  oracle_->on_plan(*out.plan, *decider_, now);
  carry_out(*out.plan, now);
  if (disk_fails == 0) keep(now);
}

void SimDaemon::gateway(std::size_t circuit, Instant now) {
  if (alive() && !stopped() && circuit < site_->circuits.size()) observe(world_->gateway(circuit, now), now);
}

void SimDaemon::resolver(std::size_t circuit, Instant now) {
  if (!alive() || stopped() || circuit >= site_->circuits.size()) return;
  observe(model::ResolverState{.circuit = model::id_at<model::CircuitId>(circuit), .answering = world_->line(circuit).resolver_dead == 0}, now);
}

void SimDaemon::calls(std::size_t trunk, int in_progress, Instant now) {
  calls_[trunk] = in_progress;
  if (alive() && !stopped())
    observe(model::TrunkLoad{.trunk = model::id_at<model::TrunkId>(trunk), .calls = in_progress, .calls_per_second = in_progress / 100.0}, now);
}

void SimDaemon::link(std::size_t circuit, Instant now) {
  if (!alive() || stopped() || circuit >= site_->circuits.size()) return;
  const model::LinkState state = world_->link(circuit);
  if (bug_ == Planted::IgnoreLinkEvents && !state.usable() && links_[circuit]) return;
  const auto before = std::exchange(links_[circuit], state);
  senses_->set_linked(circuit, state.usable());
  if (before && (before->ifindex != state.ifindex || before->address != state.address)) senses_->rebuild(circuit, now);
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
  decision::OrdersInForce orders{told_overrides_};
  for (const std::string& subject : open_windows_)
    orders.overrides.push_back({.id = 0, .kind = model::OverrideKind::Failback, .subject = subject, .owner = "window", .reason = "open"});
  take(decider_->order(orders, awake(now)), now);
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
    case Happening::Probe:
    case Happening::ExtraProbe:
    case Happening::Reply:
    case Happening::Rejected:
    case Happening::Options:
    case Happening::SipResponse: senses_->set_wall_offset(judged_now(now) - now); return senses_->happen(e, now);
    case Happening::Remember: return remember(now);
    case Happening::Second: return look_at_windows(now);
    case Happening::Wake:
      if (e.n != static_cast<std::uint64_t>(wake_at_.time_since_epoch().count())) return;
      wake_at_ = model::kNever;
      return take(decider_->wake(awake(now)), now);
    case Happening::Hello:
      if (e.b != connection_ || switch_away > 0) return;
      replies_[++key_] = switch_->hello();
      return later(now + 1ms, Happening::FromSwitch, 0, key_);
    case Happening::FromSwitch:
      if (e.b == connection_ && switch_away == 0) from_switch(route::Reply(replies_.at(e.n)), now);
      replies_.erase(e.n);
      return;
    case Happening::Retry: return e.n == retry_key_ ? try_again(now) : void();
    case Happening::TrunkRead: return read_trunk(e, now);
    case Happening::CallEnd: return end_call(e.n, now);
    case Happening::Proof: return go_on_proving(e, now);
    case Happening::PbxBeat: oracle_->inspect(*decider_, now); return beat(now);
    default: return;
  }
}

}  // namespace linekeeper::sim
