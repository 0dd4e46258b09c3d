// Whether a move was right, when it is decided.
#include <algorithm>

#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Health;
using model::Instant;
using model::Motive;

namespace {

constexpr std::size_t kEscapesInShort = 12, kMovesInShort = 3, kMovesInLong = 6, kFailbacksInLong = 3, kQualityInLong = 2;
constexpr Measure kPlainLoss = 50'000;  // millionths: so much loss moves nothing
constexpr Duration kBrownRemembered = 60s;

std::size_t within(const std::deque<Instant>& at, Duration span, Instant now) {
  return static_cast<std::size_t>(std::ranges::count_if(at, [&](Instant t) { return now - t < span; }));
}

}  // namespace

bool Oracle::permitted(const std::string& who) const {
  return std::ranges::any_of(daemon_->overrides(), [&](const model::Override& o) {
    return o.kind == model::OverrideKind::Failback && (o.subject == who || o.subject.empty());
  });
}

/// Its mode of failback lets it go back: by its own time or window, or by a person's word. The daemon looks at windows once a second.
bool Oracle::may_return(const model::Failback& failback, const std::string& who, Instant now) const {
  constexpr Duration kLooks = 1100ms;
  if (permitted(who) || failback.mode == model::FailbackMode::Automatic || failback.mode == model::FailbackMode::After) return true;
  if (failback.mode == model::FailbackMode::Manual) return false;
  return now - std::max(resumed_, wall_stepped_) < kLooks || daemon_->window_open(failback, now) || daemon_->window_open(failback, now - kLooks);
}

bool Oracle::may_escape(const Class& c, Instant now) const { return within(c.escapes, 10min + 2s, now) < kEscapesInShort; }

bool Oracle::may_move(const Class& c, Instant now) const {
  return within(c.moves, 10min + 2s, now) < kMovesInShort && within(c.moves, 1h + 2s, now) < kMovesInLong;
}

Duration Oracle::hold_down(std::size_t circuit) const {
  const model::CircuitRule& rule = site_->circuit_health;
  Duration d = rule.hold_down;
  for (int i = 0; i < paces_[circuit].level; ++i) d = std::min(3 * d, std::max(rule.hold_down, rule.hold_down_max));
  return d;
}

Instant Oracle::calm_since() const { return std::max({ready_, disturbed_, orders_changed_, adopted_at_}); }

std::optional<std::size_t> Oracle::circuit_of(const model::Trunk& trunk, std::size_t member) const {
  if (trunk.members[member].circuit) return trunk.members[member].circuit->index();
  const auto& c = classes_[trunk.class_of(trunk.members[member]).index()].standing;
  return c ? std::optional(c->index()) : std::nullopt;
}

std::size_t Oracle::member_of(const model::Trunk& trunk, int set) const {
  return static_cast<std::size_t>(std::ranges::find(trunk.members, set, &model::TrunkMember::dispatcher_set) - trunk.members.begin());
}

void Oracle::on_plan(const model::Plan& plan, const decision::Decider& decider, Instant now) {
  if (plan.generation <= plan_generation_) story_->broken("I21", fmt::format("plan {} came after plan {}", plan.generation, plan_generation_), now);
  plan_generation_ = plan.generation;
  planned_ = now;
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    if (classes_[i].standing && !plan.classes[i].circuit)
      story_->broken("I1", fmt::format("plan {} takes the way from class {}", plan.generation, site_->classes[i].name), now);
    check_move(plan, i, decider, now);
  }
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    if (classes_[i].standing != plan.classes[i].circuit) classes_[i].moved = now, classes_[i].checked_until.reset();
    classes_[i].standing = plan.classes[i].circuit;
  }
  for (std::size_t t = 0; t < site_->trunks.size(); ++t) check_trunk_move(plan, t, now);
}

