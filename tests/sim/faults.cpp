#include "tests/sim/faults.hpp"

#include <algorithm>

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

constexpr std::string_view kNames[] = {
    "unplugged",   "no-address",    "new-address",      "black-hole",           "all-black-hole", "lossy",
    "slow",        "local-errors",  "all-local-errors", "link-flaps",           "line-flaps",     "target-dead",
    "target-lies", "target-flaky",  "target-slow",      "carrier-silent",       "carrier-503",    "carrier-refuses",
    "carrier-403", "carrier-flaps", "path-silent",      "carrier-local-errors", "force-class",    "hold-all",
    "force-trunk", "daemon-crash",  "switch-away",      "switch-forgets",       "switch-late",    "kernel-trouble",
    "pbx-away",    "pbx-restart",   "mad-brain",        "wall-clock-step"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Fault::WallClockStep) + 1);

// How often each is drawn, in tickets: lines and daemon first, they are what is decided about.
constexpr Fault kTickets[] = {Fault::Unplugged,     Fault::Unplugged,     Fault::NoAddress,          Fault::NewAddress,     Fault::BlackHole,
                              Fault::BlackHole,     Fault::BlackHole,     Fault::BlackHole,          Fault::AllBlackHole,   Fault::AllBlackHole,
                              Fault::Lossy,         Fault::Slow,          Fault::LocalErrors,        Fault::AllLocalErrors, Fault::LinkFlaps,
                              Fault::LineFlaps,     Fault::LineFlaps,     Fault::TargetDead,         Fault::TargetLies,     Fault::TargetFlaky,
                              Fault::TargetSlow,    Fault::CarrierSilent, Fault::CarrierUnavailable, Fault::CarrierRefuses, Fault::CarrierForbids,
                              Fault::CarrierFlaps,  Fault::PathSilent,    Fault::CarrierLocalErrors, Fault::ForceClass,     Fault::HoldAll,
                              Fault::ForceTrunk,    Fault::DaemonCrash,   Fault::DaemonCrash,        Fault::DaemonCrash,    Fault::SwitchAway,
                              Fault::SwitchForgets, Fault::SwitchLate,    Fault::KernelTrouble,      Fault::PbxAway,        Fault::PbxRestart,
                              Fault::MadBrain,      Fault::WallClockStep, Fault::WallClockStep,      Fault::MadBrain,       Fault::MadBrain,
                              Fault::CarrierFlaps,  Fault::DaemonCrash,   Fault::TargetDead,         Fault::TargetDead,     Fault::TargetFlaky};

constexpr Fault kLasting[] = {Fault::BlackHole,     Fault::Unplugged,  Fault::NoAddress,  Fault::TargetDead,
                              Fault::CarrierSilent, Fault::PathSilent, Fault::PathSilent, Fault::CarrierForbids};
constexpr Fault kTargetFaults[] = {Fault::TargetDead, Fault::TargetLies, Fault::TargetFlaky, Fault::TargetSlow};

class Maker {
 public:
  Maker(const model::Site& site, Chance& chance, Instant begin, Instant end) : site_(&site), chance_(&chance), begin_(begin), end_(end) {}

