#include "tests/sim/fault_table.hpp"

#include <algorithm>

#include "tests/sim/reconfigured.hpp"

namespace linekeeper::sim {
namespace {

constexpr Measure ms(std::int64_t n) { return n * 1'000'000; }
constexpr Measure percent(std::int64_t n) { return n * 10'000; }

constexpr Measure kLosses[] = {percent(2), percent(5), percent(20), percent(30), percent(45)};
constexpr Measure kPartLosses[] = {percent(10), percent(20), percent(30), percent(45)};
constexpr Measure kTargetLosses[] = {percent(50)};
constexpr Measure kDelays[] = {ms(100), ms(150), ms(300)};
constexpr Measure kTargetDelays[] = {ms(700)};
constexpr Measure kJitters[] = {ms(30), ms(60)};
constexpr Measure kQueues[] = {ms(200), ms(400), ms(800)};
constexpr Measure kRates[] = {500, 1000, 2000, 3000};
constexpr Measure kCalls[] = {0, 5, 20, 60, 200};
constexpr Measure kSteps[] = {ms(3'600'000), -ms(86'400'000)};
constexpr Measure kChanges[] = {
    kOtherOrder, kOtherLimits, kLongerHoldDown, kFewerCarriers, kFewerCircuits, kOtherOrder + kFewerCarriers, kLongerHoldDown + kFewerCircuits};

// Tickets: lines and daemon first, they are what is decided about. In the order of Fault.
constexpr FaultKind kKinds[] = {
    {Fault::Unplugged, "circuit", "unplugged", Aim::Circuit, Amount::None, 3, 0, 30, {}},
    {Fault::NoAddress, "circuit", "no-address", Aim::Circuit, Amount::None, 1, 0, 0, {}},
    {Fault::NewAddress, "circuit", "new-address", Aim::Circuit, Amount::None, 1, 0, 0, {}},
    {Fault::NewInterface, "circuit", "new-interface", Aim::Circuit, Amount::None, 1, 0, 0, {}},
    {Fault::BlackHole, "circuit", "black-hole", Aim::Circuit, Amount::None, 8, 25, 25, {}},
    {Fault::GatewayDead, "circuit", "gateway-dead", Aim::Circuit, Amount::None, 2, 0, 20, {}},
    {Fault::Captive, "circuit", "captive", Aim::Circuit, Amount::None, 1, 0, 0, {}},
    {Fault::Loss, "circuit", "loss", Aim::Circuit, Amount::Ratio, 3, 0, 0, kLosses},
    {Fault::Bursts, "circuit", "bursts", Aim::Circuit, Amount::Ratio, 2, 0, 0, kPartLosses},
    {Fault::OutboundLoss, "circuit", "outbound-loss", Aim::Circuit, Amount::Ratio, 1, 0, 0, kPartLosses},
    {Fault::InboundLoss, "circuit", "inbound-loss", Aim::Circuit, Amount::Ratio, 1, 0, 0, kPartLosses},
    {Fault::Ramp, "circuit", "ramp", Aim::Circuit, Amount::Ratio, 1, 0, 0, kPartLosses},
    {Fault::Delay, "circuit", "delay", Aim::Circuit, Amount::Time, 2, 0, 0, kDelays},
    {Fault::Jitter, "circuit", "jitter", Aim::Circuit, Amount::Time, 1, 0, 0, kJitters},
    {Fault::Load, "circuit", "load", Aim::Circuit, Amount::Time, 2, 10, 0, kQueues},
    {Fault::Reorder, "circuit", "reorder", Aim::Circuit, Amount::None, 1, 20, 0, {}},
    {Fault::Duplicates, "circuit", "duplicates", Aim::Circuit, Amount::None, 1, 20, 0, {}},
    {Fault::Forged, "circuit", "forged", Aim::Circuit, Amount::None, 1, 20, 0, {}},
    {Fault::LocalErrors, "circuit", "local-errors", Aim::Circuit, Amount::None, 2, 50, 0, {}},
    {Fault::ResolverDead, "circuit", "resolver-dead", Aim::Circuit, Amount::None, 1, 20, 20, {}},
    {Fault::TargetDead, "target", "dead", Aim::Target, Amount::None, 3, 50, 0, {}},
    {Fault::TargetLies, "target", "lies", Aim::Target, Amount::None, 1, 50, 0, {}},
    {Fault::TargetLoss, "target", "loss", Aim::Target, Amount::Ratio, 2, 50, 0, kTargetLosses},
    {Fault::TargetSlow, "target", "slow", Aim::Target, Amount::Time, 1, 50, 0, kTargetDelays},
    {Fault::TargetLimited, "target", "limited", Aim::Target, Amount::Rate, 1, 100, 0, kRates},
    {Fault::CarrierSilent, "carrier", "silent", Aim::Carrier, Amount::None, 4, 70, 40, {}},
    {Fault::CarrierUnavailable, "carrier", "503", Aim::Carrier, Amount::None, 1, 80, 0, {}},
    {Fault::CarrierRefuses, "carrier", "refuses", Aim::Carrier, Amount::None, 1, 80, 0, {}},
    {Fault::CarrierForbids, "carrier", "403", Aim::Carrier, Amount::None, 1, 80, 0, {}},
    {Fault::CarrierLocalErrors, "carrier", "local-errors", Aim::Carrier, Amount::None, 1, 80, 0, {}},
    {Fault::ForceClass, "class", "forced", Aim::Class, Amount::None, 2, 0, 50, {}},
    {Fault::ForceTrunk, "trunk", "forced", Aim::Trunk, Amount::None, 1, 0, 0, {}},
    {Fault::Hold, "operator", "holds", Aim::Nobody, Amount::None, 2, 0, 0, {}},
    {Fault::DaemonCrash, "daemon", "crash", Aim::Nobody, Amount::None, 4, 0, 0, {}},
    {Fault::DaemonStopped, "daemon", "stopped", Aim::Nobody, Amount::None, 3, 0, 0, {}},
    {Fault::Reload, "daemon", "reload", Aim::Nobody, Amount::None, 1, 0, 0, {}},
    {Fault::DiskFails, "disk", "fails", Aim::Nobody, Amount::None, 1, 0, 0, {}},
    {Fault::SwitchAway, "switch", "away", Aim::Nobody, Amount::None, 1, 0, 0, {}},
    {Fault::SwitchForgets, "switch", "forgets", Aim::Nobody, Amount::None, 1, 0, 0, {}},
    {Fault::SwitchLate, "switch", "late", Aim::Nobody, Amount::None, 1, 0, 0, {}},
    {Fault::KernelTrouble, "kernel", "trouble", Aim::Nobody, Amount::None, 1, 0, 0, {}},
    {Fault::ForeignHand, "kernel", "foreign-hand", Aim::Nobody, Amount::None, 1, 0, 0, {}},
    {Fault::MadBrain, "switch", "mad-plan", Aim::Nobody, Amount::None, 3, 0, 0, {}},
    {Fault::PbxAway, "pbx", "away", Aim::Pbx, Amount::None, 1, 0, 0, {}},
    {Fault::PbxHangs, "pbx", "hangs", Aim::Pbx, Amount::None, 1, 0, 0, {}},
    {Fault::PbxRestart, "pbx", "restarts", Aim::Pbx, Amount::None, 1, 0, 0, {}},
    {Fault::Calls, "trunk", "calls", Aim::Load, Amount::Count, 1, 0, 0, kCalls},
    {Fault::WallClock, "wall-clock", "step", Aim::Nobody, Amount::Time, 2, 0, 0, kSteps},
    {Fault::Rejects, "circuit", "rejects", Aim::Circuit, Amount::None, 0, 10, 20, {}},
    {Fault::ForgedRejects, "circuit", "forged-rejects", Aim::Circuit, Amount::None, 0, 30, 0, {}},
    {Fault::CarrierTries, "carrier", "100-first", Aim::Carrier, Amount::None, 0, 80, 0, {}},
    {Fault::CarrierHalfway, "carrier", "100-only", Aim::Carrier, Amount::None, 0, 80, 0, {}},
    {Fault::PermitClass, "class", "permitted", Aim::Traffic, Amount::None, 0, 0, 0, {}},
    {Fault::PermitTrunk, "trunk", "permitted", Aim::Load, Amount::None, 0, 0, 0, {}},
    {Fault::Release, "operator", "releases", Aim::Nobody, Amount::None, 0, 0, 0, {}},
    {Fault::Reconfigured, "daemon", "reconfigured", Aim::Nobody, Amount::Count, 0, 0, 0, kChanges},
    {Fault::Unserved, "circuit", "unserved", Aim::Circuit, Amount::None, 0, 0, 0, {}},
    {Fault::CallsRefused, "carrier", "calls-503", Aim::Carrier, Amount::None, 0, 80, 0, {}},
    {Fault::CallsSlow, "carrier", "calls-slow", Aim::Carrier, Amount::None, 0, 80, 0, {}},
};
static_assert(std::size(kKinds) == kFaults);
static_assert([] {
  for (int i = 0; i < kFaults; ++i)
    if (static_cast<int>(kKinds[i].fault) != i) return false;
  return true;
}());

}  // namespace

const FaultKind& kind_of(Fault f) { return kKinds[static_cast<std::size_t>(f)]; }

std::span<const FaultKind> fault_kinds() { return kKinds; }

const FaultKind* fault_named(std::string_view subject, std::string_view word) {
  const auto found = std::ranges::find_if(kKinds, [&](const FaultKind& k) { return k.subject == subject && k.word == word; });
  return found == std::end(kKinds) ? nullptr : &*found;
}

}  // namespace linekeeper::sim
