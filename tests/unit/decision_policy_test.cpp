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

decision::CircuitChoice standing_on(std::optional<CircuitId> circuit, Motive motive = Motive::FirstChoice) {
  return {.circuit = circuit, .motive = motive, .rejected = {}, .because = {}, .lacking = {}};
}

decision::CircuitChoice choose(std::optional<CircuitId> current, std::vector<CircuitView> views, decision::Orders orders = {},
                               Instant settled = Instant(2s)) {
  return decision::choose_circuit(kSite, kSite.classes[0], standing_on(current), views, orders, {.margin = 200ms, .settled = settled}, Instant(100s));
}

const CircuitView kUp{
    .health = Health::Up, .since = Instant(1s), .last_good = Instant(100s), .last_proof = Instant(100s), .hold_down = 10s, .interval = 200ms};
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

// --- three circuits and more ---

namespace {

const CircuitId kLte{2};

/// fiber, coax and lte, in that order; fiber and coax share a duct, lte is paid by the byte.
struct Three {
  model::Site site = tests::two_by_two();
  model::TrafficClass& voice = site.classes[0];
  std::vector<CircuitView> views = {kUp, kUp, kUp};
  decision::Orders orders;
  decision::Pace pace{.margin = 200ms};
  Instant now = Instant(100s);

  Three() {
    site.circuits.push_back({.name = "lte", .interface = "wan-c", .provider = "ISP Three", .metered = true, .table = 7103});
    voice.circuits = {kFiber, kCoax, kLte};
    site.circuit_health.hold_down = 10s;
  }
  void share_a_duct() {
    site.circuits[0].risk_groups = {"exchange-north", "street-duct"};
    site.circuits[1].risk_groups = {"street-duct"};
  }
  [[nodiscard]] decision::CircuitChoice from(std::optional<CircuitId> current, Motive motive = Motive::FirstChoice, bool was_beyond = false) const {
    auto standing = standing_on(current, motive);
    standing.beyond = was_beyond;
    return decision::choose_circuit(site, voice, standing, views, orders, pace, now);
  }
  static Guard guard_of(const decision::CircuitChoice& choice, CircuitId circuit) {
    for (const auto& r : choice.rejected)
      if (r.circuit == circuit) return r.guard;
    return Guard::None;
  }
};

CircuitView degraded(CircuitView v) {
  v.health = Health::Degraded;
  v.cause = model::Cause::Lossy;
  return v;
}
CircuitView suspect(CircuitView v) {
  v.suspect = true;
  return v;
}
CircuitView young(CircuitView v, std::chrono::nanoseconds up_for, Instant now = Instant(100s)) {
  v.since = now - up_for;
  return v;
}

}  // namespace

TEST_CASE("policy: ways out rank up before degraded, answering before suspect, whatever the class's order") {
  Three s;
  s.views = {kDown, degraded(kUp), kUp};
  CHECK(s.from(kFiber).circuit == kLte);
  s.views = {kDown, suspect(kUp), kUp};
  CHECK(s.from(kFiber).circuit == kLte);
  s.views = {kDown, suspect(kUp), degraded(kUp)};
  CHECK(s.from(kFiber).circuit == kCoax);
  s.views = {kDown, kUp, kUp};
  CHECK(s.from(kFiber).circuit == kCoax);
}

TEST_CASE("policy: a way out that shares a risk group with the dead one ranks below one that does not, and is better than none") {
  Three s;
  s.views = {kDown, kUp, kUp};
  s.share_a_duct();
  const auto choice = s.from(kFiber);
  CHECK(choice.circuit == kLte);
  CHECK(choice.rejected[1].lesser == decision::Lesser::SharesRisk);
  s.views = {kDown, kUp, kDown};
  CHECK(s.from(kFiber).circuit == kCoax);
  s.views = {kDown, kUp, degraded(kUp)};
  CHECK(s.from(kFiber).circuit == kCoax);  // health before suspicion of the ground
}

