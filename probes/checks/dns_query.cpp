// c-ares drives the protocol (retries, random ids and ports, TCP after a truncated answer); the sockets are ours, so that they are bound to the
// device before the first byte, and an error of our own side is not taken for one of the resolver.
#include "probes/checks/dns_query.hpp"

#include <ares.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <map>
#include <utility>

#include "controller/runtime/clock.hpp"

namespace linekeeper::probes {
namespace asio = boost::asio;

namespace {

constexpr int kTries = 2;          // c-ares waits t, then 2t
constexpr int kMostAddresses = 8;  // of an answer
constexpr std::size_t kRcodeAt = 3;

/// ares_library_init(3) once for the process.
bool library_ready() {
  static const bool kReady = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
  return kReady;
}

std::vector<model::IpAddress> addresses_in(const unsigned char* bytes, int size) {
  std::array<ares_addrttl, kMostAddresses> found{};
  int count = kMostAddresses;
  if (ares_parse_a_reply(bytes, size, nullptr, found.data(), &count) != ARES_SUCCESS) return {};
  std::vector<model::IpAddress> out;
  for (int i = 0; i < count; ++i) out.push_back(model::IpAddress::from_bytes(model::Family::V4, &found[static_cast<std::size_t>(i)].ipaddr));
  return out;
}

std::vector<model::IpAddress> addresses6_in(const unsigned char* bytes, int size) {
  std::array<ares_addr6ttl, kMostAddresses> found{};
  int count = kMostAddresses;
  if (ares_parse_aaaa_reply(bytes, size, nullptr, found.data(), &count) != ARES_SUCCESS) return {};
  std::vector<model::IpAddress> out;
  for (int i = 0; i < count; ++i) out.push_back(model::IpAddress::from_bytes(model::Family::V6, &found[static_cast<std::size_t>(i)].ip6addr));
  return out;
}

}  // namespace

std::vector<model::IpAddress> system_resolvers() {
  std::vector<model::IpAddress> out;
  ares_channel channel = nullptr;
  if (!library_ready() || ares_init(&channel) != ARES_SUCCESS) return out;
  ares_addr_port_node* first = nullptr;
  if (ares_get_servers_ports(channel, &first) == ARES_SUCCESS)
    for (const auto* n = first; n != nullptr; n = n->next)
      out.push_back(model::IpAddress::from_bytes(n->family == AF_INET6 ? model::Family::V6 : model::Family::V4, &n->addr));
  ares_free_data(first);
  ares_destroy(channel);
  return out;
}

std::string rcode_words(int rcode) {
  switch (rcode) {
    case 0: return "NOERROR";
    case 1: return "FORMERR";
    case 2: return "SERVFAIL";
    case 3: return "NXDOMAIN";
    case 4: return "NOTIMP";
    case 5: return "REFUSED";
    default: return fmt::format("RCODE {}", rcode);
  }
}

struct DnsQuery::Impl : std::enable_shared_from_this<DnsQuery::Impl> {
  struct Socket {
    explicit Socket(const asio::any_io_executor& executor) : descriptor(executor) {}
    asio::posix::stream_descriptor descriptor;
    bool reads = false, writes = false;     // what c-ares wants
    bool reading = false, writing = false;  // what is waited for
  };

