#include <doctest/doctest.h>

#include "carriers/calls/call_book.hpp"
#include "tests/support/hep_packet.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using model::CallFate;
using model::Instant;
using tests::SipText;

namespace {

const calls::Endpoint kPbxFiber{*model::IpAddress::parse("10.10.0.11"), 5060}, kPbxCoax{*model::IpAddress::parse("10.10.0.12"), 5060};
const calls::Endpoint kNorth{*model::IpAddress::parse("203.0.113.10"), 5060}, kSouth{*model::IpAddress::parse("203.0.113.20"), 5060};
const calls::Endpoint kPhone{*model::IpAddress::parse("10.10.0.99"), 5060};
constexpr model::CarrierId kN{0}, kS{1};
constexpr model::CircuitId kFiber{0}, kCoax{1};

model::Site site() {
  model::Site s = tests::two_by_two();
  s.calls.listen = *model::IpAddress::parse("127.0.0.1");
  s.circuits[0].sources = {*model::Prefix::parse("10.10.0.11")};
  s.circuits[1].sources = {*model::Prefix::parse("10.10.0.12")};
  return s;
}

struct Book {
  explicit Book(model::Site of = site(), std::size_t legs = calls::CallBook::kMostLegs, std::size_t most = calls::CallBook::kMostCalls)
      : s(std::move(of)), book(s, 42, legs, most) {}
  void see(const calls::Endpoint& from, const calls::Endpoint& to, const std::string& message) { keep(book.see(from, to, message, now)); }
  void out(const std::string& message) { see(kPbxFiber, kNorth, message); }
  void in(const std::string& message) { see(kNorth, kPbxFiber, message); }
  void keep(const std::vector<model::CallOutcome>& told) { ends.insert(ends.end(), told.begin(), told.end()); }
  void run(model::Duration span) {
    const Instant end = now + span;
    while (book.next_wakeup() <= end) {
      now = std::max(now, book.next_wakeup());
      keep(book.look(now));
    }
    now = end;
    keep(book.look(now));
  }
  model::Site s;
  calls::CallBook book;
  Instant now = Instant(1h);
  std::vector<model::CallOutcome> ends;
};

}  // namespace

TEST_CASE("book: a call is attributed by address, its delay measured, and it is in progress until its BYE") {
  Book b;
  b.out(SipText{}.request("INVITE"));
  b.run(100ms);
  b.in(SipText{}.response(100));
  b.run(300ms);
  b.in(SipText{.to_tag = "b2"}.response(180));
  CHECK(b.ends.empty());
  b.run(5s);
  b.in(SipText{.to_tag = "b2"}.response(200));
  REQUIRE(b.ends.size() == 1);
  CHECK(b.ends[0].carrier == kN);
  CHECK(b.ends[0].circuit == kFiber);
  CHECK(b.ends[0].fate == CallFate::Answered);
  CHECK(b.ends[0].code == 200);
  CHECK(b.ends[0].pdd == 400ms);
  CHECK(!b.ends[0].again);
  CHECK(b.book.in_progress(kN, kFiber) == 1);
  CHECK(b.book.way_of("call-1@pbx") == std::pair(kN, kFiber));
  CHECK(b.book.loads(b.now).empty());  // no call was seen to end: the PBX may not be on the way of a BYE
  // The far side hangs up: its request has the tags the other way round.
  b.in(SipText{.branch = "z9hG4bKfar", .from_tag = "b2", .to_tag = "a1", .cseq = 7}.request("BYE"));
  CHECK(b.book.in_progress(kN, kFiber) == 0);
  const auto loads = b.book.loads(b.now);
  REQUIRE(loads.size() == 1);
  CHECK(loads[0].calls == 0);
  CHECK(loads[0].calls_per_second == 0.1);
  b.run(10s);
  CHECK(b.book.loads(b.now)[0].calls_per_second == 0);
}

