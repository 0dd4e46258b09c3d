// Messages out of a connection's bytes, which connection an OPTIONS takes, and whom a certificate proves.
#include <doctest/doctest.h>

#include "carriers/sip/connections.hpp"
#include "carriers/sip/stream_framer.hpp"
#include "carriers/sip/tls_identity.hpp"

using namespace linekeeper;
using model::SipFault;
using sip::CertificateNames;
using sip::Connections;
using sip::StreamFramer;
using sip::Unframed;

namespace {

std::string message(std::string_view length_line, std::string_view body = {}) {
  return "SIP/2.0 200 OK\r\nCall-ID: a\r\n" + std::string(length_line) + "\r\n" + std::string(body);
}

/// A whole message of so many bytes.
std::string of_size(std::size_t bytes) {
  std::string text = message("Content-Length: 0\r\nX: \r\n");
  text.insert(text.find("X: ") + 3, std::string(bytes - text.size(), 'x'));
  return text;
}

std::optional<Unframed> fault(std::string_view bytes) {
  StreamFramer f;
  f.add(bytes);
  const auto frame = f.next();
  if (frame) return std::nullopt;
  return frame.error();
}

}  // namespace

TEST_CASE("stream: whatever the pieces are that it comes in, the messages are the same") {
  const std::string first = message("Content-Length: 5\r\n", "hello"), second = message("l : 0\r\n");
  const std::string all = first + "\r\n" + second + first;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{40}, all.size()}) {
    CAPTURE(piece);
    StreamFramer f;
    std::vector<std::string> got;
    int pongs = 0;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      f.add(std::string_view(all).substr(at, piece));
      for (;;) {
        const auto frame = f.next();
        REQUIRE(frame);
        if (!*frame) break;
        if ((*frame)->pong)
          ++pongs;
        else
          got.push_back((*frame)->message);
      }
    }
    CHECK(got == std::vector{first, second, first});
    CHECK(pongs == 1);
  }
}

TEST_CASE("stream: a message without Content-Length, with two, or with one that is no number ends the reading for ever") {
  CHECK(fault(message("")) == Unframed::NoLength);
  CHECK(fault(message("Content-Length: 0\r\nl: 0\r\n")) == Unframed::NoLength);
  for (const auto* bad : {"Content-Length: \r\n", "Content-Length: -1\r\n", "Content-Length: 1x\r\n", "Content-Length: 0x10\r\n"})
    CHECK(fault(message(bad)) == Unframed::BadLength);
  CHECK(fault("junk\r\nno colon\r\n\r\n") == Unframed::Malformed);
  StreamFramer f;
  f.add(message(""));
  CHECK_FALSE(f.next());
  f.add(message("Content-Length: 0\r\n"));
  CHECK_FALSE(f.next());
}

TEST_CASE("stream: a message of the largest size is taken, one byte more is not, nor a header that does not end") {
  CHECK_FALSE(fault(of_size(sip::kLargestDatagram - 1)));
  CHECK_FALSE(fault(of_size(sip::kLargestDatagram)));
  CHECK(fault(of_size(sip::kLargestDatagram + 1)) == Unframed::TooLarge);
  CHECK_FALSE(fault(std::string(sip::kLargestDatagram, 'x')));
  CHECK(fault(std::string(sip::kLargestDatagram + 1, 'x')) == Unframed::TooLarge);
  const std::size_t head = message("Content-Length: 1000\r\n").size();
  CHECK_FALSE(fault(message("Content-Length: " + std::to_string(sip::kLargestDatagram - head) + "\r\n")));
  CHECK(fault(message("Content-Length: " + std::to_string(sip::kLargestDatagram - head + 1) + "\r\n")) == Unframed::TooLarge);
  CHECK(fault(message("Content-Length: 99999999999999999999999\r\n")) == Unframed::TooLarge);
}

TEST_CASE("connections: one that is answered is used again, and the eighth OPTIONS makes a fresh one all the same") {
  Connections c;
  int made = 0;
  for (std::uint64_t s = 1; s <= 2 * sip::kColdEvery; ++s) {
    const auto choice = c.choose(s);
    CHECK(choice.fresh == (s == 1 || s == sip::kColdEvery));
    made += choice.fresh ? 1 : 0;
    CHECK(c.opened_by(s) == choice.fresh);
    c.answered(s);
    c.ended(s);
    const auto surplus = c.surplus();
    CHECK(surplus.size() == (s == sip::kColdEvery ? 1 : 0));
    if (made == 2 && s >= 2 * sip::kColdEvery - 2) break;
  }
  CHECK(made == 2);
}

