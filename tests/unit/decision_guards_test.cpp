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
  views[1].suspect = true;
  CHECK(decision::all_bad_holds(views));
  views[0] = {.health = Health::Up};
  CHECK_FALSE(decision::all_bad_holds(views));
}

TEST_CASE("guard hold_down (I4): one nanosecond below holds, at the bound lets go") {
  const CircuitView better{.health = Health::Up, .since = Instant(100s)};
  CHECK(decision::hold_down_holds(better, 60s, Instant(160s) - 1ns));
  CHECK_FALSE(decision::hold_down_holds(better, 60s, Instant(160s)));
  CHECK_FALSE(decision::hold_down_holds(better, 60s, Instant(160s) + 1ns));
  CircuitView unproven = better;
  unproven.proven_well = false;
  CHECK(decision::hold_down_holds(unproven, 60s, Instant(300s)));
}

TEST_CASE("guard freshness (I6): the other way must be proven to outlive the fault") {
  const CircuitView dead{.health = Health::Down, .cause = Cause::Silent, .first_bad = Instant(100s)};
  const Instant now = Instant(100s) + 400ms;
  CircuitView other{.health = Health::Up, .last_good = Instant(100s) + 5s, .last_proof = Instant(100s) + 200ms - 1ns};
  CHECK(decision::freshness_holds(dead, other, 200ms, now));
  other.last_proof = Instant(100s) + 200ms;
  CHECK_FALSE(decision::freshness_holds(dead, other, 200ms, now));
  other.last_proof = Instant(100s) + 200ms + 1ns;
  CHECK_FALSE(decision::freshness_holds(dead, other, 200ms, now));
  other.health = Health::Unknown;
  CHECK(decision::freshness_holds(dead, other, 200ms, now));
  other = {.health = Health::Up};
  CHECK(decision::freshness_holds(dead, other, 200ms, now));
  other.last_good = Instant(200s);  // one target alone is no proof
  CHECK(decision::freshness_holds(dead, other, 200ms, now));
}

TEST_CASE("guard freshness (I6): the proof left within the later half of the death, or within an answer's time and three probes") {
  const CircuitView dead{.health = Health::Down, .cause = Cause::Silent, .first_bad = Instant(100s)};
  CircuitView other{.health = Health::Up, .last_good = Instant(103s), .rtt_expected = 100ms, .interval = 200ms};
  const auto holds = [&](Instant proof, Instant now) {
    other.last_proof = proof;
    return decision::freshness_holds(dead, other, 200ms, now);
  };
  CHECK(holds(Instant(102s) - 1ns, Instant(104s)));
  CHECK_FALSE(holds(Instant(102s), Instant(104s)));
  CHECK_FALSE(holds(Instant(102s) + 1ns, Instant(104s)));
  // dead for a second: half of that is less than 700 ms
  CHECK(holds(Instant(100s) + 300ms - 1ns, Instant(101s)));
  CHECK_FALSE(holds(Instant(100s) + 300ms, Instant(101s)));
  CHECK_FALSE(holds(Instant(100s) + 300ms + 1ns, Instant(101s)));
}

TEST_CASE("guard freshness (I6): a link that goes down tells its moment, so a recent answer is enough") {
  const CircuitView dead{.health = Health::Down, .cause = Cause::LinkDown, .first_bad = Instant(100s)};
  CircuitView other{.health = Health::Up, .last_good = Instant(100s) - 200ms, .interval = 100ms};
  const auto holds = [&] { return decision::freshness_holds(dead, other, 200ms, Instant(100s)); };
  CHECK_FALSE(holds());
  other.last_good = Instant(100s) - 200ms - 1ns;
  CHECK(holds());
  // probed more slowly, it has answered as lately as it can
  other = {.health = Health::Up, .last_good = Instant(100s) - 1050ms, .rtt_expected = 50ms, .interval = 500ms};
  CHECK_FALSE(holds());
  other.last_good = Instant(100s) - 1050ms - 1ns;
  CHECK(holds());
  // and that wears out
  other.last_good = Instant(100s);
  CHECK_FALSE(decision::freshness_holds(dead, other, 200ms, Instant(101s) + 550ms));
  CHECK(decision::freshness_holds(dead, other, 200ms, Instant(101s) + 550ms + 1ns));
  // one that is silent itself has to prove more than that it was well before
  other.suspect = true;
  CHECK(decision::freshness_holds(dead, other, 200ms, Instant(100s)));
}

