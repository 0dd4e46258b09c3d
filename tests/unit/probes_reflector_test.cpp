#include <doctest/doctest.h>

#include <vector>

#include "probes/stamp_reflector.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using probes::StampReflector;

namespace {
const auto kSender = *model::IpAddress::parse("192.0.2.7");

/// One reflector and what it answers.
struct Bench {
  StampReflector reflector;
  model::Instant now{1h};
  explicit Bench(probes::ReflectorRule rule = {}, std::uint16_t port = 8620) : reflector(std::move(rule), port) {}

  std::optional<probes::StampReply> ask(std::uint32_t sequence, std::uint16_t port = 40000, const model::IpAddress& from = kSender,
                                        std::uint16_t session = 0) {
    const auto packet = probes::stamp_request({.sequence = sequence, .sent = {77}, .session = session});
    std::vector<std::uint8_t> out(packet.size());
    const auto size = reflector.answer({.source = from, .port = port, .ttl = 61, .received = {88}, .bytes = packet}, {99}, now, out);
    if (!size) return std::nullopt;
    CHECK(*size == packet.size());
    return probes::parse_stamp_reply(out);
  }
};
}  // namespace

TEST_CASE("reflector: a stateless one copies the sequence, and tells when it came, when it went and with what TTL") {
  Bench b;
  const auto reply = b.ask(41);
  REQUIRE(reply);
  CHECK(reply->sequence == 41);
  CHECK(reply->request.sequence == 41);
  CHECK(reply->request.sent.bits == 77);
  CHECK(reply->received.bits == 88);
  CHECK(reply->sent.bits == 99);
  CHECK(reply->ttl == 61);
  CHECK(b.reflector.counters().answered == 1);
  CHECK(b.reflector.sessions() == 0);
}

TEST_CASE("reflector: a stateful one counts each session from 0, whatever number the sender is at") {
  Bench b({.stateful = true, .from = {}});
  CHECK(b.ask(7)->sequence == 0);
  CHECK(b.ask(9)->sequence == 1);
  CHECK(b.ask(9)->request.sequence == 9);
  CHECK(b.ask(1, 40001)->sequence == 0);                                         // another port
  CHECK(b.ask(1, 40000, *model::IpAddress::parse("192.0.2.8"))->sequence == 0);  // another address
  CHECK(b.ask(1, 40000, kSender, 5)->sequence == 0);                             // another session identifier
  CHECK(b.ask(10)->sequence == 3);
}

TEST_CASE("reflector: a session is remembered for 900 s of silence and begins anew after that") {
  Bench b({.stateful = true, .from = {}});
  b.ask(1);
  b.now += 900s;
  CHECK(b.ask(2)->sequence == 1);
  b.now += 900s + 1ns;
  CHECK(b.ask(3)->sequence == 0);
}

TEST_CASE("reflector: memory is bounded: the session that was silent longest makes room") {
  Bench b({.stateful = true, .from = {}, .packets_per_second = 1e6, .each_per_second = 1e6});
  for (std::uint16_t i = 0; i < StampReflector::kMostSessions; ++i) {
    b.now += 1ms;
    b.ask(1, static_cast<std::uint16_t>(10000 + i));
  }
  CHECK(b.reflector.sessions() == StampReflector::kMostSessions);
  b.now += 1ms;
  b.ask(1, 9999);
  CHECK(b.reflector.sessions() == StampReflector::kMostSessions);
  CHECK(b.ask(2, 10001)->sequence == 1);  // the second is still known
  CHECK(b.ask(2, 10000)->sequence == 0);  // the first was forgotten
}

TEST_CASE("reflector: only sources that are named are answered, where any are") {
  Bench b({.from = {*model::Prefix::parse("192.0.2.0/29"), *model::Prefix::parse("2001:db8::/64")}});
  CHECK(b.ask(1));  // .7, the last of the /29
  CHECK_FALSE(b.ask(1, 40000, *model::IpAddress::parse("192.0.2.8")));
  CHECK(b.ask(1, 40000, *model::IpAddress::parse("2001:db8::1")));
  CHECK(b.reflector.counters().refused == 1);
}

TEST_CASE("reflector: what comes from a port that reflectors answer on is not answered: two would go on for ever") {
  Bench b;
  CHECK_FALSE(b.ask(1, 862));
  CHECK_FALSE(b.ask(1, 8620));
  CHECK_FALSE(b.ask(1, 0));
  CHECK(b.ask(1, 863));
  CHECK(b.reflector.counters().refused == 3);
}

TEST_CASE("reflector: no more than so many a second, of one source and of all, and what was not answered is counted all the same") {
  Bench b({.stateful = true, .from = {}, .packets_per_second = 5, .each_per_second = 3});
  CHECK(b.ask(1));
  CHECK(b.ask(2));
  CHECK(b.ask(3)->sequence == 2);
  CHECK_FALSE(b.ask(4));
  const auto other = *model::IpAddress::parse("192.0.2.9");
  CHECK(b.ask(1, 40000, other));
  CHECK(b.ask(2, 40000, other));
  CHECK_FALSE(b.ask(3, 40000, other));  // the sixth of all
  CHECK(b.reflector.counters().too_many == 2);
  b.now += 333ms;
  CHECK_FALSE(b.ask(5));
  b.now += 2ms;
  CHECK(b.ask(6)->sequence == 5);  // 4 and 5 reached us
}

TEST_CASE("reflector: what is too short is no test packet") {
  Bench b;
  const std::vector<std::uint8_t> bytes(43);
  std::vector<std::uint8_t> out(43);
  CHECK_FALSE(b.reflector.answer({.source = kSender, .port = 40000, .ttl = 0, .received = {}, .bytes = bytes}, {}, b.now, out));
  CHECK(b.reflector.counters().malformed == 1);
}
