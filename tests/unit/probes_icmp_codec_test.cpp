#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "probes/icmp_codec.hpp"

using namespace linekeeper;
using probes::echo_request;
using probes::EchoPacket;
using probes::kEchoSize;
using probes::parse_echo_reply;
using probes::parse_quoted_request;

namespace {
constexpr runtime::HashKey kKey{1, 2};
constexpr std::uint64_t kSequence = 0x1234'5678'9abc'def0;
const auto kTarget = *model::IpAddress::parse("198.51.100.7");

/// What an honest host makes of a request: the type changes, the rest is echoed; the kernel has put its identifier in.
EchoPacket echoed(EchoPacket request) {
  request[0] = request[0] == 128 ? 129 : 0;
  request[2] = 0xab;
  request[5] = 0xcd;
  return request;
}
}  // namespace

TEST_CASE("keyed hash: the reference vectors of SipHash-2-4") {
  const runtime::HashKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::vector<std::uint8_t> input(15);
  std::iota(input.begin(), input.end(), std::uint8_t{0});
  CHECK(runtime::keyed_hash(key, {}) == 0x726fdb47dd0e0e31);
  CHECK(runtime::keyed_hash(key, input) == 0xa129ca6149be45e5);
}

TEST_CASE("seeded random: the same seed gives the same numbers, another seed others, and unit() stays in [0, 1)") {
  runtime::SeededRandom a(7), b(7), c(8);
  for (int i = 0; i < 1000; ++i) {
    const auto x = a.next();
    CHECK(x == b.next());
    CHECK(x != c.next());
    const auto u = a.unit();
    b.next();
    c.next();
    CHECK(u >= 0);
    CHECK(u < 1);
  }
}

TEST_CASE("icmp codec: the reply to a request yields its sequence, for IPv4 and IPv6") {
  for (const auto* text : {"198.51.100.7", "2001:db8::7"}) {
    const auto target = *model::IpAddress::parse(text);
    for (const std::uint64_t sequence : {std::uint64_t{1}, std::uint64_t{65535}, std::uint64_t{65536}, kSequence, ~std::uint64_t{0}})
      CHECK(parse_echo_reply(kKey, target, echoed(echo_request(kKey, target, sequence))) == sequence);
  }
}

TEST_CASE("icmp codec: the request carries the low bits of its sequence where ICMP looks for them") {
  const auto request = echo_request(kKey, kTarget, kSequence);
  CHECK(request[0] == 8);
  CHECK(request[6] == 0xde);
  CHECK(request[7] == 0xf0);
}

TEST_CASE("icmp codec: a reply one byte shorter or longer is none of ours") {
  const auto reply = echoed(echo_request(kKey, kTarget, kSequence));
  std::vector<std::uint8_t> bytes(reply.begin(), reply.end());
  REQUIRE(parse_echo_reply(kKey, kTarget, bytes));
  bytes.push_back(0);
  CHECK_FALSE(parse_echo_reply(kKey, kTarget, bytes));
  bytes.resize(kEchoSize - 1);
  CHECK_FALSE(parse_echo_reply(kKey, kTarget, bytes));
  CHECK_FALSE(parse_echo_reply(kKey, kTarget, {}));
}

TEST_CASE("icmp codec: another key, another source, or our own request come back are none of ours") {
  const auto request = echo_request(kKey, kTarget, kSequence);
  CHECK_FALSE(parse_echo_reply({1, 3}, kTarget, echoed(request)));
  CHECK_FALSE(parse_echo_reply(kKey, *model::IpAddress::parse("198.51.100.8"), echoed(request)));
  CHECK_FALSE(parse_echo_reply(kKey, *model::IpAddress::parse("2001:db8::7"), echoed(request)));
  CHECK_FALSE(parse_echo_reply(kKey, kTarget, request));
}

TEST_CASE("icmp codec: any single bit turned over makes a reply inert, but for the kernel's checksum and identifier") {
  const auto reply = echoed(echo_request(kKey, kTarget, kSequence));
  for (std::size_t bit = 0; bit < kEchoSize * 8; ++bit) {
    auto bent = reply;
    bent[bit / 8] = static_cast<std::uint8_t>(bent[bit / 8] ^ (1U << (bit % 8)));
    const bool kernels = bit / 8 >= 2 && bit / 8 < 6;
    CHECK(parse_echo_reply(kKey, kTarget, bent).has_value() == kernels);
  }
}

TEST_CASE("icmp codec: a thousand random packets, of any length, match nothing") {
  runtime::SeededRandom random(11);
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::uint8_t> bytes(random.next() % 64);
    for (auto& b : bytes) b = static_cast<std::uint8_t>(random.next());
    if (bytes.size() > 1 && i % 2 == 0) bytes[0] = bytes[1] = 0;
    CHECK_FALSE(parse_echo_reply(kKey, kTarget, bytes));
  }
}

TEST_CASE("icmp codec: an error that quotes 7, 8, 31, 32 or more bytes of our request") {
  const auto request = echo_request(kKey, kTarget, kSequence);
  std::vector<std::uint8_t> bytes(request.begin(), request.end());
  bytes.resize(40);  // a router's extensions (RFC 4884)
  const auto quoted = [&](std::size_t size) { return parse_quoted_request(kKey, kTarget, std::span(bytes).first(size)); };
  CHECK_FALSE(quoted(0));
  CHECK_FALSE(quoted(7));
  REQUIRE(quoted(8));
  CHECK(quoted(8)->low_bits == 0xdef0);
  CHECK_FALSE(quoted(8)->sequence);
  REQUIRE(quoted(31));
  CHECK_FALSE(quoted(31)->sequence);
  REQUIRE(quoted(32));
  CHECK(quoted(32)->sequence == kSequence);
  REQUIRE(quoted(40));
  CHECK(quoted(40)->sequence == kSequence);
}

TEST_CASE("icmp codec: an error that quotes a whole request with a wrong tag, or a reply, is inert") {
  auto request = echo_request(kKey, kTarget, kSequence);
  CHECK_FALSE(parse_quoted_request(kKey, kTarget, echoed(request)));
  request.back() ^= 1;
  CHECK_FALSE(parse_quoted_request(kKey, kTarget, request));
}
