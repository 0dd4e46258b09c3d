#include <doctest/doctest.h>

#include <random>

#include "controller/decision/hold_down.hpp"
#include "controller/decision/move_budget.hpp"
#include "controller/decision/policy.hpp"
#include "controller/switch/switch_guards.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::CircuitView;
using decision::MoveBudget;
using model::CircuitId;
using model::Health;
using model::Instant;
using model::Motive;

TEST_CASE("move budget (I3): two failbacks in an hour leave room, three do not until the first is an hour old") {
  MoveBudget b;
  const Instant start(1000s);
  for (int i = 0; i < 2; ++i) b.moved(Motive::Failback, false, start + i * 15min);
  CHECK(b.may_fail_back() == Instant{});
  b.moved(Motive::Failback, false, start + 30min);
  CHECK(b.may_fail_back() == start + MoveBudget::kLong);
  b.moved(Motive::Failback, false, start + 61min);
  CHECK(b.may_fail_back() == start + 15min + MoveBudget::kLong);
}

TEST_CASE("move budget (I3): one quality move in an hour leaves room, two do not") {
  MoveBudget b;
  b.moved(Motive::Quality, false, Instant(1000s));
  CHECK(b.may_improve() == Instant{});
  b.moved(Motive::Quality, false, Instant(2000s));
  CHECK(b.may_improve() == Instant(1000s) + MoveBudget::kLong);
  CHECK(b.may_fail_back() == Instant{});
}

TEST_CASE("move budget (I3): three moves of any kind within ten minutes, six within an hour, escapes not among them") {
  MoveBudget b;
  for (int i = 0; i < 11; ++i) b.moved(Motive::Escape, true, Instant(1000s) + i * 1s);
  b.moved(Motive::Forced, false, Instant(1100s));
  b.moved(Motive::Failback, false, Instant(1101s));
  CHECK(b.may_fail_back() == Instant{});
  b.moved(Motive::Quality, false, Instant(1102s));
  CHECK(b.may_fail_back() == Instant(1100s) + MoveBudget::kShort);
  CHECK(b.may_improve() == Instant(1100s) + MoveBudget::kShort);
  for (int i = 0; i < 2; ++i) b.moved(Motive::Forced, false, Instant(1100s) + (20 + i) * 1min);
  CHECK(b.may_fail_back() == Instant(1102s) + MoveBudget::kShort);  // long gone by
  b.moved(Motive::Forced, false, Instant(1100s) + 40min);
  CHECK(b.may_fail_back() == Instant(1100s) + MoveBudget::kLong);
}

TEST_CASE("move budget (I3): twelve escapes in ten minutes, whatever their motive; eleven leave room") {
  MoveBudget b;
  for (int i = 0; i < 11; ++i) b.moved(i % 2 == 0 ? Motive::Escape : Motive::Forced, true, Instant(1000s) + i * 1s);
  CHECK(b.may_escape() == Instant{});
  b.moved(Motive::Escape, true, Instant(1500s));
  CHECK(b.may_escape() == Instant(1000s) + MoveBudget::kShort);
  CHECK(b.may_fail_back() == Instant{});
}

TEST_CASE("move budget (I3): never more than the switch lets through") {
  CHECK(MoveBudget::kEscapesInShort <= route::kEscapesPerTenMinutes);
  CHECK(MoveBudget::kMovesInShort <= route::kMovesPerTenMinutes);
  CHECK(MoveBudget::kMovesInLong <= route::kMovesPerHour);
  CHECK(MoveBudget::kShort > route::kShortWindow);
  CHECK(MoveBudget::kLong > route::kLongWindow);
}

namespace {

/// A preferred circuit that goes up and down as a story tells, a second one that is always well, and the class between them.
struct Flapping {
  model::Site site = tests::two_by_two();
  decision::CircuitChoice choice;
  MoveBudget budget;
  decision::HoldDown hold_down{60s, 1h};
  std::vector<std::pair<Instant, Motive>> moves;
  CircuitView fiber{.health = Health::Up, .rtt_expected = 20ms, .interval = 200ms};
  Instant now{1000s};
  int dead_ends = 0;  // a dead way was kept although the other was well

