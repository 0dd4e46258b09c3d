// What happened, as it is noted; and what the judge calls dead, against the truth.
#include "tests/sim/oracle.hpp"

#include <algorithm>
#include <bit>

#include "tests/sim/reconfigured.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

constexpr Duration kSettled = 60s;       // nothing may have happened for so long for a world to be called unchanged
constexpr Duration kStillOnTheWay = 2s;  // answers, timeouts and verdicts about what is over

}  // namespace

Oracle::Oracle(const Script& script, const model::Site& site, World& world, ModelSwitch& route_switch, ModelPbx& pbx, Story& story, Instant now)
    : site_(&site),
      all_(&site),
      world_(&world),
      switch_(&route_switch),
      pbx_(&pbx),
      story_(&story),
      kind_(script.kind),
      calls_each_(script.calls_each),
      truth_(site, script, world, now),
      at_death_(site.circuits.size()),
      classes_(site.classes.size()),
      unserved_(site.circuits.size()),
      paces_(site.circuits.size()),
      first_(site.trunks.size()),
      let_back_(site.trunks.size()),
      heard_(site.trunks.size()),
      started_(now),
      ready_(now),
      disturbed_(now),
      orders_changed_(now) {
  for (Class& c : classes_) c.shown.resize(site.circuits.size());
  for (const model::Trunk& t : site.trunks)
    for (const model::TrunkMember& m : t.members)
      if (t.emergency) classes_[t.traffic_class.index()].emergency = classes_[t.class_of(m).index()].emergency = true;
}

void Oracle::on_start(Instant now) {
  ready_ = now;
  plan_generation_ = 0;
  truth_.on_start();
  const bool kept = daemon_->memory_kept();
  for (Class& c : classes_) {
    if (!kept) static_cast<Moves&>(c) = {};
    c.checked_until.reset();
    // A person's order outlives the restart.
    c.forced = std::ranges::any_of(daemon_->overrides(), [&](const model::Override& o) {
      return o.kind == model::OverrideKind::Force && o.subject == site_->classes[static_cast<std::size_t>(&c - classes_.data())].name;
    });
    c.shown.assign(all_->circuits.size(), {});
    c.led = false;
    c.answer.reset();
  }
  for (Pace& p : paces_)
    p = {.since = now,
         .tokens = std::vector<double>(site_->targets.size(), site_->probing.verify_budget),
         .at = std::vector<Instant>(site_->targets.size(), now),
         .level = kept ? p.level : 0,
         .trusted = kept ? p.trusted : std::nullopt};
}

void Oracle::on_crash(Instant now) {
  crash_at_ = now;
  edges_at_crash_ = truth_.edges();
  changes_at_crash_ = switch_->changes();
  orders_at_crash_.clear();
  for (std::size_t t = 0; t < site_->trunks.size(); ++t) orders_at_crash_.push_back(pbx_->standing(t, now));
  // The world had been as it is for long enough, what was decided was carried out, and nobody had a hand in it.
  const bool settled = std::max({truth_.last_edge(), orders_changed_, disturbed_, planned_, ready_}) + kSettled < now;
  restart_counts_ = settled && world_->steady() && daemon_->overrides().empty() && switch_->trouble == 0 &&
                    std::ranges::none_of(site_->trunks, [&](const model::Trunk& t) { return pbx_->deaf(t.pbx); });
  for (std::size_t c = 0; c < truth_.circuits(); ++c) restart_counts_ = restart_counts_ && truth_.odd(c) < 2;
}

/// A configuration that wants what stands changes nothing (I13); one that does not may.
void Oracle::on_configured(const model::Site& site) {
  if (!same_ways(*site_, site)) restart_counts_ = false;
  if (!same_members(*site_, site)) orders_at_crash_.assign(orders_at_crash_.size(), {});
  site_ = &site;
  first_.assign(first_.size(), std::nullopt);
}

