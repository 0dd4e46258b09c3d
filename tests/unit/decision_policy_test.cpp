#include <doctest/doctest.h>

#include "controller/decision/policy.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::CircuitView;
using model::CircuitId;
using model::Guard;
using model::Health;
using model::Instant;
using model::Motive;

namespace {

const model::Site kSite = tests::two_by_two();
const CircuitId kFiber{0}, kCoax{1};

decision::CircuitChoice choose(std::optional<CircuitId> current, std::vector<CircuitView> views, decision::Orders orders = {},
                               Instant settled = Instant(2s)) {
  return decision::choose_circuit(kSite.classes[0], current, Motive::FirstChoice, views, orders,
                                  {.hold_down = 10s, .margin = 200ms, .settled = settled}, Instant(100s));
}

const CircuitView kUp{.health = Health::Up, .since = Instant(1s), .last_good = Instant(100s), .last_proof = Instant(100s)};
const CircuitView kDown{.health = Health::Down, .cause = model::Cause::Silent, .since = Instant(99s), .first_bad = Instant(98s)};
const CircuitView kUnknown{};

}  // namespace

TEST_CASE("policy: the whole table of two circuits") {
  struct Row {
    std::optional<CircuitId> current;
    CircuitView fiber, coax;
    std::optional<CircuitId> chosen;
    Motive motive;
    Guard held_by;
  };
  const Row rows[] = {
      {std::nullopt, kUnknown, kUnknown, std::nullopt, Motive::NotYet, Guard::Freshness},
      {std::nullopt, kDown, kDown, std::nullopt, Motive::NotYet, Guard::AllBad},
      {std::nullopt, kUp, kUp, kFiber, Motive::FirstChoice, Guard::None},
      {std::nullopt, kDown, kUp, kCoax, Motive::FirstChoice, Guard::None},
      {kFiber, kUp, kUp, kFiber, Motive::FirstChoice, Guard::None},
      {kFiber, kDown, kUp, kCoax, Motive::Escape, Guard::None},
      {kFiber, kDown, kDown, kFiber, Motive::FirstChoice, Guard::AllBad},
      {kFiber, kDown, kUnknown, kFiber, Motive::FirstChoice, Guard::Freshness},
      {kFiber, kUnknown, kUp, kFiber, Motive::FirstChoice, Guard::Freshness},
      {kCoax, kUp, kUp, kFiber, Motive::Failback, Guard::None},
      {kCoax, kUnknown, kUp, kCoax, Motive::FirstChoice, Guard::None},
      {kCoax, kUp, kUnknown, kCoax, Motive::FirstChoice, Guard::Freshness},
      {kCoax, kUp, kDown, kFiber, Motive::Escape, Guard::None},
  };
  for (const Row& row : rows) {
    CAPTURE(&row - rows);
    const auto choice = choose(row.current, {row.fiber, row.coax});
    CHECK(choice.circuit == row.chosen);
    CHECK(choice.motive == row.motive);
    CHECK(choice.held_by == row.held_by);
  }
}

TEST_CASE("policy: a preferred circuit that is up again waits for its hold-down and says when to look again") {
  CircuitView young = kUp;
  young.since = Instant(95s);
  const auto choice = choose(kCoax, {young, kUp});
  CHECK(choice.circuit == kCoax);
  CHECK(choice.held_by == Guard::HoldDown);
  CHECK(choice.recheck == Instant(105s));
}

TEST_CASE("policy: an escape waits for proof that the other way outlived the fault") {
  CircuitView old_news = kUp;
  old_news.last_good = old_news.last_proof = Instant(98s);  // answered when the fault began, nothing since
  const auto choice = choose(kFiber, {kDown, old_news});
  CHECK(choice.circuit == kFiber);
  CHECK(choice.held_by == Guard::Freshness);
}

TEST_CASE("policy: a first choice waits a moment for a more preferred circuit without a verdict, and not for one that is down") {
  CHECK_FALSE(choose(std::nullopt, {kUnknown, kUp}, {}, Instant(100s) + 1ns).circuit.has_value());
  CHECK(choose(std::nullopt, {kUnknown, kUp}, {}, Instant(100s) + 1ns).recheck == Instant(100s) + 1ns);
  CHECK(choose(std::nullopt, {kUnknown, kUp}, {}, Instant(100s)).circuit == kCoax);
  CHECK(choose(std::nullopt, {kDown, kUp}, {}, Instant(200s)).circuit == kCoax);
  CHECK(choose(std::nullopt, {kUp, kUnknown}, {}, Instant(200s)).circuit == kFiber);
}

TEST_CASE("policy: a person's order wins over everything, a hold over automatic moves only") {
  CHECK(choose(kFiber, {kUp, kDown}, {.force = kCoax}).circuit == kCoax);
  CHECK(choose(kFiber, {kDown, kUp}, {.hold = true}).circuit == kFiber);
  CHECK(choose(kFiber, {kDown, kUp}, {.force = kCoax, .hold = true}).circuit == kCoax);
}

TEST_CASE("policy: a trunk whose members follow the class is ranked by carrier alone") {
  model::Site site = kSite;
  site.trunks[0].members = {{model::CarrierId{0}, std::nullopt, 1}, {model::CarrierId{1}, std::nullopt, 2}};
  const std::vector<decision::MemberView> views = {{.health = Health::Down, .trusted = false}, {.health = Health::Up}};
  const auto decision = decision::order_trunk(site, site.trunks[0], {}, Motive::NotYet, views, kFiber, {});
  CHECK(decision.order[0].member == 1);
  CHECK(decision.order[1].member == 0);
}

TEST_CASE("policy: a carrier that is up again but not yet trusted does not pass one that is degraded (I4)") {
  model::Site site = kSite;
  site.trunks[0].members = {{model::CarrierId{0}, std::nullopt, 1}, {model::CarrierId{1}, std::nullopt, 2}};
  const std::vector<model::TrunkStep> standing = {{.member = 1}, {.member = 0}};
  const auto first = [&](bool trusted) {
    const std::vector<decision::MemberView> views = {{.health = Health::Up, .trusted = trusted}, {.health = Health::Degraded}};
    return decision::order_trunk(site, site.trunks[0], standing, Motive::Escape, views, kFiber, {}).order[0].member;
  };
  CHECK(first(false) == 1);
  CHECK(first(true) == 0);
}
