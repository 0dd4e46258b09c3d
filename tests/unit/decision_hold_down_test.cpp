#include <doctest/doctest.h>

#include "controller/decision/hold_down.hpp"

using namespace std::chrono_literals;
using linekeeper::decision::HoldDown;
using linekeeper::model::Health;
using linekeeper::model::Instant;

namespace {

/// Well from 0 on; each story of it is "back, and dead again so long after".
struct Circuit {
  HoldDown hold_down{60s, 1h};
  Instant now{};
  Circuit() { hold_down.see(Health::Up, now); }
  void fails_after_failback(std::chrono::nanoseconds span) {
    hold_down.failed_back(now);
    now += span;
    hold_down.see(Health::Down, now);
    hold_down.see(Health::Up, now);
  }
};

}  // namespace

TEST_CASE("hold-down: each failure within the hour after a failback trebles it, up to the cap") {
  Circuit c;
  CHECK(c.hold_down.present(c.now) == 60s);
  for (const auto expected : {180s, 540s, 1620s, 3600s, 3600s, 3600s}) {
    c.fails_after_failback(5min);
    CHECK(c.hold_down.present(c.now) == expected);
  }
}

TEST_CASE("hold-down: one nanosecond before the hour is over counts, at the hour too, one nanosecond later does not") {
  for (const auto [span, expected] : {std::pair{1h - 1ns, 180s}, std::pair{std::chrono::nanoseconds(1h), 180s}, std::pair{1h + 1ns, 60s}}) {
    Circuit c;
    c.fails_after_failback(span);
    CHECK(c.hold_down.present(c.now) == expected);
  }
}

TEST_CASE("hold-down: each stable hour takes one trebling back, no sooner") {
  Circuit c;
  c.fails_after_failback(1min);
  c.fails_after_failback(1min);
  CHECK(c.hold_down.level(c.now) == 2);
  CHECK(c.hold_down.level(c.now + 1h - 1ns) == 2);
  CHECK(c.hold_down.level(c.now + 1h) == 1);
  CHECK(c.hold_down.level(c.now + 2h - 1ns) == 1);
  CHECK(c.hold_down.level(c.now + 2h) == 0);
  CHECK(c.hold_down.level(c.now + 1000h) == 0);
}

TEST_CASE("hold-down: the cap is not trebled beyond, so one stable hour below it shows at once") {
  Circuit c;
  for (int i = 0; i < 20; ++i) c.fails_after_failback(1min);
  CHECK(c.hold_down.present(c.now) == 1h);
  CHECK(c.hold_down.present(c.now + 1h) == 1620s);
}

TEST_CASE("hold-down: a failure that no failback came before costs nothing, and one failback is judged once") {
  Circuit c;
  for (int i = 0; i < 5; ++i) {
    c.hold_down.see(Health::Down, c.now += 1min);
    c.hold_down.see(Health::Up, c.now += 1min);
  }
  CHECK(c.hold_down.level(c.now) == 0);
  c.fails_after_failback(1min);
  c.hold_down.see(Health::Down, c.now += 1min);
  c.hold_down.see(Health::Up, c.now += 1min);
  CHECK(c.hold_down.level(c.now) == 1);
}

TEST_CASE("hold-down: an hour of being down, or a failure in between, makes no stable hour") {
  Circuit c;
  c.fails_after_failback(1min);
  c.hold_down.see(Health::Down, c.now + 59min);
  CHECK(c.hold_down.level(c.now + 10h) == 1);
  c.hold_down.see(Health::Up, c.now + 10h);
  CHECK(c.hold_down.level(c.now + 11h - 1ns) == 1);
  CHECK(c.hold_down.level(c.now + 11h) == 0);
}

TEST_CASE("hold-down: to be left because calls sound bad counts as a failure, unknown counts as nothing") {
  Circuit c;
  c.hold_down.failed_back(c.now);
  c.hold_down.see(Health::Unknown, c.now + 1min);
  CHECK(c.hold_down.level(c.now + 1min) == 0);
  c.hold_down.left(c.now + 2min);
  CHECK(c.hold_down.level(c.now + 2min) == 1);
}

