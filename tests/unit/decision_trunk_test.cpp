// Whole stories of carriers and the order a PBX is given.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;
using model::EventId;
using model::Health;

namespace {
constexpr std::size_t kFiber = 0, kNorth = 0, kSouth = 1;

VirtualSite steady() {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  return site;
}
}  // namespace

TEST_CASE("trunk: all well, the order is carrier by carrier, the class's circuit first") {
  auto site = steady();
  CHECK(site.order_now() == "11 22 12 21");
}

TEST_CASE("trunk: a silent carrier goes last, after two unanswered OPTIONS and not after one") {
  auto site = steady();
  site.silence_carrier(kNorth);
  site.run(1200ms);  // one deadline has passed at most
  CHECK(site.order_now() == "11 22 12 21");
  site.run(2s);
  CHECK(site.order_now() == "21 22 12 11");  // by fiber it was down first
  CHECK(site.carrier(kNorth) == Health::Down);
  CHECK(site.way() == "fiber");  // routing is not touched by a carrier's fault
}

TEST_CASE("trunk: a carrier that answers 503 goes last") {
  auto site = steady();
  site.answer_with(kNorth, 503);
  site.run(3s);
  CHECK(site.order_now() == "21 22 12 11");
  CHECK(site.count(EventId::CarrierCodeChanged) == 2);  // 200 -> 503 through each circuit
}

TEST_CASE("trunk: a carrier dead by one circuit only is taken through the other") {
  auto site = steady();
  site.silence_path(kNorth, kFiber);
  site.run(4s);
  CHECK(site.order_now() == "12 21 22 11");
  CHECK(site.carrier(kNorth) == Health::Up);
  CHECK(site.way() == "fiber");
}

TEST_CASE("trunk: a recovered carrier is preferred again only after its hold-down, and a flapping one costs one change") {
  auto site = steady();
  site.silence_carrier(kNorth);
  site.run(5s);
  site.silence_carrier(kNorth, false);
  site.run(8s);
  CHECK(site.order_now() == "21 22 11 12");
  site.run(6s);
  CHECK(site.order_now() == "11 22 12 21");
  const int before = site.count(EventId::TrunkMoved);
  for (int i = 0; i < 20; ++i) {
    site.silence_carrier(kNorth, i % 2 == 0);
    site.run(6s);
  }
  CHECK(site.count(EventId::TrunkMoved) - before == 1);
}

TEST_CASE("trunk: a carrier that recovers by one circuit before the other comes back whole, in one change") {
  auto site = steady();
  site.silence_carrier(kNorth);
  site.run(5s);
  CHECK(site.plans.back().trunks[0].motive == model::Motive::Escape);  // suspect counts as left behind, not as a failback
  site.silence_carrier(kNorth, false);
  site.silence_path(kNorth, kFiber);
  site.run(4s);
  site.silence_path(kNorth, kFiber, false);
  const int before = site.count(EventId::TrunkMoved);
  site.run(9s);                              // through coax north has been up for its hold-down, through fiber not yet
  CHECK(site.order_now() == "21 22 12 11");  // it was up first; neither passes the other before its hold-down
  site.run(6s);
  CHECK(site.order_now() == "11 22 12 21");
  CHECK(site.count(EventId::TrunkMoved) - before == 1);
}

TEST_CASE("trunk: a dead circuit takes its members down at once, the carrier is not blamed, and they come back with the circuit") {
  auto site = steady();
  site.black_hole(kFiber);
  site.run(1500ms);
  CHECK(site.order_now() == "12 22 11 21");
  CHECK(site.carrier(kNorth) == Health::Up);
  CHECK(site.count(EventId::CarrierDown) == 0);
  site.black_hole(kFiber, false);
  site.run(50s);
  CHECK(site.way() == "fiber");
  CHECK(site.order_now() == "11 22 12 21");
}