void Oracle::on_resumed(Instant stopped, Instant now) {
  stopped_ = stopped;
  resumed_ = disturbed_ = now;
  truth_.on_resumed(now);
}

void Oracle::on_adopted(bool first, Instant now) {
  adopted_at_ = now;
  if (!first) return;  // what it decided stands for it, whatever the switch says
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    const auto told = switch_->told(i);
    const bool known = told && *told < site_->circuits.size();  // else it stands by one that the configuration no longer has
    classes_[i].standing = known ? std::optional(model::id_at<model::CircuitId>(*told)) : std::nullopt;
  }
  disturbed_ = now;
}

void Oracle::on_refused(const route::Refused& refused, Instant now) {
  if (refused.guard == "stale_generation")
    story_->broken("I21", fmt::format("the daemon sent generation {} to a switch that had told it of a later one", refused.generation), now);
}

/// The plan said otherwise; nothing of it came about.
void Oracle::on_held(const decision::MovesHeld& held, Instant now) {
  for (const decision::MovesHeld::Move& m : held.moves) {
    Class& c = classes_[m.traffic_class.index()];
    const auto told = switch_->told(m.traffic_class.index());
    if (m.stands != (told ? std::optional(model::id_at<model::CircuitId>(*told)) : std::nullopt))
      story_->broken(
          "I21", fmt::format("the switch says that class {} was left where it does not stand", site_->classes[m.traffic_class.index()].name), now);
    static_cast<Moves&>(c) = c.before;
    c.led = false;
    c.held = now;
    c.answer.reset();
    c.standing = m.stands;
  }
}

void Oracle::on_local_error(std::size_t circuit, Instant now) { truth_.on_local_error(circuit, now); }

/// No target is asked more than its budget and its pace allow.
void Oracle::on_probe(std::size_t circuit, std::size_t target, model::ProbeKind kind, std::optional<Duration> answered, Instant now) {
  truth_.on_probe(circuit, target, kind, answered, now);
  Pace& pace = paces_[circuit];
  if (kind != model::ProbeKind::Scheduled) {
    const double most = site_->probing.verify_budget, back = most * 0.2 / 60;
    double& left = pace.tokens[target];
    left = std::min(most, left + back * model::seconds(now - pace.at[target])) - 1;
    pace.at[target] = now;
    if (left < -1)
      story_->broken("pace",
                     fmt::format("{} was sent more quick probes through {} than its budget allows", site_->targets[target].name, name(circuit)), now);
    return;
  }
  ++pace.scheduled;
  if (!site_->circuits[circuit].metered || now - pace.since < 60s) return;
  // A metered circuit, by the quickest pace that it may have when anything is known of it, and the first few seconds of a line.
  const double allowed = 1.2 * model::seconds(now - pace.since) / model::seconds(site_->probing.metered_interval);
  const double unknown = model::seconds(12s) / model::seconds(site_->probing.interval);
  if (truth_.circuit(circuit).touched < pace.since && truth_.circuit(circuit).clear_since < pace.since && pace.scheduled > allowed + unknown)
    story_->broken("pace",
                   fmt::format("{} is metered, and was sent {} probes in {:.0f} s", name(circuit), pace.scheduled, model::seconds(now - pace.since)),
                   now);
  pace.since = now;
  pace.scheduled = 0;
}

/// From when on somebody was there to see what becomes of it.
std::optional<Instant> Oracle::watched_since(std::size_t) const {
  if (!daemon_->alive() || daemon_->stopped()) return std::nullopt;
  return std::max(ready_, resumed_);
}

