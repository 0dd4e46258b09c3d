#include "controller/admin/cli/client.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace linekeeper::admin::cli {
namespace http = boost::beast::http;
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Parser = http::response_parser<http::string_body>;

constexpr std::uint64_t kAnswerMax = SseReader::kMessageMax;
constexpr milliseconds kConnectTimeout{5000};
constexpr milliseconds kSlice{200};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Unreachable cannot_connect(const std::string& socket, int code) {
  const char* remedy = "Is it running?  systemctl status linekeeper";
  if (code == EACCES || code == EPERM) remedy = "Your user may not use it. Join its group:  sudo usermod -aG linekeeper \"$USER\"  and log in again";
  if (code == ENOENT) remedy = "Is it running?  systemctl status linekeeper\n  Another socket?  --socket PATH, or set LINEKEEPER_SOCKET";
  if (code == ECONNREFUSED) remedy = "Nobody listens there any more: it has ended.  systemctl status linekeeper";
  if (code == EAGAIN) remedy = "It takes no new clients: it hangs, or is overrun.  systemctl status linekeeper";
  return {.what = fmt::format("cannot reach the daemon at {}: {}", socket, std::strerror(code)), .remedy = remedy};
}

Unreachable no_answer(const std::string& socket, std::string_view why) {
  return {.what = fmt::format("the daemon at {} {}", socket, why), .remedy = "See its log:  journalctl -u linekeeper"};
}

std::expected<Descriptor, Unreachable> connect_to(const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof address.sun_path) return std::unexpected(cannot_connect(socket, ENAMETOOLONG));
  socket.copy(&address.sun_path[0], socket.size());
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return std::unexpected(cannot_connect(socket, errno));
  // connect(2) on a full backlog would wait for ever: SO_SNDTIMEO bounds it (unix(7)), and each send.
  const timeval limit{.tv_sec = kConnectTimeout.count() / 1000, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return std::unexpected(cannot_connect(socket, errno));
  return fd;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// What recv(2) gives, or nothing when `until` comes first.
std::optional<ssize_t> receive(int fd, std::span<char> into, steady_clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (ready > 0) return ::recv(fd, into.data(), into.size(), 0);
    if (ready == 0 && left <= milliseconds(0)) return std::nullopt;
    if (ready < 0 && errno != EINTR) return -1;
    if (ready < 0) return std::nullopt;  // a signal: the caller decides
  }
}

/// Reads until the head, or with `whole` the entire answer, is parsed. @return what the reader is told when that fails
std::optional<std::string> read_answer(int fd, Parser& parser, boost::beast::flat_buffer& buffer, bool whole, milliseconds timeout) {
  const auto until = steady_clock::now() + timeout;
  const auto done = [&] { return whole ? parser.is_done() : parser.is_header_done(); };
  std::array<char, 16384> chunk{};
  boost::system::error_code error;
  for (;;) {
    while (buffer.size() > 0 && !done()) {
      const std::size_t used = parser.put(buffer.data(), error);
      buffer.consume(used);
      if (error == http::error::need_more) break;
      if (error) return "answered what is not HTTP: is another program listening there?";
    }
    if (done()) return std::nullopt;
    const auto got = receive(fd, chunk, until);
    if (!got) return fmt::format("did not answer within {} s", std::chrono::duration_cast<std::chrono::seconds>(timeout).count());
    if (*got <= 0) {
      parser.put_eof(error);
      if (!error && parser.is_done()) return std::nullopt;
      return "closed the connection before it answered";
    }
    const auto size = static_cast<std::size_t>(*got);
    std::copy_n(chunk.data(), size, static_cast<char*>(buffer.prepare(size).data()));
    buffer.commit(size);
  }
}

std::string head(std::string_view method, std::string_view target) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: linekeeper-cli\r\nAccept: */*\r\n", method, target);
}

}  // namespace

void pause(milliseconds time, const Stopped& stopped) {
  const auto until = steady_clock::now() + time;
  while (!stopped() && steady_clock::now() < until) ::poll(nullptr, 0, static_cast<int>(std::min(time, kSlice).count()));
}

std::expected<Reply, Unreachable> exchange(const std::string& socket, std::string_view method, std::string_view target, std::string_view body,
                                           milliseconds timeout) {
  const auto fd = connect_to(socket);
  if (!fd) return std::unexpected(fd.error());
  std::string request = head(method, target) + "Connection: close\r\n";
  if (method == "POST") request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  // An error of send is not the last word: a server that refuses a request early answers and closes (RFC 9112 9.6).
  send_all(fd->get(), request + "\r\n" + std::string(body));
  Parser parser;
  parser.eager(true);
  parser.body_limit(kAnswerMax);
  boost::beast::flat_buffer buffer;
  if (const auto failed = read_answer(fd->get(), parser, buffer, true, timeout)) return std::unexpected(no_answer(socket, *failed));
  return Reply{.status = static_cast<int>(parser.get().result_int()), .body = std::move(parser.get().body())};
}

std::expected<LiveStream, Unreachable> LiveStream::open(const std::string& socket, const std::string& target, std::optional<Reply>& refused) {
  auto fd = connect_to(socket);
  if (!fd) return std::unexpected(fd.error());
  send_all(fd->get(), head("GET", target) + "\r\n");
  Parser parser;
  parser.body_limit(kAnswerMax);
  boost::beast::flat_buffer buffer;
  if (const auto failed = read_answer(fd->get(), parser, buffer, false, kConnectTimeout)) return std::unexpected(no_answer(socket, *failed));
  const bool stream = parser.get().result_int() == 200 && parser.get()[http::field::content_type].starts_with("text/event-stream");
  if (!stream) {
    parser.eager(true);
    read_answer(fd->get(), parser, buffer, true, kConnectTimeout);
    refused = Reply{.status = static_cast<int>(parser.get().result_int()), .body = std::move(parser.get().body())};
  }
  LiveStream live(fd->release());
  live.reader_.feed({static_cast<const char*>(buffer.data().data()), buffer.size()});
  return live;
}

LiveStream::LiveStream(LiveStream&& other) noexcept : fd_(std::exchange(other.fd_, -1)), reader_(std::move(other.reader_)) {}

LiveStream::~LiveStream() {
  if (fd_ >= 0) ::close(fd_);
}

LiveStream::Outcome LiveStream::next(SseMessage& message, milliseconds patience, const Stopped& stopped) {
  const auto until = steady_clock::now() + patience;
  std::array<char, 65536> chunk{};
  for (;;) {
    if (stopped()) return Outcome::Stopped;
    if (auto ready = reader_.take()) {
      message = std::move(*ready);
      return Outcome::Message;
    }
    const auto now = steady_clock::now();
    if (now >= until) return Outcome::Quiet;
    const auto got = receive(fd_, chunk, std::min(until, now + kSlice));
    if (!got) continue;
    if (*got <= 0 || !reader_.feed({chunk.data(), static_cast<std::size_t>(*got)})) return Outcome::Ended;
  }
}

}  // namespace linekeeper::admin::cli
