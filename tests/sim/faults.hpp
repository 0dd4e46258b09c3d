#pragma once
// What goes wrong in a run, drawn from the seed: at least five faults, most of them while another lasts or has just ended. A fault is
// a list of edges (it comes, it goes); flapping is many edges.
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/site.hpp"
#include "tests/sim/chance.hpp"

namespace linekeeper::sim {

enum class Fault : std::uint8_t {
  Unplugged,
  NoAddress,
  NewAddress,    // renumbered, or the interface made anew
  BlackHole,     // the line is up and nothing comes back
  AllBlackHole,  // every line at the same instant
  Lossy,         // 45 % loss
  Slow,          // +300 ms
  LocalErrors,   // our own sends fail
  AllLocalErrors,
  LinkFlaps,
  LineFlaps,
  TargetDead,          // on one circuit or on all
  TargetLies,          // answers whatever became of the line
  TargetFlaky,         // every second answer is missing
  TargetSlow,          // +700 ms
  CarrierSilent,       // on all circuits
  CarrierUnavailable,  // 503
  CarrierRefuses,      // ICMP unreachable
  CarrierForbids,      // 403
  CarrierFlaps,
  PathSilent,  // one carrier through one circuit
  CarrierLocalErrors,
  ForceClass,
  HoldAll,
  ForceTrunk,
  DaemonCrash,  // gone while it lasts
  SwitchAway,
  SwitchForgets,  // away, and its file is lost
  SwitchLate,     // answers seconds later
  KernelTrouble,  // refuses every third operation
  PbxAway,        // answers nothing; its lease may run out
  PbxRestart,     // its order is gone
  MadBrain,       // plans that nobody may carry out reach the switch: old ones, empty ones, ones that strand
  WallClockStep,
};

[[nodiscard]] std::string_view to_string(Fault f);

/// What kind of run it is; some invariants can only be seen when nothing else happens.
enum class Kind : std::uint8_t { Mixed, OneTarget, Blackout, Restarts };

struct Edge {
  model::Instant at{};
  Fault fault = Fault::BlackHole;
  bool comes = true;
  std::size_t a = 0, b = 0;  ///< circuit, target, carrier, class: as the fault has it
  bool everywhere = false;   ///< a target's fault on all circuits
  int serial = 0;            ///< which fault of the run
  std::size_t drawn = 0;     ///< edges of one instant happen in the order they were drawn
};

struct Schedule {
  Kind kind = Kind::Mixed;
  std::vector<Edge> edges;  ///< by time
  int faults = 0;
};

[[nodiscard]] Schedule make_schedule(const model::Site& site, Chance& chance, model::Instant begin, model::Instant end);

}  // namespace linekeeper::sim
