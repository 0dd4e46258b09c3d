// Whole stories of a circuit, in virtual time: what is seen, what is decided, when.
#include <doctest/doctest.h>

#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;
using model::EventId;
using model::Guard;
using model::Health;

namespace {
constexpr std::size_t kFiber = 0, kCoax = 1;
}

TEST_CASE("failover: nothing is steered before something is known, then the most preferred that is up") {
  VirtualSite site;
  site.start_empty();
  CHECK(site.way().empty());
  CHECK(site.circuit(kFiber) == Health::Unknown);
  site.run(2s);
  CHECK(site.circuit(kFiber) == Health::Up);
  CHECK(site.way() == "fiber");
  CHECK(site.moves() == 1);  // whichever circuit answers first
}

TEST_CASE("failover: at a cold start the first choice waits four seconds for the preferred circuit, and no longer") {
  for (const bool comes_in_time : {true, false}) {
    VirtualSite site;
    site.black_hole(kFiber);
    site.start_empty();
    site.run(700ms);
    CHECK(site.circuit(kCoax) == Health::Up);
    CHECK(site.way().empty());
    if (comes_in_time) site.black_hole(kFiber, false);
    site.run(comes_in_time ? 1500ms : 2700ms);
    CHECK(site.way() == (comes_in_time ? "fiber" : ""));
    if (!comes_in_time) site.run(700ms);
    CHECK(site.way() == (comes_in_time ? "fiber" : "coax"));
    CHECK(site.moves() == 1);
  }
}

TEST_CASE("failover: before the switch has told what stands, no plan leaves (I13)") {
  VirtualSite site;
  site.run(5s);
  CHECK(site.plans.empty());
  site.start_empty();
  CHECK_FALSE(site.plans.empty());
}

TEST_CASE("failover: a restart in an unchanged world moves nothing (I13)") {
  VirtualSite site;
  site.start_from({model::CircuitId{kFiber}});
  site.run(60s);
  CHECK(site.way() == "fiber");
  CHECK(site.moves() == 0);
  for (const auto& plan : site.plans) CHECK(plan.classes[0].circuit == model::CircuitId{kFiber});
}

TEST_CASE("failover: a restart during an outage stays on the second way") {
  VirtualSite site;
  site.black_hole(kFiber);
  site.start_from({model::CircuitId{kCoax}});
  site.run(60s);
  CHECK(site.way() == "coax");
  CHECK(site.moves() == 0);
}

TEST_CASE("failover: a black hole with the link up is left within 1.5 s at 5 probes a second") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  const Instant fault = site.now();
  site.black_hole(kFiber);
  site.run(1500ms);
  CHECK(site.circuit(kFiber) == Health::Down);
  CHECK(site.way() == "coax");
  const auto& plan = site.plans.back();
  CHECK(plan.classes[0].motive == model::Motive::Escape);
  CHECK(plan.dead == std::vector{model::CircuitId{kFiber}});
  CHECK(plan.decided - fault > 500ms);  // not on the first lost probe either
}

TEST_CASE("failover: a plan is told anew when a circuit dies or comes back, so that who stands there by a refusal can leave") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  const auto before = site.plans.size();
  site.black_hole(kCoax);  // the standby: no choice of a class changes
  site.run(3s);
  REQUIRE(site.plans.size() > before);
  CHECK(site.plans.back().dead == std::vector{model::CircuitId{kCoax}});
  CHECK(site.plans.back().classes[0].circuit == model::CircuitId{kFiber});
  site.black_hole(kCoax, false);
  site.run(5s);
  CHECK(site.plans.back().dead.empty());
}

TEST_CASE("failover: silence shorter than what means death moves nothing") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.black_hole(kFiber);
  site.run(600ms);
  CHECK(site.circuit(kFiber) == Health::Up);
  site.black_hole(kFiber, false);
  site.run(10s);
  CHECK(site.way() == "fiber");
  CHECK(site.count(EventId::CircuitDown) == 0);
}

