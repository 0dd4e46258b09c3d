#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "carriers/trunks/redirect_answers.hpp"
#include "carriers/trunks/responder_driver.hpp"
#include "tests/support/driver_contract.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using trunks::Order;

namespace {

const std::vector<model::ResponderWay> kWays{
    {"5071", 5071, "203.0.113.10:5060"}, {"5072", 5072, "203.0.113.10:5061"}, {"5073", 5073, "[2001:db8::20]:5060"}};

std::string request(const std::string& method, const std::string& uri = "sip:4420@10.10.0.1", const std::string& more = {},
                    const std::string& branch = "z9hG4bKa") {
  return method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP 10.10.0.30:5060;branch=" + branch +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:sbc@10.10.0.30>;tag=1\r\nTo: <sip:x@10.10.0.1>\r\nCall-ID: c\r\nCSeq: 1 " + method + "\r\n" + more +
         "\r\n";
}

struct Sbc {
  trunks::RedirectAnswers answers{kWays, {1, 2}};
  [[nodiscard]] std::vector<int> monitored() const {
    std::vector<int> codes;
    for (std::size_t i = 0; i < kWays.size(); ++i) codes.push_back(answers.at_way(i, *sip::parse_request(request("OPTIONS")))->status);
    return codes;
  }
  [[nodiscard]] std::vector<std::string> contacts(const std::string& uri) const {
    const auto reply = answers.at_redirect(*sip::parse_request(request("INVITE", uri)));
    REQUIRE(reply);
    CHECK(reply->status == 302);
    std::vector<std::string> all;
    for (const auto& [name, value] : reply->more) all.push_back(value);
    return all;
  }
};

}  // namespace

TEST_CASE("responder: before anything is known each way says 200, and calls are redirected in the SBC's own order") {
  Sbc sbc;
  CHECK(sbc.monitored() == std::vector<int>{200, 200, 200});
  CHECK(sbc.contacts("sip:4420;x=1@10.10.0.1:5070;user=phone") == std::vector<std::string>{"<sip:4420;x=1@203.0.113.10:5060>;q=1.000",
                                                                                           "<sip:4420;x=1@203.0.113.10:5061>;q=0.984",
                                                                                           "<sip:4420;x=1@[2001:db8::20]:5060>;q=0.969"});
}

TEST_CASE("responder: every way that the SBC would try before our best says 503; the best and what takes calls behind it say 200") {
  Sbc sbc;
  sbc.answers.set({"5071", "5072", "5073"}, 3);
  CHECK(sbc.monitored() == std::vector<int>{200, 200, 200});
  sbc.answers.set({"5072", "5071", "5073"}, 3);  // the second is best: the SBC would try the first before it
  CHECK(sbc.monitored() == std::vector<int>{503, 200, 200});
  sbc.answers.set({"5072", "5071", "5073"}, 2);  // the third takes no calls
  CHECK(sbc.monitored() == std::vector<int>{503, 200, 503});
  sbc.answers.set({"5073", "5072", "5071"}, 1);
  CHECK(sbc.monitored() == std::vector<int>{503, 503, 200});
  sbc.answers.set({"5073", "5072", "5071"}, 0);  // none takes calls: the least bad stays (I2), the SBC is never left without a way
  CHECK(sbc.monitored() == std::vector<int>{503, 503, 200});
  CHECK(sbc.contacts("tel:+4420;phone-context=x").front() == "<sip:+4420@[2001:db8::20]:5060>;q=1.000");
}

TEST_CASE("responder: a carrier with a way through each circuit stands once in a redirection, where its better way stands") {
  trunks::RedirectAnswers answers({{"1", 1, "203.0.113.10:5060"}, {"2", 2, "203.0.113.20:5060"}, {"3", 3, "203.0.113.10:5060"}}, {1, 2});
  answers.set({"3", "2", "1"}, 3);
  const auto reply = answers.at_redirect(*sip::parse_request(request("INVITE")));
  REQUIRE(reply->more.size() == 2);
  CHECK(reply->more[0].second == "<sip:4420@203.0.113.10:5060>;q=1.000");
  CHECK(reply->more[1].second == "<sip:4420@203.0.113.20:5060>;q=0.984");
  const trunks::RedirectAnswers without({}, {1, 2});
  CHECK(without.at_redirect(*sip::parse_request(request("INVITE")))->status == 503);
}