TEST_CASE("connections: silence on one makes the next OPTIONS take another; answered there, the old flow was dead") {
  Connections c;
  const auto first = c.choose(1);
  c.answered(1);
  c.ended(1);
  CHECK(c.choose(2).id == first.id);
  CHECK(c.fault(2) == SipFault::FlowDead);  // nobody has tried another
  c.silent(2);
  const auto second = c.choose(3);
  CHECK(second.fresh);
  CHECK(c.fault(2) == SipFault::PeerDead);  // so far
  CHECK(c.surplus().empty());               // one may still be answered on each
  c.answered(3);
  c.ended(3);
  CHECK(c.fault(2) == SipFault::FlowDead);
  c.ended(2);
  CHECK(c.surplus() == std::vector{first.id});
  CHECK(c.choose(4).id == second.id);
}

TEST_CASE("connections: silent over a fresh one too, the peer is dead") {
  Connections c;
  c.choose(1);
  c.silent(1);
  CHECK(c.fault(1) == SipFault::PeerDead);
  CHECK(c.choose(2).fresh);
  CHECK(c.fault(2) == SipFault::PeerDead);
}

TEST_CASE("connections: a fresh one that is refused tells who waited on it, and the old one is not taken instead") {
  Connections c;
  c.choose(1);
  c.answered(1);
  c.ended(1);
  for (std::uint64_t s = 2; s < sip::kColdEvery; ++s) {
    c.choose(s);
    c.answered(s);
    c.ended(s);
  }
  const auto cold = c.choose(sip::kColdEvery);
  REQUIRE(cold.fresh);
  CHECK(c.gone(cold.id) == std::vector<std::uint64_t>{sip::kColdEvery});
  CHECK(c.choose(sip::kColdEvery + 1).fresh);
}

TEST_CASE("connections: of a path there are never more than six") {
  Connections c;
  std::size_t open = 0;
  for (std::uint64_t s = 1; s <= 20; ++s) {
    c.choose(s);
    c.silent(s);
    ++open;
    open -= c.surplus().size();
    CHECK(open <= sip::kMostConnections);
  }
  CHECK(open == sip::kMostConnections);
}

TEST_CASE("certificate: a sip URI of the domain proves it, and then DNS names count no more (RFC 5922 7.1)") {
  CHECK(sip::proves({.uris = {"sip:north.example"}, .alternatives = true}, "North.Example"));
  CHECK(sip::proves({.uris = {"http://x/", "SIP:north.example;transport=tls"}, .alternatives = true}, "north.example."));
  CHECK_FALSE(sip::proves({.uris = {"sip:other.example"}, .dns = {"north.example"}, .alternatives = true}, "north.example"));
  CHECK_FALSE(sip::proves({.uris = {"sip:me@north.example"}, .alternatives = true}, "north.example"));  // a person, not a domain
  CHECK_FALSE(sip::proves({.uris = {"sips:north.example"}, .alternatives = true}, "north.example"));
}

TEST_CASE("certificate: without a sip URI a DNS name proves the domain; no wildcard does, and the CN only where there are no alternatives") {
  CHECK(sip::proves({.uris = {"http://x/"}, .dns = {"a.example", "north.example"}, .alternatives = true}, "north.example"));
  CHECK_FALSE(sip::proves({.dns = {"*.example"}, .alternatives = true}, "north.example"));
  CHECK_FALSE(sip::proves({.dns = {std::string("north.example\0.evil.example", 27)}, .alternatives = true}, "north.example"));
  CHECK_FALSE(sip::proves({.dns = {"a.north.example"}, .alternatives = true}, "north.example"));
  CHECK(sip::proves({.common_name = "north.example"}, "north.example"));
  CHECK_FALSE(sip::proves({.alternatives = true, .common_name = "north.example"}, "north.example"));
  CHECK_FALSE(sip::proves({.common_name = ""}, ""));
}

TEST_CASE("certificate: an address is proven by an address alone") {
  CHECK(sip::proves({.addresses = {"2001:db8::10"}, .alternatives = true}, "2001:db8:0::10"));
  CHECK_FALSE(sip::proves({.dns = {"192.0.2.1"}, .alternatives = true}, "192.0.2.1"));
  CHECK_FALSE(sip::proves({.common_name = "192.0.2.1"}, "192.0.2.1"));
}
