#include "probes/round_trip.hpp"

#include <algorithm>

namespace linekeeper::probes {
namespace {
// Reading two clocks takes some 50 ns, more when we are preempted between them: the stamp is then left aside too.
constexpr model::Duration kStep = std::chrono::milliseconds(1);
}  // namespace

model::Duration round_trip(const runtime::ClockPair& sent, const runtime::ClockPair& read, const std::optional<runtime::KernelStamp>& stamp) {
  const auto elapsed = std::max(read.boot - sent.boot, model::Duration::zero());
  if (!stamp) return elapsed;
  const auto wall_elapsed = read.wall - sent.wall;
  if (wall_elapsed - elapsed > kStep || elapsed - wall_elapsed > kStep) return elapsed;
  const auto waited = read.wall - *stamp;
  if (waited < model::Duration::zero() || waited > elapsed) return elapsed;
  return elapsed - waited;
}

}  // namespace linekeeper::probes
