#include "tests/sim/oracle.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <set>

#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;
using model::Motive;

namespace {

constexpr Duration kInTime = 80ms;    // every probe answered within this is answered in time (timeout_min)
constexpr Duration kTimeout = 250ms;  // no timeout is longer, when round trips are below 60 ms
constexpr Duration kLearned = 120s;   // a round trip that was long is forgotten by then
constexpr Duration kAct = 250ms;      // plan to kernel, when nothing is the matter with the switch
constexpr Duration kSettled = 60s;    // nothing may have happened for so long for a world to be called unchanged

}  // namespace

Oracle::Oracle(const model::Site& site, World& world, ModelSwitch& route_switch, ModelPbx& pbx, Story& story, Instant now)
    : site_(&site),
      world_(&world),
      switch_(&route_switch),
      pbx_(&pbx),
      story_(&story),
      circuits_(site.circuits.size()),
      paths_(site.carriers.size() * site.circuits.size()),
      standing_(site.classes.size()),
      first_(site.trunks.size()),
      heard_(site.trunks.size()),
      moved_(site.classes.size()),
      ready_(now),
      disturbed_(now),
      orders_changed_(now),
      edge_at_(now) {
  const int targets = static_cast<int>(site.targets.size());
  detection_ = bound(0) + 2 * targets * site.probing.interval;
  enough_answers_ = std::max({site.circuit_health.rise, 2 * targets, site.circuit_health.min_samples}) + 2;
}

/// How long a dead circuit may be stayed on. A link that goes says so itself; silence takes as many lost probes as the rule wants, over
/// the targets that are left when a lying one is left out, two of each, and one timeout.
Duration Oracle::bound(std::size_t circuit) const {
  const Circuit& c = circuits_[circuit];
  const Duration gap = site_->probing.interval * 11 / 10;
  if (!world_->line(circuit).linked()) return 2 * gap + kInTime + kAct;
  const int targets = static_cast<int>(site_->targets.size());
  const int probes = liars(circuit) == 0 ? 2 * targets : 3 * targets;
  const bool round_trips_known = c.answers_of_life >= 6 * targets && now_ >= c.slow_until;
  return std::max((probes + 1) * gap, site_->circuit_health.dead_after_max) + (round_trips_known ? kTimeout : site_->probing.timeout_max) + kAct;
}

void Oracle::on_start(Instant now) {
  ready_ = now;
  plan_generation_ = 0;
  for (Circuit& c : circuits_) {
    c.answers = c.answers_of_life = 0;
    c.good_since.reset();
  }
  for (Path& p : paths_) p = {.last_down = p.last_down};
}

void Oracle::on_crash(Instant now) {
  crash_at_ = now;
  edges_at_crash_ = edges_;
  changes_at_crash_ = switch_->changes();
  orders_at_crash_.clear();
  for (std::size_t t = 0; t < site_->trunks.size(); ++t) orders_at_crash_.push_back(pbx_->standing(t, now));
  // The world had been as it is for long enough, what was decided was carried out, and nobody had a hand in it.
  const bool settled = std::max({edge_at_, orders_changed_, disturbed_, planned_, ready_}) + kSettled + detection_ < now;
  restart_counts_ = settled && world_->steady() && daemon_->overrides().empty() && !daemon_->staying() && switch_->trouble == 0 &&
                    std::ranges::none_of(site_->trunks, [&](const model::Trunk& t) { return pbx_->deaf(t.pbx); });
}

void Oracle::on_resumed(Instant now) {
  resumed_ = disturbed_ = now;
  for (Circuit& c : circuits_) {
    c.answers = 0;
    c.good_since.reset();
    c.clear_since = now;
  }
}

void Oracle::on_adopted(bool first, Instant now) {
  adopted_at_ = now;
  if (!first) return;  // what it decided stands for it, whatever the switch says
  for (std::size_t i = 0; i < standing_.size(); ++i) {
    const auto told = switch_->told(i);
    standing_[i] = told ? std::optional(model::id_at<model::CircuitId>(*told)) : std::nullopt;
  }
  disturbed_ = now;
}

void Oracle::on_refused(const route::Refused& refused, Instant now) {
  if (refused.guard == "stale_generation")
    story_->broken("I21", fmt::format("the daemon sent generation {} to a switch that had told it of a later one", refused.generation), now);
}

