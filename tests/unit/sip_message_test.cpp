#include <doctest/doctest.h>

#include <set>
#include <string>

#include "carriers/sip/message.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using sip::Malformed;
using sip::parse_response;

namespace {

sip::OptionsFields fields() {
  return {.local = {.address = *model::IpAddress::parse("192.0.2.10"), .port = 40123},
          .carrier = {.address = *model::IpAddress::parse("198.51.100.20"), .port = 5060},
          .domain = "sip.north.example",
          .from_user = "site42"};
}
const sip::TransactionIds kIds{.branch = "z9hG4bK0123", .call_id = "abcd", .from_tag = "ef01", .cseq = 7};

std::string built(const sip::OptionsFields& f) {
  const auto text = sip::build_options(f, kIds);
  REQUIRE(text);
  return *text;
}

/// A good response, with one line replaced or lines put in before the empty one.
std::string response(std::string_view replaced = {}, std::string_view by = {}, std::string_view more = {}, std::string_view body = {}) {
  std::string text =
      "SIP/2.0 200 OK\r\n"
      "Via: SIP/2.0/UDP 192.0.2.10:40123;rport=40999;branch=z9hG4bK0123;received=203.0.113.9\r\n"
      "From: <sip:site42@192.0.2.10>;tag=ef01\r\n"
      "To: <sip:sip.north.example>;tag=b27e\r\n"
      "Call-ID: abcd\r\n"
      "CSeq: 7 OPTIONS\r\n"
      "Content-Length: 0\r\n";
  if (!replaced.empty()) {
    const auto at = text.find(replaced);
    REQUIRE(at != std::string::npos);
    text.replace(at, replaced.size(), by);
  }
  return text + std::string(more) + "\r\n" + std::string(body);
}

std::optional<Malformed> fault(std::string_view text) {
  const auto parsed = parse_response(text);
  if (parsed) return std::nullopt;
  return parsed.error();
}

}  // namespace

TEST_CASE("options: every field a carrier looks at, in one message") {
  const auto text = built(fields());
  CHECK(text.starts_with("OPTIONS sip:sip.north.example SIP/2.0\r\n"));
  for (const auto* line :
       {"Via: SIP/2.0/UDP 192.0.2.10:40123;rport;branch=z9hG4bK0123\r\n", "Max-Forwards: 70\r\n", "From: <sip:site42@192.0.2.10>;tag=ef01\r\n",
        "To: <sip:sip.north.example>\r\n", "Call-ID: abcd\r\n", "CSeq: 7 OPTIONS\r\n", "Contact: <sip:site42@192.0.2.10:40123>\r\n",
        "Accept: application/sdp\r\n", "User-Agent: Linekeeper\r\n", "Content-Length: 0\r\n"})
    CHECK_MESSAGE(text.contains("\r\n" + std::string(line)), line << "is not in\n" << text);
  CHECK(text.ends_with("\r\n\r\n"));
}

TEST_CASE("options: without a domain the carrier's address stands in, a port is named unless it is 5060") {
  auto f = fields();
  f.domain.clear();
  CHECK(built(f).starts_with("OPTIONS sip:198.51.100.20 SIP/2.0\r\n"));
  f.carrier.port = 5061;
  CHECK(built(f).starts_with("OPTIONS sip:198.51.100.20:5061 SIP/2.0\r\n"));
  CHECK(built(f).contains("To: <sip:198.51.100.20:5061>\r\n"));
}

TEST_CASE("options: overload control is offered in the Via where it is wanted, and nowhere else") {
  auto f = fields();
  CHECK_FALSE(built(f).contains(";oc"));
  f.overload_control = true;
  const std::string text = built(f);
  const auto via = text.find("Via: ");
  CHECK(text.substr(via, text.find("\r\n", via) - via).contains(";oc;oc-algo=\"loss\""));
  CHECK(text.find(";oc") == text.rfind(";oc;oc-algo"));
}

