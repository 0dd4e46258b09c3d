#pragma once
// Our echo request and what may come back of it (RFC 792, RFC 4443). A reply is ours only if it carries the tag we made
// for that sequence to that target with a key nobody else has, so that a host off the path cannot keep a dead circuit
// alive by sending echo replies, and a target cannot answer for another one or for a probe it never saw.
// The kernel owns the identifier and the checksum of a ping socket (icmp(7)); both are left at zero here.
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "controller/model/ip_address.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::probes {

/// ICMP header (8), magic (8), sequence (8), tag (8).
inline constexpr std::size_t kEchoSize = 32;
using EchoPacket = std::array<std::uint8_t, kEchoSize>;

/// @param sequence any number; its low 16 bits are the ICMP sequence number
[[nodiscard]] EchoPacket echo_request(runtime::HashKey key, const model::IpAddress& target, std::uint64_t sequence);

/// @param source where the reply came from
/// @return the sequence of our request that `bytes` answers; nothing when it is not exactly such a reply.
[[nodiscard]] std::optional<std::uint64_t> parse_echo_reply(runtime::HashKey key, const model::IpAddress& source,
                                                            std::span<const std::uint8_t> bytes);

/// Our request as an ICMP error quotes it. RFC 792 asks routers for 8 bytes only (RFC 1812 for more), which hold no tag.
struct QuotedEcho {
  std::uint16_t low_bits = 0;             ///< ICMP sequence number
  std::optional<std::uint64_t> sequence;  ///< when enough was quoted to check the tag
};

/// @param target where the quoted request was going
/// @return nothing when `bytes` cannot be a request of ours.
[[nodiscard]] std::optional<QuotedEcho> parse_quoted_request(runtime::HashKey key, const model::IpAddress& target,
                                                             std::span<const std::uint8_t> bytes);

}  // namespace linekeeper::probes
