#pragma once
// Which bits of a packet's and a connection's mark say which circuit and which traffic class it belongs to. Pure.
//
// A site chooses the bits (flow_mask); everything outside them is its own and is never read nor written here. The lower half of
// them, rounded up, is the circuit's number, the rest the class's. A connection has both: of two classes on one circuit one may
// leave and the other stay, and what is deleted is always one class's share of one circuit. Class 0 is nobody's: connections
// that came in by the circuit, have its own address or a source pinned to it. They belong to it whatever its classes do.
#include <optional>

#include "controller/switch/protocol.hpp"

namespace linekeeper::route {

class FlowMarks {
 public:
  /// The mask must be sound(); 0 stands for no marks at all.
  explicit FlowMarks(std::uint32_t mask);
  [[nodiscard]] static bool sound(std::uint32_t mask);  ///< one run of at least two bits

  [[nodiscard]] bool on() const { return mask_ != 0; }
  [[nodiscard]] std::uint32_t mask() const { return mask_; }
  [[nodiscard]] std::uint32_t circuit_mask() const { return circuit_mask_; }
  [[nodiscard]] std::uint32_t most_circuits() const { return circuit_mask_ == 0 ? 0 : circuit_mask_ >> shift_; }
  [[nodiscard]] std::uint32_t most_classes() const { return mask_ == 0 ? 0 : (mask_ & ~circuit_mask_) >> class_shift_; }

  /// @param traffic_class 0: nobody's
  [[nodiscard]] std::uint32_t value(std::uint32_t circuit, std::uint32_t traffic_class = 0) const {
    return circuit << shift_ | traffic_class << class_shift_;
  }
  [[nodiscard]] std::uint32_t circuit_in(std::uint32_t mark) const { return (mark & circuit_mask_) >> shift_; }
  [[nodiscard]] std::uint32_t class_in(std::uint32_t mark) const { return (mark & mask_ & ~circuit_mask_) >> class_shift_; }

 private:
  std::uint32_t mask_, circuit_mask_ = 0;
  int shift_ = 0, class_shift_ = 0;
};

/// Gives each circuit and class its number: the one that `before` has under its name, else one that neither `before` nor `taken` (numbers
/// of circuits whose connections are still being deleted) has. A reload that moves a circuit to another place in the file must not
/// give its connections to another.
void number_flows(Desired& plan, const std::optional<Desired>& before, const std::vector<std::uint32_t>& taken);

/// What is wrong with the plan's marks and translations, in words; empty: nothing.
[[nodiscard]] std::string flow_mistake(const Desired& plan);

}  // namespace linekeeper::route
