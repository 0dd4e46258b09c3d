#pragma once
// A datagram socket bound to a device, opened when it is needed and made anew when that helps: what the wires of ICMP, STAMP and DNS
// share. The kernel reports a pending network error on the *next* call, a send included: the error queue is read first and the send
// repeated, so that a router's "unreachable" is not taken for a failure of ours.
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <optional>
#include <span>

#include "controller/runtime/datagram_socket.hpp"
#include "probes/wire.hpp"

namespace linekeeper::probes {

class DevicePort {
 public:
  class Owner {
   public:
    virtual void on_opened() {}
    virtual void on_datagram(const runtime::Datagram& packet, const runtime::ClockPair& read) = 0;
    virtual void on_error(const runtime::QueuedError& error) = 0;

   protected:
    ~Owner() = default;
  };

  /// @param peer  connected to, so that the kernel drops what comes from anybody else; nothing: each send says whereto
  DevicePort(const WireSetting& setting, model::Family family, int protocol, std::optional<runtime::Peer> peer, Owner& owner);
  DevicePort(const DevicePort&) = delete;
  DevicePort& operator=(const DevicePort&) = delete;

  /// Opens the socket if need be; Owner::on_opened tells of a new one. @return 0, or the errno of our own side
  int open();
  /// Likewise, and sends.
  int send(std::span<const std::uint8_t> bytes, const std::optional<model::IpAddress>& to = {});
  void close();
  void rebuild();
  /// It came in by another interface than ours: it proves nothing about this circuit.
  [[nodiscard]] bool elsewhere(const runtime::Datagram& packet) const { return ifindex_ != 0 && packet.ifindex != 0 && packet.ifindex != ifindex_; }

 private:
  int give_up(int error, model::Instant now, model::Duration longest);
  void listen();
  void read();
  int read_errors();

  boost::asio::posix::stream_descriptor descriptor_;
  const std::string device_;
  const Unbound unbound_;
  const std::weak_ptr<void> life_;
  const model::Family family_;
  const int protocol_;
  const std::optional<runtime::Peer> peer_;
  Owner& owner_;
  std::uint64_t generation_ = 0;  // of the socket: handlers of an older one do nothing
  int ifindex_ = 0;               // of the device when the socket was bound
  int error_ = 0;                 // why there is no socket
  bool told_ = false;             // the log has the reason
  model::Instant retry_{};
  model::Duration backoff_;
};

}  // namespace linekeeper::probes
