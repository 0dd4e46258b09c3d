#pragma once
// The socket calls that ping, SIP and other probing share: a non-blocking socket bound to a device, whose errors are
// told apart by origin. An error of the network (ICMP, read from the socket's error queue, IP_RECVERR in ip(7)) says
// something about the path; an error of our own side (no route, no buffer, a firewall of ours) never does.
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "controller/model/error.hpp"
#include "controller/model/ip_address.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/runtime/unique_fd.hpp"

namespace linekeeper::runtime {

struct Peer {
  model::IpAddress address;
  std::uint16_t port = 0;  ///< 0 for ICMP
};

/// One packet, as much of it as the buffer held.
struct Datagram {
  std::span<const std::uint8_t> bytes;
  model::IpAddress source;
  std::uint16_t source_port = 0;                  ///< 0 for ICMP
  std::optional<model::IpAddress> destination{};  ///< which address of ours it was sent to
  int ttl = -1;                                   ///< TTL or hop limit it arrived with; -1: not asked for (want_ttl)
  std::optional<KernelStamp> stamp;               ///< when the kernel took it from the driver (SO_TIMESTAMPNS)
  int ifindex = 0;                                ///< it came in by this interface; 0 when the kernel did not say
  bool truncated = false;                         ///< longer than the buffer
};

/// One entry of the error queue.
struct QueuedError {
  std::span<const std::uint8_t> bytes;  ///< as much of our own packet as the error quoted (ICMP header included for ping sockets)
  model::IpAddress destination;         ///< where our packet was going
  int error = 0;                        ///< errno
  bool from_network = false;            ///< an ICMP message; false: our own stack
  int type = 0, code = 0;               ///< of the ICMP message
  std::uint32_t info = 0;               ///< the MTU, where the error says that a packet is too big
  model::IpAddress offender;            ///< who sent the ICMP message; 0.0.0.0: nobody
};

/// @param protocol  IPPROTO_UDP, IPPROTO_ICMP or IPPROTO_ICMPV6 (ping sockets, icmp(7))
/// @param device    SO_BINDTODEVICE; empty: unbound
/// @return the socket: non-blocking, close-on-exec, error queue, receive stamps and interface on.
///         Error::code is the errno; a ping socket that net.ipv4.ping_group_range forbids says so in `remedy`.
[[nodiscard]] model::Result<UniqueFd> open_datagram_socket(model::Family family, int protocol, const std::string& device);

/// connect(2): packets of nobody else are received. @return 0 or errno (always of our own side: no route, no address).
[[nodiscard]] int connect_datagram(int fd, const Peer& peer);

/// A non-blocking, close-on-exec stream socket bound to the device, whose close is a reset (SO_LINGER of zero) and which repeats its SYN
/// once only; its error queue is on.
[[nodiscard]] model::Result<UniqueFd> open_stream_socket(model::Family family, const std::string& device);
/// @return 0 when it is connected already, EINPROGRESS usually, or another errno
[[nodiscard]] int connect_stream(int fd, const Peer& peer);

/// bind(2) to an address of ours; port 0: any. @return 0 or errno
[[nodiscard]] int bind_datagram(int fd, const Peer& here);
/// Packets come with their TTL or hop limit. @return 0 or errno
[[nodiscard]] int want_ttl(int fd, model::Family family);

/// Our address and port on a connected socket; nothing when the kernel has none.
[[nodiscard]] std::optional<Peer> local_peer(int fd);

/// @param to nothing on a connected socket
/// @return 0 or errno. The errno may be that of a queued network error (the kernel reports a pending one on the next call):
///         read the error queue before blaming our own side, then send again.
[[nodiscard]] int send_datagram(int fd, std::span<const std::uint8_t> bytes, const std::optional<model::IpAddress>& to = {});

/// Sends to `to` from an address of ours (IP_PKTINFO, ip(7)): an answer must come from where it was asked, whatever the routes prefer.
/// @return 0 or errno
[[nodiscard]] int answer_datagram(int fd, std::span<const std::uint8_t> bytes, const Peer& to, const std::optional<model::IpAddress>& from);

/// The next packet; nothing when there is none. Pending socket errors are skipped: they stand in the error queue.
[[nodiscard]] std::optional<Datagram> receive_datagram(int fd, std::span<std::uint8_t> buffer);

/// The next entry of the error queue; nothing when it is empty.
[[nodiscard]] std::optional<QueuedError> receive_queued_error(int fd, std::span<std::uint8_t> buffer);

}  // namespace linekeeper::runtime