TEST_CASE("trunk: every carrier down, the order that stands is kept and the alarm is raised (I2, never empty)") {
  auto site = steady();
  site.silence_carrier(kNorth);
  site.run(10s);
  const std::string standing = site.order_now();
  site.silence_carrier(kSouth);
  site.run(20s);
  CHECK(site.order_now() == standing);
  CHECK(site.count(EventId::AllBad) >= 1);
  for (const auto& plan : site.plans) CHECK((plan.trunks[0].order.size() == 4 || plan.trunks[0].order.empty()));
}

TEST_CASE("trunk: all circuits dead at once leave the order as it stands") {
  auto site = steady();
  const int before = site.count(EventId::TrunkMoved);
  site.black_hole(kFiber);
  site.black_hole(1);
  site.run(60s);
  CHECK(site.order_now() == "11 12 21 22");
  CHECK(site.count(EventId::TrunkMoved) == before);
}

TEST_CASE("trunk: an order read back from the PBX at start is kept while nothing is known against it (I13)") {
  VirtualSite site;
  site.start_from({model::CircuitId{kFiber}}, {21, 22, 11, 12});
  CHECK(site.order_now() == "21 22 11 12");
  site.run(8s);
  CHECK(site.order_now() == "21 22 11 12");
  CHECK(site.count(EventId::TrunkMoved) == 0);
  site.run(10s);  // north has been up for its hold-down
  CHECK(site.order_now() == "11 22 12 21");
}

TEST_CASE("trunk: after a restart nobody passes one that earns its place again and stood before it (I13)") {
  VirtualSite site;
  site.start_from({model::CircuitId{kFiber}}, {11, 22, 21, 12});
  site.run(8s);
  CHECK(site.order_now() == "11 22 21 12");
  site.run(10s);
  CHECK(site.order_now() == "11 22 12 21");
}

TEST_CASE("trunk: an order read back that does not fit the configuration is not adopted") {
  VirtualSite site;
  site.start_from({model::CircuitId{kFiber}}, {21, 99, 11, 12});
  site.run(1s);
  CHECK(site.order_now() == "11 22 12 21");
}

TEST_CASE("trunk: an override puts its carrier first and keeps every member") {
  auto site = steady();
  site.order({{.id = 1, .subject = "outbound", .to = "south"}});
  CHECK(site.order_now() == "21 12 22 11");
  site.order({});
  CHECK(site.order_now() == "11 22 12 21");
}

TEST_CASE("trunk: our own send errors are never evidence against a carrier") {
  auto site = steady();
  for (std::uint64_t i = 1; i < 50; ++i)
    site.take(site.decider().observe(model::SipOutcome{.carrier = model::CarrierId{kNorth},
                                                       .circuit = model::CircuitId{kFiber},
                                                       .sequence = 1000 + i,
                                                       .result = model::SipResult::LocalError,
                                                       .error = 1,
                                                       .sent = site.now()},
                                     site.now()));
  CHECK(site.order_now() == "11 22 12 21");
}

TEST_CASE("trunk: a late answer takes its timeout back") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  const auto outcome = [&](model::SipResult result, bool late) {
    site.take(site.decider().observe(model::SipOutcome{.carrier = model::CarrierId{kNorth},
                                                       .circuit = model::CircuitId{kFiber},
                                                       .sequence = 5000,
                                                       .result = result,
                                                       .code = 200,
                                                       .reply = model::ReplyClass::Up,
                                                       .late = late,
                                                       .sent = site.now()},
                                     site.now()));
  };
  outcome(model::SipResult::Timeout, false);
  outcome(model::SipResult::Final, true);
  outcome(model::SipResult::Timeout, false);
  CHECK(site.order_now() == "11 22 12 21");
  outcome(model::SipResult::Timeout, false);
  CHECK(site.order_now() == "21 22 12 11");  // by coax north has answered nothing that was sent since
  site.run(100ms);
  CHECK(site.order_now() == "12 21 22 11");
}

