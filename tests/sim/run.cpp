#include "tests/sim/run.hpp"

#include <algorithm>
#include <memory>

#include "tests/sim/faults.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_daemon.hpp"
#include "tests/sim/site_maker.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

constexpr Instant kBegin{1000s};
constexpr Duration kQuiet = 60s;              // before the first fault, so that there is something to disturb
constexpr std::uint64_t kStepsAtOnce = 1000;  // of one instant: more is a loop that does not end

class Run {
 public:
  explicit Run(const Order& order)
      : order_(order),
        chance_(order.seed),
        story_(order.aloud),
        site_(std::make_shared<const model::Site>(make_site(chance_))),
        end_(kBegin + order.lasts.value_or(chance_.between(20min, 60min))),
        schedule_(make_schedule(*site_, chance_, kBegin + kQuiet, end_)),
        // A target can only be blamed alone when no packet is lost but by its doing.
        world_(*site_, chance_, schedule_.kind != Kind::OneTarget, kBegin),
        switch_(*site_, story_, order.bug),
        pbx_{.order = std::vector<std::vector<int>>(site_->trunks.size()), .until = std::vector<Instant>(site_->trunks.size())},
        oracle_(*site_, world_, switch_, pbx_, story_, kBegin),
        daemon_(site_, world_, switch_, pbx_, timeline_, chance_, story_, oracle_, order.bug) {}

  Result go();

 private:
  void introduce();
  void edge(const Edge& e, Instant now);
  void line_edge(const Edge& e, int by, Instant now);
  void carrier_edge(const Edge& e, int by);
  void order_edge(const Edge& e, Instant now);
  void actor_edge(const Edge& e, int by, Instant now);
  void mad_plan(std::size_t kind, Instant now);
  void relink(std::size_t circuit, Instant now);

  Order order_;
  Chance chance_;
  Story story_;
  model::SitePtr site_;
  Instant end_;
  Schedule schedule_;
  World world_;
  ModelSwitch switch_;
  ModelPbx pbx_;
  Timeline timeline_;
  Oracle oracle_;
  SimDaemon daemon_;
  std::vector<model::Override> overrides_;
  int crashes_ = 0;
};

void Run::introduce() {
  story_.tell(kBegin, "seed {}: {} circuits, {} targets, {} carriers, {} classes, {} trunk members; {} faults", order_.seed, site_->circuits.size(),
              site_->targets.size(), site_->carriers.size(), site_->classes.size(), site_->trunks[0].members.size(), schedule_.faults);
  story_.tell(kBegin, "fall {}, rise {}, hold-down {} s, a probe each {} ms; dead must be left within {:.2f} s", site_->circuit_health.fall,
              site_->circuit_health.rise, model::seconds(site_->circuit_health.hold_down), site_->probing.interval.count() / 1000000,
              model::seconds(oracle_.detection_bound()));
}

Result Run::go() {
  oracle_.watch(daemon_, schedule_.kind);
  introduce();
  for (std::size_t c = 0; c < site_->circuits.size(); ++c) switch_.link(world_, c);
  daemon_.start(kBegin);
  for (std::size_t i = 0; i < schedule_.edges.size(); ++i)
    timeline_.put({.at = schedule_.edges[i].at, .what = Happening::FaultEdge, .a = static_cast<std::uint32_t>(i)});
  Result result{.faults = schedule_.faults};
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
    now = std::max(now, e.at);
    ++result.steps;
    if (e.what == Happening::FaultEdge)
      edge(schedule_.edges[e.a], now);
    else if (e.what == Happening::SwitchLook)
      switch_.look(now);
    else if (e.what == Happening::RestartDaemon)
      daemon_.start(now);
    else
      daemon_.happen(e, now);
    oracle_.look(now);
  }
  result.violation = story_.first();
  result.lasted = now - kBegin;
  result.fingerprint = story_.fingerprint();
  return result;
}

void Run::relink(std::size_t circuit, Instant now) {
  switch_.link(world_, circuit);
  daemon_.link(circuit, now);
  timeline_.put({.at = now + 50ms, .what = Happening::SwitchLook});
}

void Run::edge(const Edge& e, Instant now) {
  story_.tell(now, "{} {} {} ({}{})", e.comes ? "+++" : "---", e.serial, to_string(e.fault), e.a, e.everywhere ? "" : fmt::format(", {}", e.b));
  const int by = e.comes ? 1 : -1;
  if (e.fault == Fault::WallClockStep) {
    if (order_.wall_steps) daemon_.wall_offset += e.comes ? 3600s : -86400s;
    return;
  }
  if (e.fault == Fault::DaemonCrash) return actor_edge(e, by, now);
  // The truth first, so that the oracle knows it when what follows is done.
  if (e.fault <= Fault::TargetSlow)
    line_edge(e, by, now);
  else if (e.fault <= Fault::CarrierLocalErrors)
    carrier_edge(e, by);
  oracle_.on_edge(e, now);
  if (e.fault == Fault::Unplugged || e.fault == Fault::NoAddress || e.fault == Fault::NewAddress || e.fault == Fault::LinkFlaps) relink(e.a, now);
  if (e.fault >= Fault::ForceClass && e.fault <= Fault::ForceTrunk) order_edge(e, now);
  if (e.fault > Fault::ForceTrunk) actor_edge(e, by, now);
}