TEST_CASE("options: without a user there is no at sign") {
  auto f = fields();
  f.from_user.clear();
  CHECK(built(f).contains("From: <sip:192.0.2.10>;tag="));
  CHECK(built(f).contains("Contact: <sip:192.0.2.10:40123>"));
}

TEST_CASE("options: IPv6 addresses stand in brackets") {
  auto f = fields();
  f.local.address = *model::IpAddress::parse("2001:db8::10");
  f.carrier.address = *model::IpAddress::parse("2001:db8::20");
  f.domain.clear();
  const auto text = built(f);
  CHECK(text.starts_with("OPTIONS sip:[2001:db8::20] SIP/2.0\r\n"));
  CHECK(text.contains("Via: SIP/2.0/UDP [2001:db8::10]:40123;rport"));
}

TEST_CASE("options: what would break out of its field is refused") {
  for (const auto* bad : {"a b", "a\r\nX: y", "a>b", "a@b", "a;b", "\"a\"", "a/b"}) {
    auto f = fields();
    f.domain = bad;
    CHECK_FALSE(sip::build_options(f, kIds));
  }
  for (const auto* bad : {"a b", "a\r\nX: y", "a>b", "a@b", "a:b", "\"a\""}) {
    auto f = fields();
    f.from_user = bad;
    CHECK_FALSE(sip::build_options(f, kIds));
  }
  for (const int hops : {-1, 256}) {
    auto f = fields();
    f.max_forwards = hops;
    CHECK_FALSE(sip::build_options(f, kIds));
  }
  for (const int hops : {0, 255}) {
    auto f = fields();
    f.max_forwards = hops;
    CHECK(built(f).contains("Max-Forwards: " + std::to_string(hops) + "\r\n"));
  }
}

TEST_CASE("ids: the branch has its magic cookie and 128 bits, nothing repeats, the CSeq stays in its range") {
  runtime::SeededRandom random(3);
  std::set<std::string> seen;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    const auto ids = sip::make_ids(random, i);
    CHECK(ids.branch.starts_with("z9hG4bK"));
    CHECK(ids.branch.size() == 7 + 32);
    CHECK(ids.call_id.size() == 32);
    CHECK(ids.cseq == i);
    seen.insert(ids.branch);
    seen.insert(ids.call_id);
    seen.insert(ids.from_tag);
  }
  CHECK(seen.size() == 3000);
  CHECK(sip::make_ids(random, 0x7fffffff).cseq == 0x7fffffff);
  CHECK(sip::make_ids(random, 0x80000000).cseq == 1);
  CHECK(sip::make_ids(random, 0).cseq == 0x7fffffff);
}

TEST_CASE("response: what we need is read") {
  const auto r = parse_response(response());
  REQUIRE(r);
  CHECK(r->status == 200);
  CHECK(r->branch == "z9hG4bK0123");
  CHECK(r->cseq == 7);
  CHECK(r->cseq_method == "OPTIONS");
  CHECK(r->call_id == "abcd");
  CHECK(r->received == model::IpAddress::parse("203.0.113.9"));
  CHECK(r->rport == 40999);
  CHECK_FALSE(r->retry_after);
}

TEST_CASE("response: compact names, any case, folded lines, spaces around the colon and empty lines before it are read") {
  const std::string text =
      "\r\n\r\nSIP/2.0 503 \r\n"
      "v : SIP/2.0/UDP 192.0.2.10:40123\r\n ;branch=z9hG4bK0123\r\n\t;RPORT=1;Received=[2001:db8::9]\r\n"
      "f:<sip:a@b>;tag=1\r\nT: <sip:c>\r\nI:   abcd  \r\ncSEQ: 7   OPTIONS\r\nl: 2\r\nRETRY-AFTER: 120 (upgrade);duration=60\r\n\r\nhi";
  const auto r = parse_response(text);
  REQUIRE(r);
  CHECK(r->status == 503);
  CHECK(r->branch == "z9hG4bK0123");
  CHECK(r->received == model::IpAddress::parse("2001:db8::9"));
  CHECK(r->rport == 1);
  CHECK(r->call_id == "abcd");
  CHECK(r->retry_after == model::Duration(120s));
}

