#include "carriers/trial/trial_call.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace linekeeper;
using namespace std::chrono_literals;
using trial::Expect;
using trial::Result;

namespace {

const runtime::Peer kHere{.address = *model::IpAddress::parse("192.0.2.7"), .port = 40000};

/// The value of a header field of a request of ours.
std::string field(const std::string& message, const std::string& name) {
  const auto at = message.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 4;
  return message.substr(begin, message.find("\r\n", begin) - begin);
}

std::string method(const std::string& message) { return message.substr(0, message.find(' ')); }

/// A carrier that answers a request of ours with `status`.
struct Far {
  trial::CallSettings settings{
      .number = "+441632960000", .domain = "sip.north.example", .from_user = "site", .wait = 20s, .talk = 1s, .media_port = 30000};
  trial::TrialCall call;
  model::Instant now{1h};
  std::vector<std::string> sent;  // everything that has left, in order
  std::optional<trial::Verdict> verdict;
  int verdicts = 0;

  explicit Far(Expect expect, trial::Authorise authorise = {}, bool reliable = false)
      : call(with(settings, expect, reliable), kHere, runtime::SeededRandom(7), std::move(authorise)) {
    auto step = call.begin(now);
    REQUIRE(step);
    take(*step);
  }
  static trial::CallSettings with(trial::CallSettings s, Expect expect, bool reliable) {
    s.expect = expect;
    s.transport = reliable ? model::SipTransport::Tcp : model::SipTransport::Udp;
    return s;
  }
  void take(trial::TrialCall::Step step) {
    sent.insert(sent.end(), step.send.begin(), step.send.end());
    if (step.verdict) {
      verdict = step.verdict;
      ++verdicts;
    }
  }
  void answer(const std::string& request, int status, const std::string& tag = "far", const std::string& more = {}, const std::string& body = {}) {
    const std::string bytes =
        "SIP/2.0 " + std::to_string(status) + " Whatever\r\nVia: " + field(request, "Via") + "\r\nFrom: " + field(request, "From") +
        "\r\nTo: <sip:+441632960000@sip.north.example>" + (tag.empty() ? "" : ";tag=" + tag) + "\r\nCall-ID: " + field(request, "Call-ID") +
        "\r\nCSeq: " + field(request, "CSeq") + "\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    const auto response = sip::parse_response(bytes);
    REQUIRE(response);
    take(call.on_response(*response, bytes, now));
  }
  void after(model::Duration d) {
    const auto until = now + d;
    while (call.next_wakeup() <= until) {
      now = std::max(now, call.next_wakeup());
      take(call.on_time(now));
    }
    now = until;
  }
  [[nodiscard]] std::vector<std::string> methods() const {
    std::vector<std::string> all;
    for (const auto& m : sent) all.push_back(method(m));
    return all;
  }
};

const std::string kSdp = "v=0\r\no=- 1 1 IN IP4 203.0.113.10\r\ns=-\r\nc=IN IP4 203.0.113.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";
const std::string kContact = "Contact: <sip:gw@203.0.113.10:5080;transport=udp>\r\nRecord-Route: <sip:p2.example;lr>, <sip:p1.example;lr>\r\n";

}  // namespace

TEST_CASE("trial call: the INVITE names the number at the carrier's domain, describes media at our address, and asks for the way back") {
  Far far(Expect::Ringing);
  REQUIRE(far.sent.size() == 1);
  const std::string& invite = far.sent[0];
  CHECK(invite.starts_with("INVITE sip:+441632960000@sip.north.example SIP/2.0\r\n"));
  CHECK(field(invite, "Via").starts_with("SIP/2.0/UDP 192.0.2.7:40000;rport;branch=z9hG4bK"));
  CHECK(field(invite, "Contact") == "<sip:site@192.0.2.7:40000>");
  CHECK(invite.contains("c=IN IP4 192.0.2.7\r\n"));
  CHECK(invite.contains("m=audio 30000 RTP/AVP 8 0 101\r\n"));
}

TEST_CASE("trial call: ringing is enough where ringing is expected: told with its delay, then cancelled, and the 487 acknowledged") {
  Far far(Expect::Ringing);
  far.after(300ms);
  far.answer(far.sent[0], 100, "");
  CHECK_FALSE(far.verdict);
  far.after(900ms);
  far.answer(far.sent[0], 180);
  REQUIRE(far.verdict);
  CHECK(far.verdict->result == Result::Carried);
  CHECK(far.verdict->code == 180);
  CHECK(*far.verdict->post_dial_delay == 1200ms);
  CHECK_FALSE(far.verdict->answered);
  REQUIRE(far.methods() == std::vector<std::string>{"INVITE", "CANCEL"});
  CHECK(field(far.sent[1], "Via") == field(far.sent[0], "Via"));  // RFC 3261 9.1: the same branch
  CHECK(field(far.sent[1], "CSeq") == "1 CANCEL");
  far.answer(far.sent[1], 200);
  far.answer(far.sent[0], 487);
  REQUIRE(far.methods() == std::vector<std::string>{"INVITE", "CANCEL", "ACK"});
  CHECK(field(far.sent[2], "To").ends_with(";tag=far"));
  CHECK(field(far.sent[2], "Via") == field(far.sent[0], "Via"));
  CHECK(field(far.sent[2], "CSeq") == "1 ACK");
  far.after(32s);
  CHECK(far.call.over());
  CHECK(far.verdicts == 1);
}

