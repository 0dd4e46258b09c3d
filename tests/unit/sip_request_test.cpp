#include <doctest/doctest.h>

#include <algorithm>

#include "carriers/sip/request_reader.hpp"

using namespace linekeeper;
using sip::Malformed;

namespace {

const runtime::Peer kFrom{.address = *model::IpAddress::parse("198.51.100.9"), .port = 6000};

/// An OPTIONS with some of its lines replaced; a line that is "" is left out.
std::string options(std::vector<std::pair<std::string, std::string>> other = {}, const std::string& line = "OPTIONS sip:site@192.0.2.7 SIP/2.0",
                    const std::string& body = {}) {
  std::vector<std::pair<std::string, std::string>> fields{{"Via", "SIP/2.0/UDP sbc.north.example:5080;branch=z9hG4bKabc;rport"},
                                                          {"Max-Forwards", "70"},
                                                          {"From", "<sip:ping@north.example>;tag=f1"},
                                                          {"To", "<sip:site@192.0.2.7>"},
                                                          {"Call-ID", "c1@north"},
                                                          {"CSeq", "7 " + line.substr(0, line.find(' '))}};
  for (auto& [name, value] : other) {
    const auto found = std::ranges::find(fields, name, &std::pair<std::string, std::string>::first);
    if (found != fields.end())
      found->second = value;
    else
      fields.emplace_back(name, value);
  }
  std::string out = line + "\r\n";
  for (const auto& [name, value] : fields)
    if (!value.empty()) out += name + ": " + value + "\r\n";
  return out + "\r\n" + body;
}

int status(const std::string& message) {
  const auto in = sip::parse_request(message);
  REQUIRE(in);
  return in->status;
}

}  // namespace

