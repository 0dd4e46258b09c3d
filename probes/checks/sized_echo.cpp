#include "probes/checks/sized_echo.hpp"

#include <algorithm>
#include <array>

#include "controller/model/assert.hpp"

namespace linekeeper::probes {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic{'L', 'I', 'N', 'E', 'K', 'P', 'S', '1'};
constexpr std::size_t kSequenceAt = 16, kSizeAt = 18, kTagAt = 24;

std::uint8_t request_type(model::Family f) { return f == model::Family::V4 ? 8 : 128; }
std::uint8_t reply_type(model::Family f) { return f == model::Family::V4 ? 0 : 129; }
std::uint16_t get16(std::span<const std::uint8_t> in, std::size_t at) { return static_cast<std::uint16_t>(in[at] << 8 | in[at + 1]); }
void put16(std::span<std::uint8_t> out, std::size_t at, std::uint16_t v) {
  out[at] = static_cast<std::uint8_t>(v >> 8);
  out[at + 1] = static_cast<std::uint8_t>(v);
}

std::array<std::uint8_t, 8> tag(runtime::HashKey key, const model::IpAddress& target, std::uint16_t sequence, std::uint16_t size) {
  std::array<std::uint8_t, 21> input{};
  input[0] = target.family == model::Family::V4 ? 4 : 6;
  std::ranges::copy(target.bytes, input.begin() + 1);
  put16(input, 17, sequence);
  put16(input, 19, size);
  const std::uint64_t hash = runtime::keyed_hash(key, input);
  std::array<std::uint8_t, 8> out{};
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(hash >> (56 - 8 * i));
  return out;
}

/// @param bytes kSmallestSizedEcho or more
bool tagged(runtime::HashKey key, const model::IpAddress& target, std::span<const std::uint8_t> bytes) {
  const std::uint16_t sequence = get16(bytes, 6);
  if (!std::ranges::equal(bytes.subspan(8, 8), kMagic) || get16(bytes, kSequenceAt) != sequence) return false;
  return std::ranges::equal(bytes.subspan(kTagAt, 8), tag(key, target, sequence, get16(bytes, kSizeAt)));
}

}  // namespace

std::vector<std::uint8_t> sized_echo(runtime::HashKey key, const model::IpAddress& target, std::uint16_t sequence, std::size_t size) {
  LK_ASSERT(size >= kSmallestSizedEcho && size <= kLargestSizedEcho);
  std::vector<std::uint8_t> packet(size);
  packet[0] = request_type(target.family);
  put16(packet, 6, sequence);
  std::ranges::copy(kMagic, packet.begin() + 8);
  put16(packet, kSequenceAt, sequence);
  put16(packet, kSizeAt, static_cast<std::uint16_t>(size));
  std::ranges::copy(tag(key, target, sequence, static_cast<std::uint16_t>(size)), packet.begin() + kTagAt);
  return packet;
}

std::optional<std::uint16_t> parse_sized_reply(runtime::HashKey key, const model::IpAddress& source, std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kSmallestSizedEcho || bytes[0] != reply_type(source.family) || bytes[1] != 0) return std::nullopt;
  if (bytes.size() != get16(bytes, kSizeAt) || !tagged(key, source, bytes)) return std::nullopt;
  return get16(bytes, 6);
}

std::optional<std::uint16_t> parse_sized_quote(runtime::HashKey key, const model::IpAddress& target, std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 8 || bytes[0] != request_type(target.family) || bytes[1] != 0) return std::nullopt;
  if (bytes.size() >= kSmallestSizedEcho && !tagged(key, target, bytes)) return std::nullopt;
  return get16(bytes, 6);
}

}  // namespace linekeeper::probes
