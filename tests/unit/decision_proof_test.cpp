// A class whose own probes are silent where it went: what is done about it, how often, and whereto (I8, I9).
#include <doctest/doctest.h>

#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;
using decision::ProofResult;
using model::CircuitId;
using model::EventId;
using model::Guard;
using model::Health;
using model::Motive;

namespace {

constexpr CircuitId kFiber{0}, kCoax{1}, kLte{2};
constexpr model::ClassId kVoice{0};
constexpr Instant kNow{1h};

/// Three circuits that are well; the class came from fiber, where it passed, and stands on coax.
struct Story {
  model::Site site = [] {
    model::Site s = two_by_two();
    s.circuits.push_back(s.circuits[1]);
    s.circuits.back().name = "lte";
    s.classes[0].circuits = {kFiber, kCoax, kLte};
    return s;
  }();
  std::vector<decision::CircuitView> views = std::vector<decision::CircuitView>(
      3, {.health = Health::Up, .last_good = kNow - 100ms, .rtt_expected = 100ms, .interval = 200ms, .evidence_lasts = 10s});
  decision::WayProofs proofs{3};
  decision::ProofOrders orders;
  Story() {
    proofs.proven(kFiber);
    proofs.moved(kFiber);
  }
  [[nodiscard]] decision::ProofAnswer answer() const { return decision::answer_unproven(site, site.classes[0], kCoax, proofs, views, orders, kNow); }
};

decision::MoveProof proof_by(CircuitId by, ProofResult result) { return {.traffic_class = kVoice, .by = by, .result = result}; }

}  // namespace

TEST_CASE("proof: what does not pass goes back to where it passed, and on where that is not well any more") {
  Story s;
  CHECK(s.answer().to == kFiber);
  CHECK(s.answer().undo(s.proofs));
  SUBCASE("a degraded one still is better than none") { s.views[0].health = Health::Degraded; }
  CHECK(s.answer().to == kFiber);
  SUBCASE("down") { s.views[0].health = Health::Down; }
  SUBCASE("unknown") { s.views[0].health = Health::Unknown; }
  SUBCASE("silent just now") { s.views[0].suspect = true; }
  SUBCASE("no answer for longer than an answer's time and four probes") { s.views[0].last_good = kNow - 901ms; }
  SUBCASE("it did not serve the class either") { s.proofs.disproven(kFiber, kNow + 1ms); }
  if (s.views[0].health == Health::Degraded) return;
  if (s.views[0].health == Health::Up && !s.views[0].suspect && s.views[0].last_good == kNow - 100ms && !s.proofs.against(kFiber, kNow)) return;
  CHECK(s.answer().to == kLte);
  CHECK_FALSE(s.answer().undo(s.proofs));
}

TEST_CASE("proof: an answer's time and four probes ago, and not at all later, is lately") {
  Story s;
  s.views[0].last_good = kNow - 900ms;
  CHECK(s.answer().to == kFiber);
  s.views[0].last_good = kNow - 900ms - 1ns;
  CHECK(s.answer().to == kLte);
}

TEST_CASE("proof: what is held against a way is over at its instant") {
  Story s;
  s.proofs.disproven(kFiber, kNow + 1ns);
  CHECK(s.answer().to == kLte);
  s.proofs.disproven(kFiber, kNow);
  CHECK(s.answer().to == kFiber);
}

TEST_CASE("proof: back only to where it is known to pass; else on, and first to where it has passed") {
  Story s;
  s.proofs = decision::WayProofs{3};
  s.proofs.proven(kLte);
  s.proofs.moved(kFiber);
  CHECK(s.answer().to == kLte);
  s.views[2].health = Health::Down;
  CHECK(s.answer().to == kFiber);          // not known, and better than nothing
  CHECK_FALSE(s.answer().undo(s.proofs));  // nobody has seen it pass there: it is not told so
}

TEST_CASE("proof: it is answered once, and again only after a move for another reason (I9)") {
  Story s;
  s.proofs.led(kFiber);
  CHECK_FALSE(s.answer().to);
  CHECK(s.answer().held_by == Guard::Unproven);
  s.proofs.held_back();  // the switch did not carry it out
  CHECK(s.answer().to == kFiber);
  s.proofs.led(kFiber);
  s.proofs.moved(kFiber);
  CHECK(s.answer().to == kFiber);
}

TEST_CASE("proof: it stays where nothing better is known, where a person wants it, and where it has moved too often") {
  Story s;
  SUBCASE("all bad") {
    s.views[0].health = s.views[2].health = Health::Down;
    CHECK(s.answer().held_by == Guard::AllBad);
  }
  SUBCASE("a person's hold") {
    s.orders.hold = true;
    CHECK(s.answer().held_by == Guard::OperatorHold);
  }
  SUBCASE("a person's order") {
    s.orders.forced = true;
    CHECK(s.answer().held_by == Guard::OperatorHold);
  }
  SUBCASE("a move too many") {
    s.orders.may_move = kNow + 1ns;
    CHECK(s.answer().held_by == Guard::MoveBudget);
    s.orders.may_move = kNow;
    CHECK(s.answer().to == kFiber);
    return;
  }
  CHECK_FALSE(s.answer().to);
}

TEST_CASE("proof: silence counts only where such probes were answered before, and while the circuit's own are") {
  Story s;
  CHECK(decision::proof_counts(s.proofs, s.views[1], false, kNow));
  CHECK_FALSE(decision::proof_counts(s.proofs, s.views[1], true, kNow));  // our own loop stood still
  CHECK_FALSE(decision::proof_counts(decision::WayProofs{3}, s.views[1], false, kNow));
  for (const Health h : {Health::Down, Health::Unknown}) {
    s.views[1].health = h;
    CHECK_FALSE(decision::proof_counts(s.proofs, s.views[1], false, kNow));
  }
  s.views[1].health = Health::Degraded;
  CHECK(decision::proof_counts(s.proofs, s.views[1], false, kNow));
  s.views[1].suspect = true;
  CHECK_FALSE(decision::proof_counts(s.proofs, s.views[1], false, kNow));
}

