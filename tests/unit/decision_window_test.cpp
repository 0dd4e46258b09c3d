#include <doctest/doctest.h>

#include "controller/decision/probe_window.hpp"
#include "controller/decision/rtt_estimator.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::ProbeFate;
using decision::ProbeWindow;
using model::Instant;

TEST_CASE("window: a probe is lost at its deadline, not one nanosecond before") {
  ProbeWindow w;
  w.sent(1, 0, Instant(10s), 80ms);
  CHECK(w.next_expiry() == Instant(10s + 80ms));
  CHECK_FALSE(w.expire(Instant(10s + 80ms - 1ns)));
  CHECK(w.newest(0).fate == ProbeFate::Open);
  CHECK(w.expire(Instant(10s + 80ms)));
  CHECK(w.newest(0).fate == ProbeFate::Lost);
  CHECK(w.next_expiry() == Instant(11s));  // when it is settled
  CHECK_FALSE(w.settle(Instant(11s - 1ns)).has_value());
  CHECK(w.settle(Instant(11s))->fate == ProbeFate::Lost);
  CHECK(w.next_expiry() == model::kNever);
}

TEST_CASE("window: a late reply turns its loss back into an answer") {
  ProbeWindow w;
  w.sent(1, 0, Instant(10s), 80ms);
  w.expire(Instant(11s));
  CHECK(w.answered(1).has_value());
  CHECK(w.newest(0).fate == ProbeFate::Answered);
}

TEST_CASE("window: duplicates, strangers and sequences that fall are inert") {
  ProbeWindow w;
  w.sent(5, 0, Instant(10s), 80ms);
  CHECK(w.answered(5).has_value());
  CHECK_FALSE(w.answered(5).has_value());
  CHECK_FALSE(w.answered(4).has_value());
  CHECK_FALSE(w.answered(6).has_value());
  CHECK_FALSE(w.sent(5, 0, Instant(11s), 80ms));
  CHECK(w.size() == 1);
}

TEST_CASE("window: probes are settled in the order they were sent, whatever order the replies come in") {
  ProbeWindow w;
  for (std::uint64_t i = 1; i <= 3; ++i) w.sent(i, i % 3, Instant(10s + 200ms * i), 80ms);
  w.answered(3);
  w.answered(2);
  CHECK_FALSE(w.settle(Instant(10s + 700ms)).has_value());  // the first may still be answered
  w.expire(Instant(10s + 700ms));
  w.answered(1);
  for (std::uint64_t i = 1; i <= 3; ++i) CHECK(w.settle(Instant(10s + 700ms))->sequence == i);
  CHECK_FALSE(w.settle(Instant(20s)).has_value());
}

TEST_CASE("window: what was unanswered while we stood still is void; an answer to it counts all the same") {
  ProbeWindow w;
  w.sent(1, 0, Instant(10s), 80ms);
  w.sent(2, 1, Instant(11s), 80ms);
  w.void_unanswered(Instant(11s - 1ns));
  w.expire(Instant(12s));
  CHECK(w.newest(1).voided);
  CHECK_FALSE(w.newest(0).voided);
  CHECK(w.answered(1).has_value());
}

TEST_CASE("window: an answer by a target that was not asked changes nothing, and the right one counts after it") {
  ProbeWindow w;
  w.sent(1, 2, Instant(10s), 80ms);
  CHECK_FALSE(w.answered(1, 1).has_value());
  CHECK(w.newest(0).fate == ProbeFate::Open);
  CHECK(w.answered(1, 2).has_value());
}

TEST_CASE("window: the oldest probe makes room, and its late reply is a stranger's") {
  ProbeWindow w;
  for (std::uint64_t i = 1; i <= ProbeWindow::kCapacity + 1; ++i) w.sent(i, 0, Instant(std::chrono::milliseconds(i)), 80ms);
  CHECK(w.size() == ProbeWindow::kCapacity);
  CHECK_FALSE(w.answered(1).has_value());
  CHECK(w.answered(2).has_value());
  CHECK(w.newest(0).sequence == ProbeWindow::kCapacity + 1);
}

TEST_CASE("rtt: the timeout starts at its maximum, follows RFC 6298, and keeps within its bounds") {
  model::CircuitProbing probing;
  decision::RttEstimator rtt;
  CHECK(rtt.timeout(probing) == 1s);
  rtt.add(100ms);  // srtt 100, rttvar 50: 100 + 200 + 20
  CHECK(rtt.timeout(probing) == 320ms);
  CHECK(*rtt.smoothed() == 100ms);
  for (int i = 0; i < 200; ++i) rtt.add(1ms);
  CHECK(rtt.timeout(probing) == 80ms);
  rtt.add(5s);
  CHECK(rtt.timeout(probing) == 1s);
  rtt.add(-1s);  // a stepped clock never makes time run backwards
  CHECK(*rtt.smoothed() > 0ms);
}