TEST_CASE("book: the other circuit, the other carrier, another port of a carrier; phones and unknown sources are nobody's") {
  Book b;
  b.see(kPbxCoax, {kSouth.address, 5099}, SipText{}.request("INVITE"));
  b.see({kSouth.address, 5099}, kPbxCoax, SipText{}.response(503));
  REQUIRE(b.ends.size() == 1);
  CHECK(b.ends[0].carrier == kS);
  CHECK(b.ends[0].circuit == kCoax);
  CHECK(b.ends[0].fate == CallFate::CarrierFailed);
  b.see(kPhone, kPbxFiber, SipText{.branch = "z9hG4bK2"}.request("INVITE"));
  CHECK(b.book.legs() == 1);
  b.see(kPhone, kNorth, SipText{.branch = "z9hG4bK3"}.request("INVITE"));
  CHECK(b.book.legs() == 1);
  CHECK(b.book.counts().elsewhere == 1);
  b.book.goes_by(kN, kCoax);  // a member that follows its class
  b.see(kPhone, kNorth, SipText{.branch = "z9hG4bK4"}.request("INVITE"));
  b.see(kNorth, kPhone, SipText{.branch = "z9hG4bK4"}.response(486));
  CHECK(b.ends.back().circuit == kCoax);
  CHECK(b.ends.back().fate == CallFate::Busy);
}

TEST_CASE("book: repetitions, copies, forks' second answers and re-INVITEs are no attempts of their own") {
  Book b;
  for (int i = 0; i < 3; ++i) b.out(SipText{}.request("INVITE"));
  b.in(SipText{.to_tag = "b2"}.response(200));
  b.in(SipText{.to_tag = "b2"}.response(200));
  b.in(SipText{.to_tag = "c3"}.response(200));  // another branch of the far side's fork
  b.out(SipText{.to_tag = "b2"}.request("ACK"));
  b.out(SipText{.branch = "z9hG4bKre", .to_tag = "b2", .cseq = 2}.request("INVITE"));
  b.in(SipText{.branch = "z9hG4bKre", .to_tag = "b2", .cseq = 2}.response(503));
  CHECK(b.ends.size() == 1);
  CHECK(b.book.in_progress(kN, kFiber) == 1);
  b.run(31s);
  b.out(SipText{}.request("INVITE"));  // the network's own late copy
  CHECK(b.book.legs() == 1);
  b.run(2s);
  CHECK(b.book.legs() == 0);
  CHECK(b.ends.size() == 1);
}

TEST_CASE("book: the next way that a PBX tries is an attempt of its own, and a challenge is the end of none") {
  Book b;
  b.out(SipText{}.request("INVITE"));
  b.in(SipText{}.response(407));
  CHECK(b.ends.empty());
  b.out(SipText{.branch = "z9hG4bK2", .cseq = 2}.request("INVITE"));
  b.in(SipText{.branch = "z9hG4bK2", .cseq = 2}.response(503));
  b.see(kPbxCoax, kSouth, SipText{.branch = "z9hG4bK2.1", .cseq = 2}.request("INVITE"));
  b.see(kSouth, kPbxCoax, SipText{.branch = "z9hG4bK2.1", .to_tag = "x", .cseq = 2}.response(200));
  REQUIRE(b.ends.size() == 2);
  CHECK(b.ends[0].carrier == kN);
  CHECK(b.ends[1].carrier == kS);
}

TEST_CASE("book: a caller who gives up is nobody's failure") {
  Book b;
  b.out(SipText{}.request("INVITE"));
  b.in(SipText{}.response(100));
  b.run(1s);
  b.out(SipText{}.request("CANCEL"));
  b.in(SipText{}.response(200, "CANCEL"));
  b.in(SipText{}.response(487));
  REQUIRE(b.ends.size() == 1);
  CHECK(b.ends[0].fate == CallFate::Cancelled);
  b.run(5min);
  CHECK(b.ends.size() == 1);
}

TEST_CASE("book: an INVITE without any response has failed at its time and not before, and its late end is told again") {
  Book b;
  b.out(SipText{}.request("INVITE"));
  b.run(1500ms - 1ns);
  CHECK(b.ends.empty());
  b.run(1ns);
  REQUIRE(b.ends.size() == 1);
  CHECK(b.ends[0].fate == CallFate::CarrierFailed);
  CHECK(b.ends[0].code == 0);
  b.run(1s);
  b.in(SipText{.to_tag = "b2"}.response(200));
  REQUIRE(b.ends.size() == 2);
  CHECK(b.ends[1].fate == CallFate::Answered);
  CHECK(b.ends[1].again);
}

