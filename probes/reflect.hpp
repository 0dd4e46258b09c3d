#pragma once
// `linekeeper reflect`: the socket around StampReflector, until it is told to stop.
#include <functional>

#include "controller/model/error.hpp"
#include "controller/runtime/datagram_socket.hpp"
#include "probes/stamp_reflector.hpp"

namespace linekeeper::probes {

struct Listening {
  runtime::UniqueFd socket;
  runtime::Peer here;  ///< as bound: the port that the kernel chose, where none was asked for
};
/// @return the bound socket, or what is in the way with its remedy
[[nodiscard]] model::Result<Listening> open_reflector(const runtime::Peer& listen);

/// Answers until `stopped`, which is asked four times a second and when a signal comes. @return an errno that ended it; 0: it was stopped
int reflect(const Listening& at, StampReflector& reflector, const std::function<bool()>& stopped);

}  // namespace linekeeper::probes