TEST_CASE("response: statuses 100 and 699 are read, 99, 700 and what is no number are not") {
  for (const auto* good : {"100", "699"}) CHECK_FALSE(fault(response("200", good)));
  for (const auto* bad : {"099", "700", "999", "20", "2000", "9999", "99999999999", "-20", "+20", "2x0", " 20"})
    CHECK(fault(response("200", bad)) == Malformed::StatusLine);
}

TEST_CASE("response: a status line without the space after its code, another version or another protocol is refused") {
  CHECK(fault(response("200 OK", "200")) == Malformed::StatusLine);  // the library would swallow the Via after it
  CHECK_FALSE(fault(response("200 OK", "200 ")));
  for (const auto* bad : {"SIP/3.0", "SIP/2.00", "sip/2.0", "HTTP/1.1", " SIP/2.0", "SIP/2.0\t"})
    CHECK(fault(response("SIP/2.0", bad)) == Malformed::StatusLine);
  CHECK(fault(response("SIP/2.0 200 OK", "OPTIONS sip:x SIP/2.0")) == Malformed::Request);
}

TEST_CASE("response: keep-alives and nothing at all are told apart from messages") {
  for (const auto* text : {"", "\r\n", "\r\n\r\n", "\n"}) CHECK(fault(text) == Malformed::KeepAlive);
}

TEST_CASE("response: each field that must be there, once") {
  for (const std::string name :
       {"Via: SIP/2.0/UDP 192.0.2.10:40123;rport=40999;branch=z9hG4bK0123;received=203.0.113.9", "From: <sip:site42@192.0.2.10>;tag=ef01",
        "To: <sip:sip.north.example>;tag=b27e", "Call-ID: abcd", "CSeq: 7 OPTIONS"}) {
    CHECK(fault(response(name + "\r\n", "")) == Malformed::Missing);
    CHECK(fault(response(name, name.substr(0, name.find(':') + 1))) == Malformed::Missing);
    CHECK(fault(response("", "", name + "\r\n")) == Malformed::Repeated);
  }
  CHECK_FALSE(fault(response("Content-Length: 0\r\n", "")));
  CHECK(fault(response("", "", "l: 0\r\n")) == Malformed::Repeated);
}

TEST_CASE("response: a second Via on the same line is refused as well") {
  CHECK(fault(response(";received=203.0.113.9", ";received=203.0.113.9, SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKx")) == Malformed::Repeated);
}

TEST_CASE("response: a Via without a branch, or that is none, is refused") {
  CHECK(fault(response(";branch=z9hG4bK0123", "")) == Malformed::Field);
  CHECK(fault(response(";branch=z9hG4bK0123", ";branch")) == Malformed::Field);
  CHECK(fault(response(";branch=z9hG4bK0123", ";branch=")) == Malformed::Field);
  CHECK(fault(response("SIP/2.0/UDP 192.0.2.10:40123;rport=40999;branch=z9hG4bK0123;received=203.0.113.9", "x")) == Malformed::Field);
}

TEST_CASE("response: an address or port of ours that cannot be read is as if it were not there") {
  for (const auto* bad : {"received=north", "received=", "received", "received=1.2.3.4.5", "received=[]"}) {
    const auto r = parse_response(response("received=203.0.113.9", bad));
    if (r) CHECK_FALSE(r->received);
  }
  for (const auto* bad : {"rport=65536", "rport=-1", "rport=", "rport", "rport=1x"}) {
    const auto r = parse_response(response("rport=40999", bad));
    if (r) CHECK_FALSE(r->rport);
  }
  CHECK(parse_response(response("rport=40999", "rport=65535"))->rport == 65535);
  CHECK(parse_response(response("rport=40999", "rport"))->branch == "z9hG4bK0123");
}