TEST_CASE("policy: while the dead one is dead, nothing goes back to what shares its risk group") {
  Three s;
  s.share_a_duct();
  s.views = {kDown, kUp, kUp};
  CHECK(s.from(kLte).circuit == kLte);
  s.views[0] = young(kUp, 1s);
  CHECK(s.from(kLte).circuit == kLte);  // fiber is ready within a first hold-down: no detour by coax
  s.views[0] = young(kUp, 10s);
  CHECK(s.from(kLte).circuit == kFiber);
}

TEST_CASE("policy: metered circuits are the last resort of a class that avoids them, and only of such a class") {
  Three s;
  s.voice.circuits = {kLte, kFiber, kCoax};
  CHECK(s.from(std::nullopt).circuit == kLte);
  s.voice.avoid_metered = true;
  CHECK(s.from(std::nullopt).circuit == kFiber);
  CHECK(s.from(kFiber).circuit == kFiber);  // nor is it gone back to
  s.views = {kDown, kDown, kUp};
  CHECK(s.from(kFiber).circuit == kLte);
  s.views = {kDown, kUp, kUp};
  CHECK(s.from(kLte).circuit == kCoax);
}

TEST_CASE("policy: a lesser one that is ready is not gone back to while a better one needs only one first hold-down more") {
  Three s;
  s.views[0] = young(kUp, 0s);
  CHECK(s.from(kLte).circuit == kLte);
  CHECK(s.from(kLte).held_by == Guard::HoldDown);
  s.views[0].hold_down = 10s + 1ns;  // it has failed before: it needs longer than that
  CHECK(s.from(kLte).circuit == kCoax);
  s.views[0] = kDown;
  CHECK(s.from(kLte).circuit == kCoax);
}

TEST_CASE("policy: who has moved looks again soon, for a better one may still be in its hold-down") {
  Three s;
  s.views[0] = young(kUp, 0s);
  s.views[0].hold_down = 10s + 1ns;
  const auto moved = s.from(kLte);
  CHECK(moved.circuit == kCoax);
  CHECK(moved.recheck == s.now + 1s);
}

TEST_CASE("policy: all circuits suspect or down at once move nothing (I2), and it is looked at again soon") {
  Three s;
  s.views = {kDown, suspect(kUp), suspect(kUp)};
  const auto choice = s.from(kFiber);
  CHECK(choice.circuit == kFiber);
  CHECK(choice.held_by == Guard::AllBad);
  CHECK(choice.recheck == s.now + 100ms);
  s.views = {suspect(kUp), suspect(kUp), suspect(kUp)};
  CHECK(s.from(kFiber).circuit == kFiber);
}

TEST_CASE("policy: a suspect circuit keeps what stands on it, and nothing goes back to one") {
  Three s;
  s.views = {suspect(kUp), kUp, kUp};
  CHECK(s.from(kFiber).circuit == kFiber);
  CHECK(s.from(kLte).circuit == kCoax);  // fiber is passed over
  s.views[1] = kDown;
  CHECK(s.from(kLte).held_by == Guard::Freshness);
}

TEST_CASE("policy: a degraded circuit is not gone back to, and a class without limits is not moved off one") {
  Three s;
  s.views = {degraded(kUp), kUp, kUp};
  CHECK(s.from(kCoax).circuit == kCoax);
  CHECK(s.from(kFiber).circuit == kFiber);
  CHECK(s.from(kFiber).held_by == Guard::None);
}

TEST_CASE("policy: an escape is limited (I3), one nanosecond below the bound held, at it free") {
  Three s;
  s.views[0] = kDown;
  s.pace.may_escape = s.now + 1ns;
  CHECK(s.from(kFiber).circuit == kFiber);
  CHECK(s.from(kFiber).held_by == Guard::MoveBudget);
  CHECK(s.from(kFiber).recheck == s.now + 1ns);
  s.pace.may_escape = s.now;
  CHECK(s.from(kFiber).circuit == kCoax);
}