void Oracle::on_probe(std::size_t circuit, std::size_t target, model::ProbeKind, std::optional<Duration> answered, Instant now) {
  Circuit& c = circuits_[circuit];
  c.fates <<= 1;
  if (world_->well(target, circuit)) c.fates_of_well = c.fates_of_well << 1 | (answered && *answered <= kInTime ? 0U : 1U);
  if (answered) ++c.answers_alive, ++c.answers_of_life;
  if (answered && *answered <= kInTime) {
    c.last_answer = now;
    if (++c.answers >= enough_answers_ && !c.good_since && !c.dead_since) c.good_since = now + kInTime;
    return;
  }
  if (answered) c.last_answer = now;
  c.fates |= 1;
  c.answers = 0;
  c.good_since.reset();
}

void Oracle::on_local_error(std::size_t circuit, Instant now) {
  Circuit& c = circuits_[circuit];
  c.clear_since = now;
  c.answers = 0;
  c.good_since.reset();
}

void Oracle::on_outcome(const model::SipOutcome& o, Instant now) {
  Path& p = paths_[o.carrier.index() * circuits_.size() + o.circuit.index()];
  const Circuit& c = circuits_[o.circuit.index()];
  // What was asked through a dead circuit says nothing about the carrier.
  if (o.result == model::SipResult::LocalError || c.dead_since || o.sent < c.alive_since) return;
  const bool good = o.result == model::SipResult::Final && o.code < 500;
  if (world_->line(o.circuit.index()).losing() && !good) return p.good_since.reset();  // the circuit's doing, and may be called so
  if (!good) p.good_since.reset();
  if (good) {
    p.bad = 0;
    p.bad_since.reset();
    if (++p.good >= site_->carrier_health.rise + 1 && !p.good_since && o.code == 200) p.good_since = now;
    if (o.code != 200) p.good_since.reset();
    return;
  }
  p.good = 0;
  if (++p.bad >= site_->carrier_health.fall && !p.bad_since) p.bad_since = now;
}

void Oracle::on_edge(const Edge& edge, Instant now) {
  edge_at_ = now;
  ++edges_;
  const Trouble& t = *edge.trouble;
  const Fault f = t.fault;
  if (f == Fault::ForceClass || f == Fault::Hold || f == Fault::ForceTrunk) orders_changed_ = now;
  if (f >= Fault::DaemonStopped && f <= Fault::MadBrain) disturbed_ = now;
  const bool timing = f == Fault::TargetSlow || f == Fault::Delay || f == Fault::Jitter || f == Fault::Load;
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    Circuit& k = circuits_[c];
    const bool dead = world_->line(c).dead();
    int bad = 0;
    for (std::size_t target = 0; target < site_->targets.size(); ++target) bad += world_->well(target, c) ? 0 : 1;
    if (bad > 1 || k.many_bad) k.two_bad = now;
    k.many_bad = bad > 1;
    if (timing) k.slow_until = now + kLearned;
    if (timing || f == Fault::TargetLies) k.clear_since = now;
    if (f <= Fault::NewInterface && (t.everywhere || t.a == c)) {
      k.clear_since = now;
      k.answers = 0;
      k.good_since.reset();
    }
    if (dead != k.dead_since.has_value())
      for (std::size_t p = c; p < paths_.size(); p += circuits_.size()) paths_[p] = {.last_down = paths_[p].last_down};
    if (dead && !k.dead_since) {
      k.dead_since = now;
      k.good_since.reset();
      k.answers = k.answers_alive = 0;
    } else if (!dead && k.dead_since) {
      // Long enough that whoever was watching all the time must have seen it.
      const Instant watched = std::max({*k.dead_since, ready_, k.clear_since});
      if (daemon_->alive() && now - watched > detection_ + 2s && !undecidable(c)) k.last_long_death = now;
      k.dead_since.reset();
      k.alive_since = now;
      k.answers_alive = 0;
    }
  }
}

/// Probes cannot tell: targets that answer although the line is dead stand behind too much of the evidence.
bool Oracle::undecidable(std::size_t circuit) const {
  if (world_->line(circuit).local_errors > 0 || world_->line(circuit).captive > 0) return true;
  std::set<std::string> honest;
  for (std::size_t t = 0; t < site_->targets.size(); ++t)
    if (world_->sight(t, circuit).lies == 0) honest.insert(site_->targets[t].network);
  return liars(circuit) > 1 || honest.size() < 2;
}