TEST_CASE("trunk: after all have failed, the first to be up again is not passed by a preferred one that is not trusted yet (I4)") {
  auto site = steady();
  site.silence_carrier(kSouth);
  site.run(5s);
  site.silence_carrier(kNorth);
  site.run(5s);
  CHECK(site.order_now() == "11 12 22 21");
  site.silence_carrier(kSouth, false);
  site.run(5s);
  CHECK(site.order_now() == "21 22 11 12");
  site.silence_carrier(kNorth, false);
  const int before = site.count(EventId::TrunkMoved);
  site.run(5s);
  CHECK(site.order_now() == "21 22 11 12");
  site.run(10s);
  CHECK(site.order_now() == "11 22 12 21");
  CHECK(site.count(EventId::TrunkMoved) - before == 1);
}

TEST_CASE("trunk: a restart while a circuit is dead keeps the order that was read back, down to the last member (I13)") {
  VirtualSite site;
  site.black_hole(kFiber);
  site.start_from({model::CircuitId{1}}, {12, 22, 11, 21});
  site.run(60s);
  CHECK(site.order_now() == "12 22 11 21");
  CHECK(site.count(EventId::TrunkMoved) == 0);
  for (const model::Plan& plan : site.plans) {
    std::vector<std::size_t> members;
    for (const model::TrunkStep& step : plan.trunks[0].order) members.push_back(step.member);
    CHECK((members.empty() || members == std::vector<std::size_t>{1, 3, 0, 2}));  // empty: before it was read back
  }
}

TEST_CASE("trunk: a restart does not shorten the hold-down of a carrier whose members follow the class (I4)") {
  model::Site follows = tests::two_by_two();
  follows.trunks[0].members = {{model::CarrierId{0}, std::nullopt, 10}, {model::CarrierId{1}, std::nullopt, 20}};
  VirtualSite site(follows);
  site.start_from({model::CircuitId{0}}, {20, 10});
  site.run(9s);
  CHECK(site.order_now() == "20 10");
  site.run(10s);
  CHECK(site.order_now() == "10 20");
}

TEST_CASE("trunk: a carrier that answers 403 every other time leaves once and stays away until it has stopped for its hold-down (I4)") {
  auto site = steady();
  site.answer_with(kNorth, 403);
  site.run(3s);
  CHECK(site.order_now() == "21 22 11 12");
  const int before = site.count(EventId::TrunkMoved);
  for (int i = 0; i < 20; ++i) {
    site.answer_with(kNorth, i % 2 == 0 ? 200 : 403);
    site.run(3s);
  }
  CHECK(site.count(EventId::TrunkMoved) == before);
  CHECK(site.order_now() == "21 22 11 12");
  site.answer_with(kNorth, 200);
  site.run(13s);
  CHECK(site.order_now() == "11 22 12 21");
  CHECK(site.count(EventId::TrunkMoved) - before == 1);
}

TEST_CASE("trunk: a carrier reached by one circuit only waits for that circuit's hold-down, however often it flaps (I4)") {
  model::Site apart = tests::two_by_two();
  apart.trunks[0].members = {{model::CarrierId{0}, model::CircuitId{0}, 11}, {model::CarrierId{1}, model::CircuitId{1}, 22}};
  VirtualSite site(apart);
  site.start_empty();
  site.run(30s);
  CHECK(site.order_now() == "11 22");
  const int before = site.count(EventId::TrunkMoved);
  for (int i = 0; i < 20; ++i) {
    site.black_hole(kFiber, i % 2 == 0);
    site.run(6s);
  }
  CHECK(site.count(EventId::TrunkMoved) - before == 1);
  site.run(20s);
  CHECK(site.order_now() == "11 22");
}

