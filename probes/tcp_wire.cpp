// Connection requests: a socket for each, bound to the device, closed by a reset, so that nothing of it stays on either side. The answer is
// that of the host: a SYN-ACK, or a RST where nobody listens (RFC 9293 3.10.7.1); both must acknowledge our initial sequence number, which
// the kernel draws (RFC 6528), so nobody off the path can give them.
//
// The kernel repeats a SYN after a second. An answer to the repetition says nothing about the probe, which was lost: with timestamps (RFC
// 7323) the kernel knows which of the two was answered, and says so by the round trip it measured (tcp_info); without them it is inert.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <variant>

#include "controller/runtime/datagram_socket.hpp"
#include "probes/wire.hpp"

namespace linekeeper::probes {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kMostAttempts = 64;                              // of all targets; one more ends the oldest
constexpr model::Duration kRepeated = std::chrono::milliseconds(500);  // half of the first retransmission timeout (RFC 6298 2.1)

struct Attempt {
  explicit Attempt(const asio::any_io_executor& executor) : socket(executor) {}
  asio::posix::stream_descriptor socket;
  std::size_t target = 0;
  std::uint64_t sequence = 0;
  model::Instant begun{};
};

class TcpWire final : public Wire {
 public:
  explicit TcpWire(const WireSetting& setting)
      : executor_(setting.executor),
        device_(setting.device),
        source_(setting.unbound.source),
        life_(setting.life),
        targets_(setting.targets),
        listener_(*setting.listener) {}

  int send(std::size_t target, std::uint64_t sequence, const runtime::ClockPair& at) override {
    const ProbeTarget& to = targets_[target];
    auto fd = runtime::open_stream_socket(to.address.family, device_);
    if (!fd) return fd.error().code;
    if (source_ && source_->family == to.address.family)
      if (const int refused = runtime::bind_datagram(fd->get(), {.address = *source_}); refused != 0) return refused;
    const int error = runtime::connect_stream(fd->get(), {.address = to.address, .port = to.port});
    if (error != 0 && error != EINPROGRESS) return error;
    auto attempt = std::make_shared<Attempt>(executor_);
    boost::system::error_code failed;
    attempt->socket.assign(fd->get(), failed);
    if (failed) return failed.value();
    [[maybe_unused]] const int owned_by_descriptor = fd->release();
    attempt->target = target;
    attempt->sequence = sequence;
    attempt->begun = at.boot;
    auto& slot = attempts_[next_++ % attempts_.size()];
    end(slot);
    slot = attempt;
    attempt->socket.async_wait(asio::posix::stream_descriptor::wait_write, [this, life = life_, attempt](const boost::system::error_code& aborted) {
      const auto alive = life.lock();
      if (aborted || !alive || !attempt->socket.is_open()) return;
      const auto now = runtime::clocks_now();
      const auto told = outcome(*attempt, now);
      end(attempt);
      tell(*attempt, told);
    });
    return 0;
  }
  void close() override {
    for (auto& a : attempts_) end(a);
  }
  void rebuild() override { close(); }  // each probe has its own socket: those that are under way go by what is no more

 private:
  struct Rejected {
    int error = 0;
  };
  struct Failed {
    int error = 0;
  };
  struct Silent {};
  struct Inert {};
  using Outcome = std::variant<WireReply, Rejected, Failed, Silent, Inert>;

  static void end(const std::shared_ptr<Attempt>& attempt) {
    if (!attempt) return;
    boost::system::error_code ignored;
    attempt->socket.close(ignored);  // SO_LINGER of zero: a reset
  }

  static Outcome outcome(Attempt& attempt, const runtime::ClockPair& now) {
    const int fd = attempt.socket.native_handle();
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    std::array<std::uint8_t, 128> quoted;
    if (const auto queued = runtime::receive_queued_error(fd, quoted); queued && queued->from_network) return Rejected{queued->error};
    if (error == ETIMEDOUT) return Silent{};  // by then it is told as overdue
    if (error != 0 && error != ECONNREFUSED) return Failed{error};
    tcp_info info{};
    size = sizeof info;
    const bool known = ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
    const model::Duration elapsed = now.boot - attempt.begun;
    WireReply reply{.sequence = attempt.sequence, .from = attempt.target, .read = now, .code = error};
    if (known && error == 0 && info.tcpi_rtt > 0) reply.measured = std::chrono::microseconds(info.tcpi_rtt);
    if (known && info.tcpi_total_retrans > 0 && (!reply.measured || elapsed - *reply.measured > kRepeated)) return Inert{};
    return reply;
  }

  void tell(const Attempt& a, const Outcome& outcome) {
    if (const auto* reply = std::get_if<WireReply>(&outcome)) return listener_.replied(*reply);
    if (const auto* rejected = std::get_if<Rejected>(&outcome)) return listener_.rejected(a.target, a.sequence, rejected->error);
    if (const auto* failed = std::get_if<Failed>(&outcome)) return listener_.failed(a.target, failed->error);
    if (std::holds_alternative<Inert>(outcome)) listener_.inert(a.target);
  }

  asio::any_io_executor executor_;
  std::string device_;
  std::optional<model::IpAddress> source_;
  std::weak_ptr<void> life_;
  std::span<const ProbeTarget> targets_;
  WireListener& listener_;
  std::array<std::shared_ptr<Attempt>, kMostAttempts> attempts_{};  // shared with the handler that waits for its end
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Wire> make_tcp_wire(const WireSetting& setting) { return std::make_unique<TcpWire>(setting); }

}  // namespace linekeeper::probes
