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

#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "controller/runtime/datagram_socket.hpp"

namespace linekeeper::sip {

/// How a connection came to its end.
struct Ended {
  enum class How : std::uint8_t {
    Refused,  ///< they said no: a reset, an unreachable, a hang-up, TLS that fails
    Silent,   ///< not made in time, or what we sent was never confirmed
    Ours,     ///< our own side cannot: `error`
  };
  How how = How::Refused;
  int error = 0;  ///< errno
  model::SipFault fault = model::SipFault::None;
  std::string words{};  ///< for the log, where the fault alone does not say it
};

class Flow {
 public:
  struct Handlers {
    /// One whole message, as it came. May close or destroy the flow.
    std::function<void(std::string_view message)> on_message;
    /// A datagram was refused by the network, or by the other side's host (ICMP). @param error errno
    std::function<void(int error)> on_refused;
    /// The connection is no more; the flow stays closed. May destroy the flow.
    std::function<void(const Ended& ended)> on_ended{};
  };
  virtual ~Flow() = default;
  /// Opens it, or keeps the one that is open while our address is still the same.
  /// @return 0 or errno of our own side (no route, no address, no such device)
  [[nodiscard]] virtual int open() = 0;
  /// @return 0 or errno of our own side; a refusal by the network is told by on_refused
  [[nodiscard]] virtual int send(const std::string& message) = 0;
  virtual void close() = 0;
  /// Reads what has come already and is not told yet, where that may be.
  virtual void hear() {}
  /// What open() could not say in a number.
  [[nodiscard]] virtual std::optional<Ended> why() const { return std::nullopt; }
  /// TLS: when the first of their certificates ends, as soon as they are known.
  [[nodiscard]] virtual std::optional<model::WallTime> certificate_ends() const { return std::nullopt; }
  /// Our side of it; nothing while it is closed.
  [[nodiscard]] virtual std::optional<runtime::Peer> local() const = 0;
};

/// @param device  of the circuit
[[nodiscard]] std::unique_ptr<Flow> make_datagram_flow(const boost::asio::any_io_executor& executor, const runtime::Peer& carrier, std::string device,
                                                       Flow::Handlers handlers);

/// How an idle connection is held open and found dead (RFC 5626 section 4.4.1: CRLF CRLF, and CRLF within ten seconds).
struct KeepAlive {
  model::Duration every = std::chrono::seconds(30);  ///< of silence
  model::Duration answered_within = std::chrono::seconds(10);
};

/// A TCP or TLS connection to the carrier, made by open(), once: after its end a new flow is wanted. What is sent before it stands waits
/// for that. Messages are framed by their Content-Length; an idle connection is kept alive as RFC 5626 3.5.1 has it, where they answer that.
/// @param ready_within  connection and TLS together
[[nodiscard]] std::unique_ptr<Flow> make_stream_flow(const boost::asio::any_io_executor& executor, const model::Carrier& carrier, std::string device,
                                                     model::Duration ready_within, Flow::Handlers handlers, const KeepAlive& keep_alive = {});

/// The one of the carrier's transport, to its address.
[[nodiscard]] inline std::unique_ptr<Flow> make_flow(const boost::asio::any_io_executor& executor, const model::Carrier& carrier, std::string device,
                                                     Flow::Handlers handlers) {
  if (carrier.transport == model::SipTransport::Udp)
    return make_datagram_flow(executor, {.address = carrier.address, .port = carrier.port}, std::move(device), std::move(handlers));
  return make_stream_flow(executor, carrier, std::move(device), carrier.deadline, std::move(handlers));
}

}  // namespace linekeeper::sip
