#include "controller/decision/corroboration.hpp"

#include <array>
#include <bit>

namespace linekeeper::decision {
namespace {

constexpr TargetMask bit(std::size_t position) { return TargetMask{1} << position; }

struct Counted {
  Run run;
  TargetMask contradicted_by = 0;
};

Counted count(const ProbeWindow& window, ProbeFate fate, std::span<const std::uint8_t> network, TargetMask counted, int most) {
  Counted result;
  TargetMask once = 0, twice = 0;
  for (std::size_t i = 0; i < window.size() && result.run.length < most; ++i) {
    const ProbeRecord& probe = window.newest(i);
    const TargetMask target = bit(probe.position);
    if (probe.fate == ProbeFate::Open || (target & counted) == 0 || (probe.voided && probe.fate == ProbeFate::Lost)) continue;
    if (probe.fate != fate) {
      result.contradicted_by = target;
      break;
    }
    ++result.run.length;
    twice |= once & target;
    once |= target;
    result.run.first = probe.sent;
    result.run.overdue = probe.lost_at;
  }
  result.run.any = std::popcount(once);
  result.run.targets = std::popcount(twice);
  std::array<std::uint64_t, 4> seen{};  // networks are numbered by position: below 256
  for (TargetMask rest = twice; rest != 0; rest &= rest - 1) {
    const std::uint8_t n = network[static_cast<std::size_t>(std::countr_zero(rest))];
    result.run.networks += (seen[n / 64] >> (n % 64) & 1) == 0 ? 1 : 0;
    seen[n / 64] |= std::uint64_t{1} << (n % 64);
  }
  return result;
}

}  // namespace

const Run& Runs::best() const {
  const bool better = without.corroborated() == all.corroborated() ? without.length > all.length : without.corroborated();
  return better ? without : all;
}

Runs trailing_runs(const ProbeWindow& window, ProbeFate fate, std::span<const std::uint8_t> network, TargetMask counted, int most) {
  Runs runs;
  const Counted all = count(window, fate, network, counted, most);
  runs.all = all.run;
  if (all.contradicted_by != 0) runs.without = count(window, fate, network, counted & ~all.contradicted_by, most).run;
  return runs;
}

}  // namespace linekeeper::decision
