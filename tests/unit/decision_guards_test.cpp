#include <doctest/doctest.h>

#include "controller/decision/guards.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::CircuitView;
using model::Cause;
using model::Health;
using model::Instant;

TEST_CASE("guard last_path (I1): a steered class may not lose its way, a trunk may not lose a member") {
  const auto site = tests::two_by_two();
  model::Plan standing, next;
  standing.classes.resize(1);
  standing.trunks.resize(1);
  standing.classes[0].circuit = model::CircuitId{0};
  standing.trunks[0].order = {{0}, {1}, {2}, {3}};
  next = standing;
  CHECK_FALSE(decision::last_path_holds(site, standing, next));
  next.classes[0].circuit = model::CircuitId{1};
  CHECK_FALSE(decision::last_path_holds(site, standing, next));
  next.classes[0].circuit.reset();
  CHECK(decision::last_path_holds(site, standing, next));
  next = standing;
  next.trunks[0].order.pop_back();
  CHECK(decision::last_path_holds(site, standing, next));
  next.trunks.clear();
  CHECK(decision::last_path_holds(site, standing, next));
  next = standing;
  standing.classes[0].circuit.reset();  // never steered: may stay so
  next.classes[0].circuit.reset();
  CHECK_FALSE(decision::last_path_holds(site, standing, next));
}

TEST_CASE("guard all_bad (I2): holds when none is usable, not when one is") {
  std::vector<CircuitView> views(2);
  CHECK(decision::all_bad_holds(views));
  views[0].health = Health::Down;
  CHECK(decision::all_bad_holds(views));
  views[1].health = Health::Degraded;
  CHECK_FALSE(decision::all_bad_holds(views));
}

TEST_CASE("guard hold_down (I4): one nanosecond below holds, at the bound lets go") {
  const CircuitView better{.health = Health::Up, .since = Instant(100s)};
  CHECK(decision::hold_down_holds(better, 60s, Instant(160s) - 1ns));
  CHECK_FALSE(decision::hold_down_holds(better, 60s, Instant(160s)));
  CHECK_FALSE(decision::hold_down_holds(better, 60s, Instant(160s) + 1ns));
}

TEST_CASE("guard freshness (I6): the other way must be proven to outlive the fault") {
  const CircuitView dead{.health = Health::Down, .cause = Cause::Silent, .first_bad = Instant(100s)};
  CircuitView other{.health = Health::Up, .last_good = Instant(100s) + 5s, .last_proof = Instant(100s) + 200ms - 1ns};
  CHECK(decision::freshness_holds(dead, other, 200ms));
  other.last_proof = Instant(100s) + 200ms;
  CHECK_FALSE(decision::freshness_holds(dead, other, 200ms));
  other.health = Health::Unknown;
  CHECK(decision::freshness_holds(dead, other, 200ms));
  other = {.health = Health::Up};
  CHECK(decision::freshness_holds(dead, other, 200ms));
  other.last_good = Instant(200s);  // one target alone is no proof
  CHECK(decision::freshness_holds(dead, other, 200ms));
}

TEST_CASE("guard freshness (I6): a link that goes down tells its moment, so a recent answer is enough") {
  const CircuitView dead{.health = Health::Down, .cause = Cause::LinkDown, .first_bad = Instant(100s)};
  CircuitView other{.health = Health::Up, .last_good = Instant(100s) - 200ms};
  CHECK_FALSE(decision::freshness_holds(dead, other, 200ms));
  other.last_good = Instant(100s) - 200ms - 1ns;
  CHECK(decision::freshness_holds(dead, other, 200ms));
}

TEST_CASE("guard corroboration (I5): two targets and two networks, no fewer") {
  CHECK_FALSE(decision::corroboration_holds({.length = 5, .targets = 2, .networks = 2}));
  CHECK(decision::corroboration_holds({.length = 500, .targets = 1, .networks = 1}));
  CHECK(decision::corroboration_holds({.length = 500, .targets = 3, .networks = 1}));
}
