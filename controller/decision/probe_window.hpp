#pragma once
// The last probes of one circuit, in the order they were sent, each answered, lost or still open. Losses are judged when
// looked at, so a reply that comes late turns its loss back into an answer (detection.md calls it "un-losing").
// Fixed size, no allocation: it is on the path of every probe.
#include <array>
#include <cstdint>
#include <optional>

#include "controller/model/ids.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::decision {

enum class ProbeFate : std::uint8_t { Open, Answered, Lost };

struct ProbeRecord {
  std::uint64_t sequence = 0;
  model::TargetId target;
  model::Instant sent{};
  model::Instant lost_at{};  ///< when it counts as lost unless answered
  ProbeFate fate = ProbeFate::Open;
};

class ProbeWindow {
 public:
  static constexpr std::size_t kCapacity = 128;

  void clear() { size_ = 0; }
  /// Drops what was sent before: old answers must not speak again once probing goes on (I6).
  void forget_before(model::Instant when);
  /// Sequences must rise; one that does not is ignored (returns false).
  bool sent(std::uint64_t sequence, model::TargetId target, model::Instant at, model::Duration timeout);
  /// @return the record when this is the first answer to a probe in the window, nothing for duplicates and strangers.
  std::optional<ProbeRecord> answered(std::uint64_t sequence);
  /// Marks what is overdue. @return whether anything changed.
  bool expire(model::Instant now);
  /// When the next open probe becomes overdue; kNever when none is open.
  [[nodiscard]] model::Instant next_expiry() const;

  [[nodiscard]] std::size_t size() const { return size_; }
  /// i = 0 is the newest.
  [[nodiscard]] const ProbeRecord& newest(std::size_t i) const { return ring_[(end_ + kCapacity - 1 - i) % kCapacity]; }

 private:
  std::array<ProbeRecord, kCapacity> ring_{};
  std::size_t end_ = 0;
  std::size_t size_ = 0;
};

}  // namespace linekeeper::decision
