#pragma once
// Does the kernel really send a class by its circuit? A dump shows what is written; only a question to the routing decision
// shows that nothing before it (a rule of somebody else's) takes the traffic first.
#include <string>

#include "controller/switch/kernel.hpp"

namespace linekeeper::route {

enum class Proof : std::uint8_t {
  Proven,        ///< a packet of the class to a far destination leaves by the circuit
  Contradicted,  ///< it leaves by another, or nowhere
  Unproven,      ///< the question cannot be asked here (no forwarding on the interface, no address of the class to ask for)
};
struct ProofResult {
  Proof proof = Proof::Unproven;
  std::string words;  ///< why not, when not proven
};

/// A class with destinations is asked for an address of each. A route that the main table has of its own comes before ours by design
/// (rule 7000): where it takes one of them the class is not proven, and nothing is undone for it.
/// @param interfaces of the circuits the class is to leave by: of one that is shared the kernel takes any.
[[nodiscard]] ProofResult prove(Kernel& kernel, const DesiredClass& traffic_class, const std::vector<int>& interfaces, const Desired& desired,
                                const KernelState& state);

}  // namespace linekeeper::route