TEST_CASE("response: a CSeq that is no number and method is refused, 2^31 - 1 is the largest") {
  for (const auto* bad :
       {"abc", "7", "OPTIONS 7", "-7 OPTIONS", "7OPTIONS", "7 OPT IONS", "2147483648 OPTIONS", "99999999999 OPTIONS", "7.5 OPTIONS"})
    CHECK(fault(response("7 OPTIONS", bad)) == Malformed::Field);
  CHECK(parse_response(response("7 OPTIONS", "2147483647\tOPTIONS"))->cseq == 2147483647);
  CHECK(parse_response(response("7 OPTIONS", "7 INVITE"))->cseq_method == "INVITE");
}

TEST_CASE("response: a Content-Length that is no number or says more than came is refused, less is fine") {
  for (const auto* bad : {"1", "abc", "-1", "99999999999999999999999", "0x0", "0 0", ""})
    CHECK(fault(response("Content-Length: 0", std::string("Content-Length: ") + bad)) == Malformed::ContentLength);
  CHECK_FALSE(fault(response("Content-Length: 0", "Content-Length: 4", "", "body")));
  CHECK_FALSE(fault(response("Content-Length: 0", "Content-Length: 3", "", "body")));
  CHECK(fault(response("Content-Length: 0", "Content-Length: 5", "", "body")) == Malformed::ContentLength);
}

TEST_CASE("response: fields we do not use may be anything at all that is a line") {
  CHECK_FALSE(fault(response("", "", "Contact: <<<>>;;;,,\"\r\nWWW-Authenticate: \xff\xfe\r\nX: \r\n")));
  CHECK(fault(response("", "", "no colon\r\n")) == Malformed::HeaderLine);
  CHECK(fault(response("", "", ": no name\r\n")) == Malformed::HeaderLine);
  CHECK(fault(response("", "", "two words: x\r\n")) == Malformed::HeaderLine);
  CHECK(fault(response("\r\nVia", "\r\n folded onto the status line\r\nVia")) == Malformed::HeaderLine);
}

TEST_CASE("response: NUL, and CR or LF alone, are refused in the header and let be in the body") {
  for (const std::string_view bad : {std::string_view("a\0b", 3), std::string_view("a\rb"), std::string_view("a\nb")}) {
    CHECK(fault(response("", "", "X: " + std::string(bad) + "\r\n")) == Malformed::Characters);
    CHECK_FALSE(fault(response("Content-Length: 0", "Content-Length: 3", "", bad)));
  }
}

TEST_CASE("response: without the empty line after the header it is refused") {
  auto text = response();
  text.resize(text.size() - 2);
  CHECK(fault(text) == Malformed::Unterminated);
}

TEST_CASE("response: 100 header lines are read, 101 are not, folded ones counted") {
  const auto with = [](int lines, const char* line) {
    std::string more = "X: y\r\n";
    for (int i = 7; i < lines; ++i) more += line;
    return response("", "", more);
  };
  for (const auto* line : {"X: y\r\n", " y\r\n"}) {
    CHECK_FALSE(fault(with(100, line)));
    CHECK(fault(with(101, line)) == Malformed::TooManyHeaders);
  }
}

TEST_CASE("response: 8,192 bytes are read, one more is not") {
  auto text = response();
  text += std::string(sip::kLargestDatagram - text.size(), 'x');
  CHECK_FALSE(fault(text));
  CHECK(fault(text + "x") == Malformed::TooLarge);
}

TEST_CASE("response: a request for less is read from the Via (RFC 7339), and is nothing when it is damaged or of another algorithm") {
  const auto overload = [](const std::string& parameters) {
    const auto r = parse_response(response(";received=203.0.113.9", ";received=203.0.113.9" + parameters));
    REQUIRE(r);
    return r->overload;
  };
  CHECK_FALSE(overload(""));
  CHECK_FALSE(overload(";oc"));
  CHECK(overload(";oc=20") == model::SipOverload{.percent = 20, .valid = 500ms});
  CHECK(overload(";oc=0;oc-algo=\"loss\";oc-validity=0") == model::SipOverload{.percent = 0, .valid = 0ms});
  CHECK(overload(";oc=100;oc-algo=\"loss\";oc-validity=1000") == model::SipOverload{.percent = 100, .valid = 1s});
  CHECK(overload(";oc=20;oc-validity=99999999")->valid == 24h);
  CHECK_FALSE(overload(";oc=101"));
  CHECK_FALSE(overload(";oc=-1"));
  CHECK_FALSE(overload(";oc=many"));
  CHECK_FALSE(overload(";oc=20;oc-validity=soon"));
  CHECK_FALSE(overload(";oc=20;oc-algo=\"rate\""));
}

