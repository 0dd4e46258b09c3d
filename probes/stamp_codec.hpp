#pragma once
// Test packets of the Simple Two-Way Active Measurement Protocol, unauthenticated mode (RFC 8762 4.2.1 and 4.3.1), with the session
// identifier and the options of RFC 8972. Both sides are here: what a sender writes and reads, what a reflector reads and writes.
//
// A sender's packet carries no field for a secret, yet a reflector must return its timestamp unchanged: the lowest 16 bits of it (15 us)
// are a keyed hash, and the Error Estimate says that they mean nothing. With the source port and the moment itself, that is what somebody
// off the path would have to guess.
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "controller/model/ip_address.hpp"
#include "controller/model/time.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::probes {

inline constexpr std::uint16_t kStampPort = 862;  ///< RFC 8762 4.1
inline constexpr std::size_t kStampSize = 44;     ///< both ways, without options
using StampPacket = std::array<std::uint8_t, kStampSize>;

/// 64 bits of NTP (RFC 5905 6): seconds since 1900 and a binary fraction. The seconds begin anew in 2036; differences do not mind.
struct NtpTime {
  std::uint64_t bits = 0;
  friend bool operator==(NtpTime, NtpTime) = default;
};
[[nodiscard]] NtpTime ntp_time(runtime::KernelStamp at);
/// to - from, of two moments that are less than 68 years apart.
[[nodiscard]] model::Duration between(NtpTime from, NtpTime to);

/// S 0 (nobody vouches for our clock), Z 0 (NTP format), error 1 * 2^22 * 2^-32 s, about a millisecond (RFC 4656 4.1.2).
inline constexpr std::uint16_t kErrorEstimate = 22U << 8U | 1U;
inline constexpr std::uint16_t kPtpFormat = 0x4000;  ///< Z: seconds and nanoseconds of PTPv2 instead (RFC 8186 2.3)

struct StampRequest {
  std::uint32_t sequence = 0;
  NtpTime sent;
  std::uint16_t error_estimate = kErrorEstimate;
  std::uint16_t session = 0;  ///< RFC 8972 3; 0: none
};
[[nodiscard]] StampPacket stamp_request(const StampRequest& request);
/// @return nothing when `bytes` are too few to be one. Longer is fine: options, or the padding of a TWAMP Light sender.
[[nodiscard]] std::optional<StampRequest> parse_stamp_request(std::span<const std::uint8_t> bytes);

/// The timestamp to send: `at`, its lowest 16 bits a keyed hash of who is asked and of the sequence.
[[nodiscard]] NtpTime marked(NtpTime at, runtime::HashKey key, const model::IpAddress& target, std::uint64_t sequence);

struct StampReply {
  std::uint32_t sequence = 0;  ///< stateless: a copy of the request's; stateful: the reflector's own count
  NtpTime sent, received;      ///< by the reflector's clock, in NTP format whatever it uses
  std::uint16_t error_estimate = kErrorEstimate;
  std::uint16_t session = 0;
  StampRequest request;  ///< its sequence, timestamp and error estimate as the reflector copied them
  std::uint8_t ttl = 0;  ///< TTL or hop limit that the request arrived with
};
[[nodiscard]] std::optional<StampReply> parse_stamp_reply(std::span<const std::uint8_t> bytes);

/// Writes the reply to `request` into `out`, as long as the request: its options are returned, those of a kind that is not known marked
/// as such (RFC 8972 4). @pre out is as long as request, which is at least kStampSize
void write_stamp_reply(const StampReply& reply, std::span<const std::uint8_t> request, std::span<std::uint8_t> out);

}  // namespace linekeeper::probes