TEST_CASE("trunk: what is measured to be more than a carrier may take is offered to another first, and comes back with room to spare") {
  model::Site small = tests::two_by_two();
  small.carriers[kNorth].channels = 30;
  VirtualSite site(small);
  site.start_empty();
  site.run(30s);
  const auto load = [&](int calls) { site.take(site.decider().observe(model::TrunkLoad{.trunk = model::TrunkId{0}, .calls = calls}, site.now())); };
  load(30);
  CHECK(site.order_now() == "11 22 12 21");
  load(31);
  CHECK(site.order_now() == "21 22 11 12");
  CHECK(site.status().plan.trunks[0].rejected[1].reason.find("31 calls at once, and its contract allows 30") != std::string::npos);
  load(28);
  CHECK(site.order_now() == "21 22 11 12");
  load(27);
  CHECK(site.order_now() == "11 22 12 21");
}

namespace {
/// Two trunks that prefer the fiber; ten calls in G.711 fill it.
model::Site two_trunks_on_a_narrow_fiber() {
  model::Site site = tests::two_by_two();
  site.circuits[kFiber].bandwidth_kbps = 10 * 87.2;
  site.trunks.push_back(site.trunks[0]);
  site.trunks[1].name = "fax";
  return site;
}
}  // namespace

TEST_CASE("trunk: two trunks that fit a circuit each alone and not together do not both go by it: the later one makes room") {
  VirtualSite site(two_trunks_on_a_narrow_fiber());
  site.start_empty();
  site.take(site.decider().adopt(decision::TrunkAdopted{.trunk = model::TrunkId{1}, .sets = {}}, site.now()));
  site.run(30s);
  const auto load = [&](std::uint16_t trunk, int calls) {
    site.take(site.decider().observe(model::TrunkLoad{.trunk = model::TrunkId{trunk}, .calls = calls}, site.now()));
  };
  load(0, 6);
  load(1, 4);
  CHECK(site.order_now(0) == "11 22 12 21");
  CHECK(site.order_now(1) == "11 22 12 21");
  load(1, 5);
  CHECK(site.order_now(0) == "11 22 12 21");
  CHECK(site.order_now(1) == "12 22 11 21");
  const auto reason = site.status().plan.trunks[1].rejected[1].reason;
  CAPTURE(reason);
  CHECK(reason.find("the calls with those of other trunks need 959 kbit/s each way, and its circuit carries 872") != std::string::npos);
  const int before = site.count(EventId::TrunkMoved);
  site.run(60s);
  CHECK(site.count(EventId::TrunkMoved) == before);
  load(1, 4);  // with a tenth to spare, not before
  CHECK(site.order_now(1) == "12 22 11 21");
  load(1, 3);
  CHECK(site.order_now(1) == "11 22 12 21");
  // What the first one takes counts only where it goes.
  load(1, 10);
  CHECK(site.order_now(1) == "12 22 11 21");
  load(0, 11);
  CHECK(site.order_now(0) == "12 22 11 21");
  load(1, 9);
  CHECK(site.order_now(1) == "11 22 12 21");
}

TEST_CASE("trunk: a trunk for emergency calls takes its share first, wherever it stands in the file (I24)") {
  model::Site calls = two_trunks_on_a_narrow_fiber();
  calls.trunks[1].emergency = true;
  calls.trunks[0].busy_hour_calls = 9;
  calls.trunks[1].busy_hour_calls = 1;
  for (const bool crowded : {false, true}) {
    if (crowded) calls.trunks[1].busy_hour_calls = 2;
    VirtualSite site(calls);
    site.start_empty();
    site.take(site.decider().adopt(decision::TrunkAdopted{.trunk = model::TrunkId{1}, .sets = {}}, site.now()));
    site.run(30s);
    CHECK(site.order_now(0) == (crowded ? "12 22 11 21" : "11 22 12 21"));
    CHECK(site.order_now(1) == "11 22 12 21");
  }
}

