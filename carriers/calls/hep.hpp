#pragma once
// HEP3 packets (Homer Encapsulation Protocol, version 3): what Kamailio's siptrace, OpenSIPS' proto_hep, Asterisk's res_hep and FreeSWITCH's
// capture_server send of each message they see. "HEP3", the whole length (u16), then chunks: vendor (u16), type (u16), length with these
// six bytes (u16), value; all big endian. Strict: a packet that is not exactly that is refused, whatever could be read of it. Pure.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "controller/model/ip_address.hpp"

namespace linekeeper::calls {

struct Endpoint {
  model::IpAddress address;
  std::uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// What a packet's payload is (chunk 11), as far as we read it.
enum class HepPayload : std::uint8_t { Sip = 1, Rtcp = 5 };

struct HepPacket {
  Endpoint from, to;
  HepPayload kind = HepPayload::Sip;
  std::uint32_t capture_id = 0;  ///< chunk 12; 0 where there is none
  std::string_view key;          ///< chunk 14; into the packet
  std::string_view correlation;  ///< chunk 17: of RTCP, the Call-ID it belongs to; into the packet
  std::string_view payload;      ///< into the packet
};

enum class HepFault : std::uint8_t {
  NotHep,      ///< no "HEP3", or cut short
  BadLength,   ///< the length is not the packet's
  BadChunk,    ///< a chunk that does not fit, or has not the size its type has
  Repeated,    ///< a chunk that may stand once stands twice
  Incomplete,  ///< addresses, ports, payload or its type are missing, or of another family than is said
  NotOurs,     ///< sound, and of a payload that we do not read (a log line, RTP, a compressed one)
};

[[nodiscard]] std::expected<HepPacket, HepFault> decode_hep(std::span<const std::uint8_t> packet);

}  // namespace linekeeper::calls
