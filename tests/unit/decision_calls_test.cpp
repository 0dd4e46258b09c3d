#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "controller/decision/call_witness.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::CallWitness;
using Change = decision::CallWitness::Change;
using model::CallFate;
using model::CallOutcome;
using model::CallsStanding;
using model::Instant;
using tests::VirtualSite;

namespace {

model::Calls rule() {
  model::Calls r;
  r.listen = *model::IpAddress::parse("127.0.0.1");
  return r;
}

CallOutcome outcome(CallFate fate, Instant sent, int code = 0, model::Duration pdd = 300ms) {
  return {.carrier = {}, .circuit = {}, .fate = fate, .code = code, .pdd = pdd, .sent = sent};
}

struct Path {
  explicit Path(model::Calls r = rule()) : calls(r), witness(calls) {}
  Change call(CallFate fate, int code = 0, bool counts = true, bool ill = false) {
    now += every;
    return witness.on(outcome(fate, now, code), counts, ill, now);
  }
  /// Well for so many calls.
  void well(int n) {
    for (int i = 0; i < n; ++i) REQUIRE(call(CallFate::Answered, 200) == Change::None);
  }
  int until_failing(bool ill = false) {
    for (int n = 1; n <= 50; ++n)
      if (call(CallFate::CarrierFailed, 503, true, ill) == Change::Fails) return n;
    return -1;
  }
  model::Calls calls;
  CallWitness witness;
  model::Duration every = 100ms;
  Instant now = Instant(1h);
};

model::Site heard_site() {
  model::Site s = tests::two_by_two();
  s.calls = rule();
  s.calls.hold_down = 60s;
  return s;
}

/// A site that goes by north via fiber, with OPTIONS answered all along.
struct Heard {
  explicit Heard(model::Site s = heard_site()) : site(std::move(s)) {
    site.start_empty();
    site.run(5s);
    REQUIRE(site.order_now() == "11 22 12 21");
  }
  void call(std::size_t carrier, std::size_t circuit, CallFate fate, int code = 0) {
    site.run(100ms);
    auto o = outcome(fate, site.now() - 50ms, code);
    o.carrier = model::id_at<model::CarrierId>(carrier);
    o.circuit = model::id_at<model::CircuitId>(circuit);
    site.take(site.decider().observe(o, site.now()));
  }
  /// Calls by whoever stands first fail. @return how many until another carrier does
  int fail_until_left(int code = 503) {
    const std::string before = site.order_now();
    for (int n = 1; n <= 20; ++n) {
      call(0, 0, CallFate::CarrierFailed, code);
      if (site.order_now() != before) return n;
    }
    return -1;
  }
  VirtualSite site;
};

}  // namespace

TEST_CASE("calls: a busy path is left after five calls that failed, not after four; a quiet one after three") {
  Path busy;
  busy.well(2000);
  CHECK(busy.until_failing() == 5);
  CHECK(busy.witness.why() == "5 of 5 calls failed with 503");
  Path quiet;
  quiet.every = 30min;
  quiet.well(40);
  CHECK(quiet.until_failing() == 3);
}

TEST_CASE("calls: fewer are needed where OPTIONS look ill too") {
  Path p;
  p.well(2000);
  CHECK(p.until_failing(true) == 3);
}

TEST_CASE("calls: busy, no answer, our own faults and callers who gave up hold nobody out, however many") {
  Path p;
  for (const CallFate fate : {CallFate::Busy, CallFate::NoAnswer, CallFate::OurFault, CallFate::Cancelled})
    for (int i = 0; i < 500; ++i) REQUIRE(p.call(fate, 486) == Change::None);
  CHECK(p.witness.standing() == CallsStanding::Well);
  Path ours;
  for (int i = 0; i < 500; ++i) REQUIRE(ours.call(CallFate::OurFault, 404) == Change::None);
  CHECK(ours.witness.standing() == CallsStanding::Unknown);
}