  void add(Fault fault, Instant at, Duration lasts) {
    Edge e{.at = at, .fault = fault, .serial = schedule.faults++};
    aim(e);
    put(e, lasts);
  }
  void put(Edge e, Duration lasts) {
    const Instant over = std::min(e.at + lasts, end_);
    const bool flaps = e.fault == Fault::LinkFlaps || e.fault == Fault::LineFlaps || e.fault == Fault::CarrierFlaps;
    // Slow enough to be seen and quick enough to tempt: seconds for lines, tens of seconds for carriers.
    const Duration on = !flaps ? over - e.at : chance_->between(1s, e.fault == Fault::CarrierFlaps ? 60s : 25s);
    const Duration off = !flaps ? over - e.at : chance_->between(1s, e.fault == Fault::CarrierFlaps ? 60s : 40s);
    while (true) {
      e.comes = true;
      schedule.edges.push_back(e);
      e.at = std::min(e.at + on, over);
      e.comes = false;
      schedule.edges.push_back(e);
      e.at += off;
      if (!flaps || e.at >= over) break;
    }
    last_over_ = over;
    last_at_ = schedule.edges.back().at - on;
  }
  /// Most faults are short, some outlast everything around them.
  Duration lasting() {
    switch (chance_->below(5)) {
      case 0: return chance_->between(200ms, 3s);
      case 1: return chance_->between(2s, 20s);
      case 2: return chance_->between(10s, 90s);
      case 3: return chance_->between(60s, 300s);
      default: return chance_->between(240s, 900s);
    }
  }
  /// Often close to where the last one came or went: overlapping, and during recovery.
  Instant when() {
    const Instant anywhere = begin_ + chance_->between(0s, end_ - begin_ - 60s);
    const Duration near = chance_->between(0s, 15s);
    const std::size_t how = chance_->below(5);
    if (how == 0 && last_at_ > begin_) return std::min(last_at_ + near, end_ - 1s);
    if (how == 1 && last_over_ > begin_) return std::min(last_over_ + near, end_ - 1s);
    return anywhere;
  }
  Fault any() { return kTickets[chance_->below(std::size(kTickets))]; }
  Fault any_of_targets() { return kTargetFaults[chance_->below(std::size(kTargetFaults))]; }

  Schedule schedule;

 private:
  void aim(Edge& e) {
    const std::size_t circuit = chance_->below(site_->circuits.size()), target = chance_->below(site_->targets.size());
    const std::size_t carrier = chance_->below(site_->carriers.size()), traffic = chance_->below(site_->classes.size());
    e.everywhere = chance_->yes(0.5);
    e.a = circuit;
    e.b = target;
    if (e.fault >= Fault::CarrierSilent && e.fault <= Fault::CarrierLocalErrors) e.a = carrier;
    if (e.fault == Fault::PathSilent || e.fault == Fault::ForceClass) e.b = circuit;
    if (e.fault == Fault::ForceClass) e.a = traffic;
    if (e.fault == Fault::ForceTrunk) e.b = carrier;
  }

  const model::Site* site_;
  Chance* chance_;
  Instant begin_, end_, last_at_{}, last_over_{};
};

}  // namespace

std::string_view to_string(Fault f) { return kNames[static_cast<std::size_t>(f)]; }

Schedule make_schedule(const model::Site& site, Chance& chance, Instant begin, Instant end) {
  Maker maker(site, chance, begin, end);
  const std::size_t kind = chance.below(8);
  maker.schedule.kind = kind == 0 ? Kind::OneTarget : kind == 1 ? Kind::Blackout : kind == 2 ? Kind::Restarts : Kind::Mixed;
  const int faults = chance.between(5, 14);
  const std::size_t target = chance.below(site.targets.size());
  for (int i = 0; i < faults; ++i) {
    const Instant at = maker.when();
    if (maker.schedule.kind == Kind::Restarts) {
      // A few things fail for good; long after, the daemon dies once and again in a world that stays as it is.
      if (i < 3)
        maker.add(kLasting[chance.below(std::size(kLasting))], begin + chance.between(0s, 60s), end - begin);
      else
        maker.add(Fault::DaemonCrash, begin + (i - 1) * (end - begin) / (faults + 1), chance.between(1s, 30s));
      continue;
    }
    if (maker.schedule.kind == Kind::OneTarget) {
      // Whatever this one target does, on whatever circuits; all others are well.
      maker.put({.at = at,
                 .fault = maker.any_of_targets(),
                 .a = chance.below(site.circuits.size()),
                 .b = target,
                 .everywhere = chance.yes(0.5),
                 .serial = maker.schedule.faults++},
                maker.lasting());
    } else if (maker.schedule.kind == Kind::Blackout && i % 2 == 0) {
      maker.add(Fault::AllBlackHole, at, maker.lasting());
    } else {
      maker.add(maker.any(), at, maker.lasting());
    }
  }
  auto& edges = maker.schedule.edges;
  for (std::size_t i = 0; i < edges.size(); ++i) edges[i].drawn = i;
  std::ranges::sort(edges, {}, [](const Edge& e) { return std::pair(e.at, e.drawn); });
  return maker.schedule;
}

}  // namespace linekeeper::sim