TEST_CASE("policy: a failback is limited (I3) and says when it may be") {
  Three s;
  s.pace.may_fail_back = s.now + 5min;
  const auto choice = s.from(kCoax);
  CHECK(choice.circuit == kCoax);
  CHECK(choice.motive == Motive::Held);
  CHECK(Three::guard_of(choice, kFiber) == Guard::MoveBudget);
  CHECK(choice.recheck == s.now + 5min);
  s.views[1] = kDown;  // an escape has a limiter of its own
  CHECK(s.from(kCoax).circuit == kFiber);
}

TEST_CASE("policy: in self-doubt (I7) only a lost link moves anything") {
  Three s;
  s.pace.doubt = true;
  s.pace.doubt_until = s.now + 3s;
  CHECK(s.from(kCoax).held_by == Guard::SelfDoubt);
  CHECK(s.from(kCoax).recheck == s.now + 3s);
  CHECK(s.from(std::nullopt).held_by == Guard::SelfDoubt);
  s.views[0] = kDown;
  CHECK(s.from(kFiber).circuit == kFiber);
  CHECK(s.from(kFiber).held_by == Guard::SelfDoubt);
  s.views[0].cause = model::Cause::LinkDown;
  CHECK(s.from(kFiber).circuit == kCoax);
  s.pace.doubt = false;
  s.views[0].cause = model::Cause::Silent;
  CHECK(s.from(kFiber).circuit == kCoax);
}

TEST_CASE("policy: nothing goes back to a circuit that has not passed its recovery test") {
  Three s;
  s.views[0].proven_well = false;
  s.views[1] = kDown;
  CHECK(s.from(kLte).held_by == Guard::HoldDown);
  s.views[0].proven_well = true;
  CHECK(s.from(kLte).circuit == kFiber);
}

TEST_CASE("policy: going back after a time, in a window, or by hand") {
  Three s;
  s.views[0] = young(kUp, 30s);
  s.voice.failback = {.mode = model::FailbackMode::After, .after = 30s + 1ns};
  CHECK(s.from(kCoax).held_by == Guard::FailbackMode);
  CHECK(s.from(kCoax).recheck == s.now + 1ns);
  s.voice.failback.after = 30s;
  CHECK(s.from(kCoax).circuit == kFiber);

  s.voice.failback = {.mode = model::FailbackMode::Window};
  CHECK(s.from(kCoax).held_by == Guard::FailbackMode);
  s.orders.failback_open = true;
  CHECK(s.from(kCoax).circuit == kFiber);

  s.voice.failback = {.mode = model::FailbackMode::Manual};
  CHECK(s.from(kCoax).held_by == Guard::FailbackMode);  // an open window is no person
  s.orders.failback_permitted = true;
  CHECK(s.from(kCoax).circuit == kFiber);
  s.views[0] = young(kUp, 9s);
  CHECK(s.from(kCoax).held_by == Guard::HoldDown);  // a permission shortens no hold-down

  s.orders = {};
  s.views[1] = kDown;
  CHECK(s.from(kCoax).circuit == kFiber);  // an escape asks for none
}

// --- quality ---

namespace {

model::Figures figures(double loss, std::chrono::nanoseconds rtt = 20ms) {
  return {.rtt = rtt, .jitter = 1ms, .loss_ratio = loss, .samples = 100'000'000};
}  // so many that chance has no say

/// Voice by G.711, limits as they are by default: loss .05/.02, round trip 200/150 ms, R 70/80.
struct Voice : Three {
  Voice() {
    voice.codec = model::Codec::G711;
    voice.limits = model::QualityLimits{};
    for (CircuitView& v : views) v.figures = figures(0);
    views[0] = degraded(views[0]);
    views[0].figures = figures(0.3);
  }
};

}  // namespace

TEST_CASE("policy: a circuit that loses is left for one that is clearly better, and the reason is kept") {
  Voice s;
  const auto choice = s.from(kFiber);
  CHECK(choice.circuit == kCoax);
  CHECK(choice.motive == Motive::Quality);
  CHECK(choice.because == "fiber had loss 30.0 % above 5.0 %");
  CHECK_FALSE(choice.beyond);
}

