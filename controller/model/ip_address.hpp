#pragma once
// An IPv4 or IPv6 address and a prefix, as values.
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace linekeeper::model {

enum class Family : std::uint8_t { V4, V6 };

struct IpAddress {
  Family family = Family::V4;
  std::array<std::uint8_t, 16> bytes{};  ///< network order; the first 4 for V4

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  [[nodiscard]] std::size_t size() const { return family == Family::V4 ? 4 : 16; }  ///< bytes on the wire
  [[nodiscard]] std::string to_string() const;                                      ///< inet_ntop(3) form
  [[nodiscard]] bool is_loopback() const;                                           ///< 127.0.0.0/8 or ::1

  /// @return the address, or nothing when `text` is not one (inet_pton(3): no names, no shortened IPv4).
  static std::optional<IpAddress> parse(std::string_view text);
  /// @param network_order `size` bytes (4 or 16) as they stand in a packet or a netlink attribute.
  static IpAddress from_bytes(Family family, const void* network_order);
};

struct Prefix {
  IpAddress address;        ///< host bits may be set only when length is the full width
  std::uint8_t length = 0;  ///< bits

  friend auto operator<=>(const Prefix&, const Prefix&) = default;
  [[nodiscard]] std::string to_string() const;  ///< "10.0.0.0/24"
  [[nodiscard]] bool contains(const IpAddress& a) const;
  [[nodiscard]] bool overlaps(const Prefix& other) const;

  /// "10.0.0.0/24" or a bare address (full width). Host bits set beyond `length` are an error: nothing is returned.
  static std::optional<Prefix> parse(std::string_view text);
};

}  // namespace linekeeper::model
