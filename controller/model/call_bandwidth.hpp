#pragma once
// What one call takes of a line: policy weighs it against a circuit's bandwidth, and so does the check of the configuration.
#include "controller/model/site.hpp"

namespace linekeeper::model {

/// kbit/s that one call takes each way on an Ethernet access: 50 packets a second of 20 ms, each with 58 bytes around the voice (RTP 12,
/// RFC 3550 section 5.1; UDP 8; IPv4 20; Ethernet header and check sum 18).
///   G.711  160 bytes of voice (64 kbit/s):   (160 + 58) * 8 * 50 = 87.2
///   G.729A  20 bytes (8 kbit/s):              (20 + 58) * 8 * 50 = 31.2
///   Opus    42 bytes (16.8 kbit/s, wideband speech as RFC 6716 section 2.1.1 advises): 40
/// A class without a codec is taken for G.711.
[[nodiscard]] constexpr double kbps_each_way(Codec codec) {
  constexpr double kPacketsPerSecond = 50, kBytesAround = 12 + 8 + 20 + 18, kBitsPerByte = 8, kBitsPerKilobit = 1000;
  const auto kbps_of = [](double bytes_of_voice) { return (bytes_of_voice + kBytesAround) * kBitsPerByte * kPacketsPerSecond / kBitsPerKilobit; };
  switch (codec) {
    case Codec::G729A: return kbps_of(20);
    case Codec::Opus: return kbps_of(42);
    case Codec::None:
    case Codec::G711:
    case Codec::G711NoPlc: break;
  }
  return kbps_of(160);
}

}  // namespace linekeeper::model
