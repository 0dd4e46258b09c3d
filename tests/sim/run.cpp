#include "tests/sim/run.hpp"

#include <algorithm>
#include <memory>

#include "tests/sim/hands.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/scenario_check.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

constexpr std::uint64_t kStepsAtOnce = 1000;  // of one instant: more is a loop that does not end

class Run {
 public:
  Run(const Script& script, const Order& order)
      : script_(&script),
        edges_(edges_of(script)),
        packets_(script.seed, Stream::World),
        habits_(script.seed, Stream::Daemon),
        story_(order.telling),
        site_(std::make_shared<const model::Site>(script.site)),
        end_(kBegin + script.lasts),
        world_(script, packets_, kBegin),
        switch_(*site_, story_, script.bug),
        pbx_(*site_),
        oracle_(script, *site_, world_, switch_, pbx_, story_, kBegin),
        daemon_(site_, world_, switch_, pbx_, timeline_, habits_, story_, oracle_, script.bug),
        hands_(script, world_, switch_, pbx_, daemon_, oracle_, timeline_, story_, order.wall_steps),
        check_(script, switch_, pbx_, daemon_) {}

  Result go();

 private:
  void introduce();
  void step(const Event& e, Instant now);

  const Script* script_;
  std::vector<Edge> edges_;
  Chance packets_, habits_;
  Story story_;
  model::SitePtr site_;
  Instant end_;
  World world_;
  ModelSwitch switch_;
  ModelPbx pbx_;
  Timeline timeline_;
  Oracle oracle_;
  SimDaemon daemon_;
  Hands hands_;
  ScenarioCheck check_;
};

void Run::introduce() {
  std::size_t members = 0;
  for (const model::Trunk& t : site_->trunks) members += t.members.size();
  story_.tell(kBegin, "seed {}: {} circuits, {} targets, {} carriers, {} classes, {} trunks of {} members; {} troubles in {:.0f} s", script_->seed,
              site_->circuits.size(), site_->targets.size(), site_->carriers.size(), site_->classes.size(), site_->trunks.size(), members,
              script_->troubles.size(), model::seconds(script_->lasts));
  story_.tell(kBegin, "rise {}, hold-down {} s, a probe each {} ms", site_->circuit_health.rise, model::seconds(site_->circuit_health.hold_down),
              site_->probing.interval / 1ms);
}

void Run::step(const Event& e, Instant now) {
  switch (e.what) {
    case Happening::Edge: return hands_.act(edges_[e.a], now);
    case Happening::SwitchLook: return switch_.look(now);
    case Happening::RestartDaemon: return hands_.restart(now);
    case Happening::Gateway: return daemon_.gateway(e.a, now);
    case Happening::Check: return;
    case Happening::Call: timeline_.put({.at = now + script_->calls_each, .what = Happening::Call, .a = e.a}); return daemon_.place_call(e.a, now);
    default: return daemon_.happen(e, now);
  }
}

/// What a day of this line has taught: its bursts, each less the time until the first probe of it is overdue.
std::string taught_by(const LineNature& n, Chance& chance) {
  constexpr Duration kDay = 24h;
  decision::SilenceLearner learner;
  learner.watched(kDay);
  if (n.mean_good > Duration::zero()) {
    const std::int64_t bursts = kDay / (n.mean_good + n.mean_bad);
    for (std::int64_t i = 0; i < bursts; ++i) {
      const Duration silence = chance.lasting(n.mean_bad) - chance.between(0ms, 200ms) - 20ms;
      if (silence > Duration::zero()) learner.observe(silence);
    }
  }
  return learner.to_text() + '\t';
}

Result Run::go() {
  oracle_.watch(daemon_);
  introduce();
  for (std::size_t i = 0; i < edges_.size(); ++i) timeline_.put({.at = edges_[i].at, .what = Happening::Edge, .a = static_cast<std::uint32_t>(i)});
  if (script_->calls_each > Duration::zero())
    for (std::size_t t = 0; t < site_->trunks.size(); ++t)
      timeline_.put({.at = kBegin + 5s + 10ms * t, .what = Happening::Call, .a = static_cast<std::uint32_t>(t)});
  for (const Expectation& e : script_->expectations)
    for (const model::Duration at : {e.from, e.to}) timeline_.put({.at = kBegin + at, .what = Happening::Check});
  for (std::size_t c = 0; c < site_->circuits.size(); ++c) switch_.link(world_, c);
  if (script_->kind == Kind::Quiet)
    for (std::size_t c = 0; c < site_->circuits.size(); ++c) daemon_.knows(c, taught_by(script_->lines[c], habits_), kBegin);
  daemon_.start(kBegin);
  Result result;
  Instant now = kBegin;
  std::uint64_t at_once = 0;
  while (!timeline_.empty() && !story_.first()) {
    const Event e = timeline_.take();
    if (e.at > end_) break;
    at_once = e.at > now ? 0 : at_once + 1;
    if (at_once > kStepsAtOnce) {
      story_.broken("bounded", "the daemon turns and turns at one instant", now);
      break;
    }
    // What a scenario says of an instant is so when everything of that instant has happened.
    if (e.at > now) check_.passed(now, e.at);
    now = std::max(now, e.at);
    ++result.steps;
    step(e, now);
    oracle_.look(now);
    check_.look(now);
  }
  check_.passed(now, model::kNever);
  oracle_.end(now);
  result.tally = oracle_.tally();
  result.violation = story_.first();
  result.lasted = now - kBegin;
  result.fingerprint = story_.fingerprint();
  result.disappointments = check_.disappointments();
  result.story = story_.kept();
  return result;
}

}  // namespace

Result run(const Script& script, const Order& order) { return Run(script, order).go(); }

}  // namespace linekeeper::sim