void Oracle::on_edge(const Edge& edge, Instant now) {
  const Fault f = edge.trouble->fault;
  if (is_order(f)) orders_changed_ = now;
  if (f >= Fault::DaemonStopped && f <= Fault::MadBrain) disturbed_ = now;
  std::vector<bool> was_dead;
  Duration seen_after{};
  for (std::size_t c = 0; c < truth_.circuits(); ++c) {
    was_dead.push_back(truth_.circuit(c).dead_since.has_value());
    for (std::size_t o = 0; o < truth_.circuits() && was_dead[c]; ++o) seen_after = std::max(seen_after, bound(c, o, now));
  }
  truth_.on_edge(edge, watched_since(0), seen_after + kStillOnTheWay, now);
  for (std::size_t c = 0; c < truth_.circuits(); ++c) {
    const CircuitTruth& k = truth_.circuit(c);
    if (k.dead_since && !was_dead[c]) at_death_[c] = published(c, now);
    if (!k.dead_since && was_dead[c] && k.last_long_death == now) {
      Pace& p = paces_[c];
      if (p.trusted && now - *p.trusted <= 1h) ++p.level;
      p.trusted.reset();
    }
  }
}

/// A target lies, and an honest one is still set aside because of another that lied until now: of the others too few count.
bool Oracle::outvoted(std::size_t circuit) const {
  if (truth_.liars(circuit) == 0) return false;
  const auto& targets = site_->circuits[circuit].targets;
  const decision::TargetMask counted = daemon_->judge().circuit(model::id_at<model::CircuitId>(circuit)).counted();
  int out = 0;
  for (std::size_t p = 0; p < targets.size(); ++p) out += (counted >> p & 1) == 0 || !world_->well(targets[p].index(), circuit) ? 1 : 0;
  return out > 1;
}

Oracle::Published Oracle::published(std::size_t circuit, Instant now) const {
  const Duration most = site_->probing.timeout_max;
  if (!daemon_->alive() || circuit >= site_->circuits.size())
    return {.dead_after = site_->circuit_health.dead_after_min, .timeout = most, .interval = site_->probing.interval};
  const decision::CircuitHealth& h = daemon_->judge().circuit(model::id_at<model::CircuitId>(circuit));
  const model::Detectors d = h.detectors(now);
  return {.dead_after = d.dead_after,
          .timeout = h.rtt_expected(),
          .interval = d.interval,
          .aside = static_cast<int>(site_->circuits[circuit].targets.size()) - std::popcount(h.counted()),
          .quick = d.verify_left >= 10.0 * static_cast<double>(site_->targets.size())};
}

void Oracle::on_event(const model::Event& event, Instant now) {
  using model::EventId;
  if (event.id == EventId::CallsFail) calls_failed_[event.subject] = now;
  if (event.id != EventId::CircuitDown && event.id != EventId::CircuitSuspect) return;
  const auto c = std::ranges::find_if(site_->circuits, [&](const model::Circuit& k) { return event.subject == "circuit " + k.name; });
  if (c == site_->circuits.end()) return;
  const bool silent = std::ranges::any_of(event.fields, [](const auto& f) { return f.first == "cause" && f.second == "silent"; });
  if (event.id == EventId::CircuitSuspect || silent) check_death(static_cast<std::size_t>(c - site_->circuits.begin()), silent, now);
}

/// It is called dead, or suspect, by silence.
void Oracle::check_death(std::size_t circuit, bool called_dead, Instant now) {
  const CircuitTruth& k = truth_.circuit(circuit);
  const Duration gap = site_->probing.interval * 2;
  if (k.dead_since || (k.alive_since != Instant{} && now - k.alive_since <= kStillOnTheWay + gap)) {
    tally_.deaths += called_dead ? 1 : 0;
    return;
  }
  if (kind_ == Kind::OneTarget)
    return story_->broken("I5", fmt::format("{} is called {} although only one target misbehaves", name(circuit), called_dead ? "dead" : "suspect"),
                          now);
  if (!called_dead) return;
  int answered = 0;
  const model::CircuitStatus said = daemon_->judge().circuit(model::id_at<model::CircuitId>(circuit)).status(now);
  for (std::size_t t = 0; t < site_->targets.size(); ++t)
    answered += said.targets[t].set_aside == model::SetAside::No && truth_.always_well(t, circuit) &&
                        k.answered_of[t] > now - site_->circuit_health.dead_after_min
                    ? 1
                    : 0;
  const bool few_odd = !k.many_odd && now - k.two_odd > kSettled;
  if (answered >= 2 && few_odd)
    return story_->broken("I7", fmt::format("{} is called dead, and {} targets have just answered through it", name(circuit), answered), now);
  const bool certain = truth_.clean_by_nature(circuit) && !k.ever_shaky && !k.many_odd && now - k.two_odd > kSettled;
  if (certain) return story_->broken("I7", fmt::format("{} is called dead, and nothing is lost on it", name(circuit)), now);
  if (!is_known_line()) return void(++tally_.other_false_deaths);
  if (++tally_.false_deaths > 1)
    story_->broken("false failovers",
                   fmt::format("{} lines that the judge knows were called dead in {:.0f} minutes; {:g} in a year are allowed", tally_.false_deaths,
                               model::seconds(now - started_) / 60, site_->circuit_health.false_failovers_per_year),
                   now);
}