TEST_CASE("failover: a link that goes down moves at once") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.link(kFiber, false);
  CHECK(site.circuit(kFiber) == Health::Down);
  CHECK(site.way() == "coax");
}

TEST_CASE("failover: it comes back only after rise and hold-down, once") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.black_hole(kFiber);
  site.run(10s);
  site.black_hole(kFiber, false);
  site.run(1500ms);
  CHECK(site.circuit(kFiber) == Health::Down);  // fewer than ten answers
  site.run(1s);
  CHECK(site.circuit(kFiber) == Health::Up);
  CHECK(site.way() == "coax");
  CHECK(site.status().plan.classes[0].rejected.front().guard == Guard::HoldDown);
  site.run(8s);
  CHECK(site.way() == "coax");
  site.run(20s);
  CHECK(site.way() == "coax");  // up for its hold-down, and not yet proven well: that takes 168 answered probes
  site.run(6s);
  CHECK(site.way() == "fiber");
  CHECK(site.moves() == 3);  // to fiber at start, to coax, back
}

TEST_CASE("failover: flapping faster than the hold-down costs one move (I4)") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  const int before = site.moves();
  for (int i = 0; i < 30; ++i) {
    site.black_hole(kFiber, i % 2 == 0);
    site.run(6s);
  }
  CHECK(site.moves() - before == 1);
  CHECK(site.way() == "coax");
}

TEST_CASE("failover: one dead target moves nothing, for an hour (I5)") {
  for (std::size_t target = 0; target < 3; ++target) {
    VirtualSite site;
    site.start_empty();
    site.run(30s);
    const int before = site.moves();
    site.kill_target(target);
    site.run(1h);
    CHECK(site.moves() == before);
    CHECK(site.circuit(kFiber) == Health::Up);
  }
}

TEST_CASE("failover: with one target dead already, a black hole is still found") {
  VirtualSite site;
  site.start_empty();
  site.kill_target(1);
  site.run(30s);
  site.black_hole(kFiber);
  site.run(2s);
  CHECK(site.way() == "coax");
}

TEST_CASE("failover: everything dead at once moves nothing and raises the alarm (I2)") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  const int before = site.moves();
  site.black_hole(kFiber);
  site.black_hole(kCoax);
  site.run(60s);
  CHECK(site.circuit(kFiber) == Health::Down);
  CHECK(site.circuit(kCoax) == Health::Down);
  CHECK(site.way() == "fiber");
  CHECK(site.moves() == before);
  CHECK(site.count(EventId::AllBad) >= 1);
  CHECK(site.status().suppressed.at(Guard::AllBad) >= 1);
}

TEST_CASE("failover: after everything was dead, the first that comes back is taken") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.black_hole(kFiber);
  site.black_hole(kCoax);
  site.run(60s);
  site.black_hole(kCoax, false);
  site.run(5s);
  CHECK(site.way() == "coax");
}

TEST_CASE("failover: evidence that stops is unknown, and unknown moves nothing (I6)") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  const int before = site.moves();
  site.local_errors(kFiber);
  site.run(60s);
  CHECK(site.circuit(kFiber) == Health::Unknown);
  CHECK(site.status().circuits[kFiber].verdict.cause == model::Cause::LocalErrors);
  CHECK(site.way() == "fiber");
  CHECK(site.moves() == before);
}

TEST_CASE("failover: an unknown in between is no short cut past rise") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.black_hole(kFiber);
  site.run(5s);
  site.local_errors(kFiber);
  site.run(20s);
  CHECK(site.circuit(kFiber) == Health::Unknown);
  site.local_errors(kFiber, false);
  site.black_hole(kFiber, false);
  site.run(1s);
  CHECK(site.circuit(kFiber) != Health::Up);
  site.run(5s);
  CHECK(site.circuit(kFiber) == Health::Up);
}