TEST_CASE("guard freshness (I6): what is older than evidence lasts proves nothing, however long the other has been dead") {
  const Instant now(1000s);
  CircuitView dead{.health = Health::Down, .cause = model::Cause::LinkDown, .first_bad = Instant(100s)};
  CircuitView other{.health = Health::Up, .rtt_expected = 100ms, .interval = 500ms, .evidence_lasts = 5s};
  for (const auto cause : {model::Cause::LinkDown, model::Cause::Silent}) {
    dead.cause = cause;
    other.last_good = other.last_proof = now - 5100ms;
    CHECK_FALSE(decision::freshness_holds(dead, other, 200ms, now));
    other.last_good = other.last_proof = now - 5100ms - 1ns;
    CHECK(decision::freshness_holds(dead, other, 200ms, now));
  }
}

TEST_CASE("guard freshness (I6): quiet is who has not answered for an answer's time and four probes, or for longer than evidence lasts") {
  const Instant now(1000s);
  CircuitView way{.health = Health::Up, .rtt_expected = 100ms, .interval = 500ms, .evidence_lasts = 5s};
  CHECK(decision::quiet_holds(way, now));  // it has never answered
  way.last_good = now - 2100ms;
  CHECK_FALSE(decision::quiet_holds(way, now));
  way.last_good = now - 2100ms - 1ns;
  CHECK(decision::quiet_holds(way, now));
  way.interval = 5s;
  way.last_good = now - 5100ms;
  CHECK_FALSE(decision::quiet_holds(way, now));
  way.last_good = now - 5100ms - 1ns;
  CHECK(decision::quiet_holds(way, now));
}

TEST_CASE("guard quality_gain: what is no longer lost is no gain") {
  const model::QualityLimits limits{};
  model::Figures here{.rtt = 20ms, .loss_ratio = 0.3, .samples = 200}, there{.rtt = 20ms, .loss_ratio = 0, .samples = 200};
  CHECK(decision::gain_of(here, there, limits, model::Codec::G711).loss == doctest::Approx(0.3));
  here.recent_loss = 0.02;
  const auto gain = decision::gain_of(here, there, limits, model::Codec::G711);
  CHECK(gain.loss == doctest::Approx(0.02));
  CHECK(*gain.r < 10);
  here.recent_loss = 0.5;  // more of late than on the whole: so much is not certain yet
  CHECK(decision::gain_of(here, there, limits, model::Codec::G711).loss == doctest::Approx(0.3));
}

TEST_CASE("guard quality_gain: 10 points of R, 5 points of loss, or a round trip beyond its limit") {
  CHECK(decision::quality_gain_holds({.r = 9.999, .loss = 0.049}));
  CHECK_FALSE(decision::quality_gain_holds({.r = 10, .loss = 0}));
  CHECK_FALSE(decision::quality_gain_holds({.r = 10.001, .loss = 0}));
  CHECK_FALSE(decision::quality_gain_holds({.r = 0, .loss = 0.05}));
  CHECK_FALSE(decision::quality_gain_holds({.r = 0, .loss = 0.07 - 0.02}));
  CHECK_FALSE(decision::quality_gain_holds({.r = 0, .loss = 0.051}));
  CHECK_FALSE(decision::quality_gain_holds({.r = 0, .loss = 0, .late = true}));
  CHECK(decision::quality_gain_holds({.r = std::nullopt, .loss = 0.049}));
}

