#pragma once
// Will a carrier find us by a circuit? What outbound probes cannot show: whether its calls to us would come by that one if the other were
// gone. From what is configured and what was seen: registration, its own OPTIONS to us, its answers to ours. Pure.
#include <string>
#include <vector>

#include "controller/model/status.hpp"

namespace linekeeper::operations {

enum class Found : std::uint8_t {
  Yes,      ///< it has said so: it registered us, or asks us there by itself
  Likely,   ///< it knows our address there (it answers us), but whether it sends calls to it is its own configuration
  No,       ///< it has said that it will not
  Unknown,  ///< nothing is known
};
[[nodiscard]] std::string_view to_string(Found f);  ///< "yes", "likely", "no", "unknown"

struct InboundWay {
  model::CarrierId carrier;
  model::CircuitId circuit;
  Found found = Found::Unknown;
  std::string why;     ///< a clause
  std::string remedy;  ///< a sentence; empty: nothing to do
};

/// One for each path, carrier by carrier.
[[nodiscard]] std::vector<InboundWay> inbound_ways(const model::Status& status);

}  // namespace linekeeper::operations