TEST_CASE("failover: the first answer of a circuit that was dead and then unknown does not move what stands on it (I6)") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.black_hole(kFiber);
  site.black_hole(kCoax);
  site.run(5s);
  CHECK(site.way() == "fiber");
  site.local_errors(kFiber);
  site.local_errors(kCoax);
  site.black_hole(kFiber, false);
  site.black_hole(kCoax, false);
  site.run(20s);
  const int before = site.moves();
  site.local_errors(kFiber, false);
  site.local_errors(kCoax, false);
  site.run(20s);
  CHECK(site.way() == "fiber");
  CHECK(site.moves() == before);
}

TEST_CASE("failover: answers from before a long silence of our own do not make a dead circuit up (I6)") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.local_errors(kCoax);
  site.run(20s);
  CHECK(site.circuit(kCoax) == Health::Unknown);
  const int before = site.count(EventId::CircuitUp);
  site.black_hole(kCoax);
  site.local_errors(kCoax, false);
  site.run(20s);
  CHECK(site.circuit(kCoax) == Health::Down);
  CHECK(site.count(EventId::CircuitUp) == before);
}

TEST_CASE("failover: when everything dies at once, a target that still answers through the standby is no proof (I2, I5)") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  const int before = site.moves();
  site.lie(0, kCoax);
  site.run(5s);
  site.black_hole(kFiber);
  site.black_hole(kCoax);
  site.run(60s);
  CHECK(site.way() == "fiber");
  CHECK(site.moves() == before);
}

TEST_CASE("failover: a way out that is in use already is confirmed as quickly as a standby, while another is silent") {
  auto plan = two_by_two();
  plan.circuits[kCoax].metered = true;  // by its own pace the proof would take two seconds
  plan.classes.push_back({.name = "data", .circuits = {model::CircuitId{kCoax}, model::CircuitId{kFiber}}, .table = 7202});
  VirtualSite site(plan);
  site.start_empty();
  site.run(30s);
  REQUIRE(site.way(1) == "coax");
  CHECK(site.decider().probe_plan(model::CircuitId{kCoax}).extra == std::nullopt);
  site.black_hole(kFiber);
  site.run(500ms);
  CHECK(site.decider().probe_plan(model::CircuitId{kCoax}).extra == 100ms);
  site.run(800ms);
  CHECK(site.way() == "coax");
}

TEST_CASE("failover: a failing standby never disturbs the way in use") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  const int before = site.moves();
  for (int i = 0; i < 10; ++i) {
    site.black_hole(kCoax, i % 2 == 0);
    site.run(20s);
  }
  CHECK(site.moves() == before);
}

TEST_CASE("failover: replies slower than the timeout are late, not lost for ever") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.rtt = 600ms;  // bufferbloat: every reply comes after the learned timeout
  site.run(30s);
  CHECK(site.way() == "fiber");
  CHECK(site.status().circuits[kFiber].figures.loss_ratio < 0.2);
}

TEST_CASE("failover: a delay that makes calls bad is acted on at the instant it is found, and told with the round trip that decided") {
  for (const auto& [longer, leaves] : {std::pair(180ms, false), std::pair(181ms, true)}) {  // on 20 ms; the limit is 200 ms, and is crossed above it
    model::Site limited = two_by_two();
    limited.classes[0].limits = model::QualityLimits{};
    limited.classes[0].codec = model::Codec::G711;
    VirtualSite site(std::move(limited));
    site.start_empty();
    site.run(300s);
    site.longer[kFiber] = longer;
    site.run(25s);
    const auto degraded = std::ranges::find(site.events, EventId::CircuitDegraded, &model::Event::id);
    REQUIRE(degraded != site.events.end());
    CHECK(site.way() == (leaves ? "coax" : "fiber"));
    if (!leaves) continue;
    const auto moved = std::ranges::find_if(degraded, site.events.end(), [](const auto& e) { return e.id == EventId::RoutingMoved; });
    REQUIRE(moved != site.events.end());
    CHECK(moved->at == degraded->at);
    CHECK(moved->text.contains("round trip 201 ms above 200 ms"));
  }
}