int Oracle::liars(std::size_t circuit) const {
  int n = 0;
  for (std::size_t t = 0; t < site_->targets.size(); ++t) n += world_->sight(t, circuit).lies > 0 ? 1 : 0;
  return n;
}

Instant Oracle::calm_since() const { return std::max({ready_, disturbed_, orders_changed_, adopted_at_}); }

void Oracle::check_move(const model::Plan& plan, std::size_t i, const model::Status& status, Instant now) {
  const auto from = standing_[i];
  const auto to = plan.classes[i].circuit;
  const Motive motive = plan.classes[i].motive;
  const std::string& who = site_->classes[i].name;
  if (!from || !to || from == to) return;
  const Circuit& old_way = circuits_[from->index()];
  const Circuit& new_way = circuits_[to->index()];
  if (kind_ == Kind::OneTarget)
    story_->broken("I5", fmt::format("class {} moved from {} to {} although only one target misbehaves", who, name(from->index()), name(to->index())),
                   now);
  if (motive == Motive::Forced) return;
  const bool held = std::ranges::any_of(daemon_->overrides(), [](const model::Override& o) { return o.kind == model::OverrideKind::Hold; });
  // Nobody may hold emergency calls on a dead way while another is up (I24).
  const bool emergency =
      std::ranges::any_of(site_->trunks, [&](const model::Trunk& t) { return t.emergency && t.traffic_class == model::id_at<model::ClassId>(i); });
  if (held && !(emergency && motive == Motive::Escape)) story_->broken("I15", fmt::format("class {} moved although a person holds it", who), now);
  if (status.circuits[from->index()].verdict.health == model::Health::Unknown ||
      status.circuits[to->index()].verdict.health == model::Health::Unknown)
    story_->broken("I6", fmt::format("class {} moved from or to a circuit that nothing is known of", who), now);
  if (!new_way.last_answer || now - *new_way.last_answer > site_->circuit_health.stale_after + site_->probing.timeout_max + 1s)
    story_->broken("I6",
                   fmt::format("class {} moved to {}, which has answered nothing for {:.1f} s", who, name(to->index()),
                               new_way.last_answer ? model::seconds(now - *new_way.last_answer) : -1.0),
                   now);
  // A move for another reason than death may meet a way whose death nobody can know of yet.
  const bool unknowable = motive != Motive::Escape && new_way.dead_since && now - *new_way.dead_since < bound(to->index());
  if (old_way.dead_since && new_way.dead_since && *new_way.dead_since <= *old_way.dead_since && !unknowable)
    story_->broken("I2", fmt::format("class {} moved from {} to {}, which was dead before it", who, name(from->index()), name(to->index())), now);
  const int newest = 10, lost = std::popcount(old_way.fates & ((1ULL << newest) - 1));
  // Down takes two targets: at least one that is well must have lost two of the last ones.
  if (motive == Motive::Escape && world_->line(from->index()).linked() && now - std::max(old_way.alive_since, old_way.two_bad) > kSettled &&
      !old_way.many_bad && std::popcount(old_way.fates_of_well & 0xffffffULL) < 2)
    story_->broken("I5", fmt::format("class {} left {} by the word of one target", who, name(from->index())), now);
  // Answers of a circuit that has just come back do not make it one that is up: it may still be left.
  if (motive == Motive::Escape && world_->line(from->index()).linked() && now - old_way.alive_since > kSettled && lost < 2)
    story_->broken("I7", fmt::format("class {} left {}, where only {} of the last {} probes were lost", who, name(from->index()), lost, newest), now);
  if (new_way.alive_since != Instant{} && !new_way.dead_since && liars(to->index()) == 0 && now - new_way.clear_since > kSettled &&
      new_way.answers_alive < site_->circuit_health.rise && now - new_way.alive_since < 60s && new_way.last_long_death == new_way.alive_since)
    story_->broken("I4",
                   fmt::format("class {} moved to {} after {} answers since it was dead; {} are wanted", who, name(to->index()),
                               new_way.answers_alive, site_->circuit_health.rise),
                   now);
  if (motive == Motive::Failback && new_way.last_long_death != Instant{} && now - new_way.last_long_death < site_->circuit_health.hold_down)
    story_->broken("I4",
                   fmt::format("class {} came back to {} {:.1f} s after it was dead; its hold-down is {:.0f} s", who, name(to->index()),
                               model::seconds(now - new_way.last_long_death), model::seconds(site_->circuit_health.hold_down)),
                   now);
}

