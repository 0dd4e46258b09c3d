#include "controller/decision/target_standing.hpp"

#include <bit>

namespace linekeeper::decision {

using model::SetAside;

namespace {
constexpr TargetMask bit(std::size_t position) { return TargetMask{1} << position; }
constexpr std::uint64_t newest(int n) { return n >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1; }
}  // namespace

int TargetStanding::Target::lost() const { return std::popcount(fates & newest(std::min(seen, kWindow))); }

TargetStanding::TargetStanding(std::span<const std::uint8_t> network) : network_(network), targets_(network.size()) {
  for (std::size_t p = 0; p < targets_.size(); ++p) counted_ |= bit(p);
}

void TargetStanding::forget() {
  for (Target& t : targets_) t = {.standing = t.standing};
}

void TargetStanding::settled(std::size_t position, bool lost, model::ProbeKind kind) {
  Target& t = targets_[position];
  due_ = true;
  t.lost_in_a_row = lost ? t.lost_in_a_row + 1 : 0;
  t.answered_in_a_row = lost ? 0 : t.answered_in_a_row + 1;
  if (kind == model::ProbeKind::Verify) return;  // sent when it is bad: they tell nothing about how much is lost
  t.fates = t.fates << 1 | (lost ? 1U : 0U);
  t.seen = std::min(t.seen + 1, kWindow);
}

/// How those that count behave; one that lies is asked too, or it could never be found wrong.
TargetStanding::Others TargetStanding::sum() const {
  Others all;
  for (const Target& t : targets_) add(all, t, 1);
  return all;
}

void TargetStanding::add(Others& sum, const Target& t, int sign) {
  if (t.standing != SetAside::No && t.standing != SetAside::Lying) return;
  sum.count += sign;
  sum.answering += t.answered_in_a_row >= kOthersAnswer ? sign : 0;
  sum.silent += t.lost_in_a_row >= kSilentFor ? sign : 0;
  sum.well += t.seen >= kEnough && t.lost() <= kWell ? sign : 0;
}

SetAside TargetStanding::wanted(std::size_t position, Others others) const {
  const Target& t = targets_[position];
  add(others, t, -1);
  switch (t.standing) {
    case SetAside::Dead:
      if (t.answered_in_a_row < kSilentFor) return SetAside::Dead;
      break;
    case SetAside::Lossy:
      if (t.seen >= kEnough && t.lost() > kWell) return SetAside::Lossy;
      break;
    case SetAside::Lying:
      // As soon as anyone else answers again, answering is no lie: it was one because all others were silent. Waiting for two would keep
      // an honest one aside for as long as a third is dead.
      if (others.answering < 1 && t.lost_in_a_row < kSilentFor) return SetAside::Lying;
      break;
    case SetAside::No: break;
  }
  if (t.lost_in_a_row >= kSilentFor && others.answering >= 2) return SetAside::Dead;
  if (t.answered_in_a_row >= kLiesFor && others.count >= 2 && others.silent == others.count) return SetAside::Lying;
  if (t.seen >= kEnough && t.lost() >= kLossy && others.well >= 2) return SetAside::Lossy;
  return SetAside::No;
}

/// Without it too few would be left to corroborate anything.
bool TargetStanding::spared(std::size_t position) const {
  const TargetMask left = counted_ & ~bit(position);
  std::optional<std::uint8_t> network;
  for (TargetMask rest = left; rest != 0; rest &= rest - 1) {
    const std::uint8_t n = network_[static_cast<std::size_t>(std::countr_zero(rest))];
    if (network && *network != n) return false;
    network = n;
  }
  return true;
}

std::optional<TargetStanding::Change> TargetStanding::judge() {
  if (!due_) return std::nullopt;
  const Others all = sum();
  for (std::size_t p = 0; p < targets_.size(); ++p) {
    Target& t = targets_[p];
    const SetAside next = wanted(p, all);
    if (next == t.standing || (next != SetAside::No && t.standing == SetAside::No && spared(p))) continue;
    const Change change{.position = p, .before = t.standing, .after = next};
    t.standing = next;
    counted_ = next == SetAside::No ? counted_ | bit(p) : counted_ & ~bit(p);
    return change;
  }
  due_ = false;
  return std::nullopt;
}

}  // namespace linekeeper::decision