TEST_CASE("request: what an answer needs is read, and the answer carries it back with where the request came from") {
  const auto in = sip::parse_request(options({{"Record-Route", "<sip:p1.example;lr>, <sip:p2.example;lr>"}}));
  REQUIRE(in);
  CHECK(in->status == 0);
  CHECK(in->request.method == "OPTIONS");
  CHECK(in->request.sent_by == "sbc.north.example");
  CHECK(in->request.sent_by_port == 5080);
  const auto reply = sip::write_reply(in->request, {.status = 200, .to_tag = "t9", .more = {{"Allow", "OPTIONS"}}}, kFrom);
  CHECK(
      reply ==
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP sbc.north.example:5080;branch=z9hG4bKabc;received=198.51.100.9;rport=6000\r\n"
      "Record-Route: <sip:p1.example;lr>\r\nRecord-Route: <sip:p2.example;lr>\r\nFrom: <sip:ping@north.example>;tag=f1\r\n"
      "To: <sip:site@192.0.2.7>;tag=t9\r\nCall-ID: c1@north\r\nCSeq: 7 OPTIONS\r\nAllow: OPTIONS\r\nServer: Linekeeper\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("request: the answer goes back to its source with rport, else to the port of the Via, never to an address that the Via names") {
  const auto with = sip::parse_request(options());
  CHECK(sip::reply_target(with->request, kFrom).port == 6000);
  const auto without = sip::parse_request(options({{"Via", "SIP/2.0/UDP 203.0.113.66:5099;branch=z9hG4bKx;maddr=203.0.113.77;received=1.2.3.4"}}));
  const auto target = sip::reply_target(without->request, kFrom);
  CHECK(target.address == kFrom.address);
  CHECK(target.port == 5099);
  const auto reply = sip::write_reply(without->request, {}, kFrom);
  CHECK(reply.contains("maddr=203.0.113.77;received=198.51.100.9\r\n"));
  CHECK_FALSE(reply.contains("1.2.3.4"));
  const auto plain = sip::parse_request(options({{"Via", "SIP/2.0/UDP host;branch=z9hG4bKx"}}));
  CHECK(sip::reply_target(plain->request, kFrom).port == 5060);
}

// Conditions of RFC 4475, in messages of our own.
TEST_CASE("request: odd but valid forms are read: folding, compact names, blanks in a Via, any token as a method, names nobody knows") {
  const auto in = sip::parse_request(
      "\r\n\r\n!odd-Method.0_*+`%'~ sip:a%20b;par=x%2A@h.example:6001;lr?x=y SIP/2.0\r\n"
      "TO :\r\n sip:vivekg@h.example ;   tag    = 1918181833n\r\nF: \"J \\\\\\\" , <x>\" <sip:j@h.example;tag=no>\r\n ;\r\n\ttag = 98asjd8\r\n"
      "MaX-fOrWaRdS: 0068\r\ni: 98@h\r\ncseq: 0009\r\n  !odd-Method.0_*+`%'~\r\nVia  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;rport ; "
      "branch=390skdjuw\r\n"
      "v:  SIP  / 2.0  / TCP     spindle.example   ;\r\n  branch  =   z9hG4bK9ikj8  , SIP  /    2.0   / UDP  192.168.255.111   ; "
      "branch=z9hG4bK30239\r\n"
      "NewFangled:   ;;,,;=\r\nUnknown-Thing: \xe4\xb8\x80 \x01\r\nl: 4\r\n\r\nbodyand more that nobody asked for");
  REQUIRE(in);
  CHECK(in->status == 0);
  CHECK(in->request.method == "!odd-Method.0_*+`%'~");
  CHECK(in->request.to_tag == "1918181833n");
  CHECK(in->request.vias.size() == 3);
  CHECK(in->request.sent_by == "192.0.2.2");
  CHECK(in->request.branch == "390skdjuw");
  CHECK(in->request.rport);
  CHECK(in->request.cseq == 9);
  CHECK(in->request.body == "body");
}

TEST_CASE("request: what is wrong and can be answered is answered with the status that says so") {
  CHECK(status(options({}, "OPTIONS sip:a@h SIP/7.0")) == 505);
  CHECK(status(options({}, "OPTIONS <sip:a@h> SIP/2.0")) == 400);
  CHECK(status(options({}, "OPTIONS sip:a@h; lr SIP/2.0")) == 400);
  CHECK(status(options({}, "OPTIONS  sip:a@h SIP/2.0")) == 400);
  CHECK(status(options({}, "OPTIONS sip:a@h SIP/2.0 ")) == 400);
  CHECK(status(options({}, "OPTIONS name:of-it SIP/2.0")) == 416);
  CHECK(status(options({}, "OPTIONS soap.beep://192.0.2.1:3002 SIP/2.0")) == 416);
  CHECK(status(options({}, "OPTIONS tel:+441632960000 SIP/2.0")) == 0);
  CHECK(status(options({{"CSeq", "8 INVITE"}})) == 400);
  CHECK(status(options({{"CSeq", "36893488147419103232 OPTIONS"}})) == 400);
  CHECK(status(options({{"CSeq", "2147483647 OPTIONS"}})) == 0);
  CHECK(status(options({{"CSeq", "2147483648 OPTIONS"}})) == 400);
  CHECK(status(options({{"Content-Length", "-999"}})) == 400);
  CHECK(status(options({{"Content-Length", "5"}}, "OPTIONS sip:a@h SIP/2.0", "body")) == 400);
  CHECK(status(options({{"Content-Length", "4"}}, "OPTIONS sip:a@h SIP/2.0", "body")) == 0);
  CHECK(status(options({{"To", "\"Mr. J. User <sip:j.user@example.com>"}})) == 400);
  CHECK(status(options({{"Max-Forwards", "0"}})) == 0);
  CHECK(status(options({{"Max-Forwards", "0"}}, "INVITE sip:a@h SIP/2.0")) == 483);
  CHECK(status(options({{"Max-Forwards", "255"}})) == 0);
  CHECK(status(options({{"Max-Forwards", "256"}})) == 400);
  const auto required = sip::parse_request(options({{"Require", "nothingSupportsThis, nothingSupportsThisEither"}}));
  CHECK(required->status == 420);
  REQUIRE(required->more.size() == 1);
  CHECK(required->more[0].second == "nothingSupportsThis, nothingSupportsThisEither");
  CHECK(status(options({{"Require", "x"}}, "ACK sip:a@h SIP/2.0")) == 0);
}

TEST_CASE("request: what cannot be answered is dropped, and why") {
  const auto why = [](const std::string& message) {
    const auto in = sip::parse_request(message);
    REQUIRE_FALSE(in);
    return in.error();
  };
  CHECK(why("\r\n\r\n") == Malformed::KeepAlive);
  CHECK(why("SIP/2.0 200 OK\r\n\r\n") == Malformed::StatusLine);
  CHECK(why("OPTIONS\r\n\r\n") == Malformed::StatusLine);
  CHECK(why(options({{"Via", ""}})) == Malformed::Missing);
  CHECK(why(options({{"Via", "SIP/2.0/UDP ;;,"}})) == Malformed::Field);
  CHECK(why(options({{"Via", "SIP/3.0/UDP h;branch=z9hG4bKa"}})) == Malformed::Field);
  CHECK(why(options({{"Via", "SIP/2.0/UDP h:0;branch=z9hG4bKa"}})) == Malformed::Field);
  for (const char* needed : {"From", "To", "Call-ID", "CSeq"}) CHECK(why(options({{needed, ""}})) == Malformed::Missing);
  CHECK(why(options({{"f", "<sip:again@x>"}})) == Malformed::Repeated);
  CHECK(why(options({{"Call-ID", std::string(2049, 'a')}})) == Malformed::Field);
  CHECK(sip::parse_request(options({{"Call-ID", std::string(2048, 'a')}})));
  CHECK(why(options().substr(0, 60)) == Malformed::Unterminated);
  CHECK(why(options({{"X", std::string("a\nb")}})) == Malformed::Characters);
}

// Conditions of RFC 5118.
TEST_CASE("request: IPv6 stands in brackets, in a URI and in a Via; without them it is ambiguous and refused") {
  CHECK(status(options({}, "OPTIONS sip:[2001:db8::10] SIP/2.0")) == 0);
  CHECK(status(options({}, "OPTIONS sip:[2001:db8::10]:5070;x=1 SIP/2.0")) == 0);
  CHECK(status(options({}, "OPTIONS sip:2001:db8::10 SIP/2.0")) == 400);
  CHECK(status(options({}, "OPTIONS sip:[2001:db8::10 SIP/2.0")) == 400);
  CHECK(status(options({}, "OPTIONS sip:[192.0.2.1] SIP/2.0")) == 400);
  CHECK(status(options({}, "OPTIONS sip:[::ffff:192.0.2.10] SIP/2.0")) == 0);
  const auto in = sip::parse_request(options({{"Via", "SIP/2.0/UDP [2001:db8::9:1]:5090;received=[2001:db8::9:255];branch=z9hG4bKas3-111"}}));
  REQUIRE(in);
  CHECK(in->request.sent_by == "[2001:db8::9:1]");
  CHECK(in->request.sent_by_port == 5090);
  const runtime::Peer far{.address = *model::IpAddress::parse("2001:db8::9:255"), .port = 5090};
  CHECK(sip::write_reply(in->request, {}, far).contains(";branch=z9hG4bKas3-111;received=2001:db8::9:255\r\n"));
}

TEST_CASE("request: retransmissions and the ACK of a refusal have the key of their INVITE; a CANCEL and another client have not") {
  const auto key = [](const std::string& message) { return sip::transaction_key(sip::parse_request(message)->request); };
  const auto invite = key(options({}, "INVITE sip:a@h SIP/2.0"));
  CHECK(invite == key(options({}, "INVITE sip:a@h SIP/2.0")));
  CHECK(invite == key(options({}, "ACK sip:a@h SIP/2.0")));
  CHECK(invite != key(options({}, "CANCEL sip:a@h SIP/2.0")));
  CHECK(invite != key(options({{"Via", "SIP/2.0/UDP other.example;branch=z9hG4bKabc"}}, "INVITE sip:a@h SIP/2.0")));
  const std::pair<std::string, std::string> old{"Via", "SIP/2.0/UDP h;branch=abc"};
  CHECK(key(options({old})) == key(options({old})));
  CHECK(key(options({old})) != key(options({old, {"Call-ID", "c2"}})));
}

TEST_CASE("request: no answer says anything of a header that was not asked for: what came is copied whole, never split") {
  const auto in = sip::parse_request(options({{"From", "\"a, <b>; c\" <sip:ping@north.example>;tag=f1"}}));
  REQUIRE(in);
  const auto reply = sip::write_reply(in->request, {.status = 503, .more = {{"Retry-After", "30"}}}, kFrom);
  CHECK(reply.starts_with("SIP/2.0 503 Service Unavailable\r\n"));
  CHECK(reply.contains("From: \"a, <b>; c\" <sip:ping@north.example>;tag=f1\r\n"));
}
