#pragma once
// What an access leg does to probes: it loses them and it delays them. Loss is a continuous-time Gilbert-Elliott process (Gilbert 1960,
// Elliott 1963): periods in which hardly anything is lost, broken by bursts in which much or all is; both without memory, so a probe's
// fate depends on the instant it is sent at and not on how often probes are sent. A fault is laid over what the leg always does.
//
// Losses are rare, and years are long: a rule that only counts losses may ask how long nothing will be lost, and jump over it.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tests/sim/frontier/draws.hpp"

namespace linekeeper::sim::frontier {

using model::Duration;
using model::Instant;

struct Burst {
  double share = 0;  ///< of the bursts that are of this kind
  Duration mean{};
};

struct LossModel {
  double in_good = 0;             ///< probability of loss between bursts, each probe for itself
  double in_burst = 1;            ///< and inside one
  Duration gap{};                 ///< mean time between two bursts; 0: there are none
  std::array<Burst, 2> bursts{};  ///< how long they last: exponential, or a mixture of two
};

/// A share `stationary` of all time's probes lost, in bursts of mean length `burst` that lose `in_burst` of what is sent.
[[nodiscard]] LossModel gilbert_elliott(double stationary, Duration burst, double in_burst);

class LossProcess {
 public:
  LossProcess(const LossModel& model, std::uint64_t seed, Instant begin);

  /// The fate of a probe sent at `at`; `at` never falls.
  bool lost(Instant at);

  struct Quiet {
    Instant until;            ///< the next burst begins (now, when inside one)
    std::int64_t probes = 0;  ///< so many probes sent before that are answered; the next is lost
  };
  [[nodiscard]] Quiet quiet() const { return {in_burst_ ? began_ : ends_, clean_left_}; }
  /// `probes` were sent and answered, all before quiet().until.
  void answered(std::int64_t probes) { clean_left_ -= probes; }

 private:
  void turn();
  std::int64_t draw_clean();

  LossModel model_;
  Draws draws_;
  double hazard_ = 0;  // -ln(1 - in_good)
  bool in_burst_ = false;
  Instant began_, ends_;
  std::int64_t clean_left_;
};

enum class FaultKind : std::uint8_t { None, BlackHole, Loss, Bursts, Delay, Ramp };

struct Fault {
  std::string_view name;
  FaultKind kind = FaultKind::None;
  double loss = 0;   ///< Loss: of each probe; Ramp: reached at the end of `lasts`; Bursts: stationary
  Duration delay{};  ///< Delay: added to each round trip
  Duration lasts{};  ///< Bursts: mean length of one; Ramp: how long it climbs
};

/// One way out to the world and back, over one access leg.
class Channel {
 public:
  Channel(const LossModel& model, std::uint64_t seed, Instant begin);

  /// From `at` on this is the matter too.
  void begin(const Fault& fault, Instant at);
  /// Whether the echo of a probe sent at `at` comes back; `at` never falls.
  bool answers(Instant at);
  /// How long that takes: 33 ms, and an exponentially distributed rest of mean 2 ms, and what the fault adds.
  Duration round_trip(Instant at);

  [[nodiscard]] LossProcess::Quiet quiet() const { return leg_.quiet(); }
  void answered(std::int64_t probes) { leg_.answered(probes); }

 private:
  LossProcess leg_;
  Draws draws_;
  std::uint64_t seed_;
  Fault fault_;
  Instant since_ = model::kNever;
  std::optional<LossProcess> bursts_;  // of the fault
};

inline constexpr Duration kShortestRoundTrip = std::chrono::milliseconds(33);

}  // namespace linekeeper::sim::frontier
