#include "probes/stamp_codec.hpp"

#include <algorithm>

#include "controller/model/assert.hpp"

namespace linekeeper::probes {
namespace {

constexpr std::uint64_t kNtpToUnix = 2208988800;  // seconds from 1900 to 1970 (RFC 5905 figure 4)
constexpr std::uint64_t kNanos = 1'000'000'000;
constexpr std::uint8_t kUnrecognised = 0x80, kMalformed = 0x40;  // flags of an option (RFC 8972 4)
constexpr std::uint8_t kExtraPadding = 1;
constexpr std::size_t kOptionHead = 4;

template <class T>
void put(std::span<std::uint8_t> out, std::size_t at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out[at + i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
}
template <class T>
T get(std::span<const std::uint8_t> in, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | in[at + i]);
  return value;
}

std::uint64_t fraction(std::uint64_t nanos) { return (nanos << 32) / kNanos; }

/// A timestamp of the wire in NTP format: that of PTPv2 has seconds since 1970 and nanoseconds (leap seconds apart, which differences
/// do not mind).
NtpTime from_wire(std::uint64_t bits, std::uint16_t error_estimate) {
  if ((error_estimate & kPtpFormat) == 0) return {bits};
  const std::uint64_t nanos = std::min<std::uint64_t>(bits & 0xffffffffU, kNanos - 1);
  return {((bits >> 32) + kNtpToUnix) << 32 | fraction(nanos)};
}

/// Options of an unknown kind go back marked as such, and what does not fit its own length ends them.
void mark_options(std::span<std::uint8_t> options) {
  while (options.size() >= kOptionHead) {
    const std::size_t length = kOptionHead + get<std::uint16_t>(options, 2);
    if (length > options.size()) {
      options[0] = kMalformed;
      return;
    }
    options[0] = options[1] == kExtraPadding ? 0 : kUnrecognised;
    options = options.subspan(length);
  }
}

}  // namespace

NtpTime ntp_time(runtime::KernelStamp at) {
  const auto since = at.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto nanos = static_cast<std::uint64_t>((since - seconds).count());
  return {(static_cast<std::uint64_t>(seconds.count()) + kNtpToUnix) << 32 | fraction(nanos)};
}

model::Duration between(NtpTime from, NtpTime to) {
  const auto difference = static_cast<std::int64_t>(to.bits - from.bits);
  const std::int64_t seconds = difference >> 32;
  const auto rest = static_cast<std::uint64_t>(difference) & 0xffffffffU;
  return std::chrono::seconds(seconds) + std::chrono::nanoseconds(static_cast<std::int64_t>(rest * kNanos >> 32));
}

StampPacket stamp_request(const StampRequest& request) {
  StampPacket packet{};
  put(packet, 0, request.sequence);
  put(packet, 4, request.sent.bits);
  put(packet, 12, request.error_estimate);
  put(packet, 14, request.session);
  return packet;
}

std::optional<StampRequest> parse_stamp_request(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kStampSize) return std::nullopt;
  return StampRequest{.sequence = get<std::uint32_t>(bytes, 0),
                      .sent = {get<std::uint64_t>(bytes, 4)},
                      .error_estimate = get<std::uint16_t>(bytes, 12),
                      .session = get<std::uint16_t>(bytes, 14)};
}

NtpTime marked(NtpTime at, runtime::HashKey key, const model::IpAddress& target, std::uint64_t sequence) {
  std::array<std::uint8_t, 25> input{};
  input[0] = target.family == model::Family::V4 ? 4 : 6;
  std::ranges::copy(target.bytes, input.begin() + 1);
  put(input, 17, sequence);
  return {(at.bits & ~std::uint64_t{0xffff}) | (runtime::keyed_hash(key, input) & 0xffffU)};
}

std::optional<StampReply> parse_stamp_reply(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kStampSize) return std::nullopt;
  StampReply reply;
  reply.sequence = get<std::uint32_t>(bytes, 0);
  reply.error_estimate = get<std::uint16_t>(bytes, 12);
  reply.session = get<std::uint16_t>(bytes, 14);
  reply.sent = from_wire(get<std::uint64_t>(bytes, 4), reply.error_estimate);
  reply.received = from_wire(get<std::uint64_t>(bytes, 16), reply.error_estimate);
  reply.request = {.sequence = get<std::uint32_t>(bytes, 24),
                   .sent = {get<std::uint64_t>(bytes, 28)},
                   .error_estimate = get<std::uint16_t>(bytes, 36),
                   .session = reply.session};
  reply.ttl = bytes[40];
  return reply;
}

void write_stamp_reply(const StampReply& reply, std::span<const std::uint8_t> request, std::span<std::uint8_t> out) {
  LK_ASSERT(request.size() >= kStampSize && out.size() == request.size());
  std::ranges::copy(request, out.begin());
  std::ranges::fill(out.first(kStampSize), std::uint8_t{0});
  put(out, 0, reply.sequence);
  put(out, 4, reply.sent.bits);
  put(out, 12, reply.error_estimate);
  put(out, 14, reply.session);
  put(out, 16, reply.received.bits);
  put(out, 24, reply.request.sequence);
  put(out, 28, reply.request.sent.bits);
  put(out, 36, reply.request.error_estimate);
  out[40] = reply.ttl;
  mark_options(out.subspan(kStampSize));
}

}  // namespace linekeeper::probes