TEST_CASE("trial call: an answer is acknowledged where the far end wants it, talked over for its time, and hung up") {
  Far far(Expect::Answer);
  far.answer(far.sent[0], 180);
  CHECK_FALSE(far.verdict);
  far.answer(far.sent[0], 200, "far", kContact + "Content-Type: application/sdp\r\n", kSdp);
  REQUIRE(far.verdict);
  CHECK(far.verdict->answered);
  CHECK(far.verdict->media_described);
  REQUIRE(far.methods() == std::vector<std::string>{"INVITE", "ACK"});
  CHECK(far.sent[1].starts_with("ACK sip:gw@203.0.113.10:5080;transport=udp SIP/2.0\r\n"));
  CHECK(field(far.sent[1], "Via") != field(far.sent[0], "Via"));  // a transaction of its own
  CHECK(far.sent[1].find("Route: <sip:p1.example;lr>") < far.sent[1].find("Route: <sip:p2.example;lr>"));
  far.answer(far.sent[0], 200, "far", kContact);  // our ACK was lost
  REQUIRE(far.sent.size() == 3);
  CHECK(far.sent[2] == far.sent[1]);
  far.after(999ms);
  CHECK(far.sent.size() == 3);
  far.after(1ms);
  REQUIRE(far.sent.size() == 4);
  CHECK(field(far.sent[3], "CSeq") == "2 BYE");
  far.after(1600ms);  // unanswered: repeated after 0.5 s and 1 s more
  CHECK(far.methods() == std::vector<std::string>{"INVITE", "ACK", "ACK", "BYE", "BYE", "BYE"});
  far.answer(far.sent[3], 481);
  far.after(10s);
  CHECK(far.sent.size() == 6);
  CHECK(far.verdicts == 1);
}

TEST_CASE("trial call: an answer that crosses our CANCEL is acknowledged and hung up at once: nobody is left on the line") {
  Far far(Expect::Ringing);
  far.answer(far.sent[0], 183);
  far.answer(far.sent[0], 200, "far", kContact);
  CHECK(far.methods() == std::vector<std::string>{"INVITE", "CANCEL", "ACK", "BYE"});
}