void Oracle::inspect(const decision::Decider& decider, Instant now) {
  for (std::size_t c = 0; c < site_->circuits.size(); ++c) {
    const CircuitTruth& k = truth_.circuit(c);
    const decision::CircuitHealth& h = decider.circuit(model::id_at<model::CircuitId>(c));
    // What is fresh at a slow pace is not stale at the instant that it is wanted more quickly.
    Pace& pace = paces_[c];
    if (h.plan().interval >= pace.slowest || now - pace.slowest_at > 3 * pace.slowest) pace.slowest = h.plan().interval, pace.slowest_at = now;
    if (h.verdict().health == model::Health::Up) {
      const Duration most = std::max(site_->circuit_health.stale_after, 3 * pace.slowest) + site_->circuit_health.dead_after_max + 3s;
      // While nothing can be sent, nothing is known; when it can be sent again, what is lost is known from then on.
      const Instant sendable = world_->line(c).local_errors > 0 ? Instant{} : k.last_local_error;
      if (!k.last_answer || now - std::max({*k.last_answer, resumed_, sendable}) > most)
        story_->broken("I6",
                       fmt::format("{} is called up, and has answered nothing for {:.1f} s", name(c),
                                   k.last_answer ? model::seconds(now - *k.last_answer) : -1.0),
                       now);
    }
    const model::CircuitRule& rule = site_->circuit_health;
    const Duration dead_after = h.detectors(now).dead_after;
    const bool nothing_to_learn = truth_.clean_by_nature(c) && !k.ever_shaky && !k.ever_died_briefly && !k.dead_since && k.two_odd == Instant{} &&
                                  kind_ != Kind::Quiet && daemon_->never_stopped();
    if (dead_after > rule.dead_after_max || dead_after < rule.dead_after_min || (nothing_to_learn && dead_after > rule.dead_after_min))
      story_->broken(
          "learning",
          fmt::format("{} is to be silent for {:.2f} s before it is dead, and has given no reason for that", name(c), model::seconds(dead_after)),
          now);
  }
}

void Oracle::on_order(std::size_t trunk, const std::vector<int>& sets, Instant now) {
  if (!daemon_->alive()) return;  // what a dead one had sent may be of a configuration that has been replaced
  std::vector<int> wanted, given = sets;
  for (const model::TrunkMember& m : site_->trunks[trunk].members) wanted.push_back(m.dispatcher_set);
  std::ranges::sort(wanted);
  std::ranges::sort(given);
  if (wanted != given)
    story_->broken(site_->trunks[trunk].emergency ? "I24" : "I1",
                   fmt::format("trunk {} is given {} of its {} members", site_->trunks[trunk].name, given.size(), wanted.size()), now);
}

void Oracle::end(Instant now) {
  if (is_known_line()) tally_.watched_hours = model::seconds(now - started_) / 3600 * static_cast<double>(truth_.circuits());
}

}  // namespace linekeeper::sim