TEST_CASE("book: a call that is taken and does not ring is slow at its way's time, one that rings is not") {
  Book b;
  b.book.slow_after(kN, kFiber, 3s);
  b.out(SipText{}.request("INVITE"));
  b.in(SipText{}.response(100));
  b.run(3s - 1ns);
  CHECK(b.ends.empty());
  b.run(1ns);
  REQUIRE(b.ends.size() == 1);
  CHECK(b.ends[0].fate == CallFate::Slow);
  CHECK(b.ends[0].pdd == 3s);
  b.run(2s);
  b.in(SipText{.to_tag = "b"}.response(180));
  b.in(SipText{.to_tag = "b"}.response(200));
  REQUIRE(b.ends.size() == 2);
  CHECK(b.ends[1].again);
  CHECK(b.ends[1].pdd == 5s);

  b.out(SipText{.branch = "z9hG4bK2"}.request("INVITE"));
  b.run(1s);
  b.in(SipText{.branch = "z9hG4bK2", .to_tag = "b"}.response(183));
  b.run(3min);
  CHECK(b.ends.size() == 2);
  b.run(1min);
  CHECK(b.book.legs() == 0);  // nobody rings for ever
}

TEST_CASE("book: after messages were missed nothing is concluded from what was not heard of calls under way") {
  Book b;
  b.out(SipText{}.request("INVITE"));
  b.run(100ms);
  b.book.missed(b.now);
  b.run(10s);
  CHECK(b.ends.empty());
  b.in(SipText{}.response(503));  // what is heard counts as ever
  CHECK(b.ends.size() == 1);
}

TEST_CASE("book: calls that come in count as load and are no witness") {
  Book b;
  b.see(kNorth, kPbxFiber, SipText{}.request("INVITE"));
  b.run(10s);
  b.see(kPbxFiber, kNorth, SipText{.to_tag = "b2"}.response(200));
  CHECK(b.ends.empty());
  CHECK(b.book.in_progress(kN, kFiber) == 1);
  b.see(kPbxFiber, kNorth, SipText{.branch = "z9hG4bK9", .from_tag = "b2", .to_tag = "a1"}.request("BYE"));
  CHECK(b.book.loads(b.now)[0].calls_per_second == 0);
}

TEST_CASE("book: memory has an end: the oldest goes and is counted, and a call whose BYE was lost is forgotten after hours") {
  Book b(site(), 3, 2);
  for (int i = 0; i < 5; ++i) {
    const std::string n = std::to_string(i);
    const SipText text{.call_id = "c" + n, .branch = "z9hG4bK" + n, .from_tag = "f" + n};
    b.out(text.request("INVITE"));
    b.run(1ms);
    CHECK(b.book.legs() == std::min<std::size_t>(3, static_cast<std::size_t>(i) + 1));
  }
  CHECK(b.book.counts().evicted == 2);
  for (int i = 2; i < 5; ++i) {
    const std::string n = std::to_string(i);
    b.in(SipText{.call_id = "c" + n, .branch = "z9hG4bK" + n, .from_tag = "f" + n, .to_tag = "t"}.response(200));
  }
  CHECK(b.book.calls() == 2);
  CHECK(b.book.counts().evicted == 3);
  CHECK(b.book.in_progress(kN, kFiber) == 2);
  b.run(calls::CallBook::kLongestCall);
  CHECK(b.book.calls() == 2);
  b.run(1ms);
  CHECK(b.book.in_progress(kN, kFiber) == 0);
}

TEST_CASE("book: under a flood of calls that never end its timers stay bounded too") {
  Book b(site(), 8, 8);
  for (int i = 0; i < 2000; ++i) b.out(SipText{.branch = "z9hG4bK" + std::to_string(i)}.request("INVITE"));
  CHECK(b.book.legs() == 8);
  b.run(2s);
  CHECK(b.ends.size() == 8);
}
