#include <doctest/doctest.h>

#include "carriers/answering/options_answer.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;

namespace {

constexpr model::CircuitId kFiber{0}, kCoax{1};
constexpr model::CarrierId kFirst{0};

std::string ask(const std::string& method = "OPTIONS") {
  return method + " sip:site@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.10:5060;branch=z9hG4bKa;rport\r\nMax-Forwards: 70\r\n" +
         "From: <sip:ping@north.example>;tag=1\r\nTo: <sip:site@192.0.2.7>\r\nCall-ID: c\r\nCSeq: 1 " + method + "\r\n\r\n";
}

struct Bench {
  model::SitePtr site = [] {
    auto s = tests::two_by_two();
    s.answering = {.port = 5062, .retry_after = 30s};
    return std::make_shared<const model::Site>(std::move(s));
  }();
  answering::OptionsAnswer answers{site, {1, 2}};
  runtime::Peer from{.address = site->carriers[0].address, .port = 5999};
  model::Instant now{1h};
};

}  // namespace

TEST_CASE("answering: a carrier is answered 200, to where it asked from, and it is known by which circuit it came") {
  Bench b;
  const auto answer = b.answers.on_datagram(ask(), b.from, kCoax, false, b.now);
  REQUIRE(answer);
  CHECK(answer->bytes.starts_with("SIP/2.0 200 OK\r\n"));
  CHECK(answer->to.port == 5999);
  CHECK(b.answers.last_asked(kFirst, kCoax) == b.now);
  CHECK_FALSE(b.answers.last_asked(kFirst, kFiber));
}

TEST_CASE("answering: by a circuit that people have led the calls away from it is 503, with the time after which to ask again") {
  Bench b;
  const auto answer = b.answers.on_datagram(ask(), b.from, kFiber, true, b.now);
  REQUIRE(answer);
  CHECK(answer->bytes.starts_with("SIP/2.0 503 "));
  CHECK(answer->bytes.find("\r\nRetry-After: 30\r\n") != std::string::npos);
}

TEST_CASE("answering: nobody else is answered, nor what cannot be read; other methods are not allowed") {
  Bench b;
  CHECK_FALSE(b.answers.on_datagram(ask(), {.address = *model::IpAddress::parse("192.0.2.66"), .port = 5060}, kFiber, false, b.now));
  CHECK(b.answers.counters().foreign == 1);
  CHECK_FALSE(b.answers.on_datagram("nonsense\r\n\r\n", b.from, kFiber, false, b.now));
  CHECK(b.answers.counters().malformed == 1);
  CHECK(b.answers.on_datagram(ask("INVITE"), b.from, kFiber, false, b.now)->bytes.starts_with("SIP/2.0 405 "));
  CHECK_FALSE(b.answers.on_datagram(ask("ACK"), b.from, kFiber, false, b.now));
}

TEST_CASE("answering: twenty a second of one carrier, not one more, and as many in the next second") {
  Bench b;
  int answered = 0;
  for (int i = 0; i < 21; ++i) answered += b.answers.on_datagram(ask(), b.from, kFiber, false, b.now) ? 1 : 0;
  CHECK(answered == 20);
  CHECK(b.answers.counters().limited == 1);
  CHECK(b.answers.on_datagram(ask(), b.from, kFiber, false, b.now + 1s));
}
