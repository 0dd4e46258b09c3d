#include "probes/icmp_codec.hpp"

#include <algorithm>

namespace linekeeper::probes {
namespace {

constexpr std::uint64_t kMagic = 0x4c494e454b505231;  // "LINEKPR1"
constexpr std::size_t kHeader = 8;

struct EchoTypes {
  std::uint8_t request, reply;
};
EchoTypes types_of(model::Family family) {
  return family == model::Family::V4 ? EchoTypes{.request = 8, .reply = 0} : EchoTypes{.request = 128, .reply = 129};
}

void put64(std::span<std::uint8_t> out, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
}
std::uint64_t get64(std::span<const std::uint8_t> in) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | in[i];
  return value;
}
std::uint16_t low_bits(std::span<const std::uint8_t> packet) { return static_cast<std::uint16_t>(packet[6] << 8 | packet[7]); }

std::uint64_t tag(runtime::HashKey key, const model::IpAddress& target, std::uint64_t sequence) {
  std::array<std::uint8_t, 25> input{};
  input[0] = target.family == model::Family::V4 ? 4 : 6;
  std::ranges::copy(target.bytes, input.begin() + 1);
  put64(std::span(input).subspan(17), sequence);
  return runtime::keyed_hash(key, input);
}

/// @param packet kEchoSize bytes or more; what follows the tag is not looked at
std::optional<std::uint64_t> checked_sequence(runtime::HashKey key, const model::IpAddress& target, std::span<const std::uint8_t> packet) {
  const auto payload = packet.subspan(kHeader);
  const auto sequence = get64(payload.subspan(8));
  if (get64(payload) != kMagic || low_bits(packet) != static_cast<std::uint16_t>(sequence)) return std::nullopt;
  if (get64(payload.subspan(16)) != tag(key, target, sequence)) return std::nullopt;
  return sequence;
}

}  // namespace

EchoPacket echo_request(runtime::HashKey key, const model::IpAddress& target, std::uint64_t sequence) {
  EchoPacket packet{};
  packet[0] = types_of(target.family).request;
  packet[6] = static_cast<std::uint8_t>(sequence >> 8);
  packet[7] = static_cast<std::uint8_t>(sequence);
  const auto payload = std::span(packet).subspan(kHeader);
  put64(payload, kMagic);
  put64(payload.subspan(8), sequence);
  put64(payload.subspan(16), tag(key, target, sequence));
  return packet;
}

std::optional<std::uint64_t> parse_echo_reply(runtime::HashKey key, const model::IpAddress& source, std::span<const std::uint8_t> bytes) {
  if (bytes.size() != kEchoSize || bytes[0] != types_of(source.family).reply || bytes[1] != 0) return std::nullopt;
  return checked_sequence(key, source, bytes);
}

std::optional<QuotedEcho> parse_quoted_request(runtime::HashKey key, const model::IpAddress& target, std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeader || bytes[0] != types_of(target.family).request || bytes[1] != 0) return std::nullopt;
  QuotedEcho quoted{.low_bits = low_bits(bytes), .sequence = std::nullopt};
  if (bytes.size() < kEchoSize) return quoted;
  quoted.sequence = checked_sequence(key, target, bytes);  // routers may append extensions (RFC 4884): longer is fine
  if (!quoted.sequence) return std::nullopt;
  return quoted;
}

}  // namespace linekeeper::probes
