#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "probes/stamp_codec.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using probes::NtpTime;

namespace {
const auto kTarget = *model::IpAddress::parse("192.0.2.1");

// RFC 8762 figure 2: Sequence Number, Timestamp, Error Estimate, then 30 octets that must be zero.
const probes::StampPacket kRequest = {
    0x00, 0x00, 0x00, 0x07,                          // sequence 7
    0xe6, 0xcf, 0x5a, 0x80, 0x80, 0x00, 0x00, 0x00,  // 2022-09-17 22:24:00.5 UTC
    0x16, 0x01,                                      // S 0, Z 0, scale 22, multiplier 1
};
// RFC 8762 figure 5: what a stateful reflector, whose own count is 5, makes of it half a second later. It held it for 1/65536 s.
const probes::StampPacket kReply = {
    0x00, 0x00, 0x00, 0x05,                          // its own sequence
    0xe6, 0xcf, 0x5a, 0x81, 0x00, 0x01, 0x00, 0x00,  // Timestamp: when it left
    0x80, 0x05, 0x00, 0x00,                          // Error Estimate (S 1: its clock is set by somebody), MBZ
    0xe6, 0xcf, 0x5a, 0x81, 0x00, 0x00, 0x00, 0x00,  // Receive Timestamp
    0x00, 0x00, 0x00, 0x07,                          // Session-Sender Sequence Number
    0xe6, 0xcf, 0x5a, 0x80, 0x80, 0x00, 0x00, 0x00,  // Session-Sender Timestamp
    0x16, 0x01, 0x00, 0x00,                          // Session-Sender Error Estimate, MBZ
    0x3a, 0x00, 0x00, 0x00,                          // Ses-Sender TTL 58, MBZ
};
constexpr NtpTime kSent{0xe6cf5a8080000000};

std::vector<std::uint8_t> with_options(std::initializer_list<std::uint8_t> options) {
  std::vector<std::uint8_t> packet(kRequest.begin(), kRequest.end());
  packet.insert(packet.end(), options);
  return packet;
}
std::vector<std::uint8_t> options_of_reply(const std::vector<std::uint8_t>& request) {
  std::vector<std::uint8_t> out(request.size());
  probes::write_stamp_reply({.request = *probes::parse_stamp_request(request)}, request, out);
  return {out.begin() + probes::kStampSize, out.end()};
}
}  // namespace

TEST_CASE("stamp: a request has the octets of RFC 8762 figure 2, and is read from them") {
  CHECK(probes::stamp_request({.sequence = 7, .sent = kSent}) == kRequest);
  const auto read = probes::parse_stamp_request(kRequest);
  REQUIRE(read);
  CHECK(read->sequence == 7);
  CHECK(read->sent == kSent);
  CHECK(read->error_estimate == 0x1601);
  CHECK(read->session == 0);
}

TEST_CASE("stamp: a reply is read from the octets of RFC 8762 figure 5, and written as them") {
  const auto read = probes::parse_stamp_reply(kReply);
  REQUIRE(read);
  CHECK(read->sequence == 5);
  CHECK(read->request.sequence == 7);
  CHECK(read->request.sent == kSent);
  CHECK(read->request.error_estimate == 0x1601);
  CHECK(read->error_estimate == 0x8005);
  CHECK(read->ttl == 58);
  CHECK(probes::between(read->request.sent, read->received) == 500ms);
  CHECK(probes::between(read->received, read->sent) == 15258ns);
  probes::StampPacket written{};
  probes::write_stamp_reply(*read, kRequest, written);
  CHECK(written == kReply);
}

TEST_CASE("stamp: 43 octets are no test packet, 44 are, more are one with options") {
  const auto longer = with_options({0, 1, 0, 0});
  CHECK_FALSE(probes::parse_stamp_request(std::span(kRequest).first(43)));
  CHECK_FALSE(probes::parse_stamp_reply(std::span(kReply).first(43)));
  CHECK(probes::parse_stamp_request(longer)->sequence == 7);
}

