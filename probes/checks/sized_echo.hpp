#pragma once
// An echo request of any size, for checks that are about the size or the way of a packet (RFC 792, RFC 4443). As in icmp_codec.hpp a tag by
// SipHash makes an answer known: it covers target, sequence and size, so that nobody off the path can answer, and a host that cuts the
// packet short has not answered it. The kernel owns the identifier and the checksum of a ping socket (icmp(7)).
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controller/model/ip_address.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::probes {

/// ICMP header (8), magic (8), sequence (2), size (2), zero (4), tag (8).
inline constexpr std::size_t kSmallestSizedEcho = 32;
inline constexpr std::size_t kLargestSizedEcho = 65'000;

/// Bytes of the IP header: an echo of one whole packet of N bytes is N less that.
[[nodiscard]] constexpr std::size_t ip_header_size(model::Family family) { return family == model::Family::V4 ? 20 : 40; }

/// @param size  of the ICMP message, within the two limits above
[[nodiscard]] std::vector<std::uint8_t> sized_echo(runtime::HashKey key, const model::IpAddress& target, std::uint16_t sequence, std::size_t size);

/// @return the sequence of our request that `bytes` answers whole; nothing when it is not exactly such a reply
[[nodiscard]] std::optional<std::uint16_t> parse_sized_reply(runtime::HashKey key, const model::IpAddress& source,
                                                             std::span<const std::uint8_t> bytes);

/// Our request as an ICMP error quotes it: 8 bytes at least (RFC 792), which hold no tag. @return its sequence; nothing when what is quoted
/// cannot be ours
[[nodiscard]] std::optional<std::uint16_t> parse_sized_quote(runtime::HashKey key, const model::IpAddress& target,
                                                             std::span<const std::uint8_t> bytes);

}  // namespace linekeeper::probes
