#include "controller/decision/corroboration.hpp"

#include <array>
#include <optional>

namespace linekeeper::decision {
namespace {

constexpr std::size_t kMostTargets = 64;  // config/ refuses more for one site

struct Counted {
  Run run;
  std::optional<model::TargetId> contradicted_by;
};

Counted count(const ProbeWindow& window, ProbeFate fate, std::span<const model::Target> targets, std::optional<model::TargetId> left_out) {
  Counted result;
  std::array<int, kMostTargets> per_target{};
  for (std::size_t i = 0; i < window.size(); ++i) {
    const ProbeRecord& probe = window.newest(i);
    if (probe.fate == ProbeFate::Open || probe.target == left_out || probe.target.index() >= kMostTargets) continue;
    if (probe.fate != fate) {
      result.contradicted_by = probe.target;
      break;
    }
    ++result.run.length;
    ++per_target[probe.target.index()];
    result.run.first = probe.sent;
  }
  for (std::size_t t = 0; t < targets.size() && t < kMostTargets; ++t) {
    if (per_target[t] < 2) continue;
    ++result.run.targets;
    bool network_seen = false;
    for (std::size_t earlier = 0; earlier < t; ++earlier)
      network_seen = network_seen || (per_target[earlier] >= 2 && targets[earlier].network == targets[t].network);
    if (!network_seen) ++result.run.networks;
  }
  return result;
}

}  // namespace

Run trailing_run(const ProbeWindow& window, ProbeFate fate, std::span<const model::Target> targets) {
  const Counted all = count(window, fate, targets, std::nullopt);
  if (!all.contradicted_by) return all.run;
  const Counted without = count(window, fate, targets, all.contradicted_by);
  const bool better = without.run.corroborated() == all.run.corroborated() ? without.run.length > all.run.length : without.run.corroborated();
  return better ? without.run : all.run;
}

}  // namespace linekeeper::decision