TEST_CASE("trunk: going back by hand only, a carrier that recovered stays behind until it is the better one") {
  model::Site manual = tests::two_by_two();
  manual.trunks[0].failback.mode = model::FailbackMode::Manual;
  VirtualSite site(manual);
  site.start_empty();
  site.run(30s);
  site.silence_carrier(kNorth);
  site.run(5s);
  site.silence_carrier(kNorth, false);
  site.run(5min);
  CHECK(site.order_now() == "21 22 11 12");
  CHECK(site.status().plan.trunks[0].rejected[1].guard == model::Guard::FailbackMode);
  site.silence_carrier(kSouth);
  site.run(5s);
  CHECK(site.order_now() == "11 12 22 21");
}

TEST_CASE("trunk: an emergency trunk's force onto a carrier that is down is refused by name, and its hold lets a dead one go (I24)") {
  model::Site calls = tests::two_by_two();
  calls.trunks[0].emergency = true;
  VirtualSite site(calls);
  site.start_empty();
  site.run(30s);
  site.silence_carrier(kSouth);
  site.run(5s);
  CHECK(site.decider().forced_refused(model::TrunkId{0}, model::CarrierId{1}) == model::Guard::Emergency);
  CHECK(site.decider().forced_refused(model::TrunkId{0}, model::CarrierId{0}) == model::Guard::None);
  site.order({{.id = 1, .kind = model::OverrideKind::Hold}});
  site.silence_carrier(kSouth, false);
  site.run(15s);
  site.silence_carrier(kNorth);
  site.run(5s);
  CHECK(site.order_now() == "21 22 12 11");
  site.black_hole(kFiber);
  site.run(3s);
  CHECK(site.way() == "coax");
  CHECK(site.decider().forced_refused(model::ClassId{0}, model::CircuitId{kFiber}) == model::Guard::Emergency);
}

TEST_CASE("trunk: a restart keeps the order of those behind the first too, until they have earned another (I13)") {
  // South answers 403 by coax and stands before it by fiber, which had just failed when the judge before us died.
  VirtualSite site;
  site.start_from({model::CircuitId{kFiber}}, {11, 12, 22, 21});
  site.answer_with(kSouth, 403);
  site.silence_path(kSouth, kFiber);
  site.run(5s);
  site.silence_path(kSouth, kFiber, false);
  site.answer_with(kSouth, 200);
  site.run(4s);
  CHECK(site.order_now() == "11 12 22 21");
  site.run(12s);
  CHECK(site.order_now() == "11 22 12 21");

  VirtualSite forbidden;  // the one in second place is not passed by those that are merely better, before their hold-down
  forbidden.start_from({model::CircuitId{kFiber}}, {11, 22, 21, 12});
  forbidden.answer_with(kSouth, 403);
  forbidden.run(9s);
  CHECK(forbidden.order_now() == "11 22 21 12");
  forbidden.run(3s);
  CHECK(forbidden.order_now() == "11 12 21 22");
}

TEST_CASE("trunk: a carrier that failed by a circuit stays suspect by others when that circuit dies over it (I4)") {
  auto settings = two_by_two();
  settings.carrier_health.fall = 6;
  VirtualSite site(settings);
  site.start_empty();
  site.run(30s);
  site.silence_path(kNorth, 1);
  site.run(12s);
  REQUIRE(site.order_now() == "11 22 21 12");
  site.silence_path(kNorth, kFiber);
  site.run(2s);  // one OPTIONS is unanswered, four more may be before it is down by fiber too
  REQUIRE(site.order_now().starts_with("21"));
  site.black_hole(1);
  site.run(1200ms);
  REQUIRE(site.circuit(1) == Health::Down);
  CHECK(site.order_now().starts_with("21"));
  site.black_hole(1, false);  // once it has answered there nothing is held against it
  site.silence_path(kNorth, 1, false);
  site.silence_path(kNorth, kFiber, false);
  site.run(60s);
  CHECK(site.order_now() == "11 22 12 21");
}