TEST_CASE("policy: quality moves need a detector's alarm, limits, and a figure beyond enter") {
  Voice up;
  up.views[0].health = Health::Up;
  CHECK(up.from(kFiber).circuit == kFiber);
  Voice sip;
  sip.views[0].cause = model::Cause::SipUnauthorised;
  CHECK(sip.from(kFiber).circuit == kFiber);
  Voice none;
  none.voice.limits.reset();
  CHECK(none.from(kFiber).circuit == kFiber);
  for (const auto [loss, circuit] : {std::pair{0.0499, kFiber}, std::pair{0.05, kFiber}, std::pair{0.0501, kCoax}}) {
    Voice s;
    s.views[0].figures = figures(loss);
    CHECK(s.from(kFiber).circuit == circuit);
  }
}

TEST_CASE("policy: once beyond, a circuit is within again only below every exit") {
  Voice s;
  s.views[1] = s.views[2] = kDown;
  for (const auto [loss, was, is] :
       {std::tuple{0.03, false, false}, std::tuple{0.03, true, true}, std::tuple{0.02, true, false}, std::tuple{0.0201, true, true}}) {
    s.views[0].figures = figures(loss);
    CHECK(s.from(kFiber, Motive::FirstChoice, was).beyond == is);
  }
}

TEST_CASE("policy: the other way must be up, not suspect, proven well and within every exit") {
  const auto fiber_kept = [](auto worsen) {
    Voice s;
    s.views[2] = kDown;
    worsen(s.views[1]);
    const auto choice = s.from(kFiber);
    return choice.circuit == kFiber ? choice.held_by : Guard::None;
  };
  CHECK(fiber_kept([](CircuitView&) {}) == Guard::None);
  CHECK(fiber_kept([](CircuitView& v) { v = degraded(v); }) == Guard::AllBad);
  CHECK(fiber_kept([](CircuitView& v) { v.suspect = true; }) == Guard::Freshness);  // that is of a moment, and opens no incident
  CHECK(fiber_kept([](CircuitView& v) { v.proven_well = false; }) == Guard::HoldDown);
  CHECK(fiber_kept([](CircuitView& v) { v.health = Health::Unknown; }) == Guard::Freshness);
  CHECK(fiber_kept([](CircuitView& v) { v.figures = figures(0.02); }) == Guard::None);
  CHECK(fiber_kept([](CircuitView& v) { v.figures = figures(0.0201); }) == Guard::AllBad);
  CHECK(fiber_kept([](CircuitView& v) { v.figures = figures(0, 150ms); }) == Guard::None);
  CHECK(fiber_kept([](CircuitView& v) { v.figures = figures(0, 151ms); }) == Guard::AllBad);
  CHECK(fiber_kept([](CircuitView& v) { v.figures = {}; }) == Guard::AllBad);  // nothing is known of how it sounds
}

namespace {

/// So many of the newest `samples` probes lost, none of them twice in a row.
model::Figures lost(int losses, int samples) {
  return {.rtt = 20ms, .jitter = 1ms, .loss_ratio = static_cast<double>(losses) / samples, .samples = samples};
}

}  // namespace

TEST_CASE("policy: one loss among few probes is chance and refuses no way out; as many as chance does not explain refuse it") {
  for (const auto [losses, chosen] : {std::pair{0, kCoax}, std::pair{1, kCoax}, std::pair{7, kCoax}, std::pair{8, kFiber}, std::pair{9, kFiber}}) {
    CAPTURE(losses);
    Voice s;
    s.views[0].figures = lost(60, 200);
    s.views[1].figures = lost(losses, 50);
    s.views[2] = kDown;
    const auto choice = s.from(kFiber);
    CHECK(choice.circuit == chosen);
    CHECK(choice.held_by == (chosen == kCoax ? Guard::None : Guard::AllBad));
  }
}

TEST_CASE("policy: a way out that lost until a while ago and is clean now is not refused for it") {
  Voice s;
  s.views[0].figures = lost(120, 200);
  s.views[1].figures = lost(30, 200);
  s.views[2] = kDown;
  CHECK(s.from(kFiber).circuit == kFiber);
  s.views[1].figures.recent_loss = 0.0201;
  CHECK(s.from(kFiber).circuit == kFiber);
  s.views[1].figures.recent_loss = 0.02;
  CHECK(s.from(kFiber).circuit == kCoax);
}

