#include "controller/decision/directions.hpp"

#include <algorithm>

namespace linekeeper::decision {

using model::Duration;

namespace {

/// A delay that jumps by more was not the line's doing: one of the two clocks was set.
constexpr Duration kClockSet = std::chrono::seconds(1);
constexpr int kJitterGain = 16;  // RFC 3550 6.4.1

std::optional<double> ratio(int lost, int of) { return of > 0 ? std::optional(static_cast<double>(lost) / of) : std::nullopt; }

/// The mean of what several reflectors say, each as heavy as its packets.
void join(model::Direction& all, const model::Direction& one, int& reflectors) {
  if (one.loss_ratio) {
    const double lost = all.loss_ratio.value_or(0) * all.samples + *one.loss_ratio * one.samples;
    all.samples += one.samples;
    all.loss_ratio = lost / all.samples;
  }
  if (one.jitter) {
    all.jitter = (all.jitter.value_or(Duration::zero()) * reflectors + *one.jitter) / (reflectors + 1);
    ++reflectors;
  }
}

}  // namespace

DirectedLosses& DirectedLosses::operator+=(const DirectedLosses& o) {
  sent += o.sent;
  outbound += o.outbound;
  arrived += o.arrived;
  inbound += o.inbound;
  return *this;
}

LossDirection direction_of(const DirectedLosses& losses) {
  const int all = losses.outbound + losses.inbound;
  if (all < kDirectedLosses) return LossDirection::Unknown;
  if (losses.inbound <= all / kOthersAmong) return LossDirection::Outbound;
  if (losses.outbound <= all / kOthersAmong) return LossDirection::Inbound;
  return LossDirection::Unknown;
}

void ReflectorWindow::Jitter::add(Duration delay) {
  if (last) {
    const Duration change = delay > *last ? delay - *last : *last - delay;
    if (change <= kClockSet) {
      const Duration before = smoothed.value_or(Duration::zero());
      smoothed = before + (change - before) / kJitterGain;
    }
  }
  last = delay;
}

void ReflectorWindow::add(const model::Reflection& reflection) {
  if (session_ != reflection.session) *this = {};
  session_ = reflection.session;
  outbound_.add(reflection.outbound);
  inbound_.add(reflection.inbound);
  if (reflection.theirs)
    count({.ours = reflection.ours, .theirs = *reflection.theirs});
  else
    size_ = 0;  // it does not count, or no longer
}

void ReflectorWindow::count(const Returned& returned) {
  std::size_t at = size_;
  while (at > 0 && returned_[at - 1].ours > returned.ours) --at;  // it came late: usually it is the newest
  const bool known = at > 0 && returned_[at - 1].ours == returned.ours;
  if (known) return;
  // Its count goes up as ours does, or it has begun to count anew (and we with it). Packets that overtook each other look the same and
  // cost a window: they leave tens of milliseconds apart, so that is rare.
  const bool follows = at == 0 || returned_[at - 1].theirs < returned.theirs;
  const bool precedes = at == size_ || returned.theirs < returned_[at].theirs;
  if (!follows || !precedes) {
    if (at < size_) return;
    size_ = at = 0;
  }
  const std::uint32_t newest = at == size_ ? returned.ours : returned_[size_ - 1].ours;
  if (newest - returned.ours >= kPackets) return;
  std::size_t old = 0;
  while (old < size_ && newest - returned_[old].ours >= kPackets) ++old;
  std::copy(returned_.begin() + static_cast<std::ptrdiff_t>(old), returned_.begin() + static_cast<std::ptrdiff_t>(size_), returned_.begin());
  size_ -= old;
  at -= std::min(at, old);
  // Numbers are distinct and less than kPackets apart: there is room.
  std::copy_backward(returned_.begin() + static_cast<std::ptrdiff_t>(at), returned_.begin() + static_cast<std::ptrdiff_t>(size_),
                     returned_.begin() + static_cast<std::ptrdiff_t>(size_ + 1));
  returned_[at] = returned;
  ++size_;
}

DirectedLosses ReflectorWindow::losses() const {
  if (size_ < 2) return {};
  const Returned &oldest = returned_[0], &newest = returned_[size_ - 1];
  DirectedLosses l;
  l.sent = static_cast<int>(newest.ours - oldest.ours);
  // More than we sent when some were doubled on the way; the numbers are foreign and need not make sense.
  l.arrived = static_cast<int>(std::min<std::uint32_t>(newest.theirs - oldest.theirs, 10 * kPackets));
  l.outbound = std::max(l.sent - l.arrived, 0);
  l.inbound = std::max(l.arrived - static_cast<int>(size_ - 1), 0);
  return l;
}

model::Direction ReflectorWindow::outbound() const {
  const DirectedLosses l = losses();
  return {.loss_ratio = ratio(l.outbound, l.sent), .jitter = outbound_.smoothed, .samples = l.sent};
}

model::Direction ReflectorWindow::inbound() const {
  const DirectedLosses l = losses();
  return {.loss_ratio = ratio(l.inbound, l.arrived), .jitter = inbound_.smoothed, .samples = l.arrived};
}

Directions::Directions(const model::Site& site, model::CircuitId circuit) {
  for (const model::TargetId id : site[circuit].targets)
    targets_.push_back(
        {.id = id,
         .window = site[id].method == model::ProbeMethod::Stamp ? std::make_unique<ReflectorWindow>() : std::unique_ptr<ReflectorWindow>()});
}

bool Directions::on(const model::ProbeReply& reply) {
  const auto target = std::ranges::find(targets_, reply.target, &Target::id);
  if (target == targets_.end()) return false;
  target->last_code = reply.code;
  if (!reply.reflection || !target->window) return false;
  target->window->add(*reply.reflection);
  DirectedLosses all;
  for (const Target& t : targets_)
    if (t.window) all += t.window->losses();
  const LossDirection now = direction_of(all);
  const bool changed = now != lost_;
  lost_ = now;
  return changed;
}

void Directions::fill(model::CircuitStatus& status) const {
  int outbound = 0, inbound = 0;
  for (model::TargetStatus& t : status.targets) {
    const auto known = std::ranges::find(targets_, t.target, &Target::id);
    if (known == targets_.end()) continue;
    t.last_code = known->last_code;
    if (!known->window) continue;
    t.outbound = known->window->outbound();
    t.inbound = known->window->inbound();
    join(status.outbound, t.outbound, outbound);
    join(status.inbound, t.inbound, inbound);
  }
}

}  // namespace linekeeper::decision
