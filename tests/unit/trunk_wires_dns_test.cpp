#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "carriers/trunks/dns_conversation.hpp"
#include "carriers/trunks/dns_update.hpp"
#include "carriers/trunks/ldns_handles.hpp"

using namespace linekeeper::trunks;

namespace {

constexpr std::int64_t kNow = 1'795'367'704;
constexpr std::string_view kSecret = "c2l4dGVlbiBieXRlcyBsb25nIQ==";

TsigKey key() { return *make_tsig_key("linekeeper.", kSecret); }

RecordSet trunk() {
  return {.owner = "_sip._udp.trunk.lab.example.",
          .type = RecordType::SRV,
          .ttl = 5,
          .values = {"10 0 5060 sbc.north.example.", "20 0 5060 sbc.south.example."}};
}

struct Sections {
  std::uint16_t question, answer, authority, additional;
};

Sections counts(const Bytes& message) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint16_t>(message[i] << 8 | message[i + 1]); };
  return {at(4), at(6), at(8), at(10)};
}

/// A bare response to `asked`: its header alone.
Bytes header_of(const Signed& asked, int rcode) {
  return {asked.message[0],
          asked.message[1],
          static_cast<std::uint8_t>(asked.message[2] | 0x84),
          static_cast<std::uint8_t>(rcode),
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0};
}

std::string lines_of(const Bytes& message) {
  ldns_pkt* read = nullptr;
  REQUIRE(ldns_wire2pkt(&read, message.data(), message.size()) == LDNS_STATUS_OK);
  const LdnsPacket packet(read);
  const LdnsText text(ldns_pkt2str(packet.get()));
  std::string flat(text.get());
  std::ranges::replace(flat, '\t', ' ');
  return flat;
}

/// An answer that ends with this error instead of a signature: BADKEY, BADSIG.
Bytes unsigned_refusal(const Signed& asked, int error) {
  auto message = tsig_sign(header_of(asked, 9), key(), kNow, asked.mac).message;
  message.resize(message.size() - 32 - 6);  // the MAC, the original id, error and other length
  message[message.size() - 2] = message[message.size() - 1] = 0;
  const std::array<std::uint8_t, 6> rest{asked.message[0], asked.message[1], 0, static_cast<std::uint8_t>(error), 0, 0};
  message.insert(message.end(), rest.begin(), rest.end());
  const auto length_at = message.size() - 2 - (13 + 6 + 2 + 2 + 6);  // its data: algorithm, time, fudge, length, the rest
  message[length_at] = 0;
  message[length_at + 1] = 13 + 6 + 2 + 2 + 6;
  return message;
}

}  // namespace

TEST_CASE("dns: an update deletes the set and adds its records in one message, signed") {
  const auto update = dns_update("lab.example.", trunk(), 0x1234, key(), kNow);
  REQUIRE(update);
  const auto [question, answer, authority, additional] = counts(update->message);
  CHECK(question == 1);
  CHECK(answer == 0);
  CHECK(authority == 3);
  CHECK(additional == 1);
  CHECK((update->message[2] & 0x78) == 5 << 3);
  const auto text = lines_of(update->message);
  CHECK(text.contains("lab.example. IN SOA"));
  CHECK(text.contains("_sip._udp.trunk.lab.example. 0 ANY SRV"));
  CHECK(text.contains("_sip._udp.trunk.lab.example. 5 IN SRV 10 0 5060 sbc.north.example."));
  CHECK(text.find("ANY SRV") < text.find("IN SRV"));
  CHECK(tsig_verify(update->message, key(), {}, kNow).verdict == TsigVerdict::Good);
}

