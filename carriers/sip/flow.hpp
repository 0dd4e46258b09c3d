#pragma once
// The way SIP messages go between us and one carrier through one circuit: a connected datagram socket, or a connection. Bound to the
// circuit's device, so that nothing leaves by another way. What a message means is the owner's business; whole messages come and go here.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "controller/model/site.hpp"
#include "controller/runtime/datagram_socket.hpp"

namespace linekeeper::sip {

class Flow {
 public:
  struct Handlers {
    /// One whole message, as it came. May close or destroy the flow.
    std::function<void(std::string_view message)> on_message;
    /// The network, or the other side's host, said no (ICMP, a reset). @param error errno
    std::function<void(int error)> on_refused;
  };
  virtual ~Flow() = default;
  /// Opens it, or keeps the one that is open while our address is still the same.
  /// @return 0 or errno of our own side (no route, no address, no such device)
  [[nodiscard]] virtual int open() = 0;
  /// @return 0 or errno of our own side; a refusal by the network is told by on_refused
  [[nodiscard]] virtual int send(const std::string& message) = 0;
  virtual void close() = 0;
  /// Our side of it; nothing while it is closed.
  [[nodiscard]] virtual std::optional<runtime::Peer> local() const = 0;
};

/// @param device  of the circuit
[[nodiscard]] std::unique_ptr<Flow> make_datagram_flow(const boost::asio::any_io_executor& executor, const runtime::Peer& carrier, std::string device,
                                                       Flow::Handlers handlers);

}  // namespace linekeeper::sip
