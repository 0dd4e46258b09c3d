#pragma once
// The last probes of one circuit, in the order they were sent, each answered, overdue or still open. A reply that comes late turns
// an overdue probe back into an answered one.
//
// Two times matter. A probe is *overdue* after the round trip it should have taken: that is when suspicion begins. It is *settled* when it was
// answered or a second has passed, and never before those sent earlier: statistics of loss are made of settled probes only, in the
// order they were sent, so the order in which replies arrive changes nothing.
//
// Fixed size, no allocation: it is on the path of every probe. A probe is found by its sequence in O(log n).
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "controller/model/observation.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::decision {

enum class ProbeFate : std::uint8_t { Open, Answered, Lost };

struct ProbeRecord {
  std::uint64_t sequence = 0;
  model::Instant sent{};
  model::Instant lost_at{};   ///< when it counts as overdue unless answered
  std::uint8_t position = 0;  ///< of its target in Circuit::targets
  model::ProbeKind kind = model::ProbeKind::Scheduled;
  ProbeFate fate = ProbeFate::Open;
  bool voided = false;  ///< its silence says nothing: our own loop stood still meanwhile (I7). An answer to it still counts.
};

class ProbeWindow {
 public:
  static constexpr std::size_t kCapacity = 512;  ///< quick probes of the longest silence and the scheduled ones of a minute around it
  static constexpr model::Duration kSettled = std::chrono::seconds(1);  ///< an answer later than this is a loss for statistics

  void clear();
  /// Drops what was sent before: old answers must not speak again once probing goes on (I6).
  void forget_before(model::Instant when);
  /// Sequences must rise; one that does not is ignored (returns false).
  bool sent(std::uint64_t sequence, std::size_t position, model::Instant at, model::Duration timeout,
            model::ProbeKind kind = model::ProbeKind::Scheduled);
  /// @param by  position of the target that answered; one that was not asked changes nothing. Nothing: whoever was asked
  /// @return the record when this is the first answer to a probe in the window, nothing for duplicates and strangers.
  std::optional<ProbeRecord> answered(std::uint64_t sequence, std::optional<std::size_t> by = std::nullopt);
  /// Marks what is overdue, and tells each such probe. @return whether anything changed.
  template <class Told>
  bool expire(model::Instant now, Told&& told) {
    bool changed = false;
    // What is settled is no longer open: only the young end can change.
    for (std::size_t i = unsettled_; i < size_; ++i) {
      ProbeRecord& probe = at(i);
      if (probe.fate != ProbeFate::Open || probe.lost_at > now) continue;
      probe.fate = ProbeFate::Lost;
      changed = true;
      told(std::as_const(probe));
    }
    return changed;
  }
  bool expire(model::Instant now) {
    return expire(now, [](const ProbeRecord&) {});
  }
  /// The silence of what was sent until `upto` and is not answered says nothing.
  void void_unanswered(model::Instant upto);
  /// When the next open probe becomes overdue, or the next overdue one is settled; kNever when there is none.
  [[nodiscard]] model::Instant next_expiry() const;
  /// The oldest probe that is settled by now and was not handed out before; nothing when there is none.
  std::optional<ProbeRecord> settle(model::Instant now);

  [[nodiscard]] std::size_t size() const { return size_; }
  /// i = 0 is the newest.
  [[nodiscard]] const ProbeRecord& newest(std::size_t i) const { return ring_[(end_ + kCapacity - 1 - i) % kCapacity]; }

 private:
  /// i = 0 is the oldest.
  [[nodiscard]] ProbeRecord& at(std::size_t i) { return ring_[(end_ + kCapacity - size_ + i) % kCapacity]; }
  [[nodiscard]] const ProbeRecord& at(std::size_t i) const { return ring_[(end_ + kCapacity - size_ + i) % kCapacity]; }
  void drop_oldest(std::size_t count);

  std::array<ProbeRecord, kCapacity> ring_{};
  std::size_t end_ = 0;
  std::size_t size_ = 0;
  std::size_t unsettled_ = 0;  // position of the oldest probe that was not settled yet
};

}  // namespace linekeeper::decision
