#pragma once
// Identifiers are positions in the Site's lists: small, cheap to copy, typed so that a circuit is never taken for a
// carrier. Names are looked up in the Site only where something is said to a person.
#include <compare>
#include <cstddef>
#include <cstdint>

namespace linekeeper::model {

template <class Tag>
struct Id {
  std::uint16_t value = 0;
  friend constexpr auto operator<=>(Id, Id) = default;
  [[nodiscard]] constexpr std::size_t index() const { return value; }
};

using CircuitId = Id<struct CircuitTag>;  ///< an internet access
using TargetId = Id<struct TargetTag>;    ///< an address circuits are measured against
using CarrierId = Id<struct CarrierTag>;  ///< a SIP provider
using ClassId = Id<struct ClassTag>;      ///< a traffic class
using TrunkId = Id<struct TrunkTag>;      ///< a trunk group offered to a PBX
using PbxId = Id<struct PbxTag>;          ///< a PBX that is driven

/// Id of the i-th element of a Site list.
template <class I>
[[nodiscard]] constexpr I id_at(std::size_t i) {
  return I{static_cast<std::uint16_t>(i)};
}

}  // namespace linekeeper::model
