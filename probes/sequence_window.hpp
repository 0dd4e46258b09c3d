#pragma once
// Which probes of a circuit are still waited for: the last 256, whatever their target. Older ones are forgotten, so memory
// is bounded and a reply from another age is inert. A probe is answered at most once and rejected at most once; an answer
// counts even after a rejection (forged ICMP errors exist), a rejection after an answer does not.
#include <array>
#include <cstdint>
#include <optional>

#include "controller/runtime/clock.hpp"

namespace linekeeper::probes {

struct SentProbe {
  std::uint64_t sequence = 0;
  std::size_t target = 0;  ///< position in the prober's target list
  runtime::ClockPair sent{};
};

class SequenceWindow {
 public:
  static constexpr std::size_t kSize = 256;

  /// @param probe its sequence must be above all earlier ones and not 0
  void add(const SentProbe& probe);
  /// @return the probe, the first time only; nothing when it is unknown, forgotten or answered.
  std::optional<SentProbe> answer(std::uint64_t sequence);
  /// @return the probe, the first time only; nothing when it is unknown, forgotten, rejected or answered.
  std::optional<SentProbe> reject(std::uint64_t sequence);
  /// The probe still waited for whose sequence ends in these 16 bits (unique within the window).
  [[nodiscard]] std::optional<SentProbe> waiting(std::uint16_t low_bits) const;

 private:
  enum class Fate : std::uint8_t { Waiting, Rejected, Answered };
  struct Slot {
    SentProbe probe;
    Fate fate = Fate::Answered;
  };
  Slot* find(std::uint64_t sequence);

  std::array<Slot, kSize> slots_{};
  std::uint64_t newest_ = 0;
};

}  // namespace linekeeper::probes
