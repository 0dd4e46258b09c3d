// The TCP client with a small protocol of its own, against a listener in the same loop.
#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <optional>

#include "carriers/trunks/stream_client.hpp"

using namespace linekeeper;
using namespace linekeeper::trunks;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Ready when it hears "hello\n"; each further line is an answer; "bad\n" is a fault.
struct Lines : Conversation {
  explicit Lines(bool one_only) : one_only_(one_only) {}
  model::Result<Step> opened() override {
    ready_ = false;
    return Step{.send = "who?\n", .state = State::Opening};
  }
  model::Result<Step> heard(std::string_view bytes) override {
    if (bytes == "bad\n") return std::unexpected(model::Error{"nonsense", "Mend it", EBADMSG});
    if (!std::exchange(ready_, true)) return Step{.send = {}, .state = State::Ready};
    return Step{.send = {}, .state = State::Answered};
  }
  [[nodiscard]] bool once() const override { return one_only_; }

 private:
  bool one_only_, ready_ = false;
};

struct Bench {
  asio::io_context io;
  tcp::acceptor listener{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::shared_ptr<StreamClient> client;
  std::optional<tcp::socket> peer;
  std::string heard;
  std::array<char, 256> buffer{};
  int connections = 0;

  explicit Bench(bool once = false, model::Duration timeout = 5s) {
    client = std::make_shared<StreamClient>(io.get_executor(), *model::IpAddress::parse("127.0.0.1"), listener.local_endpoint().port(), timeout,
                                            std::make_unique<Lines>(once), "Peer", "Start it");
    accept();
  }
  ~Bench() { client->stop(); }
  void accept() {
    listener.async_accept([this](const boost::system::error_code& wrong, tcp::socket socket) {
      if (wrong) return;
      ++connections;
      heard.clear();
      peer.emplace(std::move(socket));
      listen();
      accept();
    });
  }
  void listen() {
    peer->async_read_some(asio::buffer(buffer), [this](const boost::system::error_code& wrong, std::size_t size) {
      if (wrong) return;
      heard.append(buffer.data(), size);
      listen();
    });
  }
  void says(std::string_view text) { asio::write(*peer, asio::buffer(text)); }
  template <class Condition>
  void until(Condition condition) {
    while (!condition()) io.run_one();
  }
  /// A call under way; `answer` when it is over.
  std::optional<model::Result<void>> answer;
  void call(std::string text) {
    answer.reset();
    client->call(std::move(text), [this](model::Result<void> result) { answer = std::move(result); });
  }
  void over() {
    until([&] { return answer.has_value(); });
  }
};

}  // namespace

TEST_CASE("stream: a request waits for the login, and the connection is kept for the next one") {
  Bench b;
  b.call("one\n");
  b.until([&] { return b.heard == "who?\n"; });
  b.says("hello\n");
  b.until([&] { return b.heard == "who?\none\n"; });
  b.says("done\n");
  b.over();
  CHECK(*b.answer);
  b.call("two\n");
  b.until([&] { return b.heard.ends_with("two\n"); });
  b.says("done\n");
  b.over();
  CHECK(*b.answer);
  CHECK(b.connections == 1);
}

TEST_CASE("stream: a peer that closes between two requests is connected to anew, one that closes within one is told") {
  Bench b;
  b.call("one\n");
  b.until([&] { return b.heard == "who?\n"; });
  b.says("hello\n");
  b.until([&] { return b.heard.ends_with("one\n"); });
  b.says("done\n");
  b.over();
  b.peer->close();
  b.io.poll();
  b.call("two\n");
  b.until([&] { return b.connections == 2 && b.heard == "who?\n"; });
  b.peer->close();
  b.over();
  CHECK(b.answer->error().code == ECONNRESET);
  CHECK(b.answer->error().what.contains("Peer at 127.0.0.1:"));
}

TEST_CASE("stream: one answer a connection, where the protocol wants it so") {
  Bench b(true);
  for (int i = 1; i <= 2; ++i) {
    b.call("one\n");
    b.until([&] { return b.connections == i && b.heard == "who?\n"; });
    b.says("hello\n");
    b.until([&] { return b.heard.ends_with("one\n"); });
    b.says("done\n");
    b.over();
    CHECK(*b.answer);
  }
}

TEST_CASE("stream: nobody there, silence and nonsense are told apart") {
  Bench b(false, 50ms);
  b.call("one\n");
  b.over();  // connected, and not a word
  CHECK(b.answer->error().code == ETIMEDOUT);
  CHECK(b.answer->error().what.contains("50 ms"));
  b.call("two\n");
  b.until([&] { return b.connections == 2 && b.heard == "who?\n"; });
  b.says("bad\n");
  b.over();
  CHECK(b.answer->error().what.contains("nonsense"));
  CHECK(b.answer->error().remedy == "Mend it");
  b.listener.close();
  b.call("three\n");
  b.over();
  CHECK(b.answer->error().code == ECONNREFUSED);
  CHECK(b.answer->error().remedy == "Start it");
}

TEST_CASE("stream: after stop nobody is called back") {
  Bench b;
  b.call("one\n");
  b.client->stop();
  b.listener.close();
  b.io.run();
  CHECK_FALSE(b.answer);
}
