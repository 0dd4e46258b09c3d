#include "controller/decision/probe_window.hpp"

#include <algorithm>

namespace linekeeper::decision {

bool ProbeWindow::sent(std::uint64_t sequence, model::TargetId target, model::Instant at, model::Duration timeout) {
  if (size_ > 0 && sequence <= newest(0).sequence) return false;
  ring_[end_] = ProbeRecord{sequence, target, at, at + timeout, ProbeFate::Open};
  end_ = (end_ + 1) % kCapacity;
  size_ = std::min(size_ + 1, kCapacity);
  return true;
}

void ProbeWindow::forget_before(model::Instant when) {
  while (size_ > 0 && newest(size_ - 1).sent < when) --size_;
}

std::optional<ProbeRecord> ProbeWindow::answered(std::uint64_t sequence) {
  for (std::size_t i = 0; i < size_; ++i) {
    ProbeRecord& probe = ring_[(end_ + kCapacity - 1 - i) % kCapacity];
    if (probe.sequence < sequence) break;  // newest first, sequences fall: it is not there
    if (probe.sequence != sequence) continue;
    if (probe.fate == ProbeFate::Answered) break;
    probe.fate = ProbeFate::Answered;
    return probe;
  }
  return std::nullopt;
}

bool ProbeWindow::expire(model::Instant now) {
  bool changed = false;
  for (std::size_t i = 0; i < size_; ++i) {
    ProbeRecord& probe = ring_[(end_ + kCapacity - 1 - i) % kCapacity];
    if (probe.fate == ProbeFate::Open && probe.lost_at <= now) {
      probe.fate = ProbeFate::Lost;
      changed = true;
    }
  }
  return changed;
}

model::Instant ProbeWindow::next_expiry() const {
  model::Instant next = model::kNever;
  for (std::size_t i = 0; i < size_; ++i)
    if (const ProbeRecord& probe = newest(i); probe.fate == ProbeFate::Open) next = std::min(next, probe.lost_at);
  return next;
}

}  // namespace linekeeper::decision