TEST_CASE("calls: a failure that may be the circuit's or our own is not counted, and what is told again is no second witness") {
  Path p;
  p.well(100);
  for (int i = 0; i < 50; ++i) REQUIRE(p.call(CallFate::CarrierFailed, 0, false) == Change::None);
  for (int i = 0; i < 50; ++i) {
    auto o = outcome(CallFate::CarrierFailed, p.now, 503);
    o.again = true;
    REQUIRE(p.witness.on(o, true, false, p.now) == Change::None);
  }
  CHECK(p.witness.standing() == CallsStanding::Well);
}

TEST_CASE("calls: false alarms are no more than e^-alarm of the calls, on a path that fails one of a hundred by chance") {
  model::Calls r = rule();
  r.false_demotions_per_year = 10000;
  r.hold_down = r.hold_down_max = 1s;
  Path p(r);
  p.every = 1s;
  std::minstd_rand random(7);
  int alarms = 0, calls = 0;
  const int kCalls = 3'000'000;
  while (calls < kCalls) {
    ++calls;
    const bool fails = random() % 100 == 0;
    if (p.call(fails ? CallFate::CarrierFailed : CallFate::Answered, fails ? 503 : 200) == Change::Fails) ++alarms;
    if (p.witness.fails()) p.witness.wake(p.now + 2h);  // a trial
    if (p.witness.standing() == CallsStanding::Trial)
      for (int i = 0; i < 3; ++i) p.call(CallFate::Answered, 200);
  }
  // 3,600 calls an hour for 3 million seconds: 951 false ones are allowed.
  MESSAGE("false demotions: " << alarms);
  CHECK(alarms <= 951);
  CHECK(alarms > 0);  // it is not deaf
}

TEST_CASE("calls: a share that fails is found by how much it is more than usual") {
  for (const int percent : {5, 60}) {
    Path p;
    std::minstd_rand random(11);
    p.well(2000);
    int n = 0;
    while (n < 2000 && !p.witness.fails()) {
      ++n;
      const bool fails = static_cast<int>(random() % 100) < percent;
      p.call(fails ? CallFate::CarrierFailed : CallFate::Answered, fails ? 503 : 200);
    }
    MESSAGE(percent << " %: " << n);
    if (percent == 60) CHECK(n <= 20);
    if (percent == 5) CHECK(n == 2000);
  }
}

TEST_CASE("calls: held out until the hold-down ends, trebled when the trial fails, over when enough calls pass") {
  Path p;
  p.well(100);
  REQUIRE(p.until_failing() > 0);
  CHECK(p.witness.next_wakeup() == p.now + 2min);
  CHECK(p.witness.wake(p.now + 2min - 1ns) == Change::None);
  for (int i = 0; i < 100; ++i) REQUIRE(p.call(CallFate::Answered, 200) == Change::None);  // stragglers do not end it
  p.now = p.witness.next_wakeup();
  CHECK(p.witness.wake(p.now) == Change::Trial);
  // A call from before the trial says nothing of it; the first of the trial that fails ends it.
  CHECK(p.witness.on(outcome(CallFate::CarrierFailed, p.now - 1s, 503), true, false, p.now) == Change::None);
  CHECK(p.call(CallFate::CarrierFailed, 503) == Change::Fails);
  CHECK(p.witness.why() == "1 of 1 call failed with 503");
  CHECK(p.witness.next_wakeup() == p.now + 6min);
  p.now = p.witness.next_wakeup();
  CHECK(p.witness.wake(p.now) == Change::Trial);
  CHECK(p.call(CallFate::Busy, 486) == Change::None);
  CHECK(p.call(CallFate::Answered, 200) == Change::None);
  CHECK(p.call(CallFate::Answered, 200) == Change::Well);
}