TEST_CASE("diagnosis: what failed while we were starting, or stood still, is named as soon as anything may be concluded") {
  VirtualSite start;
  start.start_empty();
  start.run(1s);
  start.black_hole(kFiber);
  start.run(1900ms);
  REQUIRE(start.circuit(kFiber) == Health::Down);  // and nothing more will change
  CHECK(start.count(EventId::DiagnosisMade) == 0);
  start.run(600ms);
  CHECK(start.count(EventId::DiagnosisMade) == 1);

  VirtualSite doubt;
  doubt.start_empty();
  doubt.run(30s);
  doubt.black_hole(kFiber);
  while (doubt.circuit(kFiber) == Health::Up) doubt.run(10ms);
  doubt.take(doubt.decider().observe(model::LoopStall{.from = doubt.now() - 1ms, .to = doubt.now()}, doubt.now()));
  doubt.run(900ms);
  const auto named = [&] {
    return std::ranges::count_if(doubt.events, [](const auto& e) { return e.id == EventId::DiagnosisMade && e.subject == "circuit fiber"; });
  };
  CHECK(named() == 0);
  doubt.run(600ms);
  CHECK(named() == 1);
}

TEST_CASE("override: wins at once, and when it ends the first choice returns") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  const model::Override force{.id = 1, .subject = "routing", .to = "coax"};
  site.order({force});
  CHECK(site.way() == "coax");
  site.run(60s);
  CHECK(site.way() == "coax");
  site.order({});
  CHECK(site.way() == "fiber");
}

TEST_CASE("override: a hold freezes automatic moves, even away from a dead way") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.order({{.id = 1, .kind = model::OverrideKind::Hold}});
  site.black_hole(kFiber);
  site.run(20s);
  CHECK(site.way() == "fiber");
  CHECK(site.status().plan.classes[0].rejected.front().guard == Guard::OperatorHold);
  site.order({});
  CHECK(site.way() == "coax");
}

TEST_CASE("decision: the same inputs give the same events, word for word") {
  const auto story = [] {
    VirtualSite site;
    site.start_empty();
    site.run(20s);
    site.black_hole(kFiber);
    site.run(20s);
    site.black_hole(kFiber, false);
    site.silence_carrier(0);
    site.run(40s);
    std::string all;
    for (const auto& e : site.events) all += std::to_string(e.at.time_since_epoch().count()) + " " + e.text + "\n";
    return all;
  };
  CHECK(story() == story());
}

namespace {

model::Override force_voice(const char* to) {
  return {.id = 1, .kind = model::OverrideKind::Force, .subject = "voice", .to = to, .owner = "uid 0", .reason = "test"};
}
decision::MovesHeld voice_held(std::optional<model::CircuitId> stands, bool escape, model::Duration again) {
  return {.moves = {{.traffic_class = model::ClassId{0}, .stands = stands, .escape = escape, .again_after = again}}};
}

}  // namespace

TEST_CASE("held back: the judge takes up where the class stands, says so, and asks again only when the switch lets it") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  REQUIRE(site.way() == "fiber");
  site.order({force_voice("coax")});
  REQUIRE(site.way() == "coax");
  const auto generation = site.plans.back().generation;
  const int held_before = site.count(EventId::GuardHeld);
  site.take(site.decider().held(voice_held(model::CircuitId{kFiber}, false, 60s), site.now()));
  CHECK(site.way() == "fiber");
  CHECK(site.plans.back().generation == generation + 1);
  CHECK(site.plans.back().classes[0].circuit == model::CircuitId{kFiber});
  CHECK(site.count(EventId::GuardHeld) == held_before + 1);
  CHECK(site.moves() == 3);  // first choice, the order, and that nothing came of it
  CHECK(site.status().plan.classes[0].reason.find("guard rate_limit") != std::string::npos);
  site.run(60s - 1ms);
  CHECK(site.way() == "fiber");
  site.run(2ms);
  CHECK(site.way() == "coax");
}

