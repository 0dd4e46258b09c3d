#include "tests/sim/frontier/catalogue.hpp"

#include <array>

namespace linekeeper::sim::frontier {

using namespace std::chrono_literals;

std::span<const Background> backgrounds() {
  static const std::array kAll = {
      Background{"clean", "0.1 % of the probes lost, each for itself", {.in_good = 0.001}},
      Background{"iid 2 %", "2 % lost, each for itself", {.in_good = 0.02}},
      Background{"GE 2 %/50 ms", "2 % lost, in bursts of mean 50 ms that lose everything", gilbert_elliott(0.02, 50ms, 1)},
      Background{"GE 2 %/200 ms", "2 % lost, in bursts of mean 200 ms that lose everything", gilbert_elliott(0.02, 200ms, 1)},
      Background{"GE 2 %/200 ms h=.7", "2 % lost, in bursts of mean 200 ms that lose 70 %", gilbert_elliott(0.02, 200ms, 0.7)},
      // Some thousand a year, most over before anybody notices; the few long ones are what a fixed threshold calls failures.
      Background{"fibre, micro-outages",
                 "0.01 % lost, and 1,000 outages a year: four in five of mean 150 ms, one in five of mean 800 ms",
                 {.in_good = 0.0001, .in_burst = 1, .gap = 365 * 24h / 1000, .bursts = {Burst{0.8, 150ms}, Burst{0.2, 800ms}}}},
  };
  return kAll;
}

std::span<const Fault> faults() {
  static const std::array kAll = {
      Fault{.name = "black hole", .kind = FaultKind::BlackHole},
      Fault{.name = "+10 %", .kind = FaultKind::Loss, .loss = 0.10},
      Fault{.name = "+20 %", .kind = FaultKind::Loss, .loss = 0.20},
      Fault{.name = "+30 %", .kind = FaultKind::Loss, .loss = 0.30},
      Fault{.name = "+50 %", .kind = FaultKind::Loss, .loss = 0.50},
      Fault{.name = "GE 10 %/200 ms", .kind = FaultKind::Bursts, .loss = 0.10, .lasts = 200ms},
      Fault{.name = "GE 20 %/200 ms", .kind = FaultKind::Bursts, .loss = 0.20, .lasts = 200ms},
      Fault{.name = "+150 ms", .kind = FaultKind::Delay, .delay = 150ms},
      Fault{.name = "+200 ms", .kind = FaultKind::Delay, .delay = 200ms},
      Fault{.name = "ramp to 30 %", .kind = FaultKind::Ramp, .loss = 0.30, .lasts = 300s},
  };
  return kAll;
}

}  // namespace linekeeper::sim::frontier
