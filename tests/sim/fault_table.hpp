#pragma once
// What can be the matter, each under the word by which scenario files and traces call it, with whom it befalls and how much of it.
#include <cstdint>
#include <span>
#include <string_view>

#include "controller/model/time.hpp"

namespace linekeeper::sim {

enum class Fault : std::uint8_t {
  // of a circuit
  Unplugged,
  NoAddress,
  NewAddress,    // renumbered
  NewInterface,  // made anew: another ifindex
  BlackHole,     // the line is up, and nothing comes back
  GatewayDead,   // the same, and the gateway does not answer on the link either
  Captive,       // something close by answers every probe; nothing else comes through
  Loss,          // each packet by itself
  Bursts,        // the same share, lost in bursts of 200 ms
  OutboundLoss,
  InboundLoss,
  Ramp,    // loss that grows from nothing over the time it lasts
  Delay,   // more of it
  Jitter,  // up to so much more of it
  Load,    // episodes in which a queue fills, up to so much delay
  Reorder,
  Duplicates,
  Forged,  // answers to what was never asked
  LocalErrors,
  ResolverDead,
  // of a target, on one circuit or on all
  TargetDead,
  TargetLies,  // answers whatever became of the line
  TargetLoss,
  TargetSlow,
  TargetLimited,  // answers so many probes a second, of all circuits together
  // of a carrier, by one circuit or by all
  CarrierSilent,
  CarrierUnavailable,  // 503
  CarrierRefuses,      // ICMP unreachable
  CarrierForbids,      // 403
  CarrierLocalErrors,
  // by a person
  ForceClass,
  ForceTrunk,
  Hold,
  // of the daemon
  DaemonCrash,
  DaemonStopped,  // SIGSTOP, suspend, starved
  Reload,
  DiskFails,
  // of the switch and the kernel
  SwitchAway,
  SwitchForgets,  // away, and its file is lost
  SwitchLate,     // answers seconds later
  KernelTrouble,  // refuses every third operation
  ForeignHand,    // somebody removes objects of ours
  MadBrain,       // plans that nobody may carry out reach the switch: old ones, empty ones, ones that strand
  // of a PBX
  PbxAway,     // refuses to answer; its lease may run out
  PbxHangs,    // takes what it is told, and says and does nothing
  PbxRestart,  // its order is gone
  Calls,       // so many on a trunk
  WallClock,   // stepped
  // Drawn after all others, so that a run that has none of these is as it was before there were any.
  Rejects,         // a router says of every packet that it cannot be delivered, and that is so
  ForgedRejects,   // somebody says so of every probe, and it is answered all the same
  CarrierTries,    // 100 at once, the answer 0.7 s later
  CarrierHalfway,  // 100, and no answer ever
  PermitClass,     // a person lets it go back
  PermitTrunk,
  Release,       // a person ends every order in force
  Reconfigured,  // a reload to another configuration, and back: see reconfigured.hpp
  Unserved,      // of a circuit: its probes are answered, and what classes send by it is not
  CallsRefused,  // of a carrier: OPTIONS are answered, calls with 503
  CallsSlow,     // of a carrier: OPTIONS are answered, calls ring after 10 s
};
inline constexpr int kFaults = static_cast<int>(Fault::CallsSlow) + 1;

/// Whom it befalls. `a` and `b` of a trouble are positions in the site's lists.
enum class Aim : std::uint8_t {
  Circuit,  ///< a; or all
  Target,   ///< a, on circuit b; or on all
  Carrier,  ///< a, by circuit b; or by all
  Class,    ///< a, to circuit b
  Traffic,  ///< class a
  Trunk,    ///< a, to carrier b
  Load,     ///< trunk a
  Pbx,      ///< a
  Nobody,
};

enum class Amount : std::uint8_t { None, Ratio, Time, Rate, Count };

/// An amount is one whole number, so that a file gives back exactly what was drawn: millionths, nanoseconds, thousandths a second, pieces.
using Measure = std::int64_t;
inline constexpr double kMillionth = 1e-6;

struct FaultKind {
  Fault fault;
  std::string_view subject, word;  ///< "circuit", "black-hole"
  Aim aim;
  Amount amount = Amount::None;
  int tickets = 0;                    ///< how often it is drawn, against the others
  int percent_everywhere = 0;         ///< of the draws: for all circuits at once
  int percent_flapping = 0;           ///< of the draws: comes and goes
  std::span<const Measure> measures;  ///< what is drawn
};

[[nodiscard]] const FaultKind& kind_of(Fault f);
/// Something that a person orders.
[[nodiscard]] constexpr bool is_order(Fault f) {
  return (f >= Fault::ForceClass && f <= Fault::Hold) || (f >= Fault::PermitClass && f <= Fault::Release);
}
[[nodiscard]] std::span<const FaultKind> fault_kinds();
/// @return nothing: no such fault of that subject
[[nodiscard]] const FaultKind* fault_named(std::string_view subject, std::string_view word);

}  // namespace linekeeper::sim