void Oracle::check_move(const model::Plan& plan, std::size_t i, const decision::Decider& decider, Instant now) {
  const auto from = classes_[i].standing;
  const auto to = plan.classes[i].circuit;
  const Motive motive = plan.classes[i].motive;
  const std::string& who = site_->classes[i].name;
  if (!from || !to || from == to) return;
  const bool circuit_dead = decider.circuit(*from).verdict().health == Health::Down;
  const auto& dead_by_one = plan.classes[i].dead;
  count_move(i, to->index(), motive, circuit_dead || std::ranges::find(dead_by_one, *from) != dead_by_one.end(), now);
  if (kind_ == Kind::OneTarget)
    story_->broken("I5", fmt::format("class {} moved from {} to {} although only one target misbehaves", who, name(from->index()), name(to->index())),
                   now);
  if (motive == Motive::Unproven) check_led(i, from->index(), to->index(), decider, now);
  classes_[i].led = motive == Motive::Unproven;
  classes_[i].answer.reset();
  if (motive == Motive::Forced) return;
  const bool held = std::ranges::any_of(daemon_->overrides(), [](const model::Override& o) { return o.kind == model::OverrideKind::Hold; });
  // Nobody may hold emergency calls on a dead way while another is up (I24).
  if (held && !(classes_[i].emergency && motive == Motive::Escape))
    story_->broken("I15", fmt::format("class {} moved although a person holds it", who), now);
  // What was missed in a stall of our own may be on its way to us: for a second only the kernel's word on a link counts (I7). A shorter
  // stall may go unnoticed when no answer was awaited: then nothing was missed.
  if (resumed_ != Instant{} && now - resumed_ < 900ms && resumed_ - stopped_ > site_->circuit_health.stale_after + 1s &&
      world_->line(from->index()).linked())
    story_->broken("I7", fmt::format("class {} moved {:.2f} s after the daemon had stood still", who, model::seconds(now - resumed_)), now);
  if (decider.circuit(*from).verdict().health == Health::Unknown || decider.circuit(*to).verdict().health == Health::Unknown)
    story_->broken("I6", fmt::format("class {} moved from or to a circuit that nothing is known of", who), now);
  const LineNature& nature = world_->line(from->index()).nature;
  const bool quiet = kind_ == Kind::Quiet && motive == Motive::Quality;
  if (quiet && nature.good_loss >= kPlainLoss)
    ++tally_.plain_moves;
  else if (quiet && nature.mean_good == Duration::zero())
    story_->broken("plain loss", fmt::format("class {} left {}, which has lost packets as it always does", who, name(from->index())), now);
  else if (motive == Motive::Quality)
    check_quality(i, from->index(), to->index(), now);
  check_destination(i, to->index(), motive, now);
  if (site_->classes[i].apart) check_part_move(plan, i, from->index(), to->index(), circuit_dead, now);
  // Both died at once, or the other one first, and that could be known by now.
  const CircuitTruth &left = truth_.circuit(from->index()), &taken = truth_.circuit(to->index());
  if (motive != Motive::Escape || !left.dead_since || !taken.dead_since || *taken.dead_since > *left.dead_since || taken.fooled) return;
  // By the kernel's word as the judge has it: a link that has come back at this instant was still told of as lost.
  const auto& link = decider.circuit(*from).link();
  const bool by_link = link && !link->usable();
  const Published way = published(to->index(), now);
  // By the pace at which it was probed until now: the move itself may have quickened it.
  const Duration interval = std::max(way.interval, paces_[to->index()].interval);
  const Duration pace = by_link || !way.quick ? interval : std::min<Duration>(interval, 100ms);
  Duration unknowable = way.timeout + 3 * pace * 11 / 10 + 100ms;
  // Nothing is asked while the daemon stands still.
  if (resumed_ != Instant{} && now - resumed_ < unknowable && *taken.dead_since < resumed_)
    unknowable += resumed_ - std::max(stopped_, *taken.dead_since);
  if (now - *taken.dead_since > unknowable)
    story_->broken("I2",
                   fmt::format("class {} moved from {} to {}, which was dead before it, for {:.2f} s; within {:.2f} s nobody can know", who,
                               name(from->index()), name(to->index()), model::seconds(now - *taken.dead_since), model::seconds(unknowable)),
                   now);
}

