// The daemon's end of the conversation, against a real SOCK_SEQPACKET peer of the test's own.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>

#include "controller/daemon/switch_client.hpp"
#include "controller/runtime/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;

namespace {

struct Conversation {
  boost::asio::io_context io;
  tests::TempDir folder;
  std::string path = folder / "switch.sock";
  runtime::UniqueFd listener, peer;
  std::vector<route::Reply> replies;
  std::vector<std::string> losses;
  std::shared_ptr<daemon::SwitchClient> client;

  Conversation() {
    client =
        std::make_shared<daemon::SwitchClient>(io.get_executor(), path,
                                               daemon::SwitchClient::Handlers{.on_reply = [this](const route::Reply& r) { replies.push_back(r); },
                                                                              .on_lost = [this](const std::string& why) { losses.push_back(why); }});
  }
  ~Conversation() {
    client->stop();
    io.poll();
  }
  void listen() {
    std::filesystem::remove(path);
    listener.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 4) == 0);
  }
  /// Runs the loop until `done`, at most two seconds.
  template <class Done>
  bool until(Done done) {
    const auto end = std::chrono::steady_clock::now() + 2s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io.restart();
      io.run_for(5ms);
    }
    return true;
  }
  void accept() {
    REQUIRE(until([this] {
      if (!peer) peer.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      return static_cast<bool>(peer);
    }));
  }
  std::string heard() {
    std::string message(route::kMaxMessage, '\0');
    ssize_t n = -1;
    until([&] { return (n = ::recv(peer.get(), message.data(), message.size(), MSG_DONTWAIT)) > 0; });
    message.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return message;
  }
  void say(const std::string& message) { ::send(peer.get(), message.data(), message.size(), MSG_NOSIGNAL); }
};

}  // namespace

TEST_CASE("switch client: says hello, hears what stands, sends plans") {
  Conversation c;
  c.listen();
  c.client->start();
  c.accept();
  CHECK(std::holds_alternative<route::Hello>(*route::parse_request(c.heard())));
  c.say(route::encode(route::Reply(route::StateReply{.generation = 12, .classes = {}})));
  REQUIRE(c.until([&] { return !c.replies.empty(); }));
  CHECK(std::get<route::StateReply>(c.replies[0]).generation == 12);
  CHECK(c.client->send(route::Apply{.generation = 13, .desired = {}, .retired_classes = {}}));
  CHECK(std::get<route::Apply>(*route::parse_request(c.heard())).generation == 13);
}

TEST_CASE("switch client: a switch that is not there is told once, and met when it comes") {
  Conversation c;
  c.client->start();
  CHECK(c.losses.size() == 1);
  CHECK(c.losses[0].find("systemctl status linekeeper-switch") != std::string::npos);
  CHECK_FALSE(c.client->send(route::Hello{}));
  c.listen();
  c.accept();
  CHECK_FALSE(c.heard().empty());
  CHECK(c.losses.size() == 1);
}

TEST_CASE("switch client: a switch that goes is told, and met again with a new hello") {
  Conversation c;
  c.listen();
  c.client->start();
  c.accept();
  CHECK_FALSE(c.heard().empty());
  c.say(route::encode(route::Reply(route::StateReply{})));
  REQUIRE(c.until([&] { return !c.replies.empty(); }));
  c.peer.reset();
  REQUIRE(c.until([&] { return !c.losses.empty(); }));
  CHECK_FALSE(c.client->connected());
  c.accept();
  CHECK(std::holds_alternative<route::Hello>(*route::parse_request(c.heard())));
}

TEST_CASE("switch client: rubbish ends the connection and is told, not believed") {
  Conversation c;
  c.listen();
  c.client->start();
  c.accept();
  c.heard();
  c.say("{\"v\":1,\"type\":\"applied\",\"generation\":");
  REQUIRE(c.until([&] { return !c.losses.empty(); }));
  CHECK(c.replies.empty());
}
