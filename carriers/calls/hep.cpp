#include "carriers/calls/hep.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace linekeeper::calls {
namespace {

using Bytes = std::span<const std::uint8_t>;
constexpr std::size_t kHead = 6, kChunkHead = 6;
constexpr std::array<std::uint8_t, 4> kMagic{'H', 'E', 'P', '3'};

// Chunk types of vendor 0, as we read them.
constexpr std::uint16_t kFamily = 1, kProtocol = 2, kFrom4 = 3, kTo4 = 4, kFrom6 = 5, kTo6 = 6, kFromPort = 7, kToPort = 8, kPayloadType = 11,
                        kCaptureId = 12, kKey = 14, kPayload = 15, kCorrelation = 17, kLastKnown = kCorrelation;
constexpr std::uint8_t kInet = 2, kInet6 = 10;  // AF_INET and AF_INET6 as Linux has them, on whatever host the sender runs

std::uint16_t u16(Bytes b, std::size_t at) { return static_cast<std::uint16_t>(b[at] << 8 | b[at + 1]); }
std::uint32_t u32(Bytes b) { return std::uint32_t{u16(b, 0)} << 16 | u16(b, 2); }

/// How long the value of a chunk must be; 0: any.
std::size_t size_of(std::uint16_t type) {
  switch (type) {
    case kFamily:
    case kProtocol:
    case kPayloadType: return 1;
    case kFromPort:
    case kToPort: return 2;
    case kFrom4:
    case kTo4:
    case kCaptureId: return 4;
    case kFrom6:
    case kTo6: return 16;
    default: return 0;
  }
}

using Chunks = std::array<std::optional<Bytes>, kLastKnown + 1>;

std::string_view text(const std::optional<Bytes>& value) {
  return value ? std::string_view(reinterpret_cast<const char*>(value->data()), value->size()) : std::string_view();
}

std::expected<HepPacket, HepFault> assemble(const Chunks& chunks) {
  for (const std::uint16_t needed : {kFamily, kFromPort, kToPort, kPayloadType, kPayload})
    if (!chunks[needed]) return std::unexpected(HepFault::Incomplete);
  const std::uint8_t family = chunks[kFamily]->front();
  const bool v6 = family == kInet6;
  const auto &from = chunks[v6 ? kFrom6 : kFrom4], &to = chunks[v6 ? kTo6 : kTo4];
  const auto &other_from = chunks[v6 ? kFrom4 : kFrom6], &other_to = chunks[v6 ? kTo4 : kTo6];
  if ((!v6 && family != kInet) || !from || !to || other_from || other_to) return std::unexpected(HepFault::Incomplete);
  const std::uint8_t kind = chunks[kPayloadType]->front();
  if (kind != static_cast<std::uint8_t>(HepPayload::Sip) && kind != static_cast<std::uint8_t>(HepPayload::Rtcp))
    return std::unexpected(HepFault::NotOurs);
  const auto as = v6 ? model::Family::V6 : model::Family::V4;
  return HepPacket{.from = {model::IpAddress::from_bytes(as, from->data()), u16(*chunks[kFromPort], 0)},
                   .to = {model::IpAddress::from_bytes(as, to->data()), u16(*chunks[kToPort], 0)},
                   .kind = static_cast<HepPayload>(kind),
                   .capture_id = chunks[kCaptureId] ? u32(*chunks[kCaptureId]) : 0,
                   .key = text(chunks[kKey]),
                   .correlation = text(chunks[kCorrelation]),
                   .payload = text(chunks[kPayload])};
}

}  // namespace

std::expected<HepPacket, HepFault> decode_hep(Bytes packet) {
  if (packet.size() < kHead || std::memcmp(packet.data(), kMagic.data(), kMagic.size()) != 0) return std::unexpected(HepFault::NotHep);
  if (u16(packet, 4) != packet.size()) return std::unexpected(HepFault::BadLength);
  Chunks chunks;
  for (Bytes rest = packet.subspan(kHead); !rest.empty();) {
    if (rest.size() < kChunkHead) return std::unexpected(HepFault::BadChunk);
    const std::uint16_t vendor = u16(rest, 0), type = u16(rest, 2), length = u16(rest, 4);
    if (length < kChunkHead || length > rest.size()) return std::unexpected(HepFault::BadChunk);
    const Bytes value = rest.subspan(kChunkHead, length - kChunkHead);
    rest = rest.subspan(length);
    if (vendor != 0 || type > kLastKnown) continue;  // somebody's own, or of a later version
    if (size_of(type) != 0 && value.size() != size_of(type)) return std::unexpected(HepFault::BadChunk);
    if (std::exchange(chunks[type], value)) return std::unexpected(HepFault::Repeated);
  }
  return assemble(chunks);
}

}  // namespace linekeeper::calls
