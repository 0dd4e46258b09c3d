#pragma once
// A real HttpServer on a Unix socket and an ephemeral port, an Api that does as told, and clients made of bare sockets: all on one
// thread, so that a test decides what happens when.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "controller/admin/http_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace linekeeper::admin::testing {

struct FakeApi : Api {
  std::vector<Request> requests;
  std::vector<std::function<void(Response)>> held;
  std::vector<EventStream*> streams;
  int closed = 0;
  int open_status = 200;
  bool hold = false;
  std::function<void(EventStream&)> on_open;

  void handle(const Request& request, std::function<void(Response)> respond) override {
    requests.push_back(request);
    if (request.path == "/throw") throw std::runtime_error("boom");
    if (hold) return held.push_back(std::move(respond));
    if (request.path == "/missing") return respond(Response{.status = 404, .content_type = "application/json", .body = "", .headers = {}});
    respond(Response{.status = 200, .content_type = "text/plain", .body = "answer to " + request.path, .headers = {}});
  }
  int open_stream(const Request& request, EventStream& stream) override {
    requests.push_back(request);
    if (open_status != 200) return open_status;
    streams.push_back(&stream);
    if (on_open) on_open(stream);
    return 200;
  }
  void close_stream(EventStream& stream) override {
    ++closed;
    std::erase(streams, &stream);
  }
};

using tests::TempDir;

struct Fixture {
  explicit Fixture(Limits limits = {}) : server(context.get_executor(), api, limits) {
    REQUIRE(server.listen_unix(socket_path));
    REQUIRE(server.listen_tcp("127.0.0.1", 0, {"keeper.example"}));
  }

  /// Runs the loop until `done` holds. @return whether it came to hold within 10 s, a bound only a failure meets
  bool until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      context.restart();
      context.run_one_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  boost::asio::io_context context;
  FakeApi api;
  TempDir folder;
  std::string socket_path = folder / "control.sock";
  HttpServer server;
};

class Client {
 public:
  enum class By : bool { Unix, Tcp };
  Client(Fixture& fixture, By by, int receive_buffer = 0) : fixture_(fixture), fd_(::socket(by == By::Unix ? AF_UNIX : AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    fixture.socket_path.copy(local.sun_path, sizeof local.sun_path - 1);
    sockaddr_in remote{};
    remote.sin_family = AF_INET;
    remote.sin_port = htons(fixture.server.tcp_port());
    remote.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool unix_socket = by == By::Unix;
    const auto* address = unix_socket ? reinterpret_cast<const sockaddr*>(&local) : reinterpret_cast<const sockaddr*>(&remote);
    REQUIRE(::connect(fd_, address, unix_socket ? sizeof local : sizeof remote) == 0);
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& bytes) { REQUIRE(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size())); }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void take() {
    char buffer[65536];
    for (ssize_t n = 0; (n = ::recv(fd_, buffer, sizeof buffer, 0)) >= 0;) {
      if (n == 0) {
        ended = true;
        return;
      }
      got.append(buffer, static_cast<std::size_t>(n));
    }
    if (errno != EAGAIN) ended = true;
  }
  bool until_got(const std::string& text) {
    return fixture_.until([&] {
      take();
      return got.find(text) != std::string::npos;
    });
  }
  bool until_ended() {
    return fixture_.until([&] {
      take();
      return ended;
    });
  }
  /// Sends, and returns all that comes until the server closes.
  std::string ask(const std::string& bytes) {
    send(bytes);
    REQUIRE(until_ended());
    return got;
  }

  std::string got;
  bool ended = false;

 private:
  Fixture& fixture_;
  int fd_;
};

}  // namespace linekeeper::admin::testing
