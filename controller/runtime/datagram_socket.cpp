#include "controller/runtime/datagram_socket.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace linekeeper::runtime {
namespace {

model::Error failed(const std::string& what, int error) {
  model::Error e{.what = what + ": " + std::strerror(error), .remedy = "", .code = error};
  return e;
}

sockaddr_storage to_sockaddr(const Peer& peer, socklen_t& length) {
  sockaddr_storage storage{};
  if (peer.address.family == model::Family::V4) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(peer.port);
    std::memcpy(&v4.sin_addr, peer.address.bytes.data(), 4);
    length = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(peer.port);
    std::memcpy(&v6.sin6_addr, peer.address.bytes.data(), 16);
    length = sizeof v6;
  }
  return storage;
}

std::optional<Peer> from_sockaddr(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    return Peer{model::IpAddress::from_bytes(model::Family::V4, &v4.sin_addr), ntohs(v4.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    return Peer{model::IpAddress::from_bytes(model::Family::V6, &v6.sin6_addr), ntohs(v6.sin6_port)};
  }
  return std::nullopt;
}

/// One recvmsg(2) with room for the control messages this file asks for.
struct Received {
  sockaddr_storage name{};
  alignas(cmsghdr) std::array<char, 512> control{};
  iovec block{};
  msghdr message{};
  ssize_t size = -1;

  Received(int fd, std::span<std::uint8_t> buffer, int flags) {
    block = {.iov_base = buffer.data(), .iov_len = buffer.size()};
    message.msg_name = &name;
    message.msg_namelen = sizeof name;
    message.msg_iov = &block;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    size = ::recvmsg(fd, &message, flags | MSG_DONTWAIT);
  }
  Received(const Received&) = delete;
  Received& operator=(const Received&) = delete;

  template <class T>
  [[nodiscard]] std::optional<T> find(int level, int type) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != level || c->cmsg_type != type || c->cmsg_len < CMSG_LEN(sizeof(T))) continue;
      T value;
      std::memcpy(&value, CMSG_DATA(c), sizeof value);
      return value;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const {
    return {static_cast<const std::uint8_t*>(block.iov_base), static_cast<std::size_t>(size)};
  }
};

/// An entry of the error queue with who sent it (SO_EE_OFFENDER).
template <class Sockaddr>
struct ErrorFrom {
  sock_extended_err error;
  Sockaddr offender;
};

bool set_flag(int fd, int level, int option) {
  const int on = 1;
  return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

/// Since Linux 5.7 an unprivileged process may bind a socket that is not bound yet. @return 0 or errno
int bind_to_device(int fd, const std::string& device) {
  if (device.empty()) return 0;
  return ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(), static_cast<socklen_t>(device.size())) == 0 ? 0 : errno;
}

bool want_errors(int fd, model::Family family) {
  return family == model::Family::V4 ? set_flag(fd, IPPROTO_IP, IP_RECVERR) : set_flag(fd, IPPROTO_IPV6, IPV6_RECVERR);
}

}  // namespace

model::Result<UniqueFd> open_datagram_socket(model::Family family, int protocol, const std::string& device) {
  const bool v4 = family == model::Family::V4;
  UniqueFd fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!fd) {
    auto error = failed(protocol == IPPROTO_UDP ? "cannot open a UDP socket" : "cannot open a ping socket", errno);
    if (protocol != IPPROTO_UDP && (error.code == EACCES || error.code == EPERM))
      error.remedy =
          "Ping sockets are allowed to the groups in the sysctl net.ipv4.ping_group_range: let the daemon's group in, "
          "for example: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"";
    return std::unexpected(error);
  }
  if (const int error = bind_to_device(fd.get(), device); error != 0)
    return std::unexpected(failed("cannot bind a socket to the device " + device, error));
  const bool errors = want_errors(fd.get(), family);
  const bool interface = v4 ? set_flag(fd.get(), IPPROTO_IP, IP_PKTINFO) : set_flag(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO);
  if (!errors || !interface) return std::unexpected(failed("cannot ask for errors and interfaces on a socket", errno));
  set_flag(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS);  // without it round trips are measured when the loop comes to them
  return fd;
}

model::Result<UniqueFd> open_stream_socket(model::Family family, const std::string& device) {
  UniqueFd fd(::socket(family == model::Family::V4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!fd) return std::unexpected(failed("cannot open a TCP socket", errno));
  if (const int error = bind_to_device(fd.get(), device); error != 0)
    return std::unexpected(failed("cannot bind a socket to the device " + device, error));
  const linger reset{.l_onoff = 1, .l_linger = 0};
  const int once = 1;
  if (!want_errors(fd.get(), family) || ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0 ||
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_SYNCNT, &once, sizeof once) != 0)
    return std::unexpected(failed("cannot set up a TCP socket", errno));
  return fd;
}

int connect_stream(int fd, const Peer& peer) { return connect_datagram(fd, peer); }

int bind_datagram(int fd, const Peer& here) {
  socklen_t length = 0;
  const auto at = to_sockaddr(here, length);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&at), length) == 0 ? 0 : errno;
}