TEST_CASE("responder: a retransmission has the very same answer, another call another tag; an ACK has none") {
  Sbc sbc;
  const auto ask = [&](const std::string& bytes) { return sbc.answers.at_redirect(*sip::parse_request(bytes)); };
  CHECK(ask(request("INVITE"))->to_tag == ask(request("INVITE"))->to_tag);
  CHECK(ask(request("INVITE"))->to_tag != ask(request("INVITE", "sip:4420@10.10.0.1", {}, "z9hG4bKb"))->to_tag);
  CHECK_FALSE(ask(request("ACK")));
  CHECK_FALSE(sbc.answers.at_way(0, *sip::parse_request(request("ACK"))));
}

TEST_CASE("responder: what is not for it is refused by the status that says so") {
  Sbc sbc;
  const auto status = [&](const std::string& bytes) { return sbc.answers.at_redirect(*sip::parse_request(bytes))->status; };
  CHECK(status(request("REGISTER")) == 405);
  CHECK(status(request("CANCEL")) == 481);
  CHECK(status(request("BYE")) == 405);
  CHECK(status(request("INVITE", "sip:4420@10.10.0.1", "Require: 100rel\r\n")) == 420);
  CHECK(status(request("INVITE", "http://x")) == 416);
  CHECK(status(request("OPTIONS")) == 200);
  std::string inside = request("INVITE");
  inside.replace(inside.find("To: <sip:x@10.10.0.1>"), 21, "To: <sip:x@10.10.0.1>;tag=t");
  CHECK(status(inside) == 481);
  CHECK(sbc.answers.at_way(1, *sip::parse_request(request("INVITE")))->status == 503);
}

namespace {

/// A host that asks over real sockets on loopback.
struct Asker {
  boost::asio::io_context io;
  boost::asio::ip::udp::socket socket{io, boost::asio::ip::udp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)};

  /// @return the answer, or nothing within `patience`
  std::optional<std::string> ask(std::uint16_t port, const std::string& bytes, boost::asio::io_context& theirs,
                                 std::chrono::milliseconds patience = 2s) {
    socket.send_to(boost::asio::buffer(bytes), {boost::asio::ip::make_address("127.0.0.1"), port});
    std::array<char, 9000> buffer;
    std::optional<std::string> answer;
    boost::asio::ip::udp::endpoint from;
    socket.async_receive_from(boost::asio::buffer(buffer), from, [&](boost::system::error_code error, std::size_t size) {
      if (!error) answer = std::string(buffer.data(), size);
    });
    const auto end = std::chrono::steady_clock::now() + patience;
    io.restart();
    while (!answer && std::chrono::steady_clock::now() < end) {
      theirs.poll();
      io.poll_one();
    }
    if (!answer) {
      socket.cancel();
      io.restart();
      io.poll();
    }
    return answer;
  }
};

/// Two free UDP ports of loopback.
std::pair<std::uint16_t, std::uint16_t> free_ports() {
  boost::asio::io_context io;
  const boost::asio::ip::udp::endpoint any(boost::asio::ip::make_address("127.0.0.1"), 0);
  boost::asio::ip::udp::socket a(io, any), b(io, any);
  return {a.local_endpoint().port(), b.local_endpoint().port()};
}

model::Pbx sbc_on_loopback(const std::string& allow) {
  const auto [way, redirect] = free_ports();
  model::Pbx pbx;
  pbx.name = "sbc";
  pbx.driver = model::PbxDriver::Responder;
  pbx.listen = *model::IpAddress::parse("127.0.0.1");
  pbx.redirect_port = redirect;
  pbx.allow = {*model::Prefix::parse(allow)};
  pbx.ways = {{"w", way, "203.0.113.10:5060"}};
  return pbx;
}

}  // namespace