  Flapping() {
    site.circuit_health.hold_down = 60s;
    fiber.since = now - 1h;
    hold_down.see(Health::Up, fiber.since);
    choice.circuit = CircuitId{0};
    choice.motive = Motive::FirstChoice;
  }
  void turn(bool up) {
    fiber.health = up ? Health::Up : Health::Down;
    fiber.cause = up ? model::Cause::Answering : model::Cause::Silent;
    fiber.since = now;
    if (!up) fiber.first_bad = now - 1s;
    hold_down.see(fiber.health, now);
  }
  void decide() {
    fiber.hold_down = hold_down.present(now);
    fiber.last_good = fiber.last_proof = now - 30ms;
    const CircuitView coax{.health = Health::Up, .last_good = now - 30ms, .last_proof = now - 230ms, .rtt_expected = 20ms, .interval = 200ms};
    const std::vector<CircuitView> views = {fiber, coax};
    auto next = decision::choose_circuit(
        site, site.classes[0], choice, views, {},
        {.margin = 200ms, .may_escape = budget.may_escape(), .may_fail_back = budget.may_fail_back(), .may_improve = budget.may_improve()}, now);
    if (next.circuit != choice.circuit) {
      budget.moved(next.motive, views[choice.circuit->index()].health == Health::Down, now);
      if (next.motive == Motive::Failback) hold_down.failed_back(now);
      moves.emplace_back(now, next.motive);
    }
    choice = std::move(next);
    dead_ends += choice.circuit == CircuitId{0} && fiber.health == Health::Down ? 1 : 0;
  }
  /// Lets time pass, deciding whenever the last decision asked to.
  void until(Instant end) {
    while (choice.recheck < end) {
      now = std::max(now, choice.recheck);
      decide();
    }
    now = end;
  }
  [[nodiscard]] std::size_t most_in_an_hour(std::optional<Motive> only = std::nullopt) const {
    std::size_t most = 0;
    for (const auto& [from, motive] : moves) {
      std::size_t n = 0;
      for (const auto& [at, m] : moves) n += at >= from && at - from < 1h && (!only || m == *only) ? 1 : 0;
      most = std::max(most, n);
    }
    return most;
  }
};

}  // namespace

TEST_CASE("moves: whatever one circuit does, at most seven moves and three failbacks in any hour, and no dead way is kept") {
  std::size_t most = 0;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 chance(seed);
    Flapping story;
    const double mean_up = std::array{2.0, 20.0, 70.0, 200.0, 700.0, 2000.0}[chance() % 6];
    const double mean_down = std::array{1.0, 5.0, 60.0, 600.0}[chance() % 4];
    std::exponential_distribution<double> up(1 / mean_up), down(1 / mean_down);
    for (int i = 0; i < 300; ++i) {
      const bool dies = i % 2 == 0;
      const double stays = dies ? up(chance) : down(chance);
      story.until(story.now + std::chrono::nanoseconds(static_cast<std::int64_t>(stays * 1e9)));
      story.turn(!dies);
      story.decide();
    }
    most = std::max(most, story.most_in_an_hour());
    CHECK(story.most_in_an_hour() <= 7);
    CHECK(story.most_in_an_hour(Motive::Failback) <= 3);
    CHECK(story.dead_ends == 0);
  }
  CHECK(most >= 4);  // the stories do press against the bounds
}

TEST_CASE("moves: one long outage costs two moves, the last of them after the first hold-down") {
  Flapping story;
  story.turn(false);
  story.decide();
  story.until(story.now + 10min);
  story.turn(true);
  const Instant back = story.now;
  story.decide();
  story.until(story.now + 1h);
  REQUIRE(story.moves.size() == 2);
  CHECK(story.moves[1] == std::pair(back + 60s, Motive::Failback));
}

namespace {

/// A minute of being well, five seconds of a black hole, again and again for an hour: how many moves, and how many of them back.
std::pair<int, int> an_hour_of_flapping(model::Site site_settings) {
  tests::VirtualSite site(std::move(site_settings));
  site.start_empty();
  site.run(30s);
  const std::size_t before = site.events.size();
  for (int i = 0; i < 55; ++i) {
    site.black_hole(0);
    site.run(5s);
    site.black_hole(0, false);
    site.run(60s);
  }
  int moves = 0, back = 0;
  for (std::size_t e = before; e < site.events.size(); ++e) {
    if (site.events[e].id != model::EventId::RoutingMoved) continue;
    ++moves;
    for (const auto& [key, value] : site.events[e].fields) back += key == "motive" && value == "failback" ? 1 : 0;
  }
  return {moves, back};
}

}  // namespace

