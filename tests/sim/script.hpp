#pragma once
// Everything that a run is made from: a site, what its lines are like when well, and what befalls it when. Drawn from a seed
// (script_maker) or read from a file (scenario_reader); the same script is the same run.
#include <cstdint>
#include <string>
#include <vector>

#include "controller/model/site.hpp"
#include "tests/sim/fault_table.hpp"
#include "tests/sim/planted.hpp"

namespace linekeeper::sim {

/// When a run begins on the boot clock. Times of scripts and files count from here.
inline constexpr model::Instant kBegin{std::chrono::seconds(1000)};

/// What kind of run it is; some invariants can only be seen when nothing else happens.
enum class Kind : std::uint8_t { Mixed, OneTarget, Blackout, Restarts, Quiet };

/// A line when nothing is the matter with it. Loss is of the two-state kind (Gilbert-Elliott): rare in the good state, heavy in the bad one.
struct LineNature {
  model::Duration delay = std::chrono::milliseconds(10), jitter = std::chrono::milliseconds(2);
  Measure good_loss = 0, bad_loss = 0;      ///< millionths
  model::Duration mean_good{}, mean_bad{};  ///< nothing: it stays good
  friend bool operator==(const LineNature&, const LineNature&) = default;
};

/// One thing that is the matter for a while.
struct Trouble {
  model::Duration at{}, lasts{};
  Fault fault = Fault::BlackHole;
  std::size_t a = 0, b = 0;  ///< whom it befalls: see Aim
  bool everywhere = false;   ///< all circuits
  Measure amount = 0;
  model::Duration on{}, off{};  ///< comes and goes; nothing: it stays while it lasts
  int serial = 0;               ///< which of the run
};

/// It comes, or it goes.
struct Edge {
  model::Instant at{};
  const Trouble* trouble = nullptr;
  bool comes = true;
  std::size_t drawn = 0;  ///< edges of one instant happen in the order they were drawn
};

enum class Claim : std::uint8_t { Via, SharedBy, Begins, CircuitIs, TargetIs, CarrierIs, Diagnosis, Moves, Says };

/// What a scenario says must be so: at an instant, or all the time from one to another.
struct Expectation {
  int line = 0;      ///< of the file
  std::string text;  ///< as it stands there
  model::Duration from{}, to{};
  Claim claim = Claim::Via;
  std::size_t a = 0;                ///< class, trunk, circuit, target
  std::optional<std::size_t> b;     ///< circuit, carrier
  std::optional<std::size_t> c;     ///< circuit of a carrier
  std::string word, subject;        ///< "down", "circuit.down", ...
  std::size_t least = 0, most = 0;  ///< of Moves and Says
};

struct Script {
  std::uint64_t seed = 1;  ///< of the packets' chance
  model::Site site;
  std::vector<LineNature> lines;
  Kind kind = Kind::Mixed;
  model::Duration lasts = std::chrono::minutes(1);
  std::vector<Trouble> troubles;
  model::Duration calls_each{};  ///< somebody telephones by each trunk; nothing: nobody, and calls are not listened to
  Planted bug = Planted::None;
  // Of a file only:
  std::string file;
  std::vector<Expectation> expectations;
};

/// Every coming and going in the order of time; those of one instant in the order of the troubles. Points into `script`.
[[nodiscard]] std::vector<Edge> edges_of(const Script& script);

/// A script from a seed alone.
/// @param lasts  nothing: most runs a few minutes, one in 64 an hour
[[nodiscard]] Script make_script(std::uint64_t seed, std::optional<model::Duration> lasts, Planted bug);

}  // namespace linekeeper::sim