TEST_CASE("dns: no set is ever made empty, too large, slow to forget, or of another zone") {
  auto set = trunk();
  const auto refused = [&] {
    const auto update = dns_update("lab.example.", set, 1, key(), kNow);
    return update ? std::string() : update.error().what;
  };
  set.values.clear();
  CHECK(refused().contains("none"));
  for (int i = 0; i < 64; ++i) set.values.push_back("10 0 5060 h" + std::to_string(i) + ".example.");
  CHECK(refused().empty());
  set.values.emplace_back("10 0 5060 h64.example.");
  CHECK(refused().contains("more than 64"));
  set = trunk();
  set.ttl = 6;
  CHECK(refused().contains("TTL"));
  set = trunk();
  set.owner = "_sip._udp.trunk.other.example.";
  CHECK(refused().contains("not within the zone"));
  set.owner = "xlab.example.";
  CHECK(refused().contains("not within the zone"));
  set.owner = "a..b.lab.example.";
  CHECK(refused().contains("no DNS name"));
  set = trunk();
  for (const auto* bad :
       {"10 0 5060", "a b c d.", "10 0 70000 h.example.", "10 0 5060 h.example.\nx 5 IN A 1.2.3.4", "10 0 5060 h.example. ; x", "", "203.0.113.10"}) {
    CAPTURE(bad);
    set.values = {bad};
    CHECK(refused().contains("no such record"));
  }
  set = {.owner = "sip.lab.example.", .type = RecordType::A, .ttl = 5, .values = {"203.0.113.10"}};
  CHECK(refused().empty());
  set.values = {"2001:db8::1"};
  CHECK_FALSE(refused().empty());
  set.type = RecordType::AAAA;
  CHECK(refused().empty());
}

TEST_CASE("dns: the order becomes priorities that rise") {
  CHECK(*srv_values({"sbc.north.example:5070", "sbc.south.example."}) ==
        std::vector<std::string>{"10 0 5070 sbc.north.example.", "20 0 5060 sbc.south.example."});
  for (const std::string bad : {"h:0", "h:65536", "h:", "h:5060x", ":5060", ".", "a b", ""}) {
    CAPTURE(bad);
    CHECK_FALSE(srv_values({bad}));
  }
  CHECK((*srv_values({"h:65535"}))[0] == "10 0 65535 h.");
}

TEST_CASE("dns: a secret must be Base64, of 16 bytes at least") {
  CHECK(make_tsig_key("linekeeper", " MTIzNDU2Nzg5MDEyMzQ1Ng== \n")->secret.size() == 16);
  CHECK(make_tsig_key("linekeeper", "MTIzNDU2Nzg5MDEyMzQ1").error().what.contains("shorter"));
  for (const auto* bad : {"", "  ", "no base64!", "key \"x\" { };"}) CHECK(make_tsig_key("linekeeper", bad).error().what.contains("Base64"));
  CHECK(make_tsig_key("a..b", kSecret).error().what.contains("no DNS name"));
}

