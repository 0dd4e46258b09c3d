// A carrier that is suspected by one circuit: its other paths are asked, and what they have answered since decides.
#include <doctest/doctest.h>

#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;
using decision::Ask;
using model::CarrierId;
using model::CircuitId;

namespace {

constexpr std::size_t kFiber = 0;
const CarrierId kNorth{0}, kSouth{1};
const CircuitId kByFiber{0}, kByCoax{1};

/// All well for 30 s; from then on the test tells what becomes of OPTIONS.
struct Told {
  VirtualSite site;
  std::uint64_t sequence = 1000;

  explicit Told(model::Site of = two_by_two()) : site(std::move(of)) {
    site.start_empty();
    site.run(30s);
    site.options_by_hand = true;
    site.run(100ms);  // what was out has come
  }
  std::optional<Ask> tell(const model::Observation& o) {
    const decision::Output& out = site.decider().observe(o, site.now());
    const auto ask = out.ask;
    site.take(out);
    return ask;
  }
  std::optional<Ask> overdue(CarrierId k, CircuitId c, Duration ago = 1s) {
    return tell(model::SipOverdue{.carrier = k, .circuit = c, .sequence = ++sequence, .sent = site.now() - ago});
  }
  std::optional<Ask> timeout(CarrierId k, CircuitId c, Instant sent) {
    return tell(model::SipOutcome{.carrier = k, .circuit = c, .sequence = ++sequence, .result = model::SipResult::Timeout, .sent = sent});
  }
  std::optional<Ask> answer(CarrierId k, CircuitId c, Instant sent, int code = 200) {
    return tell(model::SipOutcome{.carrier = k,
                                  .circuit = c,
                                  .sequence = ++sequence,
                                  .result = model::SipResult::Final,
                                  .code = code,
                                  .reply = code < 300    ? model::ReplyClass::Up
                                           : code == 403 ? model::ReplyClass::Degraded
                                                         : model::ReplyClass::Down,
                                  .sent = sent});
  }
  /// North is called down by fiber, with an OPTIONS of `first` as the first unanswered one.
  void north_dies_by_fiber(Instant first) {
    timeout(kNorth, kByFiber, first);
    timeout(kNorth, kByFiber, first + 1ms);
    REQUIRE(site.status().path(kNorth, kByFiber).verdict.health == model::Health::Down);
  }
};

}  // namespace

TEST_CASE("carrier in doubt: an overdue OPTIONS has the carrier's other paths asked at once, once for each silence") {
  Told t;
  CHECK(t.overdue(kNorth, kByFiber) == Ask{kNorth, 0b10});
  t.site.run(750ms);
  CHECK_FALSE(t.overdue(kNorth, kByFiber));  // the same silence
  t.answer(kNorth, kByFiber, t.site.now());
  t.site.run(2s);
  CHECK(t.overdue(kNorth, kByFiber) == Ask{kNorth, 0b10});
  CHECK_FALSE(t.overdue(kNorth, kByCoax));  // by fiber it is suspected already, and asks for itself
}

TEST_CASE("carrier in doubt: a bad answer and a refusal have the others asked as silence does, good ones do not") {
  Told t;
  CHECK_FALSE(t.answer(kNorth, kByFiber, t.site.now()));
  CHECK(t.answer(kNorth, kByFiber, t.site.now(), 503) == Ask{kNorth, 0b10});
  CHECK(t.timeout(kSouth, kByCoax, t.site.now()) == Ask{kSouth, 0b01});
}

TEST_CASE("carrier in doubt: a circuit that is silent or down itself is to blame, and nobody is asked because of it or through it") {
  Told t;
  t.site.black_hole(kFiber);
  t.site.run(600ms);
  REQUIRE(t.site.status().circuits[kFiber].suspect);
  CHECK_FALSE(t.overdue(kNorth, kByFiber));
  CHECK_FALSE(t.overdue(kSouth, kByCoax));
  t.site.run(1s);
  REQUIRE(t.site.circuit(kFiber) == model::Health::Down);
  CHECK_FALSE(t.timeout(kNorth, kByFiber, t.site.now()));
  t.answer(kSouth, kByCoax, t.site.now());
  CHECK_FALSE(t.overdue(kSouth, kByCoax));
}