  Impl(asio::any_io_executor e, std::string d, Done tell)
      : executor(e), device(std::move(d)), ticks(e), deadline(e), begun(runtime::boot_now()), done(std::move(tell)) {}
  ~Impl() {
    if (channel != nullptr) ares_destroy(channel);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void start(const model::IpAddress& resolver, std::uint16_t port, const std::string& name, model::Duration timeout, int type) {
    wanted_type = type;
    ares_options options{};
    options.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH;  // NOCHECKRESP: SERVFAIL and REFUSED are told, not swallowed
    options.timeout = static_cast<int>(std::max<std::int64_t>(1, timeout / std::chrono::milliseconds(1) / ((1 << kTries) - 1)));
    options.tries = kTries;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
      static_cast<Impl*>(self)->wants(fd, readable != 0, writable != 0);
    };
    options.sock_state_cb_data = this;
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    if (!library_ready() || ares_init_options(&channel, &options, mask) != ARES_SUCCESS) {
      channel = nullptr;
      return end({.what = DnsAnswer::What::LocalError, .error = ENOMEM, .addresses = {}});
    }
    const std::string server =
        resolver.family == model::Family::V4 ? fmt::format("{}:{}", resolver.to_string(), port) : fmt::format("[{}]:{}", resolver.to_string(), port);
    ares_set_servers_ports_csv(channel, server.c_str());
    ares_set_socket_functions(channel, socket_functions(), this);
    deadline.expires_after(timeout);
    deadline.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->end({.what = DnsAnswer::What::Silent, .addresses = {}});
    });
    ares_query(
        channel, name.c_str(), 1 /* IN */, type,
        [](void* self, int status, int /*timeouts*/, unsigned char* bytes, int size) { static_cast<Impl*>(self)->answered(status, bytes, size); },
        this);
    tick();
  }

  // --- c-ares' sockets ---
  ares_socket_t open(int family, int type) {
    const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return failed(errno);
    if (!device.empty() && ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(), static_cast<socklen_t>(device.size())) != 0) {
      const int error = errno;
      ::close(fd);
      return failed(error);
    }
    return fd;
  }
  ares_socket_t failed(int error) {
    local_error = error;
    errno = error;
    return ARES_SOCKET_BAD;
  }
  int connect(ares_socket_t fd, const sockaddr* to, ares_socklen_t length) {
    const int result = ::connect(fd, to, length);
    if (result != 0 && errno != EINPROGRESS && errno != EWOULDBLOCK) local_error = errno;
    return result;
  }
  static const ares_socket_functions* socket_functions() {
    static const ares_socket_functions kSockets{
        .asocket = [](int family, int type, int, void* self) { return static_cast<Impl*>(self)->open(family, type); },
        .aclose = [](ares_socket_t fd, void* self) { return static_cast<Impl*>(self)->close(fd); },
        .aconnect = [](ares_socket_t fd, const sockaddr* to, ares_socklen_t length,
                       void* self) { return static_cast<Impl*>(self)->connect(fd, to, length); },
        .arecvfrom = [](ares_socket_t fd, void* into, std::size_t size, int flags, sockaddr* from, ares_socklen_t* length, void*) -> ares_ssize_t {
          return ::recvfrom(fd, into, size, flags, from, length);
        },
        .asendv = [](ares_socket_t fd, const iovec* parts, int count, void*) -> ares_ssize_t { return ::writev(fd, parts, count); },
    };
    return &kSockets;
  }

  int close(ares_socket_t fd) {
    release(fd);
    return ::close(fd);
  }
  void release(ares_socket_t fd) {
    const auto found = sockets.find(fd);
    if (found == sockets.end()) return;
    found->second->descriptor.cancel();
    found->second->descriptor.release();  // c-ares owns the descriptor
    sockets.erase(found);
  }

  void wants(ares_socket_t fd, bool readable, bool writable) {
    if (!done || (!readable && !writable)) return release(fd);
    auto& socket = sockets[fd];
    if (!socket) {
      socket = std::make_shared<Socket>(executor);
      socket->descriptor.assign(fd);
    }
    socket->reads = readable;
    socket->writes = writable;
    watch(fd, socket);
  }

  void watch(ares_socket_t fd, const std::shared_ptr<Socket>& socket) {
    if (socket->reads && !std::exchange(socket->reading, true))
      socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                    [self = shared_from_this(), fd, socket](boost::system::error_code error) {
                                      socket->reading = false;
                                      if (!error) self->ready(fd, ARES_SOCKET_BAD, socket);
                                    });
    if (socket->writes && !std::exchange(socket->writing, true))
      socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                    [self = shared_from_this(), fd, socket](boost::system::error_code error) {
                                      socket->writing = false;
                                      if (!error) self->ready(ARES_SOCKET_BAD, fd, socket);
                                    });
  }

  void ready(ares_socket_t reads, ares_socket_t writes, const std::shared_ptr<Socket>& socket) {
    const ares_socket_t fd = reads == ARES_SOCKET_BAD ? writes : reads;
    const auto known = sockets.find(fd);
    if (!done || known == sockets.end() || known->second != socket) return;  // closed meanwhile, or another socket of that number
    ares_process_fd(channel, reads, writes);
    if (const auto still = sockets.find(fd); done && still != sockets.end() && still->second == socket) watch(fd, socket);
    tick();
  }

  /// c-ares' own timeouts.
  void tick() {
    if (!done) return;
    timeval most{.tv_sec = 1, .tv_usec = 0}, wait{};
    const timeval* next = ares_timeout(channel, &most, &wait);
    ticks.expires_after(std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec) + std::chrono::milliseconds(1));
    ticks.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (error || !self->done) return;
      ares_process_fd(self->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      self->tick();
    });
  }

  void answered(int status, const unsigned char* bytes, int size) {
    using What = DnsAnswer::What;
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
    if (status == ARES_SUCCESS || (bytes != nullptr && size > static_cast<int>(kRcodeAt))) {
      DnsAnswer answer{.what = What::Answered, .rcode = bytes[kRcodeAt] & 0x0F, .addresses = {}};
      answer.bytes.assign(bytes, bytes + size);
      if (answer.rcode == 0 && wanted_type == kTypeA) answer.addresses = addresses_in(bytes, size);
      if (answer.rcode == 0 && wanted_type == kTypeAaaa) answer.addresses = addresses6_in(bytes, size);
      return end(std::move(answer));
    }
    if (local_error != 0) return end({.what = What::LocalError, .error = local_error, .addresses = {}});
    if (status == ARES_ETIMEOUT) return end({.what = What::Silent, .addresses = {}});
    if (status == ARES_ECONNREFUSED) return end({.what = What::Refused, .error = ECONNREFUSED, .addresses = {}});
    if (status == ARES_EBADNAME || status == ARES_ENOMEM)
      return end({.what = What::LocalError, .error = status == ARES_ENOMEM ? ENOMEM : EINVAL, .addresses = {}});
    end({.what = What::Garbled, .addresses = {}});
  }

  void end(DnsAnswer answer) {
    if (!done) return;
    answer.took = runtime::boot_now() - begun;
    stop();
    // Posted: c-ares may be on the stack, and whoever is told may let go of this.
    asio::post(executor, [self = shared_from_this(), tell = std::exchange(done, nullptr), answer = std::move(answer)] {
      if (!self->stopped) tell(answer);
    });
  }

  /// Nothing is waited for any more, so that a loop with nothing else to do ends although we live.
  void stop() {
    ticks.cancel();
    deadline.cancel();
    while (!sockets.empty()) release(sockets.begin()->first);
  }

  asio::any_io_executor executor;
  std::string device;
  asio::steady_timer ticks, deadline;
  model::Instant begun;
  Done done;
  bool stopped = false;
  int local_error = 0;
  int wanted_type = kTypeA;
  ares_channel channel = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Socket>> sockets;  // shared with pending handlers, which must not meet a reused number
};

DnsQuery::DnsQuery(asio::any_io_executor executor, std::string device, const model::IpAddress& resolver, std::uint16_t port, std::string name,
                   model::Duration timeout, Done done, int type)
    : impl_(std::make_shared<Impl>(executor, std::move(device), std::move(done))) {
  impl_->start(resolver, port, name, timeout, type);
}

DnsQuery::~DnsQuery() {
  impl_->stopped = true;
  impl_->done = nullptr;
  impl_->stop();
}

}  // namespace linekeeper::probes