TEST_CASE("responder: over real sockets it answers who is allowed and nobody else, and forgets nothing of what cannot be read") {
  boost::asio::io_context io;
  const model::Pbx pbx = sbc_on_loopback("127.0.0.1/32");
  std::vector<trunks::PbxReport> reports;
  trunks::ResponderDriver driver(io.get_executor(), pbx, [&](const trunks::PbxReport& r) { reports.push_back(r); }, 1);
  driver.start();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].in_sync);
  Asker asker;
  std::string options = request("OPTIONS");
  options.replace(options.find(";branch"), 7, ";rport;branch");
  const auto answer = asker.ask(pbx.ways[0].port, options, io);
  REQUIRE(answer);
  CHECK(answer->starts_with("SIP/2.0 200 OK\r\n"));
  std::string invite = request("INVITE");
  invite.replace(invite.find(";branch"), 7, ";rport;branch");
  const auto redirected = asker.ask(pbx.redirect_port, invite, io);
  REQUIRE(redirected);
  CHECK(redirected->find("\r\nContact: <sip:4420@203.0.113.10:5060>;q=1.000\r\n") != std::string::npos);
  CHECK_FALSE(asker.ask(pbx.ways[0].port, "nonsense\r\n\r\n", io, 100ms));
  CHECK(driver.counters().malformed == 1);
  driver.stop();
  CHECK_FALSE(asker.ask(pbx.ways[0].port, options, io, 100ms));
}

TEST_CASE("responder: a source that is not allowed is not answered") {
  boost::asio::io_context io;
  const model::Pbx pbx = sbc_on_loopback("127.0.0.2/32");
  trunks::ResponderDriver driver(io.get_executor(), pbx, {}, 1);
  driver.start();
  Asker asker;
  CHECK_FALSE(asker.ask(pbx.ways[0].port, request("OPTIONS"), io, 100ms));
  CHECK(driver.counters().foreign == 1);
}

TEST_CASE("responder: so many a second are answered on a port, and not one more; another port has its own count") {
  boost::asio::io_context io;
  const model::Pbx pbx = sbc_on_loopback("127.0.0.1/32");
  trunks::ResponderDriver driver(io.get_executor(), pbx, {}, 1, {.options = 3, .invites = 2});
  driver.start();
  const boost::asio::ip::udp::endpoint here(boost::asio::ip::make_address("127.0.0.1"), 0);
  boost::asio::ip::udp::socket flood(io, here);
  const auto send = [&](std::uint16_t port, const std::string& bytes, int times) {
    for (int i = 0; i < times; ++i) flood.send_to(boost::asio::buffer(bytes), {here.address(), port});
    io.restart();
    io.poll();
  };
  send(pbx.ways[0].port, request("OPTIONS"), 4);
  send(pbx.redirect_port, request("INVITE"), 3);
  CHECK(driver.counters().options == 3);
  CHECK(driver.counters().redirected == 2);
  CHECK(driver.counters().limited == 2);
}

TEST_CASE("responder: a port that is taken is told with its remedy, and taken as soon as it is free") {
  boost::asio::io_context io;
  const model::Pbx pbx = sbc_on_loopback("127.0.0.1/32");
  std::optional<boost::asio::ip::udp::socket> other(boost::asio::ip::udp::socket(io, {boost::asio::ip::make_address("127.0.0.1"), pbx.ways[0].port}));
  std::vector<trunks::PbxReport> reports;
  trunks::ResponderDriver driver(io.get_executor(), pbx, [&](const trunks::PbxReport& r) { reports.push_back(r); }, 1);
  driver.start();
  REQUIRE_FALSE(reports.empty());
  CHECK_FALSE(reports.back().connected);
  CHECK(reports.back().detail.find("ss -lunp") != std::string::npos);
  other.reset();
  const auto end = std::chrono::steady_clock::now() + 8s;
  while (!reports.back().connected && std::chrono::steady_clock::now() < end) io.run_one_for(100ms);
  CHECK(reports.back().connected);
}

TEST_CASE("responder: an order is refused when it is empty, names a way twice, or one that is none") {
  boost::asio::io_context io;
  trunks::ResponderDriver driver(io.get_executor(), sbc_on_loopback("127.0.0.1/32"), {}, 1);
  driver.start();
  const auto apply = [&](const Order& order) {
    std::optional<model::Result<void>> done;
    driver.apply("order", order, order.size(), [&](model::Result<void> r) { done = std::move(r); });
    CHECK_FALSE(done);  // later, never from within
    io.restart();
    while (!done) io.poll_one();
    return *done;
  };
  CHECK_FALSE(apply({}));
  CHECK_FALSE(apply({"w", "w"}));
  CHECK_FALSE(apply({"x"}));
  CHECK(apply({"w"}));
}