TEST_CASE("carrier in doubt: the path that has answered nothing sent since the other fell silent is passed over, in one change") {
  Told t;
  const Instant first = t.site.now();
  t.site.run(4s);
  for (const CircuitId c : {kByFiber, kByCoax}) t.answer(kSouth, c, t.site.now());
  t.answer(kNorth, kByCoax, first - 1ns);  // sent a nanosecond too early: no proof
  t.north_dies_by_fiber(first);
  CHECK(t.site.order_now() == "21 22 12 11");
  CHECK(t.site.status().plan.trunks[0].rejected[1].guard == model::Guard::Freshness);
}

TEST_CASE("carrier in doubt: the path that has answered since takes over at once, and keeps its place while it is asked no more") {
  Told t;
  const Instant first = t.site.now();
  t.site.run(4s);
  t.answer(kNorth, kByCoax, first);  // sent when the silence began: that is proof
  t.north_dies_by_fiber(first);
  CHECK(t.site.order_now() == "12 21 22 11");
  t.site.run(5s);
  t.timeout(kNorth, kByFiber, t.site.now());
  CHECK(t.site.order_now() == "12 21 22 11");
}

TEST_CASE("carrier in doubt: who is passed over has its place back with its first answer") {
  Told t;
  const Instant first = t.site.now();
  t.site.run(4s);
  t.north_dies_by_fiber(first);
  REQUIRE(t.site.order_now() == "21 22 12 11");
  t.answer(kNorth, kByCoax, t.site.now());
  CHECK(t.site.order_now() == "12 21 22 11");
}

TEST_CASE("carrier in doubt: a way that fell silent with the other has its hold-down too, though it was never called down") {
  Told t;
  const Instant first = t.site.now();
  t.site.run(1s);
  t.overdue(kNorth, kByCoax);
  t.north_dies_by_fiber(first);
  REQUIRE(t.site.order_now() == "21 22 12 11");
  const Instant silent = t.site.now();
  const auto coax_answers_until = [&](Instant end) {
    while (t.site.now() < end) {
      for (const CarrierId k : {kNorth, kSouth}) t.answer(k, kByCoax, t.site.now());
      t.answer(kSouth, kByFiber, t.site.now());
      t.timeout(kNorth, kByFiber, t.site.now());
      t.site.run(std::min<Duration>(1s, end - t.site.now()));
    }
  };
  const Duration hold_down = two_by_two().carrier_health.hold_down;
  coax_answers_until(silent + hold_down - 1ms);
  CHECK(t.site.order_now().starts_with("21"));
  coax_answers_until(silent + hold_down + 1ms);
  CHECK(t.site.order_now().starts_with("12"));
}

TEST_CASE("carrier in doubt: who stands first stays until it is suspected itself") {
  Told t;
  const Instant first = t.site.now();
  t.site.black_hole(kFiber);
  t.site.run(2s);
  t.site.black_hole(kFiber, false);
  t.site.run(3s);
  REQUIRE(t.site.order_now().starts_with("12"));  // north via coax, as voice goes by coax
  t.answer(kNorth, kByFiber, t.site.now());
  t.north_dies_by_fiber(t.site.now());
  CHECK(t.site.order_now().starts_with("12"));
  CHECK(t.site.now() > first);
  t.overdue(kNorth, kByCoax);
  CHECK(t.site.order_now().starts_with("22"));
}

TEST_CASE(
    "carrier in doubt: one that begins to say 403 has its other paths asked once, and keeps its place until they have spoken or a second is over") {
  const auto begin = [](Told& t) {
    CHECK(t.answer(kNorth, kByFiber, t.site.now(), 403) == Ask{kNorth, 0b10});
    CHECK(t.site.order_now().starts_with("11"));
    t.site.run(50ms);
    CHECK_FALSE(t.answer(kNorth, kByFiber, t.site.now(), 403));  // known already
    CHECK(t.site.order_now().starts_with("11"));
  };
  Told everywhere;
  begin(everywhere);
  everywhere.answer(kNorth, kByCoax, everywhere.site.now(), 403);
  CHECK(everywhere.site.order_now().starts_with("21"));
  Told one;
  const Instant first = one.site.now();
  begin(one);
  one.answer(kNorth, kByCoax, first - 1ns);
  CHECK(one.site.order_now().starts_with("11"));
  one.answer(kNorth, kByCoax, first);
  CHECK(one.site.order_now().starts_with("12"));
  Told unheard;
  begin(unheard);
  unheard.site.run(949ms);
  CHECK(unheard.site.order_now().starts_with("11"));
  unheard.site.run(2ms);
  CHECK(unheard.site.order_now().starts_with("12"));
}