TEST_CASE("calls: a call of our own ends the waiting in its place") {
  Path p;
  p.well(100);
  const int failed = p.until_failing();
  REQUIRE(failed > 0);
  auto o = outcome(CallFate::CarrierFailed, p.now, 503);
  o.trial = true;
  CHECK(p.witness.on(o, true, false, p.now) == Change::None);
  o.fate = CallFate::Answered;
  CHECK(p.witness.on(o, true, false, p.now) == Change::Trial);
  CHECK(p.witness.figures().attempts == 100 + failed);  // it is no call of the PBX's
}

TEST_CASE("calls: what is slow is learned from what is usual, within its limits") {
  Path p;
  CHECK(p.witness.slow_after() == 8s);
  for (int i = 0; i < 19; ++i) p.witness.on(outcome(CallFate::Answered, p.now, 200, 1s), true, false, p.now);
  CHECK(p.witness.slow_after() == 8s);
  p.witness.on(outcome(CallFate::Answered, p.now, 200, 1s), true, false, p.now);
  CHECK(p.witness.slow_after() > 2700ms);
  CHECK(p.witness.slow_after() < 3400ms);
  Path quick;
  quick.well(100);
  CHECK(quick.witness.slow_after() == 2s);
  for (int i = 0; i < 3; ++i) REQUIRE(quick.call(CallFate::Slow) == Change::None);
  CHECK(quick.call(CallFate::Slow) == Change::Fails);
  CHECK(quick.witness.why() == "4 of 4 calls did not ring in time");
}

TEST_CASE("calls: the figures are of the calls") {
  Path p;
  p.well(60);
  for (int i = 0; i < 30; ++i) p.call(CallFate::Busy, 486);
  p.call(CallFate::CarrierFailed, 503);
  const auto f = p.witness.figures();
  CHECK(f.attempts == 91);
  CHECK(*f.asr == doctest::Approx(60.0 / 91));
  CHECK(*f.ner == doctest::Approx(90.0 / 91));
  CHECK(std::abs(model::seconds(*f.pdd_median) - 0.3) < 0.03);
  p.well(400);
  CHECK(p.witness.figures().attempts < 400);
}

TEST_CASE("calls: OPTIONS answered and INVITE 503: the trunk goes to another carrier within a handful, by no circuit of that one, and stays") {
  Heard h;
  for (int i = 0; i < 200; ++i) h.call(0, 0, CallFate::Answered, 200);
  const int calls = h.fail_until_left();
  CHECK(calls >= 3);
  CHECK(calls <= 5);
  CHECK(h.site.order_now() == "21 22 12 11");  // coax may be as bad: no caller is to find out while another carrier takes calls
  CHECK(h.site.count(model::EventId::CallsFail) == 1);
  CHECK(h.site.count(model::EventId::TrunkMoved) == 2);
  const auto moved =
      std::ranges::find_if(h.site.events, [](const auto& e) { return e.id == model::EventId::TrunkMoved && e.text.contains("takes no calls"); });
  REQUIRE(moved != h.site.events.end());
  INFO(moved->text);
  CHECK(moved->text.contains("since north via fiber takes no calls"));
  CHECK(moved->text.contains("calls failed with 503 while OPTIONS are answered"));
  h.site.run(59s);  // OPTIONS are answered all the time: no flapping
  CHECK(h.site.order_now() == "21 22 12 11");
  const auto s = h.site.status();
  REQUIRE(s.diagnoses.size() == 1);
  CHECK(s.diagnoses[0].failed == model::Failed::Carrier);
  CHECK(s.diagnoses[0].sentence.contains("OPTIONS answered, "));
  CHECK(s.path(model::CarrierId{0}, model::CircuitId{0}).calls->standing == CallsStanding::Failing);
}

