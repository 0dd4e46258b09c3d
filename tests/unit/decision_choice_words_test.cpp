// What is said of a choice: every guard and motive in a sentence that names what, why, and when it ends.
#include <doctest/doctest.h>

#include "controller/decision/explain.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::Behind;
using model::CarrierId;
using model::CircuitId;
using model::Guard;
using model::Health;
using model::Instant;
using model::Motive;

namespace {

const CircuitId kFiber{0}, kCoax{1};

/// The class "voice" on one circuit, held by one guard about the other.
struct Told {
  model::Site site = tests::two_by_two();
  decision::CircuitChoice choice;
  std::vector<model::CircuitStatus> circuits;
  Instant now = Instant(1000s);

  Told(CircuitId on, Motive motive, Guard guard = Guard::None, Instant until = model::kNever) {
    choice.circuit = on;
    choice.motive = motive;
    choice.held_by = guard;
    choice.rejected = {{.circuit = on == kFiber ? kCoax : kFiber, .guard = guard, .until = until, .wanted = 3min}};
    for (const CircuitId c : {kFiber, kCoax}) {
      model::CircuitStatus s;
      s.circuit = c;
      s.verdict = {Health::Up, model::Cause::Answering, 3, now - 12s};
      for (std::uint16_t t = 0; t < 3; ++t) s.targets.push_back({.target = model::TargetId{t}, .figures = {.samples = 50}, .last_reply = now});
      circuits.push_back(std::move(s));
    }
  }
  void down(CircuitId c) { circuits[c.index()].verdict = {Health::Down, model::Cause::LinkDown, 0, now - 12s}; }
  [[nodiscard]] model::ClassChoice say() const {
    model::ClassChoice said{.traffic_class = model::ClassId{0}, .circuit = {}, .reason = {}, .rejected = {}};
    decision::say_class(site, said, choice, circuits, now);
    return said;
  }
  [[nodiscard]] std::string reason() const { return say().reason; }
  [[nodiscard]] std::string rejected() const { return say().rejected.at(0).reason; }
};

}  // namespace

TEST_CASE("words of a choice: what going back waits for, and when that ends") {
  Told timed(kCoax, Motive::Held, Guard::HoldDown, Instant(1168s));
  CHECK(timed.reason() ==
        "voice stays on coax; answered by 3 of 3 targets. It goes back to fiber in 2m48s, if that stays well until then (guard hold_down).");
  CHECK(timed.rejected() == "preferred and up for 12 s, used again after 3m, in 2m48s (guard hold_down)");
  Told unproven(kCoax, Motive::Held, Guard::HoldDown);
  CHECK(unproven.reason() ==
        "voice stays on coax; answered by 3 of 3 targets. It goes back to fiber once its probes have shown for long enough that it is well (guard "
        "hold_down).");
  Told budget(kCoax, Motive::Held, Guard::MoveBudget, Instant(1240s));
  CHECK(budget.reason() ==
        "voice stays on coax; answered by 3 of 3 targets. It is to go to fiber, but has moved as often as it may for now: it may again in 4m (guard "
        "move_budget).");
  CHECK(Told(kCoax, Motive::Held, Guard::QualityGain).reason() ==
        "voice stays on coax; answered by 3 of 3 targets. It goes back to fiber when calls over that sound well again (guard quality_gain).");
  CHECK(Told(kCoax, Motive::Held, Guard::Freshness).reason() ==
        "voice stays on coax; answered by 3 of 3 targets. fiber is silent just now; it goes back there when that answers again (guard freshness).");
}

TEST_CASE("words of a choice: each way of going back is named") {
  const auto waits = [](model::Failback failback) {
    Told t(kCoax, Motive::Held, Guard::FailbackMode);
    t.site.classes[0].failback = failback;
    return t.rejected();
  };
  CHECK(waits({.mode = model::FailbackMode::After, .after = 2h}) ==
        "preferred and up for 12 s; going back waits until it has been well for 2h00m (guard failback_mode)");
  CHECK(waits({.mode = model::FailbackMode::Window, .opens = 2h, .closes = 4h + 30min}) ==
        "preferred and up for 12 s; going back waits for its window, 02:00 to 04:30 (guard failback_mode)");
  CHECK(waits({.mode = model::FailbackMode::Manual}) == "preferred and up for 12 s; going back waits until a person allows it (guard failback_mode)");
}

TEST_CASE("words of a choice: a circuit that sounds bad and is kept says what it lacks and why nothing is done") {
  const auto kept = [](Guard guard) {
    Told t(kFiber, Motive::FirstChoice, guard);
    t.choice.lacking = "loss 6.0 % above 5.0 %";
    const std::string reason = t.reason();
    const std::string start =
        "voice goes by fiber, the most preferred circuit that is up; answered by 3 of 3 targets. It is bad for voice (loss 6.0 % above 5.0 %). ";
    REQUIRE(reason.starts_with(start));
    return reason.substr(start.size());
  };
  CHECK(kept(Guard::AllBad) == "Every other way is down or as bad: the least bad is kept until one is better (guard all_bad).");
  CHECK(kept(Guard::Freshness) == "No other way is known to be better: it is kept until one is (guard freshness).");
  CHECK(kept(Guard::HoldDown) == "coax has only just come back: it is taken once its probes have shown that it is well (guard hold_down).");
  CHECK(kept(Guard::QualityGain) == "No other way is so much better that a move would be heard (guard quality_gain).");
}