std::optional<std::size_t> Oracle::circuit_of(const model::Trunk& trunk, std::size_t member) const {
  if (trunk.members[member].circuit) return trunk.members[member].circuit->index();
  const auto& c = standing_[trunk.traffic_class.index()];
  return c ? std::optional(c->index()) : std::nullopt;
}

void Oracle::check_trunk_move(const model::Plan& plan, std::size_t t, Instant now) {
  const model::TrunkChoice& choice = plan.trunks[t];
  const model::Trunk& trunk = site_->trunks[t];
  if (choice.order.empty()) return;
  if (choice.order.size() != trunk.members.size())
    story_->broken("I1", fmt::format("trunk {} is ordered with {} of {} members", trunk.name, choice.order.size(), trunk.members.size()), now);
  const std::size_t first = choice.order.front().member;
  if (kind_ == Kind::OneTarget && first_[t] && *first_[t] != first)
    story_->broken("I5", fmt::format("trunk {} was re-ordered although only one target misbehaves", trunk.name), now);
  // One that answers 403 takes no calls from here: one that is up is better, trusted or not.
  const auto by = first_[t] ? circuit_of(trunk, *first_[t]) : std::nullopt;
  const bool forbidden = by && world_->reach(trunk.members[*first_[t]].carrier.index(), *by).forbidden > 0;
  if (first_[t] && *first_[t] != first && !forbidden && choice.motive == Motive::Failback)
    if (const auto circuit = circuit_of(trunk, first)) {
      const Path& p = paths_[trunk.members[first].carrier.index() * circuits_.size() + *circuit];
      if (p.last_down != Instant{} && now - p.last_down < site_->carrier_health.hold_down)
        story_->broken("I4",
                       fmt::format("trunk {} came back to {} {:.1f} s after it failed; its hold-down is {:.0f} s", trunk.name,
                                   site_->carriers[trunk.members[first].carrier.index()].name, model::seconds(now - p.last_down),
                                   model::seconds(site_->carrier_health.hold_down)),
                       now);
    }
  first_[t] = first;
}

void Oracle::on_plan(const model::Plan& plan, const decision::Decider& decider, Instant judged, Instant now) {
  if (plan.generation <= plan_generation_) story_->broken("I21", fmt::format("plan {} came after plan {}", plan.generation, plan_generation_), now);
  plan_generation_ = plan.generation;
  planned_ = now;
  model::Status status;
  decider.fill(status, judged);
  for (std::size_t i = 0; i < site_->classes.size(); ++i) {
    if (standing_[i] && !plan.classes[i].circuit)
      story_->broken("I1", fmt::format("plan {} takes the way from class {}", plan.generation, site_->classes[i].name), now);
    check_move(plan, i, status, now);
  }
  for (std::size_t i = 0; i < site_->classes.size(); ++i) {
    if (standing_[i] != plan.classes[i].circuit) moved_[i] = now;
    standing_[i] = plan.classes[i].circuit;
  }
  for (std::size_t t = 0; t < site_->trunks.size(); ++t) check_trunk_move(plan, t, now);
}

void Oracle::inspect(const decision::Decider& decider, Instant judged, Instant now) {
  model::Status status;
  decider.fill(status, judged);
  if (now - resumed_ <= site_->circuit_health.stale_after) return;  // whatever it did not see while it stood still
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    if (status.circuits[c].verdict.health != model::Health::Up) continue;
    const auto& last = circuits_[c].last_answer;
    const Duration most = site_->circuit_health.stale_after + site_->probing.timeout_max + bound(c) + 2s;
    if (!last || now - *last > most)
      story_->broken("I6", fmt::format("{} is called up, and has answered nothing for {:.1f} s", name(c), last ? model::seconds(now - *last) : -1.0),
                     now);
  }
}

void Oracle::on_order(std::size_t trunk, const std::vector<int>& sets, Instant now) {
  std::set<int> wanted, given(sets.begin(), sets.end());
  for (const model::TrunkMember& m : site_->trunks[trunk].members) wanted.insert(m.dispatcher_set);
  if (wanted != given || sets.size() != wanted.size())
    story_->broken("I1", fmt::format("trunk {} is given {} of its {} members", site_->trunks[trunk].name, given.size(), wanted.size()), now);
}

}  // namespace linekeeper::sim
