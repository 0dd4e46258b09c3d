#include "controller/admin/http_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <list>
#include <utility>

#include "controller/admin/listening.hpp"
#include "controller/admin/session.hpp"
#include "controller/runtime/log.hpp"

namespace linekeeper::admin {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kRefusals = 16;  ///< clients beyond the limit that are told so at one time; more are just closed
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

/// A listening descriptor, and the pause it takes when the process has no descriptor left for a new client.
struct Listener {
  Listener(const asio::any_io_executor& executor, int fd) : descriptor(executor, fd), pause(executor) {}
  asio::posix::stream_descriptor descriptor;
  asio::steady_timer pause;
};

}  // namespace

struct HttpServer::Impl : SessionOwner, std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor on, Api& answers, Limits bounds) : executor(std::move(on)), handlers(answers), limit(bounds), drain(executor) {}

  Api& api() override { return handlers; }
  [[nodiscard]] const Limits& limits() const override { return limit; }
  [[nodiscard]] const std::vector<std::string>& hosts() const override { return allowed_hosts; }
  void on_closed(Session& session) override {
    std::erase_if(sessions, [&session](const std::shared_ptr<Session>& s) { return s.get() == &session; });
    if (stopping && sessions.empty()) drain.cancel();
  }

  [[nodiscard]] std::size_t served() const {
    return static_cast<std::size_t>(std::ranges::count(sessions, Admission::Served, [](const auto& s) { return s->admission(); }));
  }

  void listen(int fd) {
    listeners.emplace_back(executor, fd);
    await(listeners.back());
  }

  void await(Listener& listener) {
    listener.descriptor.async_wait(asio::posix::descriptor_base::wait_read, [self = shared_from_this(), &listener](boost::system::error_code error) {
      if (!error && !self->stopping) self->accept(listener);
    });
  }

  void accept(Listener& listener) {
    const int fd = ::accept4(listener.descriptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      admit(fd);
      return await(listener);
    }
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return await(listener);
    // Out of descriptors or memory: the listener stays readable, so asking again at once would spin.
    runtime::log(runtime::Level::Warning, "cannot accept a client (errno " + std::to_string(errno) + "); trying again in 100 ms");
    listener.pause.expires_after(kAcceptPause);
    listener.pause.async_wait([self = shared_from_this(), &listener](boost::system::error_code error) {
      if (!error && !self->stopping) self->await(listener);
    });
  }

  void admit(int fd) {
    int domain = AF_UNIX;
    socklen_t size = sizeof domain;
    boost::system::error_code error;
    Socket socket(executor);
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0) socket.assign(asio::generic::stream_protocol(domain, SOCK_STREAM), fd, error);
    auto peer = peer_of(fd);
    if (!socket.is_open()) {
      ::close(fd);
      return;
    }
    // On a Unix socket a client without credentials would look like one on TCP: it is not served at all.
    if (domain == AF_UNIX && !peer) return;
    const bool full = served() >= limit.clients;
    if (full && sessions.size() >= limit.clients + kRefusals) return;  // closed by its destructor
    auto session = std::make_shared<Session>(std::move(socket), std::move(peer), full ? Admission::Full : Admission::Served, *this);
    sessions.push_back(session);
    session->start();
  }

  void close_listeners() {
    for (Listener& listener : listeners) {
      boost::system::error_code ignored;
      listener.descriptor.close(ignored);
      listener.pause.cancel();
    }
    for (const UnixSocketFile& file : files) file.remove();
    files.clear();
  }

  void close_sessions() {
    const auto all = sessions;  // closing takes them out of the list
    for (const auto& session : all) session->close();
  }

  void stop(std::function<void()> done) {
    waiting.push_back(std::move(done));
    if (stopping) {
      if (sessions.empty()) asio::post(executor, [self = shared_from_this()] { self->stopped(); });
      return;
    }
    stopping = true;
    close_listeners();
    drain.expires_after(limit.drain);
    drain.async_wait([self = shared_from_this()](boost::system::error_code) {
      self->close_sessions();
      self->stopped();
    });
    const auto all = sessions;
    for (const auto& session : all) session->finish();
    if (sessions.empty()) drain.cancel();
  }

  void stopped() {
    const auto calls = std::exchange(waiting, {});
    for (const auto& call : calls) {
      if (call) call();
    }
  }

  asio::any_io_executor executor;
  Api& handlers;
  Limits limit;
  asio::steady_timer drain;
  std::list<Listener> listeners;  // a list: handlers keep references
  std::vector<UnixSocketFile> files;
  std::vector<std::string> allowed_hosts{"localhost", "127.0.0.1", "::1"};
  std::uint16_t port = 0;
  std::vector<std::shared_ptr<Session>> sessions;  // shared with their pending handlers
  std::vector<std::function<void()>> waiting;
  bool stopping = false;
};

HttpServer::HttpServer(asio::any_io_executor executor, Api& api, Limits limits) : impl_(std::make_shared<Impl>(std::move(executor), api, limits)) {}

HttpServer::~HttpServer() {
  impl_->stopping = true;
  impl_->close_listeners();
  impl_->close_sessions();
  impl_->drain.cancel();
}

model::Result<void> HttpServer::listen_unix(const std::string& path) {
  auto opened = open_unix_listener(path);
  if (!opened) return std::unexpected(std::move(opened.error()));
  impl_->files.push_back(std::move(opened->file));
  impl_->listen(opened->fd);
  return {};
}

model::Result<void> HttpServer::listen_tcp(const std::string& address, std::uint16_t port, std::vector<std::string> hosts) {
  const auto opened = open_tcp_listener(address, port);
  if (!opened) return std::unexpected(opened.error());
  impl_->port = opened->port;
  impl_->allowed_hosts.push_back(address);
  impl_->allowed_hosts.insert(impl_->allowed_hosts.end(), hosts.begin(), hosts.end());
  impl_->listen(opened->fd);
  return {};
}

void HttpServer::stop(std::function<void()> done) { impl_->stop(std::move(done)); }
std::size_t HttpServer::clients() const { return impl_->served(); }
std::uint16_t HttpServer::tcp_port() const { return impl_->port; }

}  // namespace linekeeper::admin
