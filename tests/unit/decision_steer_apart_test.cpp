// Whole stories of a carrier that is steered apart from its class: dead by one circuit, by both, back again.
#include <doctest/doctest.h>

#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;
using model::EventId;
using model::Guard;
using model::Health;

namespace {

constexpr std::size_t kFiber = 0, kCoax = 1, kNorth = 0, kVoice = 0, kPart = 1;

/// north is steered apart, and its member of the trunk follows that class; south follows the trunk's.
model::Site apart() {
  model::Site s = two_by_two();
  model::TrafficClass part = s.classes[0];
  part.name = "voice-north";
  part.table = 7600;
  part.match.destinations = {{s.carriers[0].address, 32}};
  part.apart = model::Apart{.of = model::ClassId{0}, .carrier = model::CarrierId{0}, .rto = 120s};
  s.classes.push_back(part);
  s.trunks[0].members = {{model::CarrierId{0}, std::nullopt, 11, model::ClassId{1}}, {model::CarrierId{1}, std::nullopt, 21}};
  return s;
}

VirtualSite steady(model::Site site = apart()) {
  VirtualSite v(std::move(site));
  v.start_empty();
  v.run(30s);
  return v;
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("steer apart: all well, the carrier goes as its class does") {
  auto site = steady();
  CHECK(site.way(kVoice) == "fiber");
  CHECK(site.way(kPart) == "fiber");
  CHECK(site.order_now() == "11 21");
}

TEST_CASE("steer apart: a carrier dead by one circuit takes its own traffic to the other, the rest stays, and its calls stay with it") {
  auto site = steady();
  site.silence_path(kNorth, kFiber);
  site.run(1500ms);
  CHECK(site.way(kPart) == "fiber");  // one unanswered OPTIONS is not death
  site.run(2500ms);
  CHECK(site.way(kPart) == "coax");
  CHECK(site.way(kVoice) == "fiber");
  CHECK(site.order_now() == "11 21");
  CHECK(site.count(EventId::TrunkMoved) == 1);  // the first order ever
  const model::Plan& plan = site.plans.back();
  CHECK(plan.classes[kPart].motive == model::Motive::Escape);
  CHECK(plan.classes[kPart].dead == std::vector{model::CircuitId{kFiber}});
  CHECK(plan.classes[kVoice].dead.empty());
  CHECK(plan.dead.empty());
  const auto s = site.status();
  CHECK(says(s.plan.classes[kPart].reason, "voice-north left fiber, by which north is dead, for coax; answered by 3 of 3 targets"));
  CHECK(says(s.plan.classes[kPart].reason, "north by it: OPTIONS answered 200"));
  REQUIRE(s.plan.classes[kPart].rejected.size() == 1);
  CHECK(says(s.plan.classes[kPart].rejected[0].reason, "north by it: down"));
  CHECK_FALSE(says(s.plan.classes[kPart].rejected[0].reason, "less preferred"));
}

TEST_CASE("steer apart: silent where it went, it is not led back to where its carrier is dead, and says so once (I8)") {
  auto site = steady();
  const auto tell = [&](std::size_t by, decision::ProofResult result) {
    site.take(site.decider().prove({.traffic_class = model::ClassId{kPart}, .by = model::id_at<model::CircuitId>(by), .result = result}, site.now()));
  };
  tell(kFiber, decision::ProofResult::Proven);
  site.silence_path(kNorth, kFiber);
  site.run(10s);
  REQUIRE(site.way(kPart) == "coax");
  const int moved = site.count(EventId::RoutingMoved), held = site.count(EventId::GuardHeld);
  tell(kCoax, decision::ProofResult::Unproven);
  site.run(1s);
  tell(kCoax, decision::ProofResult::Unproven);
  CHECK(site.way(kPart) == "coax");
  CHECK(site.count(EventId::RoutingMoved) == moved);
  CHECK(site.count(EventId::GuardHeld) == held + 1);
  site.silence_path(kNorth, kFiber, false);
  site.run(5min);
  CHECK(site.way(kPart) == "fiber");
}

TEST_CASE("steer apart: a carrier that dies by every circuit is not followed anywhere (I2)") {
  for (const auto phase : {0ms, 130ms, 370ms, 610ms, 890ms}) {
    auto site = steady();
    site.run(phase);
    const int before = site.moves();
    site.silence_carrier(kNorth);
    site.run(60s);
    CHECK(site.carrier(kNorth) == Health::Down);
    CHECK(site.moves() == before);
    CHECK(site.way(kPart) == "fiber");
    CHECK(site.order_now() == "21 11");
    site.silence_carrier(kNorth, false);
    site.run(60s);
    CHECK(site.moves() == before);
    CHECK(site.order_now() == "11 21");
  }
}

TEST_CASE("steer apart: one that dies by the second circuit too stays there, and goes home only when home is well again") {
  auto site = steady();
  site.silence_path(kNorth, kFiber);
  site.run(10s);
  REQUIRE(site.way(kPart) == "coax");
  const int before = site.moves();
  site.silence_path(kNorth, kCoax);
  site.run(60s);
  CHECK(site.way(kPart) == "coax");  // fiber is no better: it is dead there as well
  CHECK(site.moves() == before);
  site.silence_path(kNorth, kFiber, false);
  site.run(5s);
  CHECK(site.way(kPart) == "fiber");  // proven there, dead here: an escape, at once
  CHECK(site.moves() == before + 1);
}

TEST_CASE("steer apart: it goes back once the carrier has answered there for the hold-down, and not before (I4)") {
  auto site = steady();
  site.silence_path(kNorth, kFiber);
  site.run(30s);
  REQUIRE(site.way(kPart) == "coax");
  site.silence_path(kNorth, kFiber, false);
  site.run(9s);  // two answers make it up, then ten seconds
  CHECK(site.way(kPart) == "coax");
  const auto held = site.status().plan.classes[kPart];
  CHECK(held.motive == model::Motive::Held);
  CHECK(says(held.reason, "It goes back to fiber"));
  REQUIRE(held.rejected.size() == 1);
  CHECK(held.rejected[0].guard == Guard::HoldDown);
  site.run(5s);
  CHECK(site.way(kPart) == "fiber");
  CHECK(site.plans.back().classes[kPart].motive == model::Motive::Failback);
}

TEST_CASE("steer apart: a carrier that flaps by one circuit is left alone for longer and longer") {
  auto site = steady();
  const int before = site.moves();
  for (int i = 0; i < 40; ++i) {
    site.silence_path(kNorth, kFiber, i % 2 == 0);
    site.run(15s);
  }
  CHECK(site.moves() - before >= 2);
  CHECK(site.moves() - before <= 6);  // three failures an hour are followed home at most: hold-down 10 s, 30 s, 90 s
  CHECK(site.way(kVoice) == "fiber");
}

TEST_CASE("steer apart: when its circuit dies it escapes with its class") {
  auto site = steady();
  site.black_hole(kFiber);
  site.run(2s);
  CHECK(site.way(kVoice) == "coax");
  CHECK(site.way(kPart) == "coax");
  CHECK(says(site.status().plan.classes[kPart].reason, "left a dead circuit for coax"));
  CHECK(site.plans.back().classes[kPart].dead.empty());  // the plan's own list says it
}

TEST_CASE("steer apart: a circuit by which the carrier is dead is still the way out when the other one dies") {
  auto site = steady();
  site.silence_path(kNorth, kFiber);
  site.run(10s);
  REQUIRE(site.way(kPart) == "coax");
  site.link(kCoax, false);
  site.run(2s);
  CHECK(site.way(kPart) == "fiber");  // worse than coax was, no worse than the rest of the class (I1)
}

TEST_CASE("steer apart: after a restart it stays by the circuit that it was left on until its home is known to be well (I13)") {
  VirtualSite site(apart());
  site.silence_path(kNorth, kFiber);
  site.start_from({model::CircuitId{kFiber}, model::CircuitId{kCoax}});
  site.run(60s);
  CHECK(site.moves() == 0);
  CHECK(site.way(kPart) == "coax");
}

TEST_CASE("steer apart: a cold start takes the preferred circuit although the carrier has answered by the other one first") {
  VirtualSite site(apart());
  site.options_by_hand = true;
  site.start_empty();
  site.run(500ms);
  model::SipOutcome answer{.carrier = model::CarrierId{kNorth}, .circuit = model::CircuitId{kCoax}, .sequence = 1, .sent = site.now()};
  answer.result = model::SipResult::Final;
  answer.code = 200;
  answer.reply = model::ReplyClass::Up;
  site.take(site.decider().observe(answer, site.now()));
  site.run(5s);
  CHECK(site.way(kPart) == "fiber");
}

TEST_CASE("steer apart: forcing it onto a circuit by which the carrier is dead is refused, forcing its class is not") {
  auto site = steady();
  site.silence_path(kNorth, kFiber);
  site.run(10s);
  CHECK(site.decider().forced_refused(model::ClassId{kPart}, model::CircuitId{kFiber}) == Guard::TargetHealthy);
  CHECK(site.decider().forced_refused(model::ClassId{kPart}, model::CircuitId{kCoax}) == Guard::None);
  CHECK(site.decider().forced_refused(model::ClassId{kVoice}, model::CircuitId{kFiber}) == Guard::None);
}

TEST_CASE("steer apart: emergency calls do not wait for an operator's hold when the carrier is dead by their circuit (I24)") {
  for (const bool emergency : {false, true}) {
    model::Site s = apart();
    s.trunks[0].emergency = emergency;
    auto site = steady(std::move(s));
    site.order({{.kind = model::OverrideKind::Hold, .subject = "voice-north"}});
    site.silence_path(kNorth, kFiber);
    site.run(10s);
    CHECK(site.way(kPart) == (emergency ? "coax" : "fiber"));
  }
}

TEST_CASE("steer apart: a member with a circuit of its own is preferred by the circuit that its carrier goes by") {
  model::Site s = apart();
  s.trunks[0].members = {{model::CarrierId{0}, model::CircuitId{kFiber}, 11, model::ClassId{1}},
                         {model::CarrierId{0}, model::CircuitId{kCoax}, 12, model::ClassId{1}},
                         {model::CarrierId{1}, model::CircuitId{kFiber}, 21},
                         {model::CarrierId{1}, model::CircuitId{kCoax}, 22}};
  auto site = steady(std::move(s));
  CHECK(site.order_now() == "11 22 12 21");
  site.silence_path(kNorth, kFiber);
  site.run(10s);
  CHECK(site.order_now() == "12 21 22 11");
  site.silence_path(kNorth, kFiber, false);
  site.run(25s);
  CHECK(site.way(kPart) == "fiber");
  CHECK(site.order_now() == "11 22 12 21");
}

TEST_CASE("steer apart: explain says of the carrier where it is steered, and of its class where it would go") {
  auto site = steady();
  site.silence_path(kNorth, kFiber);
  site.run(10s);
  const auto lines = [&](const char* subject) {
    std::string all;
    const auto said = decision::explain(site.status(), subject);
    REQUIRE(said.has_value());
    for (const std::string& line : *said) all += line + "\n";
    return all;
  };
  CHECK(says(lines("north"), "steered     apart from voice, as class voice-north: by coax"));
  CHECK(says(lines("voice-north"), "If coax fails now -> fiber."));
}
