#pragma once
// What is said to the primary server of a zone: one RRset replaced by another in one message (RFC 2136 2.5), and the same RRset
// asked for. Both are signed (tsig.hpp), as are the answers. Pure: the time and the id are parameters.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "carriers/trunks/tsig.hpp"

namespace linekeeper::trunks {

enum class RecordType : std::uint8_t { A, AAAA, SRV };

/// All records of one name and type: what replaces them is never empty.
struct RecordSet {
  std::string owner;  ///< absolute: "_sip._udp.trunk.example.com."
  RecordType type = RecordType::SRV;
  std::uint32_t ttl = 0;
  std::vector<std::string> values;  ///< as in a zone file: "10 0 5060 sbc.north.example.", "203.0.113.10"
};

inline constexpr std::size_t kMostRecords = 64;
inline constexpr std::uint32_t kLongestTtl = 5;  ///< seconds: what resolvers may go on saying after a move

/// Priorities 10, 20, ... in this order, weight 0 (RFC 2782): who follows them tries the first until it fails.
/// @param targets  "sbc.north.example:5060"; a port left out is 5060
[[nodiscard]] model::Result<std::vector<std::string>> srv_values(const std::vector<std::string>& targets);

/// One message: delete the RRset, add these records. An error (EINVAL) for no record, too many, a TTL over 5 s, or what is no name or value.
[[nodiscard]] model::Result<Signed> dns_update(std::string_view zone, const RecordSet& wanted, std::uint16_t id, const TsigKey& key,
                                               std::int64_t now);
/// Which records are there now?
[[nodiscard]] model::Result<Signed> dns_question(std::string_view owner, RecordType type, std::uint16_t id, const TsigKey& key, std::int64_t now);

struct DnsReply {
  int rcode = 0;
  bool authoritative = false;
  bool truncated = false;
  std::vector<RecordSet> sets;  ///< of the answer section, in the order of their first record; types we do not know are left out
};

/// @param asked  what this is to be the answer of
/// @return the answer; an error (EPROTO) where it is none, its signature is missing or wrong; or the server's refusal, told with what to
///         do about it (EPROTO too). A reply without a valid signature is believed only where it refuses.
[[nodiscard]] model::Result<DnsReply> dns_reply(std::span<const std::uint8_t> message, const Signed& asked, const TsigKey& key, std::int64_t now);

/// Same name, type, TTL and records, whatever their order and the letters' case.
[[nodiscard]] bool same_records(const RecordSet& a, const RecordSet& b);

}  // namespace linekeeper::trunks