TEST_CASE("tsig: known bytes give the known signature") {
  // Computed apart from this code, by Python's hmac: SHA-256 over header, "k.", ANY, 0, "hmac-sha256.", time, 300, 0, 0.
  const TsigKey k{"K", Bytes(16, 'x')};
  const auto made = tsig_sign({0x12, 0x34, 0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0}, k, 1'000'000'000);
  std::string hex;
  for (const auto byte : made.mac) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  CHECK(hex == "d6a6e45c1bb79d9caaf428a90360e9936f1be1bffde09fadc269e4054fedad3c");
}

TEST_CASE("tsig: a signature holds for 300 s to either side, for its key, its request and every byte") {
  const auto asked = *dns_update("lab.example.", trunk(), 77, key(), kNow);
  const auto reply = tsig_sign(header_of(asked, 0), key(), kNow, asked.mac).message;
  const auto verdict = [&](const Bytes& message, const TsigKey& k, std::span<const std::uint8_t> request, std::int64_t now) {
    return tsig_verify(message, k, request, now).verdict;
  };
  CHECK(verdict(reply, key(), asked.mac, kNow) == TsigVerdict::Good);
  CHECK(verdict(reply, key(), asked.mac, kNow + 300) == TsigVerdict::Good);
  CHECK(verdict(reply, key(), asked.mac, kNow + 301) == TsigVerdict::BadTime);
  CHECK(verdict(reply, key(), asked.mac, kNow - 300) == TsigVerdict::Good);
  CHECK(verdict(reply, key(), asked.mac, kNow - 301) == TsigVerdict::BadTime);
  CHECK(verdict(reply, *make_tsig_key("linekeeper.", "MTIzNDU2Nzg5MDEyMzQ1Ng=="), asked.mac, kNow) == TsigVerdict::Wrong);
  CHECK(verdict(reply, *make_tsig_key("other.", kSecret), asked.mac, kNow) == TsigVerdict::Wrong);
  CHECK(verdict(reply, *make_tsig_key("LineKeeper", kSecret), asked.mac, kNow) == TsigVerdict::Good);  // names have no case
  CHECK(verdict(reply, key(), {}, kNow) == TsigVerdict::Wrong);
  CHECK(verdict(header_of(asked, 0), key(), asked.mac, kNow) == TsigVerdict::Missing);
  for (std::size_t at = 0; at < reply.size(); ++at) {
    CAPTURE(at);
    auto bent = reply;
    bent[at] ^= 1;
    if (at >= 2) CHECK(verdict(bent, key(), asked.mac, kNow) != TsigVerdict::Good);  // the id is signed as it was when it was sent
    CHECK(verdict(Bytes(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(at)), key(), asked.mac, kNow) != TsigVerdict::Good);
  }
}

TEST_CASE("dns: an answer is believed when it is signed, and to what was asked") {
  const auto asked = *dns_update("lab.example.", trunk(), 77, key(), kNow);
  const auto read = [&](Bytes message) { return dns_reply(message, asked, key(), kNow); };
  CHECK(read(tsig_sign(header_of(asked, 0), key(), kNow, asked.mac).message)->rcode == 0);
  CHECK(read(header_of(asked, 0)).error().code == EPROTO);
  auto other = header_of(asked, 0);
  other[1] ^= 1;
  CHECK(read(tsig_sign(other, key(), kNow, asked.mac).message).error().what.contains("another id"));
  CHECK(read(tsig_sign(header_of(asked, 0), key(), kNow + 400, asked.mac).message).error().what.contains("400 s"));
  CHECK(read({}).error().code == EPROTO);
  auto request = asked.message;
  CHECK(read(request).error().what.contains("no response"));
}

TEST_CASE("dns: each refusal has its remedy") {
  const auto asked = *dns_update("lab.example.", trunk(), 77, key(), kNow);
  const auto error = [&](const Bytes& message) {
    const auto reply = dns_reply(message, asked, key(), kNow);
    REQUIRE_FALSE(reply);
    return reply.error();
  };
  const auto signed_error = [&](int rcode) { return error(tsig_sign(header_of(asked, rcode), key(), kNow, asked.mac).message); };
  CHECK(signed_error(5).remedy.contains("update-policy"));
  CHECK(signed_error(9).remedy.contains("primary"));
  CHECK(signed_error(10).what.contains("NOTZONE"));
  CHECK(signed_error(2).remedy.contains("journal"));
  CHECK(signed_error(4).code == EPROTO);
  CHECK(error(header_of(asked, 5)).what.contains("REFUSED"));  // a refusal is believed without a signature
  CHECK(error(unsigned_refusal(asked, 17)).what.contains("BADKEY"));
  CHECK(error(unsigned_refusal(asked, 16)).what.contains("BADSIG"));
}

TEST_CASE("dns: records are compared as a resolver sees them") {
  auto other = trunk();
  std::ranges::reverse(other.values);
  other.values[0] = "20 0 5060 SBC.South.example.";
  CHECK(same_records(trunk(), other));
  other.values[0] = "30 0 5060 sbc.south.example.";
  CHECK_FALSE(same_records(trunk(), other));
  other = trunk();
  other.ttl = 4;
  CHECK_FALSE(same_records(trunk(), other));
  other = trunk();
  other.values.pop_back();
  CHECK_FALSE(same_records(trunk(), other));
  CHECK_FALSE(same_records({.owner = "a.", .values = {"nonsense"}}, {.owner = "a.", .values = {"nonsense"}}));
}

TEST_CASE("dns: an answer over TCP is whole when its length says so") {
  DnsConversation dns;
  CHECK(dns.opened()->state == Conversation::State::Ready);
  CHECK(DnsConversation::ask(Bytes(300, 7)).substr(0, 2) == std::string("\x01\x2c", 2));
  CHECK(dns.heard(std::string("\0", 1))->state == Conversation::State::Ready);
  CHECK(dns.heard(std::string("\x03"
                              "ab"))
            ->state == Conversation::State::Ready);
  CHECK(dns.heard("c")->state == Conversation::State::Answered);
  CHECK(dns.answer().size() == 3);
}