TEST_CASE("hold-down: none configured stays none, and a cap below the first time is that time") {
  HoldDown none(0s, 1h);
  HoldDown odd(60s, 10s);
  for (HoldDown* h : {&none, &odd}) {
    h->see(Health::Up, Instant(0s));
    h->failed_back(Instant(1s));
    h->see(Health::Down, Instant(2s));
  }
  CHECK(none.present(Instant(3s)) == 0s);
  CHECK(odd.present(Instant(3s)) == 60s);
}

TEST_CASE("hold-down: says since when a circuit that was down is back") {
  HoldDown h(60s, 1h);
  h.see(Health::Up, Instant(1s));
  CHECK_FALSE(h.back_since().has_value());
  h.see(Health::Down, Instant(2s));
  CHECK_FALSE(h.back_since().has_value());
  h.see(Health::Degraded, Instant(3s));
  h.see(Health::Up, Instant(4s));
  CHECK(h.back_since() == Instant(3s));
}

TEST_CASE("hold-down: a restart does not give a flapping circuit a fresh, short one, and stable hours count on over it") {
  Circuit c;
  for (int i = 0; i < 3; ++i) c.fails_after_failback(5min);
  REQUIRE(c.hold_down.present(c.now) == 1620s);
  const std::string text = c.hold_down.to_text(c.now);
  HoldDown again(60s, 1h);
  const Instant now(7s);
  REQUIRE(again.recall(text, now, 10s));
  CHECK(again.present(now) == 1620s);
  CHECK(again.present(now + 1h - 11s) == 1620s);
  CHECK(again.present(now + 1h - 10s) == 540s);
  REQUIRE(again.recall(text, now, 2h));
  CHECK(again.present(now) == 180s);
  REQUIRE(again.recall(text, now, -2h));
  CHECK(again.present(now) == 1620s);
}

TEST_CASE("hold-down: a failure within the hour after a failback that an earlier judge made still trebles it") {
  for (const auto [later, expected] : {std::pair{59min, 180s}, std::pair{60min, 180s}, std::pair{61min, 60s}}) {
    Circuit c;
    c.hold_down.failed_back(c.now);
    HoldDown again(60s, 1h);
    REQUIRE(again.recall(c.hold_down.to_text(c.now), Instant{}, 0s));
    again.see(Health::Down, Instant{} + later);
    CHECK(again.present(Instant{} + later) == expected);
  }
}

TEST_CASE("hold-down: one that was down when it was written, and is well now, is back since it was seen well") {
  Circuit c;
  c.hold_down.see(Health::Down, c.now + 1s);
  HoldDown again(60s, 1h);
  REQUIRE(again.recall(c.hold_down.to_text(c.now + 2s), Instant(100s), 5s));
  CHECK_FALSE(again.back_since().has_value());
  again.see(Health::Up, Instant(110s));
  CHECK(again.back_since() == Instant(110s));
}

TEST_CASE("hold-down: a level beyond what is configured now is cut, what cannot be read changes nothing") {
  HoldDown h(60s, 3min);
  REQUIRE(h.recall("hold1 9 0 -1 -1 -1", Instant(100s), 0s));
  CHECK(h.present(Instant(100s)) == 180s);
  for (const char* text : {"", "hold1", "hold1 33 0 -1 -1 -1", "hold1 -1 0 -1 -1 -1", "hold1 1 2 -1 -1 -1", "hold1 1 0 -2 -1 -1",
                           "hold1 1 0 nan -1 -1", "hold1 1 0 -1 -1", "hold1 1 0 -1 -1 -1 -1", "hold2 1 0 -1 -1 -1"}) {
    CAPTURE(text);
    CHECK_FALSE(h.recall(text, Instant(100s), 0s));
    CHECK(h.present(Instant(100s)) == 180s);
  }
}
