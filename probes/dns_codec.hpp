#pragma once
// One small DNS query, and whether bytes are its answer (RFC 1035 4.1). Whatever the answer says, somebody has answered: only the header
// and the question are read, both at fixed places and never compressed, so there is no name to unfold and nothing to walk. A resolver
// library would bring its own sockets, retries and cache, and does not compare the letters' case.
//
// Against answers that are made up: the id, the port, and the case of the name's letters, which resolvers return as they were sent
// ("0x20", draft-vixie-dnsext-dns0x20).
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace linekeeper::probes {

inline constexpr std::uint16_t kDnsPort = 53;
inline constexpr std::size_t kDnsHead = 12;

/// A recursive query for the IPv4 address of `name`.
/// @param name     "a.root-servers.net", or "." for the root; a final dot changes nothing
/// @param letters  a bit for each letter of the name, the first one the lowest: capital or not. Of the 65th on: small
/// @return nothing when it is no name (an empty label, one of more than 63 bytes, more than 255 in all)
[[nodiscard]] std::vector<std::uint8_t> dns_query(std::string_view name, std::uint16_t id, std::uint64_t letters);

/// The id of a message; nothing when it has no whole header.
[[nodiscard]] std::optional<std::uint16_t> dns_id(std::span<const std::uint8_t> message);

/// @param query as dns_query() made it
/// @return the RCODE of the header when `message` answers exactly that query; nothing otherwise.
[[nodiscard]] std::optional<int> dns_answer(std::span<const std::uint8_t> message, std::span<const std::uint8_t> query);

}  // namespace linekeeper::probes
