// A connection of a path: made once, read until it ends. The handlers may destroy the flow; pending completions hold the connection
// itself, and do nothing once it has ended.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <utility>

#include "carriers/sip/flow.hpp"
#include "carriers/sip/stream_framer.hpp"
#include "carriers/sip/tls_session.hpp"

namespace linekeeper::sip {
namespace asio = boost::asio;
using boost::system::error_code;
using model::SipFault;
using How = Ended::How;

namespace {

constexpr std::size_t kMostWaiting = 64 * 1024;            // bytes that a connection has not taken yet
constexpr std::chrono::milliseconds kUnconfirmed(10'000);  // TCP_USER_TIMEOUT
constexpr std::string_view kPing = "\r\n\r\n";

/// They, or somebody on the way, said no. What is else is our own side or silence.
bool said_no(int error) {
  return error == ECONNREFUSED || error == ECONNRESET || error == EPIPE || error == EHOSTUNREACH || error == ECONNABORTED || error == EPROTO;
}

/// What its certificate must prove; an IPv6 address without the brackets it has in a URI.
std::string proven_name(const model::Carrier& carrier) {
  std::string name = !carrier.tls.name.empty() ? carrier.tls.name : carrier.domain.empty() ? carrier.address.to_string() : carrier.domain;
  return name.starts_with('[') && name.ends_with(']') ? name.substr(1, name.size() - 2) : name;
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(const asio::any_io_executor& executor, const model::Carrier& carrier, std::string device, model::Duration ready_within,
             Flow::Handlers handlers, const KeepAlive& keep_alive)
      : executor_(executor),
        peer_{.address = carrier.address, .port = carrier.port},
        tls_settings_(carrier.tls),
        domain_(proven_name(carrier)),
        tls_(carrier.transport == model::SipTransport::Tls),
        device_(std::move(device)),
        ready_within_(ready_within),
        handlers_(std::move(handlers)),
        keep_alive_(keep_alive),
        timer_(executor) {}

  int open() {
    if (state_ == State::Ended) return EBADF;
    const auto from = address_now();
    if (!from) return from.error();
    if (state_ != State::New) {
      // A connection lives on with an address that is no longer ours: it must not (its answers come by no way that we know).
      const auto ours = local();
      if (ours && ours->address == *from) return 0;
      close();
      return ESTALE;
    }
    if (tls_) {
      auto context = tls_context(tls_settings_);
      if (!context)
        return give_up({.how = How::Ours, .error = context.error().code, .fault = SipFault::OurTlsFiles, .words = context.error().to_string()});
      context_ = std::move(*context);
    } else {
      context_ = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
    }
    auto fd = runtime::open_stream_socket(peer_.address.family, device_);
    if (!fd) return fd.error().code;
    if (const int error = set_up(fd->get())) return error;
    const int error = runtime::connect_stream(fd->get(), peer_);
    if (error != 0 && error != EINPROGRESS) return error;
    stream_.emplace(executor_, *context_);
    error_code failed;
    socket().assign(peer_.address.family == model::Family::V4 ? asio::ip::tcp::v4() : asio::ip::tcp::v6(), fd->get(), failed);
    if (failed) return failed.value();
    [[maybe_unused]] const int owned_by_stream = fd->release();
    state_ = State::Connecting;
    wait_until(ready_within_, [](Connection& c) { c.end({.how = How::Silent, .error = ETIMEDOUT}); });
    socket().async_wait(asio::ip::tcp::socket::wait_write, [self = shared_from_this()](const error_code& e) { self->connected(e); });
    return 0;
  }

  int send(const std::string& message) {
    if (state_ == State::New || state_ == State::Ended) return EBADF;
    if (waiting_.size() + message.size() > kMostWaiting) return ENOBUFS;
    waiting_ += message;
    if (state_ == State::Ready) flush();
    return 0;
  }

  void close() {
    state_ = State::Ended;
    timer_.cancel();
    if (!stream_) return;
    error_code ignored;
    socket().close(ignored);
  }

  [[nodiscard]] std::optional<runtime::Peer> local() const {
    if (!stream_ || !socket().is_open()) return std::nullopt;
    return runtime::local_peer(socket().native_handle());
  }
  [[nodiscard]] const TlsEvidence& evidence() const { return evidence_; }
  /// What open() could not say in a number.
  [[nodiscard]] const std::optional<Ended>& why() const { return why_; }

 private:
  enum class State : std::uint8_t { New, Connecting, Ready, Ended };
  using Stream = asio::ssl::stream<asio::ip::tcp::socket>;  // its lower layer alone where there is no TLS

  [[nodiscard]] asio::ip::tcp::socket& socket() const { return stream_->next_layer(); }

  int give_up(Ended ended) {
    why_ = std::move(ended);
    state_ = State::Ended;
    return why_->error != 0 ? why_->error : EINVAL;
  }

  /// Our address on the way to the carrier, as the kernel would choose it now. @return errno
  std::expected<model::IpAddress, int> address_now() const {
    const auto probe = runtime::open_datagram_socket(peer_.address.family, IPPROTO_UDP, device_);
    if (!probe) return std::unexpected(probe.error().code);
    if (const int error = runtime::connect_datagram(probe->get(), peer_)) return std::unexpected(error);
    const auto here = runtime::local_peer(probe->get());
    if (!here) return std::unexpected(EADDRNOTAVAIL);
    return here->address;
  }

  static int set_up(int fd) {
    const int at_once = 1;
    const auto unconfirmed = static_cast<unsigned>(kUnconfirmed.count());
    const linger usual{.l_onoff = 0, .l_linger = 0};  // a carrier is taken leave of in order
    if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once) != 0 ||
        ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unconfirmed, sizeof unconfirmed) != 0 ||
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &usual, sizeof usual) != 0)
      return errno;
    return 0;
  }

  void wait_until(model::Duration after, void (*then)(Connection&)) {
    timer_.expires_after(after);
    timer_.async_wait([self = shared_from_this(), then, mine = ++wait_](const error_code& e) {
      if (!e && mine == self->wait_ && self->state_ != State::Ended) then(*self);
    });
  }

  void connected(const error_code& waited) {
    if (state_ == State::Ended) return;
    int error = waited.value();
    socklen_t size = sizeof error;
    if (!waited && ::getsockopt(socket().native_handle(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return broken(error);
    if (!tls_) return ready();
    if (!expect_carrier(stream_->native_handle(), domain_, evidence_))
      return end({.how = How::Ours, .error = EINVAL, .fault = SipFault::OurTlsFiles});
    stream_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](const error_code& e) {
      if (self->state_ == State::Ended) return;
      if (e) return self->failed(e);
      self->ready();
    });
  }

  void ready() {
    state_ = State::Ready;
    idle();
    read();
    flush();
  }

  void read() {
    const auto more = [self = shared_from_this()](const error_code& e, std::size_t size) {
      if (self->state_ == State::Ended) return;
      if (e) return self->failed(e);
      self->arrived({self->in_.data(), size});
      if (self->state_ != State::Ended) self->read();
    };
    if (tls_)
      stream_->async_read_some(asio::buffer(in_), more);
    else
      socket().async_read_some(asio::buffer(in_), more);
  }

  void arrived(std::string_view bytes) {
    const auto self = shared_from_this();  // whoever is told may destroy the flow
    if (!pinged_) idle();
    framer_.add(bytes);
    while (state_ != State::Ended) {
      auto frame = framer_.next();
      if (!frame) return end({.how = How::Refused, .error = EPROTO, .words = "what came over the connection is not SIP"});
      if (!*frame) return;
      if ((*frame)->pong) {
        answers_pings_ = true;
        if (std::exchange(pinged_, false)) idle();
      } else {
        handlers_.on_message((*frame)->message);
      }
    }
  }

  void flush() {
    if (writing_ || waiting_.empty()) return;
    writing_ = true;
    out_ = std::exchange(waiting_, {});
    const auto done = [self = shared_from_this()](const error_code& e, std::size_t) {
      self->writing_ = false;
      if (self->state_ == State::Ended) return;
      if (e) return self->failed(e);
      self->flush();
    };
    if (tls_)
      asio::async_write(*stream_, asio::buffer(out_), done);
    else
      asio::async_write(socket(), asio::buffer(out_), done);
  }

  /// Nothing has been said for a while: a ping holds the mapping of a NAT on the way, and finds a flow that is dead.
  void idle() {
    wait_until(keep_alive_.every, [](Connection& c) { c.ping(); });
  }

  void ping() {
    if (deaf_to_pings_) return idle();
    pinged_ = true;
    (void)send(std::string(kPing));
    wait_until(keep_alive_.answered_within, [](Connection& c) {
      c.pinged_ = false;
      // Only who has answered one before owes an answer (RFC 5626 4.4.1 is for those who say they do).
      if (c.answers_pings_) return c.end({.how = How::Silent, .error = ETIMEDOUT, .fault = SipFault::FlowDead});
      c.deaf_to_pings_ = true;
      c.idle();
    });
  }

  void failed(const error_code& e) {
    if (e == asio::error::eof || e == asio::ssl::error::stream_truncated)
      return end({.how = How::Refused, .error = ECONNRESET, .words = "the connection was closed"});
    if (e.category() != asio::error::get_ssl_category()) return broken(e.value());
    const SipFault fault = tls_fault(stream_->native_handle(), ERR_GET_REASON(static_cast<unsigned long>(e.value())));
    end({.how = How::Refused, .error = EPROTO, .fault = fault, .words = e.message()});
  }

  void broken(int error) {
    if (error == ETIMEDOUT) return end({.how = How::Silent, .error = error});
    end({.how = said_no(error) ? How::Refused : How::Ours, .error = error});
  }

  void end(const Ended& ended) {
    if (state_ == State::Ended) return;
    const auto self = shared_from_this();
    close();
    if (handlers_.on_ended) handlers_.on_ended(ended);
  }

  const asio::any_io_executor executor_;
  const runtime::Peer peer_;
  const model::CarrierTls tls_settings_;
  const std::string domain_;
  const bool tls_;
  const std::string device_;
  const model::Duration ready_within_;
  const Flow::Handlers handlers_;
  const KeepAlive keep_alive_;
  asio::steady_timer timer_;  // until it is ready, then until it is idle, then until a pong
  TlsEvidence evidence_;
  std::unique_ptr<asio::ssl::context> context_;
  mutable std::optional<Stream> stream_;  // native_handle() of a socket is not const
  StreamFramer framer_;
  std::array<char, 4096> in_{};
  std::string out_, waiting_;  // being written; not yet
  std::optional<Ended> why_;
  State state_ = State::New;
  std::uint64_t wait_ = 0;  // of the timer: an older one may have come already
  bool writing_ = false;
  bool pinged_ = false, answers_pings_ = false, deaf_to_pings_ = false;
};

class StreamFlow final : public Flow {
 public:
  explicit StreamFlow(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  ~StreamFlow() override { connection_->close(); }
  StreamFlow(const StreamFlow&) = delete;
  StreamFlow& operator=(const StreamFlow&) = delete;
  int open() override { return connection_->open(); }
  int send(const std::string& message) override { return connection_->send(message); }
  void close() override { connection_->close(); }
  [[nodiscard]] std::optional<runtime::Peer> local() const override { return connection_->local(); }
  [[nodiscard]] std::optional<model::WallTime> certificate_ends() const override { return connection_->evidence().ends; }
  [[nodiscard]] std::optional<Ended> why() const override { return connection_->why(); }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace

std::unique_ptr<Flow> make_stream_flow(const asio::any_io_executor& executor, const model::Carrier& carrier, std::string device,
                                       model::Duration ready_within, Flow::Handlers handlers, const KeepAlive& keep_alive) {
  return std::make_unique<StreamFlow>(
      std::make_shared<Connection>(executor, carrier, std::move(device), ready_within, std::move(handlers), keep_alive));
}

}  // namespace linekeeper::sip
