#include "probes/sequence_window.hpp"

#include "controller/model/assert.hpp"

namespace linekeeper::probes {

void SequenceWindow::add(const SentProbe& probe) {
  LK_ASSERT(probe.sequence > newest_);
  newest_ = probe.sequence;
  slots_[probe.sequence % kSize] = {.probe = probe, .fate = Fate::Waiting};
}

SequenceWindow::Slot* SequenceWindow::find(std::uint64_t sequence) {
  if (sequence == 0 || sequence > newest_ || newest_ - sequence >= kSize) return nullptr;
  auto& slot = slots_[sequence % kSize];
  return slot.probe.sequence == sequence ? &slot : nullptr;
}

std::optional<SentProbe> SequenceWindow::answer(std::uint64_t sequence) {
  auto* slot = find(sequence);
  if (slot == nullptr || slot->fate == Fate::Answered) return std::nullopt;
  slot->fate = Fate::Answered;
  return slot->probe;
}

std::optional<SentProbe> SequenceWindow::reject(std::uint64_t sequence) {
  auto* slot = find(sequence);
  if (slot == nullptr || slot->fate != Fate::Waiting) return std::nullopt;
  slot->fate = Fate::Rejected;
  return slot->probe;
}

std::optional<SentProbe> SequenceWindow::waiting(std::uint16_t low_bits) const {
  // The newest sequence with these low bits: at most 65,535 below the newest one.
  const std::uint64_t back = static_cast<std::uint16_t>(static_cast<std::uint16_t>(newest_) - low_bits);
  if (back >= kSize || back >= newest_) return std::nullopt;
  const auto sequence = newest_ - back;
  const auto& slot = slots_[sequence % kSize];
  if (slot.probe.sequence != sequence || slot.fate != Fate::Waiting) return std::nullopt;
  return slot.probe;
}

}  // namespace linekeeper::probes