TEST_CASE("carrier in doubt: an emergency trunk goes to a path that has earned its trust, whatever its carrier does by another circuit") {
  for (const bool emergency : {false, true}) {
    auto of = two_by_two();
    of.trunks[0].emergency = emergency;
    Told t(std::move(of));
    for (int i = 0; i < 3; ++i) t.answer(kSouth, kByFiber, t.site.now(), 503);  // south has been down by fiber, and is back there, untrusted
    for (int i = 0; i < 10; ++i) t.answer(kSouth, kByFiber, t.site.now() + 1ms * i);
    REQUIRE(t.site.status().path(kSouth, kByFiber).verdict.health == model::Health::Up);
    for (const CircuitId c : {kByFiber, kByCoax}) t.answer(kNorth, c, t.site.now(), 403);
    CHECK(t.site.order_now().starts_with(emergency ? "22" : "11"));
  }
}

TEST_CASE("carrier in doubt: an emergency trunk is ordered by death alone (I24)") {
  auto site = two_by_two();
  site.trunks[0].emergency = true;
  Told t(std::move(site));
  t.north_dies_by_fiber(t.site.now());
  CHECK(t.site.order_now() == "12 21 22 11");
}

TEST_CASE("a circuit that falls silent has its gateway asked, when it is suspect and when it is called down, and not while it answers") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  std::vector<Instant> asked;
  const auto watch = [&](Duration span) {
    for (const Instant end = site.now() + span; site.now() < end; site.run(1ms))
      if (site.gateways_asked != 0) {
        CHECK(std::exchange(site.gateways_asked, 0) == 0b01);
        asked.push_back(site.now());
      }
  };
  watch(5s);
  CHECK(asked.empty());
  const Instant died = site.now();
  site.black_hole(kFiber);
  watch(20s);
  REQUIRE(asked.size() == 2);
  CHECK(asked[0] - died < 700ms);
  CHECK(asked[1] - died < 1100ms);
  site.black_hole(kFiber, false);
  watch(20s);
  CHECK(asked.size() == 2);
}

TEST_CASE("a gateway that is resolved anew in a silence without proof is asked again, one that has proven to live or is given up is not") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  using model::Neighbour;
  const auto asked = [&](Neighbour neighbour, std::optional<Instant> confirmed) {
    site.gateways_asked = 0;
    site.take(site.decider().observe(model::GatewayState{.circuit = kByFiber, .neighbour = neighbour, .confirmed = confirmed}, site.now()));
    return site.gateways_asked;
  };
  const Instant before = site.now() - 1ms;
  CHECK(asked(Neighbour::Unknown, before) == 0);  // it answers probes: nobody doubts it
  site.black_hole(kFiber);
  site.run(3s);
  const Instant silent = site.decider().circuit(kByFiber).first_bad();
  CHECK(asked(Neighbour::Unknown, before) == 0b01);
  CHECK(asked(Neighbour::Answers, silent - 1ns) == 0b01);
  CHECK(asked(Neighbour::Answers, silent) == 0);
  CHECK(asked(Neighbour::Unknown, std::nullopt) == 0b01);
  CHECK(asked(Neighbour::Silent, before) == 0);
}

TEST_CASE("carrier in doubt: behind a carrier that is well nobody's place is doubted for want of proof, as it moves no call") {
  Told t;
  t.timeout(kSouth, kByFiber, t.site.now());
  t.timeout(kSouth, kByFiber, t.site.now() + 1ms);
  CHECK(t.site.order_now() == "11 22 12 21");
  const auto rejected = t.site.status().plan.trunks[0].rejected;
  CHECK(rejected.at(0).name == "south via coax");
  CHECK(rejected.at(0).guard == model::Guard::None);
}