TEST_CASE("policy: a circuit whose loss is over is not left for it, however much of it still shows") {
  for (const auto [recent, chosen] : {std::pair{0.0, kFiber}, std::pair{0.029, kFiber}, std::pair{0.03, kCoax}, std::pair{0.3, kCoax}}) {
    CAPTURE(recent);  // 2.95 % cost ten points of R
    Voice s;
    s.views[0].figures = figures(0.3);
    s.views[0].figures.recent_loss = recent;
    s.views[2] = kDown;
    const auto choice = s.from(kFiber, Motive::FirstChoice, true);  // it was beyond, and is not yet within
    CHECK(choice.beyond == (chosen == kFiber));
    CHECK(choice.circuit == chosen);
    CHECK(choice.held_by == (chosen == kCoax ? Guard::None : Guard::QualityGain));
  }
}

TEST_CASE("policy: who is not left for its quality may still be left for a preferred one") {
  Voice s;
  s.views[0] = kUp;
  s.views[0].figures = figures(0);
  s.views[1] = degraded(s.views[1]);
  s.views[1].figures = figures(0.3);
  s.views[1].figures.recent_loss = 0;
  const auto choice = s.from(kCoax, Motive::Escape, true);
  CHECK(choice.circuit == kFiber);
  CHECK(choice.motive == Motive::Failback);
}

TEST_CASE("policy: nothing goes to a circuit that is called up and has not answered of late, neither back nor for quality") {
  for (const auto [ago, answers] : {std::pair{900ms, true}, std::pair{901ms, false}}) {  // an answer's time and four probes
    CAPTURE(ago);
    Three back;
    back.views[0].rtt_expected = 100ms;
    back.views[0].last_good = back.now - ago;
    const auto home = back.from(kCoax);
    CHECK(home.circuit == (answers ? kFiber : kCoax));
    CHECK(home.held_by == (answers ? Guard::None : Guard::Freshness));
    Voice away;
    away.views[1].rtt_expected = 100ms;
    away.views[1].last_good = away.now - ago;
    away.views[2] = kDown;
    CHECK(away.from(kFiber).circuit == (answers ? kCoax : kFiber));
    CHECK(away.from(kFiber).held_by == (answers ? Guard::None : Guard::Freshness));
  }
}

TEST_CASE("policy: what is not enough better is not worth a move, and the next one is asked") {
  Voice s;
  s.views[0].figures = figures(0.051);
  s.views[1].figures = figures(0.02);
  s.views[2].figures = figures(0);
  const auto choice = s.from(kFiber);
  CHECK(choice.circuit == kLte);
  CHECK(Three::guard_of(choice, kCoax) == Guard::QualityGain);
  s.views[2] = kDown;
  CHECK(s.from(kFiber).circuit == kFiber);
  CHECK(s.from(kFiber).held_by == Guard::QualityGain);
  CHECK(s.from(kFiber).recheck == s.now + 1s);
}

TEST_CASE("policy: one that is beyond its round trip is left although R differs little") {
  Voice s;
  s.views[0].figures = figures(0, 201ms);
  CHECK(s.from(kFiber).circuit == kCoax);
  CHECK(s.from(kFiber).because == "fiber had round trip 201 ms above 200 ms");
}