TEST_CASE("guard quality_gain: the gain is made of the figures of both ways") {
  const model::QualityLimits limits{};
  const model::Figures bad{.rtt = 200ms, .loss_ratio = 0.1, .samples = 50}, good{.rtt = 20ms, .loss_ratio = 0.02, .samples = 50};
  const auto gain = decision::gain_of(bad, good, limits, model::Codec::G711);
  REQUIRE(gain.r.has_value());
  CHECK(*gain.r > 10);
  CHECK(gain.loss == doctest::Approx(0.08));
  CHECK_FALSE(gain.late);  // at its limit, not beyond
  CHECK_FALSE(decision::gain_of(bad, good, limits, model::Codec::None).r.has_value());
  model::Figures late = bad;
  late.rtt = 200ms + 1ns;
  CHECK(decision::gain_of(late, good, limits, model::Codec::G711).late);
  CHECK_FALSE(decision::gain_of({}, good, limits, model::Codec::G711).r.has_value());
}

TEST_CASE("guard move_budget (I3): one nanosecond early holds, at the bound lets go") {
  CHECK(decision::move_budget_holds(Instant(100s), Instant(100s) - 1ns));
  CHECK_FALSE(decision::move_budget_holds(Instant(100s), Instant(100s)));
  CHECK_FALSE(decision::move_budget_holds(Instant(100s), Instant(100s) + 1ns));
}

TEST_CASE("guard failback_mode: automatic never holds; after, window and manual until theirs has come; a person opens all") {
  using model::FailbackMode;
  const Instant since(100s);
  const auto holds = [&](FailbackMode mode, bool open, bool permitted, Instant now) {
    return decision::failback_mode_holds({.mode = mode, .after = 2h}, since, open, permitted, now);
  };
  CHECK_FALSE(holds(FailbackMode::Automatic, false, false, since));
  CHECK(holds(FailbackMode::After, true, false, since + 2h - 1ns));
  CHECK_FALSE(holds(FailbackMode::After, false, false, since + 2h));
  CHECK_FALSE(holds(FailbackMode::After, false, false, since + 2h + 1ns));
  CHECK(holds(FailbackMode::Window, false, false, since + 9h));
  CHECK_FALSE(holds(FailbackMode::Window, true, false, since));
  CHECK(holds(FailbackMode::Manual, true, false, since + 900h));
  for (const auto mode : {FailbackMode::After, FailbackMode::Window, FailbackMode::Manual}) CHECK_FALSE(holds(mode, false, true, since));
}

TEST_CASE("guard self_doubt (I7): holds everything but what the kernel says of a link") {
  CircuitView standing{.health = Health::Down, .cause = Cause::Silent};
  CHECK(decision::self_doubt_holds(true, standing));
  CHECK_FALSE(decision::self_doubt_holds(false, standing));
  for (const Cause cause : {Cause::LinkDown, Cause::NoAddress, Cause::NoGateway}) {
    standing.cause = cause;
    CHECK_FALSE(decision::self_doubt_holds(true, standing));
  }
  standing.health = Health::Up;
  CHECK(decision::self_doubt_holds(true, standing));
}

TEST_CASE("guard emergency (I24): holds for what is not up, and only for what carries emergency calls") {
  for (const Health h : {Health::Down, Health::Unknown}) {
    CHECK(decision::emergency_holds(true, h));
    CHECK_FALSE(decision::emergency_holds(false, h));
  }
  CHECK_FALSE(decision::emergency_holds(true, Health::Up));
  CHECK_FALSE(decision::emergency_holds(true, Health::Degraded));
}

TEST_CASE("guard corroboration (I5): two targets and two networks, no fewer") {
  CHECK_FALSE(decision::corroboration_holds({.length = 5, .targets = 2, .networks = 2}));
  CHECK(decision::corroboration_holds({.length = 500, .targets = 1, .networks = 1}));
  CHECK(decision::corroboration_holds({.length = 500, .targets = 3, .networks = 1}));
}