TEST_CASE("calls: half-open: back in its place after the hold-down, and away again with the first call that fails") {
  Heard h;
  for (int i = 0; i < 200; ++i) h.call(0, 0, CallFate::Answered, 200);
  REQUIRE(h.fail_until_left() > 0);
  h.site.run(61s);
  CHECK(h.site.order_now() == "11 22 12 21");
  CHECK(h.site.count(model::EventId::CallsTrial) == 1);
  h.call(0, 0, CallFate::CarrierFailed, 503);
  CHECK(h.site.order_now() == "21 22 12 11");
  h.site.run(175s);
  CHECK(h.site.order_now() == "21 22 12 11");
  h.site.run(10s);
  CHECK(h.site.order_now() == "11 22 12 21");
  for (int i = 0; i < 3; ++i) h.call(0, 0, CallFate::Answered, 200);
  CHECK(h.site.count(model::EventId::CallsWell) == 1);
  CHECK(h.site.status().diagnoses.empty());
}

TEST_CASE("calls: a call that passed by the other circuit since then speaks for the carrier there") {
  Heard h;
  for (int i = 0; i < 200; ++i) h.call(0, 0, CallFate::Answered, 200);
  for (int i = 0; i < 2; ++i) h.call(0, 0, CallFate::CarrierFailed, 503);
  h.call(0, 1, CallFate::Answered, 200);
  REQUIRE(h.fail_until_left() > 0);
  CHECK(h.site.order_now() == "12 21 22 11");
}

TEST_CASE("calls: where all ways fail the least bad stays, and nothing goes round and round") {
  Heard h;
  for (std::size_t k = 0; k < 2; ++k)
    for (std::size_t c = 0; c < 2; ++c)
      for (int i = 0; i < 10; ++i) h.call(k, c, CallFate::CarrierFailed, 503);
  const std::string order = h.site.order_now();
  const auto moves = h.site.count(model::EventId::TrunkMoved);
  h.site.run(50s);
  CHECK(h.site.order_now() == order);
  CHECK(h.site.count(model::EventId::TrunkMoved) == moves);
  CHECK(order.size() == std::string("11 12 21 22").size());
}

TEST_CASE("calls: silence of calls over a circuit that is silent itself is the circuit's; what a carrier says is its own") {
  Heard h;
  h.site.black_hole(0);
  h.site.run(3s);
  for (int i = 0; i < 20; ++i) h.call(0, 0, CallFate::CarrierFailed, 0);
  CHECK(h.site.count(model::EventId::CallsFail) == 0);
  for (int i = 0; i < 20; ++i) h.call(0, 0, CallFate::CarrierFailed, 503);
  CHECK(h.site.count(model::EventId::CallsFail) == 1);
}

TEST_CASE("calls: an emergency trunk too leaves a way that takes no calls, and keeps every way") {
  model::Site s = heard_site();
  s.trunks[0].emergency = true;
  Heard h(s);
  for (int i = 0; i < 200; ++i) h.call(0, 0, CallFate::Answered, 200);
  REQUIRE(h.fail_until_left() > 0);
  CHECK(h.site.order_now() == "21 22 12 11");
}

TEST_CASE("calls: a carrier that can be called by ourselves is tried so, and no caller's call is risked") {
  model::Site s = heard_site();
  s.carriers[0].tried_by_call = true;
  Heard h(s);
  for (int i = 0; i < 200; ++i) h.call(0, 0, CallFate::Answered, 200);
  REQUIRE(h.fail_until_left() > 0);
  std::optional<decision::TryCall> asked;
  while (!asked && h.site.count(model::EventId::CallsTrial) == 0 && h.site.now() < Instant(1h)) {
    h.site.run(1s);
    asked = h.site.tried;
  }
  REQUIRE(asked);
  CHECK(asked->carrier == model::CarrierId{0});
  CHECK(asked->circuit == model::CircuitId{0});
  h.site.run(30s);
  CHECK(h.site.order_now() == "21 22 12 11");
  auto o = outcome(CallFate::Answered, h.site.now(), 200);
  o.trial = true;
  h.site.take(h.site.decider().observe(o, h.site.now()));
  CHECK(h.site.order_now() == "11 22 12 21");
}

