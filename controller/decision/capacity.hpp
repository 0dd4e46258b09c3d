#pragma once
// Whether one way out can carry what a trunk carries now: against the carrier's contract and the circuit's bandwidth, where declared.
#include <cstdint>
#include <optional>

#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::decision {

/// What a trunk is to carry.
struct Load {
  int calls = 0;
  double calls_per_second = 0;
  friend bool operator==(const Load&, const Load&) = default;
};

/// What a way lacks. In calls at once, attempts a second, or kbit/s each way.
struct Shortfall {
  enum class Of : std::uint8_t { Channels, CallsPerSecond, Bandwidth };
  Of of = Of::Channels;
  double needed = 0, available = 0;
  friend bool operator==(const Shortfall&, const Shortfall&) = default;
};

/// The measured load where there is one, otherwise the declared busy hour; nothing when neither is known.
[[nodiscard]] std::optional<Load> load_of(const model::Trunk& trunk, const std::optional<model::TrunkLoad>& measured);

/// kbit/s that one call takes each way on an Ethernet access: 50 packets a second of 20 ms, each with 58 bytes around the voice (RTP 12,
/// RFC 3550 section 5.1; UDP 8; IPv4 20; Ethernet header and check sum 18).
///   G.711  160 bytes of voice (64 kbit/s):   (160 + 58) * 8 * 50 = 87.2
///   G.729A  20 bytes (8 kbit/s):              (20 + 58) * 8 * 50 = 31.2
///   Opus    42 bytes (16.8 kbit/s, wideband speech as RFC 6716 section 2.1.1 advises): 40
/// A class without a codec is taken for G.711.
[[nodiscard]] double kbps_each_way(model::Codec codec);

/// @param via         the circuit below, where it is known
/// @param was_short   it could not carry the load when last asked: then it can again only with a tenth to spare, so that a load that
///                    hovers at the limit does not re-order the trunk call by call
/// @return nothing when it can carry the load, or nothing is declared
[[nodiscard]] std::optional<Shortfall> shortfall_of(const Load& load, const model::Carrier& carrier, const model::Circuit* via, model::Codec codec,
                                                    bool was_short);

}  // namespace linekeeper::decision
