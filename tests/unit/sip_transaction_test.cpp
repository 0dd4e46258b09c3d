#include <doctest/doctest.h>

#include <vector>

#include "carriers/sip/options_transaction.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using model::Duration;
using model::Instant;
using model::SipResult;
using sip::OptionsTransaction;
using sip::Response;
using sip::TransactionState;

namespace {

constexpr Instant kStart{1000s};
const sip::TransactionIds kIds{.branch = "z9hG4bKours", .call_id = "call", .from_tag = "tag", .cseq = 7};

Response reply(int status) {
  Response r{.status = status, .branch = kIds.branch, .cseq = kIds.cseq, .cseq_method = "OPTIONS", .call_id = kIds.call_id};
  return r;
}

/// Lets time pass, wake-up by wake-up. @return when it sent, from the start, the first packet not counted.
std::vector<Duration> run(OptionsTransaction& t, Instant until, std::vector<model::SipOutcome>* outcomes = nullptr) {
  std::vector<Duration> sends;
  while (t.next_wakeup() <= until) {
    const auto now = t.next_wakeup();
    const auto step = t.on_time(now);
    if (step.send) sends.push_back(now - kStart);
    if (step.outcome && outcomes != nullptr) outcomes->push_back(*step.outcome);
  }
  return sends;
}

}  // namespace

TEST_CASE("transaction: 200 at once is final, with its round trip") {
  OptionsTransaction t(kIds, 3s, kStart);
  auto response = reply(200);
  response.received = model::IpAddress::parse("203.0.113.9");
  const auto step = t.on_response(response, kStart + 40ms);
  REQUIRE(step.outcome);
  CHECK(step.outcome->result == SipResult::Final);
  CHECK(step.outcome->code == 200);
  CHECK(step.outcome->rtt == Duration(40ms));
  CHECK(step.outcome->sent == kStart);
  CHECK(step.outcome->received_address == model::IpAddress::parse("203.0.113.9"));
  CHECK_FALSE(step.outcome->late);
  CHECK(t.state() == TransactionState::Completed);
  CHECK(t.next_wakeup() == kStart + 40ms + sip::kT4);
  CHECK(run(t, kStart + 1h).empty());
  CHECK(t.state() == TransactionState::Terminated);
}

TEST_CASE("transaction: into silence it sends at 0, 0.5 and 1.5 s, gives up at its deadline and lives to 32 s") {
  OptionsTransaction t(kIds, 3s, kStart);
  std::vector<model::SipOutcome> outcomes;
  CHECK(run(t, kStart + 3s - 1ns, &outcomes) == std::vector<Duration>{500ms, 1500ms});
  CHECK(outcomes.empty());
  CHECK(t.waiting());
  CHECK(run(t, kStart + 3s, &outcomes).empty());
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].result == SipResult::Timeout);
  CHECK_FALSE(outcomes[0].rtt);
  CHECK(t.state() == TransactionState::Expired);
  CHECK(t.next_wakeup() == kStart + 32s);
  CHECK(run(t, kStart + 32s, &outcomes).empty());
  CHECK(t.state() == TransactionState::Terminated);
  CHECK(t.next_wakeup() == model::kNever);
  CHECK(outcomes.size() == 1);
}

TEST_CASE("transaction: with a long deadline timer E doubles to 4 s and stays there, until timer F") {
  OptionsTransaction t(kIds, 1h, kStart);
  std::vector<model::SipOutcome> outcomes;
  CHECK(run(t, kStart + 1h, &outcomes) == std::vector<Duration>{500ms, 1500ms, 3500ms, 7500ms, 11500ms, 15500ms, 19500ms, 23500ms, 27500ms, 31500ms});
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].result == SipResult::Timeout);
}

TEST_CASE("transaction: a deadline that falls on a retransmission ends it without one") {
  OptionsTransaction t(kIds, 500ms, kStart);
  const auto step = t.on_time(kStart + 500ms);
  CHECK_FALSE(step.send);
  REQUIRE(step.outcome);
  CHECK(step.outcome->result == SipResult::Timeout);
}

TEST_CASE("transaction: a stalled loop sends one packet, not all it missed") {
  OptionsTransaction t(kIds, 30s, kStart);
  CHECK(t.on_time(kStart + 10s).send);
  CHECK_FALSE(t.on_time(kStart + 10s).send);
  CHECK(t.next_wakeup() == kStart + 11s);
}

TEST_CASE("transaction: a reply after a retransmission has no round trip") {
  OptionsTransaction t(kIds, 3s, kStart);
  CHECK(t.on_time(kStart + 500ms).send);
  const auto step = t.on_response(reply(200), kStart + 501ms);
  REQUIRE(step.outcome);
  CHECK(step.outcome->code == 200);
  CHECK_FALSE(step.outcome->rtt);
}

TEST_CASE("transaction: a final response after the deadline is told once more, as late") {
  OptionsTransaction t(kIds, 3s, kStart);
  run(t, kStart + 3s);
  const auto step = t.on_response(reply(200), kStart + 32s - 1ns);
  REQUIRE(step.outcome);
  CHECK(step.outcome->result == SipResult::Final);
  CHECK(step.outcome->late);
  CHECK(step.outcome->code == 200);
  CHECK_FALSE(step.outcome->rtt);
  CHECK(t.on_response(reply(200), kStart + 32s).inert);
}

TEST_CASE("transaction: after timer F nothing counts any more") {
  OptionsTransaction t(kIds, 3s, kStart);
  run(t, kStart + 32s);
  const auto step = t.on_response(reply(200), kStart + 32s);
  CHECK(step.inert);
  CHECK_FALSE(step.outcome);
}