TEST_CASE("stamp: the session identifier of RFC 8972 stands behind the error estimate, both ways") {
  const auto packet = probes::stamp_request({.sequence = 1, .sent = kSent, .session = 0xabcd});
  CHECK(packet[14] == 0xab);
  CHECK(packet[15] == 0xcd);
  probes::StampPacket reply{};
  probes::write_stamp_reply({.session = 0xabcd, .request = *probes::parse_stamp_request(packet)}, packet, reply);
  CHECK(probes::parse_stamp_reply(reply)->session == 0xabcd);
}

TEST_CASE("stamp: options go back as long as they came: padding as it was, unknown kinds marked, what is cut short ends them") {
  using Bytes = std::vector<std::uint8_t>;
  CHECK(options_of_reply(with_options({0x80, 1, 0, 2, 7, 8})) == Bytes{0x00, 1, 0, 2, 7, 8});  // Extra Padding: understood
  CHECK(options_of_reply(with_options({0x00, 200, 0, 1, 9, 0, 1, 0, 0})) == Bytes{0x80, 200, 0, 1, 9, 0, 1, 0, 0});
  CHECK(options_of_reply(with_options({0x80, 1, 0, 0})) == Bytes{0x00, 1, 0, 0});  // exactly full
  CHECK(options_of_reply(with_options({0x80, 1, 0, 1})) == Bytes{0x40, 1, 0, 1});  // one octet short
  CHECK(options_of_reply(with_options({0x80, 1, 0xff, 0xff, 5})) == Bytes{0x40, 1, 0xff, 0xff, 5});
  CHECK(options_of_reply(with_options({1, 2, 3})) == Bytes{1, 2, 3});  // no head: padding of TWAMP Light
}

TEST_CASE("stamp: a reflector with a PTP clock is read in its own format (Z of the error estimate)") {
  auto reply = kReply;
  reply[12] = 0x40;
  constexpr std::array<std::uint8_t, 8> half_past_ten_seconds = {0, 0, 0, 10, 0x1d, 0xcd, 0x65, 0x00};  // 10 s, 500,000,000 ns
  std::ranges::copy(half_past_ten_seconds, reply.begin() + 4);
  std::ranges::copy(half_past_ten_seconds, reply.begin() + 16);
  reply[23] = 0x01;  // one nanosecond later
  const auto read = probes::parse_stamp_reply(reply);
  const auto held = probes::between(read->received, read->sent);  // binary fractions: a nanosecond is one or none
  CHECK(held <= 0ns);
  CHECK(held >= -1ns);
  CHECK(probes::between(probes::ntp_time(runtime::KernelStamp(10500ms)), read->sent) == 0ns);
}

TEST_CASE("stamp: times are those of NTP, their differences have a sign and survive the year 2036") {
  CHECK(probes::ntp_time(runtime::KernelStamp(0s)).bits == 2208988800ULL << 32);
  CHECK(probes::ntp_time(runtime::KernelStamp(250ms)).bits == (2208988800ULL << 32 | 0x40000000ULL));
  const auto before = runtime::KernelStamp(2085978495s), after = runtime::KernelStamp(2085978497s);  // around 2036-02-07 06:28:16
  CHECK(probes::between(probes::ntp_time(before), probes::ntp_time(after)) == 2s);
  CHECK(probes::between(probes::ntp_time(after), probes::ntp_time(before)) == -2s);
  const auto small = probes::between(probes::ntp_time(after + 3ms), probes::ntp_time(after));
  CHECK(small <= -3ms + 1ns);
  CHECK(small >= -3ms - 1ns);
}

TEST_CASE("stamp: a marked time is near the true one, and nobody without the key can tell its last bits") {
  const runtime::HashKey key{1, 2}, other{1, 3};
  const auto shown = probes::marked(kSent, key, kTarget, 9);
  CHECK((shown.bits >> 16) == (kSent.bits >> 16));
  CHECK(shown == probes::marked(kSent, key, kTarget, 9));
  CHECK(shown != probes::marked(kSent, other, kTarget, 9));
  CHECK(shown != probes::marked(kSent, key, kTarget, 10));
  CHECK(shown != probes::marked(kSent, key, *model::IpAddress::parse("192.0.2.2"), 9));
}