TEST_CASE("moves: each failback that came too early makes the next one wait longer, in the judge itself") {
  model::Site growing = tests::two_by_two();  // hold-down 10 s, then 30 s, then 90 s, which this flapping never grants
  CHECK(an_hour_of_flapping(growing) == std::pair(5, 2));
}

TEST_CASE("moves: where hold-downs do not grow, the budget alone bounds an hour to seven moves, in the judge itself") {
  model::Site fixed = tests::two_by_two();
  fixed.circuit_health.hold_down_max = fixed.circuit_health.hold_down;
  CHECK(an_hour_of_flapping(fixed) == std::pair(7, 3));
}

TEST_CASE("move budget: it outlives a restart with its age, and a fresh start does not give a flapping circuit a fresh budget") {
  MoveBudget b;
  const Instant start(10'000s);
  for (int i = 0; i < 12; ++i) b.moved(Motive::Escape, true, start + i * 1s);
  for (int i = 0; i < 3; ++i) b.moved(i == 0 ? Motive::Quality : Motive::Failback, false, start + i * 10s);
  const std::string text = b.to_text(start + 60s);
  MoveBudget again;
  const Instant now(50s);  // after a reboot the clock has begun anew: 70 s later by the wall
  REQUIRE(again.recall(text, now, 70s));
  CHECK(again.may_escape() == now - 130s + MoveBudget::kShort);
  CHECK(again.may_fail_back() == now - 130s + MoveBudget::kShort);
  CHECK(again.may_improve() == now - 130s + MoveBudget::kShort);
  again.moved(Motive::Quality, false, now);
  CHECK(again.may_improve() == now - 130s + MoveBudget::kLong);  // the second for quality within the hour
  CHECK(again.to_text(now) != text);
}

TEST_CASE("move budget: a clock that was set back makes nothing older, what is older than its window holds nothing") {
  MoveBudget b;
  for (int i = 0; i < 12; ++i) b.moved(Motive::Escape, true, Instant(1000s));
  MoveBudget again;
  REQUIRE(again.recall(b.to_text(Instant(1000s)), Instant(5000s), -1h));
  CHECK(again.may_escape() == Instant(5000s) + MoveBudget::kShort);
  REQUIRE(again.recall(b.to_text(Instant(1000s)), Instant(5000s), 24h * 365 * 100));
  CHECK(again.may_escape() < Instant(5000s));
}

TEST_CASE("move budget: what cannot be read changes nothing") {
  MoveBudget b;
  for (int i = 0; i < 12; ++i) b.moved(Motive::Escape, true, Instant(1000s));
  const std::string before = b.to_text(Instant(1000s));
  for (const char* text : {"", "moves1", "moves1 13 1 1 1 1 1 1 1 1 1 1 1 1 1 0 0 0 0", "moves1 0 0 0 0 0 0", "moves1 0 0 0 0", "moves1 -1 0 0 0 0",
                           "moves1 0 1 nan 0 0 0", "moves1 0 1 1e99 0 0 0", "moves1 0 4 1 1 1 1 0 0 0", "hold1 0 0 0 0 0"}) {
    CAPTURE(text);
    CHECK_FALSE(b.recall(text, Instant(1000s), 0s));
    CHECK(b.to_text(Instant(1000s)) == before);
  }
  CHECK(b.recall("moves1 0 0 0 0 0\n", Instant(1000s), 0s));
  CHECK(b.may_escape() == Instant{});
}

TEST_CASE("move budget: what the switch refused is kept apart by kind, and is no move") {
  MoveBudget b;
  b.refused(true, Instant(100s));
  CHECK(b.escapes_refused_until() == Instant(100s));
  CHECK(b.moves_refused_until() == Instant{});
  b.refused(false, Instant(200s));
  CHECK(b.moves_refused_until() == Instant(200s));
  CHECK(b.may_escape() == Instant{});
  CHECK(b.may_fail_back() == Instant{});
}