TEST_CASE("words of a choice: a dead circuit that is kept is called dead") {
  const auto kept = [](Guard guard, decision::Lesser lesser = decision::Lesser::No) {
    Told t(kFiber, Motive::FirstChoice, guard, Instant(1003s));
    t.down(kFiber);
    t.choice.rejected[0].lesser = lesser;
    return t.reason();
  };
  const std::string start = "voice stands on fiber, which is down for 12 s: interface wan-a does not exist.";
  CHECK(kept(Guard::AllBad) == start + " Every way is down: fiber is kept, because moving between dead ways helps nobody (guard all_bad).");
  CHECK(kept(Guard::AllBad, decision::Lesser::Suspect) ==
        start + " Every way is down or silent just now: fiber is kept, because moving between dead ways helps nobody (guard all_bad).");
  CHECK(kept(Guard::Freshness) == start + " fiber is kept until another way is proven to work now (guard freshness).");
  CHECK(kept(Guard::SelfDoubt) == start +
                                      " It is to go to coax, but our own loop or sending has just failed, so only a lost link would move it; judged "
                                      "anew in 3.0 s (guard self_doubt).");
}

TEST_CASE("words of a choice: a quality move tells what the other one lacked") {
  Told t(kCoax, Motive::Quality);
  t.choice.because = "fiber had loss 30.0 % above 5.0 %";
  CHECK(t.reason() == "voice left a circuit that calls sound bad over for coax (fiber had loss 30.0 % above 5.0 %); answered by 3 of 3 targets.");
}

TEST_CASE("words of a choice: emergency calls overrule a person, and say so") {
  Told force(kFiber, Motive::FirstChoice, Guard::Emergency);
  force.down(kCoax);
  CHECK(force.reason().ends_with(" The order to force coax is not followed while coax is not up: emergency calls go this way (guard emergency)."));
  CHECK(force.rejected() ==
        "down for 12 s: interface wan-b does not exist; forced, but emergency calls are not sent by a way that is not up (guard emergency)");
  Told hold(kCoax, Motive::Escape);
  hold.choice.despite_hold = true;
  CHECK(hold.reason().ends_with(" It moved although an operator holds it: emergency calls are not held on a dead way (guard emergency)."));
}

TEST_CASE("words of a choice: why one ranks behind its place in the class's order") {
  Told t(kCoax, Motive::Escape);
  t.choice.rejected[0].lesser = decision::Lesser::SharesRisk;
  t.site.circuits[0].risk_groups = {"exchange", "street-duct"};
  t.site.circuits[1].risk_groups = {"street-duct"};
  t.down(kCoax);
  CHECK(t.rejected() == "up, but it shares street-duct with coax, which is down: answered by 3 of 3 targets");
  t.choice.rejected[0].lesser = decision::Lesser::Metered;
  CHECK(t.rejected() == "up, but metered, and so the last resort: answered by 3 of 3 targets");
  t.choice.rejected[0].lesser = decision::Lesser::Suspect;
  CHECK(t.rejected() == "up, but silent just now for longer than it usually is: answered by 3 of 3 targets");
  t.choice.rejected[0].lesser = decision::Lesser::No;
  CHECK(t.rejected() == "up, less preferred: answered by 3 of 3 targets");
}

namespace {

/// The trunk "outbound" with one thing held against its first member; the second stands before it.
model::TrunkChoice told_of(Motive motive, decision::MemberPlace place, Guard held_by = Guard::None, std::optional<decision::TrunkLeft> left = {}) {
  static const model::Site kSite = [] {
    model::Site site = tests::two_by_two();
    site.trunks[0].failback.mode = model::FailbackMode::Manual;
    return site;
  }();
  std::vector<model::PathStatus> paths;
  for (std::uint16_t k = 0; k < 2; ++k)
    for (std::uint16_t c = 0; c < 2; ++c)
      paths.push_back(
          {.carrier = CarrierId{k}, .circuit = CircuitId{c}, .verdict = {Health::Up, model::Cause::Answering, 200, Instant(1s)}, .last_code = 200});
  decision::TrunkDecision decision;
  decision.order = {{.member = 1}, {.member = 0}, {.member = 2}, {.member = 3}};
  decision.motive = motive;
  decision.held_by = held_by;
  decision.left = std::move(left);
  decision.places.resize(4);
  decision.places[0] = place;
  model::TrunkChoice said{.trunk = model::TrunkId{0}, .order = decision.order, .motive = motive, .reason = {}, .rejected = {}};
  decision::say_trunk(kSite, said, decision, paths, 2, Instant(1000s));
  return said;
}

}  // namespace

