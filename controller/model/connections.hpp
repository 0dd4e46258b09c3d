#pragma once
// Connections in progress as values: which bits of a mark say where one belongs, and what becomes of its source address.
#include <bit>
#include <cstdint>

#include "controller/model/ip_address.hpp"

namespace linekeeper::model {

/// Which bits of a packet's and a connection's mark say which circuit and which traffic class it belongs to.
///
/// A site chooses the bits; everything outside them is its own and is never read nor written. The lower half of them, rounded up,
/// is the circuit's number, the rest the class's. A connection has both: of two classes on one circuit one may leave and the other
/// stay, and what is deleted is always one class's share of one circuit. Class 0 is nobody's: connections that came in by the
/// circuit, have its own address or a source pinned to it. They belong to it whatever its classes do.
class FlowMarks {
 public:
  /// A mask that is not sound() stands for no marks at all, as 0 does.
  explicit constexpr FlowMarks(std::uint32_t mask) : mask_(sound(mask) ? mask : 0) {
    if (mask_ == 0) return;
    const int circuit_bits = (std::popcount(mask_) + 1) / 2;
    shift_ = std::countr_zero(mask_);
    class_shift_ = shift_ + circuit_bits;
    circuit_mask_ = ((1U << circuit_bits) - 1) << shift_;
  }
  /// One run of at least two bits.
  [[nodiscard]] static constexpr bool sound(std::uint32_t mask) {
    const std::uint32_t run = mask == 0 ? 0 : mask >> std::countr_zero(mask);
    return std::popcount(mask) >= 2 && (run & (run + 1)) == 0;
  }

  [[nodiscard]] constexpr bool on() const { return mask_ != 0; }
  [[nodiscard]] constexpr std::uint32_t mask() const { return mask_; }
  [[nodiscard]] constexpr std::uint32_t circuit_mask() const { return circuit_mask_; }
  [[nodiscard]] constexpr std::uint32_t most_circuits() const { return circuit_mask_ >> shift_; }
  [[nodiscard]] constexpr std::uint32_t most_classes() const { return (mask_ & ~circuit_mask_) >> class_shift_; }

  /// @param traffic_class 0: nobody's
  [[nodiscard]] constexpr std::uint32_t value(std::uint32_t circuit, std::uint32_t traffic_class = 0) const {
    return circuit << shift_ | traffic_class << class_shift_;
  }
  [[nodiscard]] constexpr std::uint32_t circuit_in(std::uint32_t mark) const { return (mark & circuit_mask_) >> shift_; }
  [[nodiscard]] constexpr std::uint32_t class_in(std::uint32_t mark) const { return (mark & mask_ & ~circuit_mask_) >> class_shift_; }

 private:
  std::uint32_t mask_, circuit_mask_ = 0;
  int shift_ = 0, class_shift_ = 0;
};

/// What becomes of the sources of packets that leave by a circuit.
struct Nat {
  enum class Kind : std::uint8_t { Off, Masquerade, Fixed };
  Kind kind = Kind::Off;
  IpAddress address;  ///< of Fixed
  friend bool operator==(const Nat&, const Nat&) = default;
};

}  // namespace linekeeper::model
