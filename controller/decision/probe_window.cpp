#include "controller/decision/probe_window.hpp"

#include <algorithm>

namespace linekeeper::decision {

void ProbeWindow::clear() { size_ = unsettled_ = 0; }

void ProbeWindow::drop_oldest(std::size_t count) {
  size_ -= count;
  unsettled_ -= std::min(unsettled_, count);
}

bool ProbeWindow::sent(std::uint64_t sequence, std::size_t position, model::Instant at, model::Duration timeout, model::ProbeKind kind) {
  if (size_ > 0 && sequence <= newest(0).sequence) return false;
  if (size_ == kCapacity) drop_oldest(1);
  ring_[end_] = ProbeRecord{.sequence = sequence, .sent = at, .lost_at = at + timeout, .position = static_cast<std::uint8_t>(position), .kind = kind};
  end_ = (end_ + 1) % kCapacity;
  ++size_;
  return true;
}

void ProbeWindow::forget_before(model::Instant when) {
  std::size_t old = 0;
  while (old < size_ && at(old).sent < when) ++old;
  drop_oldest(old);
}

std::optional<ProbeRecord> ProbeWindow::answered(std::uint64_t sequence, std::optional<std::size_t> by) {
  std::size_t low = 0, high = size_;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (at(middle).sequence < sequence)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == size_ || at(low).sequence != sequence || at(low).fate == ProbeFate::Answered) return std::nullopt;
  if (by && *by != at(low).position) return std::nullopt;
  at(low).fate = ProbeFate::Answered;
  return at(low);
}

void ProbeWindow::void_unanswered(model::Instant upto) {
  for (std::size_t i = 0; i < size_ && at(i).sent <= upto; ++i)
    if (at(i).fate != ProbeFate::Answered) at(i).voided = true;
}

model::Instant ProbeWindow::next_expiry() const {
  model::Instant next = model::kNever;
  for (std::size_t i = unsettled_; i < size_; ++i)
    if (at(i).fate == ProbeFate::Open) next = std::min(next, at(i).lost_at);
  if (unsettled_ < size_ && at(unsettled_).fate == ProbeFate::Lost) next = std::min(next, at(unsettled_).sent + kSettled);
  return next;
}

std::optional<ProbeRecord> ProbeWindow::settle(model::Instant now) {
  if (unsettled_ >= size_) return std::nullopt;
  const ProbeRecord& oldest = at(unsettled_);
  if (oldest.fate != ProbeFate::Answered && now < std::max(oldest.sent + kSettled, oldest.lost_at)) return std::nullopt;
  ++unsettled_;
  return oldest;
}

}  // namespace linekeeper::decision