TEST_CASE("words of an order: every reason to stand behind is a sentence of its own, with its guard") {
  const auto said = [](decision::MemberPlace place) { return told_of(Motive::FirstChoice, place).rejected.at(0); };
  const std::string start = "OPTIONS answered 200; ";
  CHECK(said({Behind::Untrusted, {}}).reason == start + "preferred again after 10 s of being up (guard hold_down)");
  CHECK(said({Behind::CircuitYoung, {}}).reason == start + "preferred again when fiber has been up for its hold-down (guard hold_down)");
  CHECK(said({Behind::LatelyDegraded, {}}).reason == start + "was degraded, and is preferred again after 10 s without that (guard hold_down)");
  CHECK(said({Behind::Suspect, {}}).reason == start + "not counted on until it is proven to work now (guard freshness)");
  CHECK(said({Behind::CircuitSuspect, {}}).reason ==
        start + "fiber is silent just now for longer than it usually is: new calls go elsewhere until it answers");
  CHECK(said({Behind::Waits, {}}).reason == start + "well again, going back waits until a person allows it (guard failback_mode)");
  CHECK(said({Behind::Waits, {}}).guard == Guard::FailbackMode);
  CHECK(said({Behind::Preference, {}}).reason == "OPTIONS answered 200");
  using decision::Shortfall;
  CHECK(said({Behind::Load, Shortfall{Shortfall::Of::Channels, 31, 30}}).reason ==
        start + "cannot carry the load: 31 calls at once, and its contract allows 30");
  CHECK(said({Behind::Load, Shortfall{Shortfall::Of::CallsPerSecond, 5.5, 5}}).reason ==
        start + "cannot carry the load: 5.5 calls a second, and its contract allows 5.0");
  CHECK(said({Behind::Load, Shortfall{Shortfall::Of::Bandwidth, 959.2, 872}}).reason ==
        start + "cannot carry the load: the calls need 959 kbit/s each way, and its circuit carries 872");
}

TEST_CASE("words of an order: why it changed, and what holds it") {
  CHECK(told_of(Motive::Suspicion, {}).reason ==
        "outbound: north via coax is offered first while the circuit below the one before it is silent; OPTIONS answered 200.");
  CHECK(told_of(Motive::Capacity, {}).reason ==
        "outbound: north via coax is offered first, because the one before it could not carry the load; OPTIONS answered 200.");
  CHECK(told_of(Motive::FirstChoice, {}, Guard::SelfDoubt)
            .reason.ends_with(" The order is kept for a moment, because our own loop or sending has just failed: only a lost link would change it "
                              "(guard self_doubt)."));
  CHECK(told_of(Motive::FirstChoice, {}, Guard::Emergency)
            .reason.ends_with(" The carrier that an operator forced is not up, and emergency calls are not sent to it first (guard emergency)."));
}

TEST_CASE("words of an order: whom the first one has taken the place of, and what was held against that one") {
  const auto said = [](Motive motive, Behind behind, std::string because = {}, std::optional<decision::Shortfall> shortfall = {}) {
    const auto reason = told_of(motive, {}, Guard::None, decision::TrunkLeft{0, {behind, shortfall}, std::move(because)}).reason;
    const std::string start = "outbound: north via coax is offered first", end = "; OPTIONS answered 200.";
    REQUIRE(reason.starts_with(start));
    REQUIRE(reason.ends_with(end));
    return reason.substr(start.size(), reason.size() - start.size() - end.size());
  };
  CHECK(said(Motive::Escape, Behind::Down) == " since north via fiber failed");
  CHECK(said(Motive::Escape, Behind::Suspect) == " since north via fiber was not proven to work any more");
  CHECK(said(Motive::Suspicion, Behind::CircuitSuspect) == " while fiber is silent");
  CHECK(said(Motive::Quality, Behind::Degraded) == " because north via fiber answers with a warning");
  CHECK(said(Motive::Quality, Behind::LatelyDegraded) == " because north via fiber has lately answered with a warning");
  CHECK(said(Motive::Quality, Behind::Untrusted) == " because north via fiber has failed lately");
  CHECK(said(Motive::Quality, Behind::CircuitYoung) == " because fiber has only just come back");
  CHECK(said(Motive::Capacity, Behind::Load, {}, decision::Shortfall{decision::Shortfall::Of::Channels, 31, 30}) ==
        ", because north via fiber could not carry the load: 31 calls at once, and its contract allows 30");
  CHECK(said(Motive::Failback, Behind::Preference) == " again: it is preferred, and nothing is held against it any more");
  CHECK(said(Motive::Follows, Behind::Preference) == ", because voice goes by coax now and its calls with it");
  CHECK(said(Motive::Follows, Behind::Preference, "fiber had loss 30.0 % above 5.0 %") ==
        ", because voice goes by coax now and its calls with it (fiber had loss 30.0 % above 5.0 %)");
}