TEST_CASE("policy: what made it bad is the limit to enter, however near the limit to leave it has come since") {
  Voice s;
  s.views[1] = s.views[2] = kDown;
  auto choice = s.from(kFiber);
  CHECK(choice.lacking == "loss 30.0 % above 5.0 %");
  const auto next = [&](model::Figures now) {
    s.views[0].figures = now;
    choice = decision::choose_circuit(s.site, s.voice, choice, s.views, s.orders, s.pace, s.now);
    return choice.lacking;
  };
  CHECK(next(figures(0.2)) == "loss 20.0 % above 5.0 %");  // still beyond what it entered by
  CHECK(next(figures(0.03)) == "loss 20.0 % above 5.0 %, and not well again since: loss 3.0 % above 2.0 %");
  CHECK(next(figures(0.03, 201ms)) == "round trip 201 ms above 200 ms");  // another one, crossed meanwhile
  CHECK(next(figures(0.024)) == "round trip 201 ms above 200 ms, and not well again since: loss 2.4 % above 2.0 %");
  CHECK(next(figures(0.02)).empty());  // within every exit: over
  CHECK(choice.crossed.empty());
  CHECK(next(figures(0.03)).empty());  // and between the limits nothing is bad
}

TEST_CASE("policy: the reason of a quality move names what was crossed, also when the other way is ready only later") {
  Voice s;
  s.views[2] = kDown;
  s.views[1].proven_well = false;
  const auto kept = s.from(kFiber);
  REQUIRE(kept.held_by == Guard::HoldDown);
  s.views[0].figures = figures(0.0499);
  s.views[1].proven_well = true;
  const auto moved = decision::choose_circuit(s.site, s.voice, kept, s.views, s.orders, s.pace, s.now);
  CHECK(moved.circuit == kCoax);
  CHECK(moved.because == "fiber had loss 30.0 % above 5.0 %, and not well again since: loss 5.0 % above 2.0 %");
}

TEST_CASE("policy: all bad, the least bad stays, loudly") {
  Voice s;
  s.views[1] = degraded(s.views[1]);
  s.views[1].figures = figures(0.2);
  s.views[2] = kDown;
  const auto choice = s.from(kFiber);
  CHECK(choice.circuit == kFiber);
  CHECK(choice.held_by == Guard::AllBad);
  CHECK(choice.lacking == "loss 30.0 % above 5.0 %");
}

TEST_CASE("policy: quality moves have a budget of their own") {
  Voice s;
  s.pace.may_improve = s.now + 1ns;
  CHECK(s.from(kFiber).held_by == Guard::MoveBudget);
  CHECK(s.from(kFiber).circuit == kFiber);
  s.pace.may_improve = s.now;
  CHECK(s.from(kFiber).circuit == kCoax);
  s.pace.doubt = true;
  CHECK(s.from(kFiber).held_by == Guard::SelfDoubt);
}

TEST_CASE("policy: after a quality move the class goes back only when the preferred one is within every exit") {
  Voice s;
  s.views[0] = kUp;
  s.views[0].figures = figures(0.03);
  const auto choice = s.from(kCoax, Motive::Quality);
  CHECK(choice.circuit == kCoax);
  CHECK(choice.held_by == Guard::QualityGain);
  s.views[0].figures = figures(0.01);
  CHECK(s.from(kCoax, Motive::Quality).circuit == kFiber);
}

// --- emergency calls (I24) ---

TEST_CASE("policy: nobody can hold emergency calls on a dead way while another is up") {
  Three s;
  s.orders = {.hold = true, .emergency = true};
  CHECK(s.from(kCoax).circuit == kCoax);  // a hold holds what is merely preferred
  CHECK(s.from(kCoax).held_by == Guard::OperatorHold);
  s.views[0] = kDown;
  const auto choice = s.from(kFiber);
  CHECK(choice.circuit == kCoax);
  CHECK(choice.despite_hold);
  s.orders.emergency = false;
  CHECK(s.from(kFiber).circuit == kFiber);
}

TEST_CASE("policy: nobody can force emergency calls onto a way that is not up, but by overriding that guard") {
  Three s;
  s.orders = {.force = kCoax, .emergency = true};
  CHECK(s.from(kFiber).circuit == kCoax);
  s.views[1] = kDown;
  const auto choice = s.from(kFiber);
  CHECK(choice.circuit == kFiber);
  CHECK(choice.held_by == Guard::Emergency);
  s.orders.despite_emergency = true;
  CHECK(s.from(kFiber).circuit == kCoax);
  s.orders = {.force = kCoax};
  CHECK(s.from(kFiber).circuit == kCoax);
}