void Oracle::check_destination(std::size_t i, std::size_t to, Motive motive, Instant now) {
  const CircuitTruth& way = truth_.circuit(to);
  const std::string& who = site_->classes[i].name;
  const Duration pace = site_->circuits[to].metered ? site_->probing.metered_standby_interval : site_->probing.standby_interval;
  const Duration most = std::max(site_->circuit_health.stale_after, 3 * pace) + site_->probing.timeout_max + 1s;
  if (!way.last_answer || now - *way.last_answer > most)
    story_->broken("I6",
                   fmt::format("class {} moved to {}, which has answered nothing for {:.1f} s", who, name(to),
                               way.last_answer ? model::seconds(now - *way.last_answer) : -1.0),
                   now);
  const bool died = way.last_long_death > ready_;
  const bool plain = died && !way.dead_since && truth_.liars(to) == 0 && way.last_long_death == way.alive_since && way.clear_since <= way.alive_since;
  if (plain && way.answers_alive < site_->circuit_health.rise)
    story_->broken("I4",
                   fmt::format("class {} moved to {} after {} answers since it was dead; {} are wanted", who, name(to), way.answers_alive,
                               site_->circuit_health.rise),
                   now);
  const model::Failback& failback = site_->classes[i].failback;
  const bool too_soon = failback.mode == model::FailbackMode::After && !permitted(who) && died && now - way.last_long_death < failback.after;
  if (motive == Motive::Failback && (too_soon || !may_return(failback, who, now)))
    story_->broken("failback", fmt::format("class {} came back to {}, and nothing lets it yet", who, name(to)), now);
  if (motive == Motive::Failback && died && now - way.last_long_death < hold_down(to))
    story_->broken("I4",
                   fmt::format("class {} came back to {} {:.1f} s after it was dead; its hold-down is {:.0f} s", who, name(to),
                               model::seconds(now - way.last_long_death), model::seconds(hold_down(to))),
                   now);
}

/// It left one that lives for one that sounds better: that must be so.
void Oracle::check_quality(std::size_t i, std::size_t from, std::size_t to, Instant now) {
  const Line& here = world_->line(from);
  const CircuitTruth& left = truth_.circuit(from);
  const std::string& who = site_->classes[i].name;
  if (!site_->classes[i].limits) return story_->broken("quality", fmt::format("class {} has no limits, and was moved for quality", who), now);
  const bool lately = left.troubles > 0 || now - left.touched < kBrownRemembered || left.dead_since;
  const bool plain =
      here.loss <= kPlainLoss && here.bursts == 0 && here.ramps.empty() && here.more_delay < 50ms && here.load == 0ms && here.more_jitter == 0ms;
  if (plain && !lately && truth_.clean_by_nature(from))
    story_->broken("quality", fmt::format("class {} left {} for its quality, and nothing is the matter with it", who, name(from)), now);
  // Counted by ourselves: hardly more is lost here than there, and answers are no later than the class can bear.
  const bool late =
      here.nature.delay + here.nature.jitter + here.more_delay + here.more_jitter + here.load > site_->classes[i].limits->rtt_enter * 3 / 4;
  const bool known =
      now - std::max(ready_, started_) > kBrownRemembered && truth_.odd(from) == 0 && truth_.odd(to) == 0 && now - left.two_odd > kBrownRemembered;
  const double lost = truth_.loss(from), lost_there = truth_.loss(to);
  // Nothing has been lost for a while, whatever was before, and the round trip has been what it is for fifteen seconds; or all two
  // hundred are newer than any change.
  const bool no_loss = truth_.lost_none_lately(from) && now - left.touched > 15s;
  const bool no_better = lost <= std::max(0.02, lost_there + 0.01) && now - left.touched > 230 * site_->probing.interval;
  if (known && !late && (no_loss || no_better))
    story_->broken("quality",
                   fmt::format("class {} left {} for {}, and of the last two hundred probes {:.0f} % were lost here, {:.0f} % there", who, name(from),
                               name(to), 100 * lost, 100 * lost_there),
                   now);
}

