#pragma once
// STUN Binding over UDP (RFC 8489): the one question "which address do you see me under?", and its answer. No credentials: public
// servers ask for none.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "controller/model/ip_address.hpp"

namespace linekeeper::probes {

using StunTransaction = std::array<std::uint8_t, 12>;
inline constexpr std::size_t kStunRequestSize = 20;

/// A Binding request without attributes (RFC 8489 5). @param transaction random: an answer is known by it (14.6)
[[nodiscard]] std::array<std::uint8_t, kStunRequestSize> stun_request(const StunTransaction& transaction);

struct StunAddress {
  model::IpAddress address;
  std::uint16_t port = 0;
};
struct StunError {
  int code = 0;  ///< 300 to 699 (RFC 8489 14.8)
};
/// @return what the server says to that transaction; nothing when the bytes are no answer to it
[[nodiscard]] std::optional<std::variant<StunAddress, StunError>> parse_stun_answer(const StunTransaction& transaction,
                                                                                    std::span<const std::uint8_t> bytes);

}  // namespace linekeeper::probes