void Run::line_edge(const Edge& e, int by, Instant) {
  Line& line = world_.line(e.a);
  const auto sights = [&](auto member) {
    for (std::size_t c = 0; c < world_.lines(); ++c)
      if (e.everywhere || c == e.a) world_.sight(e.b, c).*member += by;
  };
  switch (e.fault) {
    case Fault::Unplugged:
    case Fault::LinkFlaps: line.unplugged += by; break;
    case Fault::NoAddress: line.no_address += by; break;
    case Fault::NewAddress:
      if (by < 0) break;
      ++line.address_changes;
      if (e.everywhere) line.ifindex += 10;
      break;
    case Fault::BlackHole:
    case Fault::LineFlaps: line.black_hole += by; break;
    case Fault::AllBlackHole:
      for (std::size_t c = 0; c < world_.lines(); ++c) world_.line(c).black_hole += by;
      break;
    case Fault::Lossy: line.lossy += by; break;
    case Fault::Slow: line.slow += by; break;
    case Fault::LocalErrors: line.local_errors += by; break;
    case Fault::AllLocalErrors:
      for (std::size_t c = 0; c < world_.lines(); ++c) world_.line(c).local_errors += by;
      break;
    case Fault::TargetDead: sights(&Sight::dead); break;
    case Fault::TargetLies: sights(&Sight::lies); break;
    case Fault::TargetFlaky: sights(&Sight::flaky); break;
    case Fault::TargetSlow: sights(&Sight::slow); break;
    default: break;
  }
}

void Run::carrier_edge(const Edge& e, int by) {
  for (std::size_t c = 0; c < world_.lines(); ++c) {
    Reach& reach = world_.reach(e.a, c);
    switch (e.fault) {
      case Fault::CarrierSilent:
      case Fault::CarrierFlaps: reach.silent += by; break;
      case Fault::CarrierUnavailable: reach.unavailable += by; break;
      case Fault::CarrierRefuses: reach.refusing += by; break;
      case Fault::CarrierForbids: reach.forbidden += by; break;
      case Fault::PathSilent: reach.silent += c == e.b ? by : 0; break;
      case Fault::CarrierLocalErrors: reach.local_errors += by; break;
      default: break;
    }
  }
}

void Run::order_edge(const Edge& e, Instant now) {
  if (!e.comes) {
    std::erase_if(overrides_, [&](const model::Override& o) { return o.id == e.serial; });
  } else {
    model::Override o{.id = e.serial, .owner = "sim", .reason = "because"};
    if (e.fault == Fault::HoldAll) o.kind = model::OverrideKind::Hold;
    if (e.fault == Fault::ForceClass) o.subject = site_->classes[e.a].name, o.to = site_->circuits[e.b].name;
    if (e.fault == Fault::ForceTrunk) o.subject = site_->trunks[0].name, o.to = site_->carriers[e.b].name;
    overrides_.push_back(std::move(o));
  }
  daemon_.set_overrides(overrides_, now);
}

void Run::actor_edge(const Edge& e, int by, Instant now) {
  switch (e.fault) {
    case Fault::DaemonCrash:
      crashes_ += by;
      if (e.comes) daemon_.crash(now);
      if (crashes_ == 0) timeline_.put({.at = now, .what = Happening::RestartDaemon});
      break;
    case Fault::SwitchForgets:
      if (e.comes) switch_.forget();
      [[fallthrough]];
    case Fault::SwitchAway:
      daemon_.switch_away += by;
      if (e.comes) daemon_.switch_left();
      if (daemon_.switch_away == 0) daemon_.switch_returned(now);
      break;
    case Fault::SwitchLate: daemon_.switch_late += by; break;
    case Fault::KernelTrouble: switch_.trouble += by; break;
    case Fault::PbxAway: pbx_.away += by; break;
    case Fault::PbxRestart:
      if (e.comes)
        for (Instant& until : pbx_.until) until = now;
      break;
    case Fault::MadBrain: mad_plan(e.a + e.b, now); break;
    default: break;
  }
}

/// What a captured or mistaken brain might send. The real guards refuse each of these whole.
void Run::mad_plan(std::size_t kind, Instant now) {
  if (daemon_.switch_away > 0 || switch_.taken().empty()) return;
  for (std::size_t i = 0; i < site_->classes.size(); ++i)
    if (!switch_.way(i)) return;  // a class that is not steered has no way to lose
  route::Apply plan = switch_.taken().front();
  switch (kind % 4) {
    case 0: break;  // an old one again
    case 1:
      plan.generation = switch_.taken().back().generation + 1;
      plan.desired.classes.clear();
      break;
    case 2:
      plan.generation = switch_.taken().back().generation + 1;
      for (route::DesiredClass& c : plan.desired.classes) c.circuit.clear();
      break;
    default:
      plan.generation = switch_.taken().back().generation + 1;
      plan.desired.circuits.clear();
      break;
  }
  const route::Reply reply = switch_.apply(plan, now);
  if (const auto* refused = std::get_if<route::Refused>(&reply))
    story_.tell(now, "switch refuses a mad plan by {}: {}", refused->guard, refused->why);
  else if (!story_.first())
    story_.broken(kind % 4 == 0 ? "I21" : "I1", "the switch carried out a plan that nobody may carry out", now);
}

}  // namespace

Result run(const Order& order) { return Run(order).go(); }

}  // namespace linekeeper::sim