TEST_CASE("transaction: a wrong branch, CSeq number, CSeq method or Call-ID is inert, and the right one still counts") {
  OptionsTransaction t(kIds, 3s, kStart);
  auto branch = reply(200), number = reply(200), method = reply(200), call = reply(200), letters = reply(200);
  branch.branch = "z9hG4bKother";
  number.cseq = 8;
  method.cseq_method = "INVITE";
  call.call_id = "other";
  letters.branch = "z9hg4bkOURS";
  for (const auto& r : {branch, number, method, call, letters}) {
    const auto step = t.on_response(r, kStart + 10ms);
    CHECK(step.inert);
    CHECK_FALSE(step.outcome);
    CHECK(t.waiting());
  }
  CHECK(t.on_response(reply(200), kStart + 20ms).outcome);
}

TEST_CASE("transaction: a duplicate is inert, with another code too") {
  OptionsTransaction t(kIds, 3s, kStart);
  CHECK(t.on_response(reply(200), kStart + 10ms).outcome);
  for (const int code : {200, 503, 100}) {
    const auto step = t.on_response(reply(code), kStart + 11ms);
    CHECK(step.inert);
    CHECK_FALSE(step.outcome);
  }
}

TEST_CASE("transaction: 100 then 200: the provisional decides nothing, and retransmissions slow down to 4 s") {
  OptionsTransaction t(kIds, 30s, kStart);
  const auto step = t.on_response(reply(100), kStart + 100ms);
  CHECK(step.provisional);
  CHECK_FALSE(step.outcome);
  CHECK(t.state() == TransactionState::Proceeding);
  CHECK(run(t, kStart + 10s) == std::vector<Duration>{500ms, 4500ms, 8500ms});
  CHECK(t.on_response(reply(183), kStart + 10s).provisional);
  const auto final = t.on_response(reply(200), kStart + 10s);
  REQUIRE(final.outcome);
  CHECK(final.outcome->code == 200);
  CHECK_FALSE(final.outcome->late);
}

TEST_CASE("transaction: a provisional and then nothing is a timeout all the same") {
  OptionsTransaction t(kIds, 3s, kStart);
  t.on_response(reply(199), kStart + 100ms);
  std::vector<model::SipOutcome> outcomes;
  run(t, kStart + 3s, &outcomes);
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].result == SipResult::Timeout);
  CHECK(t.on_response(reply(183), kStart + 4s).provisional);
  CHECK(t.state() == TransactionState::Expired);
}

TEST_CASE("transaction: an ICMP error ends the wait at once, a second one is inert, a reply still un-loses it") {
  OptionsTransaction t(kIds, 3s, kStart);
  const auto step = t.on_refused(111, kStart + 5ms);
  REQUIRE(step.outcome);
  CHECK(step.outcome->result == SipResult::Refused);
  CHECK(step.outcome->error == 111);
  CHECK(t.on_refused(111, kStart + 6ms).inert);
  CHECK(run(t, kStart + 20s).empty());
  const auto late = t.on_response(reply(200), kStart + 20s);
  REQUIRE(late.outcome);
  CHECK(late.outcome->late);
}

TEST_CASE("transaction: a send that fails on our side is a local error, never a timeout") {
  OptionsTransaction t(kIds, 3s, kStart);
  const auto step = t.on_local_error(101, kStart + 500ms);
  REQUIRE(step.outcome);
  CHECK(step.outcome->result == SipResult::LocalError);
  CHECK(step.outcome->error == 101);
  std::vector<model::SipOutcome> outcomes;
  run(t, kStart + 1h, &outcomes);
  CHECK(outcomes.empty());
  CHECK(t.on_local_error(101, kStart + 1h).inert);
}

TEST_CASE("transaction: 199 is provisional, 200 and 699 are final, and Retry-After comes along") {
  for (const int code : {200, 699}) {
    OptionsTransaction t(kIds, 3s, kStart);
    CHECK(t.on_response(reply(199), kStart).provisional);
    CHECK(t.on_response(reply(code), kStart).outcome->code == code);
  }
  OptionsTransaction t(kIds, 3s, kStart);
  auto busy = reply(503);
  busy.retry_after = 120s;
  CHECK(t.on_response(busy, kStart).outcome->retry_after == Duration(120s));
}

TEST_CASE("transaction: over a connection nothing is sent again, and it is over with its answer (timers E and K, 17.1.2.2)") {
  OptionsTransaction silent(kIds, 3s, kStart, true);
  std::vector<model::SipOutcome> outcomes;
  CHECK(run(silent, kStart + 40s, &outcomes).empty());
  REQUIRE(outcomes.size() == 1);
  CHECK(outcomes[0].result == SipResult::Timeout);
  CHECK(silent.state() == TransactionState::Terminated);

  OptionsTransaction answered(kIds, 3s, kStart, true);
  CHECK(answered.next_wakeup() == kStart + 3s);
  CHECK(answered.on_response(reply(200), kStart + 2s).outcome);
  CHECK(answered.state() == TransactionState::Terminated);
  CHECK(answered.on_response(reply(200), kStart + 2s).inert);

  OptionsTransaction late(kIds, 3s, kStart, true);
  CHECK(late.on_time(kStart + 3s).outcome);
  const auto step = late.on_response(reply(200), kStart + 31s);  // timer F has not come yet
  REQUIRE(step.outcome);
  CHECK(step.outcome->late);
}