int want_ttl(int fd, model::Family family) {
  const bool done = family == model::Family::V4 ? set_flag(fd, IPPROTO_IP, IP_RECVTTL) : set_flag(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
  return done ? 0 : errno;
}

int connect_datagram(int fd, const Peer& peer) {
  socklen_t length = 0;
  const auto to = to_sockaddr(peer, length);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&to), length) == 0 ? 0 : errno;
}

std::optional<Peer> local_peer(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return std::nullopt;
  return from_sockaddr(storage);
}

int send_datagram(int fd, std::span<const std::uint8_t> bytes, const std::optional<model::IpAddress>& to) {
  ssize_t sent = -1;
  if (to) {
    socklen_t length = 0;
    const auto name = to_sockaddr({.address = *to, .port = 0}, length);
    sent = ::sendto(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&name), length);
  } else {
    sent = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  return sent < 0 ? errno : 0;
}

int answer_datagram(int fd, std::span<const std::uint8_t> bytes, const Peer& to, const std::optional<model::IpAddress>& from) {
  socklen_t length = 0;
  auto name = to_sockaddr(to, length);
  iovec block{.iov_base = const_cast<std::uint8_t*>(bytes.data()), .iov_len = bytes.size()};  // sendmsg(2) only reads it
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
  msghdr message{};
  message.msg_name = &name;
  message.msg_namelen = length;
  message.msg_iov = &block;
  message.msg_iovlen = 1;
  const auto say_from = [&](int level, int type, const auto& info) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
  };
  if (from && from->family == model::Family::V4) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from->bytes.data(), 4);
    say_from(IPPROTO_IP, IP_PKTINFO, info);
  } else if (from) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, from->bytes.data(), 16);
    say_from(IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  return ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

std::optional<Datagram> receive_datagram(int fd, std::span<std::uint8_t> buffer) {
  // A pending error is reported once per call and then cleared; more than a few in a row are left to the next turn.
  for (int attempt = 0; attempt < 4; ++attempt) {
    Received in(fd, buffer, 0);
    if (in.size < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
      continue;
    }
    Datagram out;
    out.bytes = in.bytes();
    out.truncated = (in.message.msg_flags & MSG_TRUNC) != 0;
    if (const auto peer = from_sockaddr(in.name)) {
      out.source = peer->address;
      out.source_port = peer->port;
    }
    if (const auto stamp = in.find<timespec>(SOL_SOCKET, SCM_TIMESTAMPNS))
      out.stamp = KernelStamp(std::chrono::seconds(stamp->tv_sec) + std::chrono::nanoseconds(stamp->tv_nsec));
    if (const auto v4 = in.find<in_pktinfo>(IPPROTO_IP, IP_PKTINFO)) {
      out.ifindex = v4->ipi_ifindex;
      out.destination = model::IpAddress::from_bytes(model::Family::V4, &v4->ipi_addr);
    }
    if (const auto v6 = in.find<in6_pktinfo>(IPPROTO_IPV6, IPV6_PKTINFO)) {
      out.ifindex = static_cast<int>(v6->ipi6_ifindex);
      out.destination = model::IpAddress::from_bytes(model::Family::V6, &v6->ipi6_addr);
    }
    if (const auto v4 = in.find<int>(IPPROTO_IP, IP_TTL)) out.ttl = *v4;
    if (const auto v6 = in.find<int>(IPPROTO_IPV6, IPV6_HOPLIMIT)) out.ttl = *v6;
    return out;
  }
  return std::nullopt;
}

std::optional<QueuedError> receive_queued_error(int fd, std::span<std::uint8_t> buffer) {
  Received in(fd, buffer, MSG_ERRQUEUE);
  if (in.size < 0) return std::nullopt;
  QueuedError out;
  out.bytes = in.bytes();
  if (const auto peer = from_sockaddr(in.name)) out.destination = peer->address;
  auto error = in.find<sock_extended_err>(IPPROTO_IP, IP_RECVERR);
  if (!error) error = in.find<sock_extended_err>(IPPROTO_IPV6, IPV6_RECVERR);
  if (error) {
    out.error = static_cast<int>(error->ee_errno);
    out.from_network = error->ee_origin == SO_EE_ORIGIN_ICMP || error->ee_origin == SO_EE_ORIGIN_ICMP6;
    out.type = error->ee_type;
    out.code = error->ee_code;
    out.info = error->ee_info;
  }
  if (out.from_network) {
    // SO_EE_OFFENDER (ip(7)): an address right behind the error.
    if (const auto v4 = in.find<ErrorFrom<sockaddr_in>>(IPPROTO_IP, IP_RECVERR); v4 && v4->offender.sin_family == AF_INET)
      out.offender = model::IpAddress::from_bytes(model::Family::V4, &v4->offender.sin_addr);
    if (const auto v6 = in.find<ErrorFrom<sockaddr_in6>>(IPPROTO_IPV6, IPV6_RECVERR); v6 && v6->offender.sin6_family == AF_INET6)
      out.offender = model::IpAddress::from_bytes(model::Family::V6, &v6->offender.sin6_addr);
  }
  return out;
}

}  // namespace linekeeper::runtime
