// An idle connection to a carrier: pings of RFC 5626 section 4.4.1, and what becomes of it when they are not answered.
#include <doctest/doctest.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <optional>

#include "carriers/sip/flow.hpp"
#include "tests/sockets/namespace.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using tests::run_until;

namespace {

constexpr sip::KeepAlive kQuick{.every = 100ms, .answered_within = 150ms}, kSlow{.every = 600ms, .answered_within = 300ms};

/// A carrier of one connection that counts pings and answers as many as it is told to.
class Pinged {
 public:
  int answers = 0;  ///< so many more
  int pings = 0;
  std::string heard;

  explicit Pinged(asio::io_context& io) : acceptor_(io, {asio::ip::make_address("127.0.0.1"), 0}), socket_(io) {
    acceptor_.async_accept(socket_, [this](const boost::system::error_code& e) {
      if (!e) read();
    });
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void say(const std::string& text) { asio::write(socket_, asio::buffer(text)); }

 private:
  void read() {
    socket_.async_read_some(asio::buffer(in_), [this](const boost::system::error_code& e, std::size_t size) {
      if (e) return;
      heard.append(in_.data(), size);
      for (auto at = heard.find("\r\n\r\n"); at != std::string::npos; at = heard.find("\r\n\r\n")) {
        heard.erase(0, at + 4);
        ++pings;
        if (answers-- > 0) say("\r\n");
      }
      read();
    });
  }
  asio::ip::tcp::acceptor acceptor_;
  asio::ip::tcp::socket socket_;
  std::array<char, 1000> in_{};
};

struct Line {
  asio::io_context io;
  Pinged north{io};
  std::vector<std::string> messages;
  std::optional<sip::Ended> ended;
  std::unique_ptr<sip::Flow> flow;

  explicit Line(const sip::KeepAlive& keep_alive = kQuick) {
    model::Carrier carrier;
    carrier.address = *model::IpAddress::parse("127.0.0.1");
    carrier.port = north.port();
    carrier.transport = model::SipTransport::Tcp;
    flow = sip::make_stream_flow(io.get_executor(), carrier, "lo", 1s,
                                 {.on_message = [this](std::string_view m) { messages.emplace_back(m); },
                                  .on_refused = [](int) {},
                                  .on_ended = [this](const sip::Ended& e) { ended = e; }},
                                 keep_alive);
    REQUIRE(flow->open() == 0);
  }
};

}  // namespace

TEST_CASE("keep-alive: an idle connection is pinged again and again while it answers, and no pong is taken for a message") {
  Line l;
  l.north.answers = 100;
  CHECK(run_until(l.io, [&] { return l.north.pings >= 4; }, 5s));
  CHECK_FALSE(l.ended.has_value());
  CHECK(l.messages.empty());
}

TEST_CASE("keep-alive: who has answered pings and stops is a flow that is dead, told once, within the time of one answer") {
  Line l;
  l.north.answers = 2;
  REQUIRE(run_until(l.io, [&] { return l.ended.has_value(); }, 5s));
  CHECK(l.north.pings == 3);
  CHECK(l.ended->how == sip::Ended::How::Silent);
  CHECK(l.ended->fault == model::SipFault::FlowDead);
  CHECK(l.ended->error == ETIMEDOUT);
}

TEST_CASE("keep-alive: who never answers a ping owes none: the connection stays, and is not pinged again") {
  Line l;
  REQUIRE(run_until(l.io, [&] { return l.north.pings == 1; }, 5s));
  CHECK_FALSE(run_until(l.io, [&] { return l.ended.has_value() || l.north.pings > 1; }, 700ms));
  l.north.say("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(run_until(l.io, [&] { return l.messages.size() == 1; }, 5s));
}

TEST_CASE("keep-alive: nobody is pinged while there is traffic") {
  Line l(kSlow);
  l.north.answers = 1;
  REQUIRE(run_until(l.io, [&] { return l.north.pings == 1; }, 5s));
  for (std::size_t i = 1; i <= 30; ++i) {  // for longer than two pauses
    l.north.say("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(run_until(l.io, [&] { return l.messages.size() == i; }, 1s));
    l.io.run_for(50ms);
  }
  CHECK(l.north.pings == 1);
  CHECK_FALSE(l.ended.has_value());
}