TEST_CASE("calls: who is held out is so after a restart too, for what is left of its time, and says why; a trial goes on") {
  Path before;
  before.well(500);
  before.until_failing();
  const auto held = before.witness.next_wakeup() - before.now;
  const std::string kept = before.witness.to_text(before.now);
  CHECK(kept.find(' ') == std::string::npos);
  const Instant begun(10s);  // another boot: another clock
  CallWitness after(before.calls);
  REQUIRE(after.recall(kept, begun, 5s));
  CHECK(after.fails());
  CHECK(after.why() == before.witness.why());
  CHECK(std::chrono::abs(after.next_wakeup() - (begun + held - 5s)) <= 1ms);
  CHECK(after.wake(begun + held - 5s - 2ms) == Change::None);
  CHECK(after.wake(begun + held - 5s + 2ms) == Change::Trial);
  CallWitness trial(before.calls);
  REQUIRE(trial.recall(after.to_text(begun + held), begun, 0s));
  CHECK(trial.standing() == CallsStanding::Trial);
  CHECK(trial.on(outcome(CallFate::CarrierFailed, begun + 1s, 503), true, false, begun + 1s) == Change::Fails);
  CHECK(trial.hold_down(begun + 1s) > held);  // the relapse counts as one
  CallWitness late(before.calls);
  REQUIRE(late.recall(kept, begun, 24h));
  CHECK(late.wake(begun) == Change::Trial);
  CallWitness well(before.calls), fresh(before.calls);
  Path path;
  path.well(3);
  REQUIRE(well.recall(path.witness.to_text(path.now), begun, 1s));
  CHECK(well.standing() == CallsStanding::Well);
  CHECK(fresh.to_text(begun).empty());
}

TEST_CASE("calls: what was kept and is damaged changes nothing, however it is damaged") {
  Path before;
  before.well(30);
  before.until_failing();
  const std::string kept = before.witness.to_text(before.now);
  const auto broken = [&](std::string text) {
    CallWitness witness(before.calls);
    CHECK_MESSAGE(!witness.recall(text, Instant(10s), 1s), text);
    CHECK(witness.standing() == CallsStanding::Unknown);
  };
  for (std::size_t cut = 0; cut + 4 < kept.size(); ++cut) {
    if (kept.substr(0, cut).ends_with(',') || kept[cut] == ',' || kept[cut] == '|') broken(kept.substr(0, cut));
  }
  broken(kept + ",1");
  broken("");
  broken("|");
  std::string standing = kept;
  standing[standing.find('|') + 1] = '4';
  broken(standing);
}

TEST_CASE("calls: a carrier that is held out stays so over a restart of the judge: the order is as it was, and it is tried in time") {
  Heard t;
  REQUIRE(t.fail_until_left() > 0);
  const std::string order = t.site.order_now();
  REQUIRE_FALSE(order.starts_with("1"));
  const model::CircuitId fiber{0}, coax{1};
  const std::string by_fiber = t.site.decider().memory(fiber, t.site.now()), by_coax = t.site.decider().memory(coax, t.site.now());
  VirtualSite after(heard_site());
  REQUIRE(after.decider().recall(fiber, by_fiber, 2s));
  REQUIRE(after.decider().recall(coax, by_coax, 2s));
  CHECK_FALSE(after.decider().recall(fiber, by_fiber + "x", 2s));
  after.start_from({fiber}, {21, 22, 11, 12});
  after.run(50s);
  CHECK(after.order_now().starts_with("2"));
  after.run(30s);
  CHECK(after.order_now().starts_with("1"));  // its hold-down is over: it may have calls again
}

TEST_CASE("calls: without [calls] nothing is weighed") {
  model::Site s = heard_site();
  s.calls = {};
  Heard h(s);
  for (int i = 0; i < 50; ++i) h.call(0, 0, CallFate::CarrierFailed, 503);
  CHECK(h.site.order_now() == "11 22 12 21");
  CHECK(!h.site.status().path(model::CarrierId{0}, model::CircuitId{0}).calls);
}