TEST_CASE("trial call: nothing at all is heard: repeated at doubling gaps, silent at the end of the wait, cancelled when somebody wakes up later") {
  Far far(Expect::Ringing);
  far.after(19'999ms);
  CHECK(far.methods() == std::vector<std::string>(6, "INVITE"));  // at 0, 0.5, 1.5, 3.5, 7.5, 15.5 s
  CHECK_FALSE(far.verdict);
  far.after(1ms);
  REQUIRE(far.verdict);
  CHECK(far.verdict->result == Result::Silent);
  CHECK_FALSE(far.verdict->post_dial_delay);
  CHECK(far.sent.size() == 6);  // a CANCEL may not go before anything came back (RFC 3261 9.1)
  far.answer(far.sent[0], 180);
  CHECK(far.methods().back() == "CANCEL");
  CHECK(far.verdicts == 1);
}

TEST_CASE("trial call: 100 and then nothing is stuck, not silent; early media needs a description") {
  Far far(Expect::EarlyMedia);
  far.answer(far.sent[0], 100, "");
  far.after(10s);
  CHECK(far.sent.size() == 1);
  far.answer(far.sent[0], 180);
  far.after(10s);
  REQUIRE(far.verdict);
  CHECK(far.verdict->result == Result::Stuck);
  Far other(Expect::EarlyMedia);
  other.answer(other.sent[0], 183, "far", "Content-Type: application/SDP ; x=y\r\n", kSdp);
  REQUIRE(other.verdict);
  CHECK(other.verdict->result == Result::Carried);
}

TEST_CASE("trial call: a refusal is told with its code, acknowledged, and acknowledged again when it is repeated") {
  Far far(Expect::Ringing);
  far.after(2s);
  const std::string first = far.sent[0];
  far.answer(first, 503);
  REQUIRE(far.verdict);
  CHECK(far.verdict->result == Result::Refused);
  CHECK(far.verdict->code == 503);
  CHECK(*far.verdict->post_dial_delay == 2s);
  far.answer(first, 503);
  CHECK(std::ranges::count(far.methods(), "ACK") == 2);
  CHECK(far.verdicts == 1);
}

TEST_CASE("trial call: a challenge is answered once, with the next CSeq and a new branch; a second challenge is a refusal") {
  int asked = 0;
  Far far(Expect::Ringing, [&](std::string_view, std::string_view verb, std::string_view uri) {
    ++asked;
    CHECK(verb == "INVITE");
    CHECK(uri == "sip:+441632960000@sip.north.example");
    return std::optional(std::pair<std::string, std::string>("Authorization", "Digest x=\"y\""));
  });
  far.answer(far.sent[0], 401);
  REQUIRE(far.methods() == std::vector<std::string>{"INVITE", "ACK", "INVITE"});
  CHECK(field(far.sent[2], "CSeq") == "2 INVITE");
  CHECK(field(far.sent[2], "Authorization") == "Digest x=\"y\"");
  CHECK(field(far.sent[2], "Call-ID") == field(far.sent[0], "Call-ID"));
  CHECK(field(far.sent[2], "From") == field(far.sent[0], "From"));
  CHECK(field(far.sent[2], "Via") != field(far.sent[0], "Via"));
  far.answer(far.sent[2], 401);
  CHECK(asked == 1);
  REQUIRE(far.verdict);
  CHECK(far.verdict->code == 401);
}

TEST_CASE("trial call: a second phone behind a fork that answers too is hung up on") {
  Far far(Expect::Answer);
  far.answer(far.sent[0], 200, "one", kContact);
  far.answer(far.sent[0], 200, "two", "Contact: <sip:other@203.0.113.11>\r\n");
  REQUIRE(far.methods() == std::vector<std::string>{"INVITE", "ACK", "ACK", "BYE"});
  CHECK(far.sent[3].starts_with("BYE sip:other@203.0.113.11 SIP/2.0"));
  CHECK(field(far.sent[3], "To").ends_with(";tag=two"));
  far.after(1s);
  CHECK(far.sent.back().starts_with("BYE sip:gw@203.0.113.10:5080"));
}

TEST_CASE("trial call: over a stream nothing is repeated; a broken connection before any word is unreachable") {
  Far far(Expect::Ringing, {}, true);
  far.after(10s);
  CHECK(far.sent.size() == 1);
  far.take(far.call.on_unreachable(104, far.now));
  REQUIRE(far.verdict);
  CHECK(far.verdict->result == Result::Unreachable);
  CHECK(far.verdict->error == 104);
}

TEST_CASE("trial call: the far end hangs up first: no BYE of ours follows") {
  Far far(Expect::Answer);
  far.answer(far.sent[0], 200, "far", kContact);
  far.take(far.call.on_bye(far.now));
  far.after(60s);
  CHECK(far.methods() == std::vector<std::string>{"INVITE", "ACK"});
  CHECK(far.call.over());
}

TEST_CASE("trial call: a response of another call or branch changes nothing") {
  Far far(Expect::Ringing);
  std::string other = far.sent[0];
  other.replace(other.find("branch=z9hG4bK") + 14, 4, "0000");
  far.answer(other, 503);
  CHECK(far.sent.size() == 1);
  CHECK_FALSE(far.verdict);
}

TEST_CASE("dialog fields: addresses, their parameters and lists are read as RFC 3261 20.10 and 7.3.1 have them") {
  CHECK(sip::address_uri("\"A, <x>\" <sip:a@b;tag=no>;tag=yes") == "sip:a@b;tag=no");
  CHECK(*sip::address_parameter("\"A; tag=z\" <sip:a@b;tag=no>; Tag = yes ;q=0.5", "tag") == "yes");
  CHECK(sip::address_uri("sip:a@b;expires=30") == "sip:a@b");
  CHECK(*sip::address_parameter("sip:a@b;expires=30", "expires") == "30");
  CHECK_FALSE(sip::address_parameter("<sip:a@b>", "expires"));
  const auto f = sip::read_dialog_fields(
      "\r\nSIP/2.0 200 OK\r\nm: <sip:a@1.2.3.4>;expires=60,\r\n <sip:b@1.2.3.5;x=1>\r\nExpires: 3600 (an hour)\r\nT: <sip:a@b>;tag=q\r\n\r\nbody");
  REQUIRE(f.contacts.size() == 2);
  CHECK(f.contacts[1] == "<sip:b@1.2.3.5;x=1>");
  CHECK(f.contact_uri == "sip:a@1.2.3.4");
  CHECK(*f.expires == 3600s);
  CHECK(f.to_tag == "q");
  CHECK(f.body == "body");
}