namespace {

/// Fiber died and came back; voice went to coax, passed there, and has just gone home.
struct Home {
  VirtualSite site;
  Home() {
    site.start_empty();
    site.run(30s);
    tell(kFiber, ProofResult::Proven);
    site.black_hole(0);
    site.run(2s);
    REQUIRE(site.way() == "coax");
    tell(kCoax, ProofResult::Proven);
    site.black_hole(0, false);
    for (int tenths = 0; site.way() == "coax" && tenths < 3000; ++tenths) site.run(100ms);
    REQUIRE(site.way() == "fiber");
    site.run(3s);
  }
  void tell(CircuitId by, ProofResult result) { site.take(site.decider().prove(proof_by(by, result), site.now())); }
};

}  // namespace

TEST_CASE("proof: a class that went home and does not pass there is back within the same step, and left in peace for three minutes") {
  Home h;
  const int moves = h.site.moves();
  h.tell(kFiber, ProofResult::Unproven);
  CHECK(h.site.way() == "coax");
  REQUIRE(h.site.moves() == moves + 1);
  CHECK(h.site.plans.back().classes[0].motive == Motive::Unproven);
  const auto rejected = h.site.status().plan.classes[0].rejected;
  REQUIRE(rejected.size() == 1);
  CHECK(rejected[0].guard == Guard::Unproven);
  CHECK(rejected[0].reason.find("probes sent as voice goes were not answered") != std::string::npos);
  CHECK(h.site.circuit(0) == Health::Up);  // to itself it is well: other classes may use it
  h.site.run(3min - 1s);
  CHECK(h.site.way() == "coax");
  h.site.run(2s);
  CHECK(h.site.way() == "fiber");
}

TEST_CASE("proof: a class that was led back does not go on at once to another that it prefers: one move, and that after a hold-down") {
  model::Site three = two_by_two();
  three.circuits.push_back(three.circuits[1]);
  three.circuits[2].name = "lte";
  three.classes[0].circuits = {kFiber, kCoax, kLte};
  VirtualSite site(std::move(three));
  const auto tell = [&](CircuitId by, ProofResult result) { site.take(site.decider().prove(proof_by(by, result), site.now())); };
  site.start_from({kLte});  // fiber and coax are being repaired
  site.black_hole(0);
  site.black_hole(1);
  site.run(30s);
  tell(kLte, ProofResult::Proven);
  site.black_hole(0, false);
  site.black_hole(1, false);
  for (int tenths = 0; site.way() == "lte" && tenths < 3000; ++tenths) site.run(100ms);
  REQUIRE(site.way() == "fiber");
  site.run(10s);
  REQUIRE(site.moves() == 1);
  tell(kFiber, ProofResult::Unproven);
  CHECK(site.way() == "lte");  // coax is preferred to it, well, and past its hold-down
  CHECK(site.moves() == 2);
  tell(kLte, ProofResult::Proven);
  site.run(9'900ms);
  CHECK(site.way() == "lte");
  const auto rejected = site.status().plan.classes[0].rejected;
  const auto coax = std::ranges::find(rejected, "coax", &model::Rejected::name);
  REQUIRE(coax != rejected.end());
  CHECK(coax->guard == Guard::HoldDown);
  site.run(200ms);
  CHECK(site.way() == "coax");
  CHECK(site.moves() == 3);
}

TEST_CASE("proof: a way that is proven while it is held against it is taken again") {
  Home h;
  h.site.order({{.id = 1, .kind = model::OverrideKind::Force, .subject = "voice", .to = "fiber", .owner = "uid 0", .reason = "test"}});
  h.tell(kFiber, ProofResult::Unproven);
  CHECK(h.site.way() == "fiber");  // a person wants it there
  CHECK(h.site.status().plan.classes[0].reason.find("are not answered there") != std::string::npos);
  h.tell(kFiber, ProofResult::Proven);
  CHECK(h.site.status().plan.classes[0].reason.find("are not answered there") == std::string::npos);
  h.site.order({});
  h.site.run(10s);
  CHECK(h.site.way() == "fiber");
}

TEST_CASE("proof: that it stays is told once") {
  Home h;
  h.site.black_hole(1);
  h.site.run(3s);
  const int held = h.site.count(EventId::GuardHeld);
  h.tell(kFiber, ProofResult::Unproven);
  h.tell(kFiber, ProofResult::Unproven);
  CHECK(h.site.way() == "fiber");
  CHECK(h.site.count(EventId::GuardHeld) == held + 1);
  CHECK(h.site.events.back().text ==
        "fiber answers its own probes, but those sent as voice goes are not answered: voice stays, because no other way is "
        "known to be better (guard all_bad).");
}

TEST_CASE("proof: of a way that the class has left meanwhile nothing is made") {
  Home h;
  const int moves = h.site.moves();
  h.tell(kCoax, ProofResult::Unproven);
  CHECK(h.site.way() == "fiber");
  CHECK(h.site.moves() == moves);
}

TEST_CASE("proof: a dead way is left even for one that did not serve") {
  Home h;
  h.tell(kFiber, ProofResult::Unproven);
  REQUIRE(h.site.way() == "coax");
  h.site.run(10s);
  h.site.black_hole(1);
  h.site.run(2s);
  CHECK(h.site.way() == "fiber");
  CHECK(h.site.plans.back().classes[0].motive == Motive::Escape);
}