TEST_CASE("held back: a move that was refused is no move of the budget, and does not hold an escape") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  for (int i = 0; i < 12; ++i) {
    site.order({force_voice("coax")});
    site.take(site.decider().held(voice_held(model::CircuitId{kFiber}, false, 1ms), site.now()));
    site.run(10ms);
    if (site.way() == "coax") site.take(site.decider().held(voice_held(model::CircuitId{kFiber}, false, 1h), site.now()));
    site.order({});
  }
  CHECK(site.way() == "fiber");
  CHECK(site.decider().memory(model::ClassId{0}, site.now()) == "moves1 0 0 0 0 0");
  site.black_hole(kFiber);
  site.run(1500ms);
  CHECK(site.way() == "coax");
}

TEST_CASE("held back: an escape that the switch refuses waits for its word, and a class that was never steered stays unsteered") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.black_hole(kFiber);
  site.run(1500ms);
  REQUIRE(site.way() == "coax");
  site.take(site.decider().held(voice_held(model::CircuitId{kFiber}, true, 5s), site.now()));
  CHECK(site.way() == "fiber");
  site.run(4900ms);
  CHECK(site.way() == "fiber");
  site.run(200ms);
  CHECK(site.way() == "coax");

  VirtualSite fresh;
  fresh.start_empty();
  fresh.run(1s);
  REQUIRE(fresh.way() == "fiber");
  fresh.take(fresh.decider().held(voice_held(std::nullopt, false, 2s), fresh.now()));
  CHECK(fresh.way().empty());
  fresh.run(1900ms);
  CHECK(fresh.way().empty());
  fresh.run(200ms);
  CHECK(fresh.way() == "fiber");
}

TEST_CASE("restart: a flapping circuit keeps its grown hold-down and the class its used budget; what cannot be read is inert") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  for (int i = 0; i < 2; ++i) {
    site.black_hole(kFiber);
    site.run(3s);
    site.black_hole(kFiber, false);
    site.run(80s);
  }
  const model::CircuitId fiber{kFiber};
  REQUIRE(site.decider().hold_down(fiber, site.now()) == 30s);
  const std::string circuit = site.decider().memory(fiber, site.now()), moves = site.decider().memory(model::ClassId{0}, site.now());
  VirtualSite again;
  REQUIRE(again.decider().recall(fiber, circuit, 5s));
  REQUIRE(again.decider().recall(model::ClassId{0}, moves, 5s));
  CHECK(again.decider().hold_down(fiber, again.now()) == 30s);
  again.start_from({fiber}, {11, 12, 21, 22});
  again.run(30s);
  again.black_hole(kFiber);
  again.run(3s);
  again.black_hole(kFiber, false);
  REQUIRE(again.way() == "coax");
  CHECK(again.decider().hold_down(fiber, again.now()) == 90s);

  VirtualSite inert;
  CHECK_FALSE(inert.decider().recall(fiber, circuit + " 7", 5s));
  CHECK(inert.decider().hold_down(fiber, inert.now()) == 10s);
  CHECK_FALSE(inert.decider().recall(model::ClassId{0}, "moves1 nonsense", 5s));
  // What older releases wrote has no answers of carriers, or no hold-down either, and is read for the rest.
  const std::string before_answers = circuit.substr(0, circuit.rfind('\t'));
  CHECK(inert.decider().recall(fiber, before_answers, 5s));
  CHECK(inert.decider().hold_down(fiber, inert.now()) == 30s);
  CHECK(inert.decider().recall(fiber, before_answers.substr(0, before_answers.rfind('\t')), 5s));
}
