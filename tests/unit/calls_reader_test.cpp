#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "carriers/calls/call_reader.hpp"
#include "carriers/calls/fate.hpp"
#include "tests/support/hep_packet.hpp"

using namespace linekeeper;
using calls::fate_of;
using calls::Method;
using calls::read_sip;
using model::CallFate;
using tests::SipText;

TEST_CASE("calls: the fields of a request and of a response are read") {
  const std::string invite = SipText{}.request("INVITE");
  const auto request = read_sip(invite);
  REQUIRE(request);
  CHECK(request->method == Method::Invite);
  CHECK(request->status == 0);
  CHECK(request->cseq == 1);
  CHECK(request->call_id == "call-1@pbx");
  CHECK(request->branch == "z9hG4bK1");
  CHECK(request->from_tag == "a1");
  CHECK(request->to_tag.empty());
  const std::string busy = SipText{.to_tag = "b2", .more = "Reason: SIP;cause=600, Q.850;cause=17;text=\"a, b\"\r\n"}.response(503);
  const auto response = read_sip(busy);
  REQUIRE(response);
  CHECK(response->method == Method::Invite);
  CHECK(response->status == 503);
  CHECK(response->to_tag == "b2");
  CHECK(response->cause == 17);
}

TEST_CASE("calls: compact names, folded lines, several Via values and quoted signs that mean nothing are read as they are meant") {
  const auto sip = read_sip(
      "SIP/2.0 180 Ringing\r\nv: SIP/2.0/UDP 10.10.0.11;received=1.2.3.4\r\n ;BRANCH = z9hG4bKtop,SIP/2.0/UDP x;branch=z9hG4bKbelow\r\n"
      "Via: SIP/2.0/UDP y;branch=z9hG4bKlast\r\nf: \"A \\\"x\\\";tag=wrong <,;\" <sip:a;tag=wrong@b>;x=1;tag=right\r\nt: <sip:b>;tag=far\r\n"
      "i: one two\r\ncseq: 4294967295   INVITE\r\n\r\nVia: body\r\n");
  REQUIRE(sip);
  CHECK(sip->branch == "z9hG4bKtop");
  CHECK(sip->from_tag == "right");
  CHECK(sip->to_tag == "far");
  CHECK(sip->call_id == "one two");
  CHECK(sip->cseq == 4294967295);
}

TEST_CASE("calls: what is no SIP message, or cannot be told from others, is not read") {
  const SipText text;
  CHECK(read_sip(text.request("INVITE")));
  for (const std::string& bad :
       {std::string(), std::string("\r\n\r\n"), std::string("INVITE sip:a SIP/2.0"), "INVITE sip:a SIP/3.0\r\n" + text.head("INVITE"),
        "SIP/2.0 99 x\r\n" + text.head("INVITE"), "SIP/2.0 700 x\r\n" + text.head("INVITE"), "SIP/2.0-200 x\r\n" + text.head("INVITE"),
        "SIP/2.0\r\n" + text.head("INVITE"), "INVITE sip:a SIP/2.0\r\n" + text.head("BYE"), SipText{.branch = ""}.request("INVITE"),
        SipText{.from_tag = ""}.request("INVITE"), SipText{.call_id = ""}.request("INVITE"),
        "INVITE sip:a SIP/2.0\r\nCSeq: x INVITE\r\n" + text.head("INVITE")})
    CHECK(!read_sip(bad));
}

TEST_CASE("calls: as many header lines as are allowed are read, and one more is not; so with the length of a Call-ID") {
  const auto with = [](std::size_t lines, std::size_t length) {
    SipText text{.call_id = std::string(length, 'c')};
    for (std::size_t i = 6; i < lines; ++i) text.more += "X: y\r\n";  // six stand there already
    return read_sip(text.request("INVITE")).has_value();
  };
  CHECK(with(calls::kMostHeaderLines, calls::kLongestIdentifier));
  CHECK(!with(calls::kMostHeaderLines + 1, 1));
  CHECK(!with(6, calls::kLongestIdentifier + 1));
}

TEST_CASE("calls: whose doing a failure is") {
  const auto plain = [](int status) { return fate_of(status, {}, false, false); };
  CHECK(plain(200) == CallFate::Answered);
  CHECK(plain(486) == CallFate::Busy);
  CHECK(plain(480) == CallFate::NoAnswer);
  CHECK(plain(503) == CallFate::CarrierFailed);
  CHECK(plain(404) == CallFate::OurFault);
  CHECK(!plain(407));
  CHECK(!plain(302));
  CHECK(fate_of(408, {}, false, false) == CallFate::CarrierFailed);
  CHECK(fate_of(408, {}, true, false) == CallFate::NoAnswer);
  CHECK(fate_of(487, {}, false, true) == CallFate::Cancelled);
  CHECK(fate_of(503, 17, false, false) == CallFate::Busy);  // the far end is busy, whatever the gateway made of it
  CHECK(fate_of(480, 34, false, false) == CallFate::CarrierFailed);
  CHECK(fate_of(404, 34, false, false) == CallFate::OurFault);
  CHECK(fate_of(200, {}, true, true) == CallFate::Answered);  // answer and CANCEL crossed
}

TEST_CASE("calls: README shows how responses are read") {
  std::ifstream in(CALLS_README);
  std::stringstream all;
  all << in.rdbuf();
  const std::string table = calls::fate_table();
  INFO(table);
  CHECK(all.str().find(table) != std::string::npos);
}