TEST_CASE("response: Retry-After is capped at a day and is nothing when it is no number") {
  const auto of = [](const char* value) { return parse_response(response("", "", std::string("Retry-After: ") + value + "\r\n"))->retry_after; };
  CHECK(of("0") == model::Duration(0s));
  CHECK(of("86399") == model::Duration(86399s));
  CHECK(of("86400") == model::Duration(86400s));
  CHECK(of("86401") == model::Duration(86400s));
  CHECK(of("99999999999999999999999") == model::Duration(86400s));
  for (const auto* bad : {"", "soon", "-5", ";duration=1"}) CHECK_FALSE(of(bad));
}

TEST_CASE("response: of 100,000 bent copies of a good one none crashes the reader, and none with another branch matches ours") {
  runtime::SeededRandom random(5);
  const auto good = response("", "", "Retry-After: 5\r\n", "body");
  for (int i = 0; i < 100'000; ++i) {
    auto bent = good;
    for (auto turns = 1 + random.next() % 4; turns > 0; --turns) {
      const auto at = random.next() % bent.size();
      switch (random.next() % 4) {
        case 0: bent[at] = static_cast<char>(random.next()); break;
        case 1: bent.erase(at, 1 + random.next() % 20); break;
        case 2: bent.insert(at, 1 + random.next() % 5, ";,:\r\n \"<"[random.next() % 8]); break;
        default: bent.insert(at, bent.substr(random.next() % bent.size(), random.next() % 40)); break;
      }
      if (bent.empty()) bent = "x";
    }
    const auto r = parse_response(bent);
    if (r) CHECK((r->status >= 100 && r->status <= 699));
  }
}

TEST_CASE("options: over TCP and TLS, Via, Contact and Request-URI name the transport; sips says it by itself") {
  auto f = fields();
  f.transport = model::SipTransport::Tcp;
  auto text = built(f);
  CHECK(text.starts_with("OPTIONS sip:sip.north.example;transport=tcp SIP/2.0\r\n"));
  CHECK(text.contains("Via: SIP/2.0/TCP 192.0.2.10:40123;rport;branch=z9hG4bK0123\r\n"));
  CHECK(text.contains("Contact: <sip:site42@192.0.2.10:40123;transport=tcp>\r\n"));
  CHECK(text.contains("To: <sip:sip.north.example>\r\n"));
  f.transport = model::SipTransport::Tls;
  f.carrier.port = 5061;
  text = built(f);
  CHECK(text.starts_with("OPTIONS sip:sip.north.example:5061;transport=tls SIP/2.0\r\n"));
  CHECK(text.contains("Via: SIP/2.0/TLS 192.0.2.10:40123;"));
  f.sips = true;
  text = built(f);
  CHECK(text.starts_with("OPTIONS sips:sip.north.example SIP/2.0\r\n"));
  CHECK(text.contains("Contact: <sips:site42@192.0.2.10:40123>\r\n"));
}

TEST_CASE("options: an IPv6 carrier and an IPv6 address of ours stand in brackets") {
  auto f = fields();
  f.local.address = *model::IpAddress::parse("2001:db8::1");
  f.carrier.address = *model::IpAddress::parse("2001:db8::10");
  f.domain.clear();
  const auto text = built(f);
  CHECK(text.starts_with("OPTIONS sip:[2001:db8::10] SIP/2.0\r\n"));
  CHECK(text.contains("Via: SIP/2.0/UDP [2001:db8::1]:40123;rport;"));
  CHECK(text.contains("Contact: <sip:site42@[2001:db8::1]:40123>\r\n"));
}