void Oracle::count_move(std::size_t i, std::size_t to, Motive motive, bool from_dead, Instant now) {
  Class& c = classes_[i];
  const std::string& who = site_->classes[i].name;
  c.before = c;
  const auto too_many = [&](const std::deque<Instant>& at, Duration span, std::size_t most, std::string_view what) {
    if (within(at, span, now) > most)
      story_->broken("I3", fmt::format("class {} made {} {} in {} minutes", who, within(at, span, now), what, span / 1min), now);
  };
  if (motive == Motive::Failback) c.failbacks.push_back(now);
  // Going back after a person's order has ended is no trial of the circuit; nor is a carrier's part going back, which has times of its own.
  if (motive == Motive::Failback && !c.forced && !site_->classes[i].apart) paces_[to].trusted = now;
  c.forced = motive == Motive::Forced;
  if (motive == Motive::Forced) return;
  if (from_dead) {
    c.escapes.push_back(now);
    return too_many(c.escapes, 10min, kEscapesInShort, "escapes");
  }
  c.moves.push_back(now);
  if (motive == Motive::Quality) c.quality.push_back(now);
  too_many(c.moves, 10min, kMovesInShort, "moves");
  too_many(c.moves, 1h, kMovesInLong, "moves");
  too_many(c.failbacks, 1h, kFailbacksInLong, "failbacks");
  too_many(c.quality, 1h, kQualityInLong, "moves for quality");
}

void Oracle::check_trunk_move(const model::Plan& plan, std::size_t t, Instant now) {
  const model::TrunkChoice& choice = plan.trunks[t];
  const model::Trunk& trunk = site_->trunks[t];
  if (choice.order.empty()) return;
  if (choice.order.size() != trunk.members.size())
    story_->broken("I1", fmt::format("trunk {} is ordered with {} of {} members", trunk.name, choice.order.size(), trunk.members.size()), now);
  const std::size_t first = choice.order.front().member;
  const auto before = std::exchange(first_[t], first);
  if (before && *before != first) check_calls_move(choice, first, now);
  if (!before || *before == first) return;
  if (kind_ == Kind::OneTarget) story_->broken("I5", fmt::format("trunk {} was re-ordered although only one target misbehaves", trunk.name), now);
  // One that answers 403 takes no calls from here: one that is up is better, trusted or not.
  const auto by = circuit_of(trunk, *before);
  const bool forbidden = by && world_->reach(trunk.members[*before].carrier.index(), *by).forbidden > 0;
  const auto circuit = circuit_of(trunk, first);
  if (forbidden || choice.motive != Motive::Failback || !circuit) return;
  const PathTruth& p = truth_.path(trunk.members[first].carrier.index(), *circuit);
  // It leaves one whose circuit is back and in its hold-down, because its class has gone elsewhere: that is no going back.
  const bool left_young = by && now - truth_.circuit(*by).alive_since < hold_down(*by) + 1s;
  if (!left_young && p.last_down > ready_ && let_back_[t] < p.last_down && !may_return(trunk.failback, trunk.name, now))
    story_->broken(
        "failback",
        fmt::format("trunk {} came back to {}, and nothing lets it yet", trunk.name, site_->carriers[trunk.members[first].carrier.index()].name),
        now);
  if (p.last_down > ready_ && now - p.last_down < site_->carrier_health.hold_down)
    story_->broken("I4",
                   fmt::format("trunk {} came back to {} {:.1f} s after it failed; its hold-down is {:.0f} s", trunk.name,
                               site_->carriers[trunk.members[first].carrier.index()].name, model::seconds(now - p.last_down),
                               model::seconds(site_->carrier_health.hold_down)),
                   now);
}

}  // namespace linekeeper::sim
