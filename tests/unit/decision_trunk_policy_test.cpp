// The order of a trunk, from views alone.
#include <doctest/doctest.h>

#include "controller/decision/trunk_policy.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::Behind;
using decision::MemberView;
using decision::Shortfall;
using model::CarrierId;
using model::CircuitId;
using model::Guard;
using model::Health;
using model::Motive;

namespace {

const CircuitId kFiber{0};
const MemberView kUp{.shortfall = {}, .health = Health::Up};
const MemberView kDown{.shortfall = {}, .health = Health::Down, .trusted = false};
const Shortfall kFull{Shortfall::Of::Channels, 31, 30};

/// Members 0: north via fiber, 1: north via coax, 2: south via fiber, 3: south via coax. The class goes by fiber.
struct Four {
  model::Site site = tests::two_by_two();
  std::vector<MemberView> views = {kUp, kUp, kUp, kUp};
  std::vector<model::TrunkStep> standing = {{.member = 0}, {.member = 1}, {.member = 2}, {.member = 3}};
  decision::TrunkOrders orders;
  bool doubt = false;

  [[nodiscard]] decision::TrunkDecision decide() const {
    return decision::order_trunk(site, site.trunks[0], standing, Motive::FirstChoice, views, kFiber, orders, doubt, kFiber);
  }
  [[nodiscard]] std::string order() const { return text_of(decide().order); }
  /// As a PBX is told it.
  [[nodiscard]] std::string tried(std::optional<std::size_t> second_before = std::nullopt) const {
    return text_of(decision::tried_order(site.trunks[0], decide(), second_before));
  }
  static std::string text_of(const std::vector<model::TrunkStep>& order) {
    std::string text;
    for (const auto& step : order) text += std::to_string(step.member);
    return text;
  }
  void all_fiber(auto change) {
    change(views[0]);
    change(views[2]);
  }
  void all_coax(auto change) {
    change(views[1]);
    change(views[3]);
  }
};

void make_suspect(MemberView& v) { v.circuit_suspect = true; }
void make_dead(MemberView& v) {
  v = kDown;
  v.circuit_down = true;
}

}  // namespace

TEST_CASE("trunk policy: members that follow the class are ranked by carrier alone") {
  Four t;
  t.site.trunks[0].members = {{CarrierId{0}, std::nullopt, 1}, {CarrierId{1}, std::nullopt, 2}};
  t.standing.clear();
  t.views = {kDown, kUp};
  CHECK(t.order() == "10");
}

TEST_CASE("trunk policy: a carrier that is up again but not yet trusted does not pass one that is degraded (I4)") {
  Four t;
  t.site.trunks[0].members = {{CarrierId{0}, std::nullopt, 1}, {CarrierId{1}, std::nullopt, 2}};
  t.standing = {{.member = 1}, {.member = 0}};
  t.views = {kUp, {.shortfall = {}, .health = Health::Degraded}};
  t.views[0].trusted = false;
  CHECK(t.order() == "10");
  t.views[0].trusted = true;
  CHECK(t.order() == "01");
}

TEST_CASE("trunk policy: one that was degraded a moment ago ranks as if it still were, so that 403 now and then moves once (I4)") {
  Four t;
  t.views[0].health = Health::Degraded;
  CHECK(t.order() == "1230");
  t.standing = {{.member = 1}, {.member = 2}, {.member = 3}, {.member = 0}};
  t.views[0] = kUp;
  t.views[0].lately_degraded = true;
  CHECK(t.order() == "1230");
  CHECK(t.decide().places[0].behind == Behind::LatelyDegraded);
  t.views[0].lately_degraded = false;
  CHECK(t.order() == "0123");
}

TEST_CASE("trunk policy: a suspect circuit's members go behind at once and return at once") {
  Four t;
  t.all_fiber(make_suspect);
  CHECK(t.order() == "1302");
  CHECK(t.decide().motive == Motive::Suspicion);
  CHECK(t.decide().places[0].behind == Behind::CircuitSuspect);
  t.standing = t.decide().order;
  t.all_fiber([](MemberView& v) { v.circuit_suspect = false; });
  CHECK(t.order() == "0123");
  CHECK(t.decide().motive == Motive::Failback);
}

TEST_CASE("trunk policy: a suspect member is better than one that is down") {
  Four t;
  t.all_fiber(make_suspect);
  t.views[1] = t.views[3] = kDown;  // both carriers are down through coax, which itself is well
  CHECK(t.order() == "0213");
}

TEST_CASE("trunk policy: all circuits suspect, or suspect and down, leave the order as it stands") {
  Four t;
  t.standing = {{.member = 1}, {.member = 3}, {.member = 0}, {.member = 2}};
  t.all_fiber(make_suspect);
  t.all_coax(make_suspect);
  CHECK(t.order() == "1302");
  CHECK(t.decide().held_by == Guard::Freshness);
  t.all_coax(make_dead);
  CHECK(t.order() == "1302");
}

TEST_CASE("trunk policy: what is not judged yet is not known to be better than what is dead (I6)") {
  Four t;
  t.views = {kDown, {.shortfall = {}}, kDown, {.shortfall = {}}};
  CHECK(t.order() == "0123");
  CHECK(t.decide().held_by == Guard::Freshness);
  t.views[3] = kUp;
  CHECK(t.order() == "3102");
}

TEST_CASE("trunk policy: where all members go by one circuit, its being suspect changes nothing") {
  Four t;
  for (auto& m : t.site.trunks[0].members) m.circuit.reset();
  for (MemberView& v : t.views) make_suspect(v);
  t.views[0] = kDown;
  CHECK(t.order() == "1230");
  CHECK(t.decide().held_by == Guard::None);
  t.views[1].health = Health::Degraded;  // nor does it hide what else is known
  CHECK(t.order() == "2310");
}

TEST_CASE("trunk policy: members of a circuit that has only just come back wait for its hold-down") {
  Four t;
  t.standing = {{.member = 1}, {.member = 3}, {.member = 0}, {.member = 2}};
  t.all_fiber([](MemberView& v) { v.circuit_young = true; });
  CHECK(t.order() == "1302");
  CHECK(t.decide().places[2].behind == Behind::CircuitYoung);
}

TEST_CASE("trunk policy: one that cannot carry the load goes behind those of its tier that can, and no further") {
  Four t;
  t.views[0].shortfall = t.views[1].shortfall = kFull;
  CHECK(t.order() == "2301");
  CHECK(t.decide().motive == Motive::Capacity);
  CHECK(t.decide().places[0].shortfall == kFull);
  t.views[2].health = t.views[3].health = Health::Degraded;
  CHECK(t.order() == "0123");
  t.views[2] = t.views[3] = kUp;
  for (MemberView& v : t.views) v.shortfall = kFull;
  CHECK(t.order() == "0123");
}

TEST_CASE("trunk policy: one that may not be gone back to yet stays behind, but goes before what is worse") {
  Four t;
  t.standing = {{.member = 2}, {.member = 3}, {.member = 0}, {.member = 1}};
  t.views[0].waits = t.views[1].waits = true;
  CHECK(t.order() == "2301");
  CHECK(t.decide().places[0].behind == Behind::Waits);
  t.views[2] = t.views[3] = kDown;
  CHECK(t.order() == "0123");
  t.standing = t.decide().order;  // now it stands there: nothing is to be waited for
  CHECK(t.decide().places[0].behind == Behind::Preference);
}

TEST_CASE("trunk policy: in self-doubt (I7) only a lost link re-orders") {
  Four t;
  t.doubt = true;
  t.views[0] = kDown;
  CHECK(t.order() == "0123");
  CHECK(t.decide().held_by == Guard::SelfDoubt);
  t.all_fiber(make_dead);
  CHECK(t.order() == "0123");
  t.all_fiber([](MemberView& v) { v.circuit_by_link = true; });
  CHECK(t.order() == "1302");
  t.doubt = false;
  t.views = {kUp, kUp, kUp, kUp};
  CHECK(t.decide().held_by == Guard::None);
}

TEST_CASE("trunk policy: an emergency trunk is ordered by death and trust alone (I24)") {
  Four t;
  t.site.trunks[0].emergency = true;
  t.all_fiber(make_suspect);
  t.views[0].shortfall = kFull;
  t.views[0].suspect = true;
  CHECK(t.order() == "0123");
  t.all_coax(make_suspect);
  CHECK(t.decide().held_by == Guard::None);
  t.doubt = true;
  t.views[0] = kDown;
  CHECK(t.order() == "1230");
  CHECK(t.decide().motive == Motive::Escape);
}

TEST_CASE("trunk policy: a hold does not keep an emergency trunk on a dead member while another is up (I24)") {
  Four t;
  t.orders.hold = true;
  t.views[0] = kDown;
  CHECK(t.order() == "0123");
  CHECK(t.decide().held_by == Guard::OperatorHold);
  t.site.trunks[0].emergency = true;
  CHECK(t.order() == "1230");
  CHECK(t.decide().despite_hold);
  t.views = {kDown, kDown, kDown, kDown};
  CHECK(t.order() == "0123");
  t.views = {kUp, kDown, kUp, kUp};  // what stands first is up: a hold is a hold
  CHECK(t.order() == "0123");
  CHECK(t.decide().held_by == Guard::OperatorHold);
}

TEST_CASE("trunk policy: a force does not put a dead carrier first for emergency calls, but by overriding that guard (I24)") {
  Four t;
  t.orders.force = CarrierId{1};
  CHECK(t.order() == "2301");
  t.views[2] = t.views[3] = kDown;
  CHECK(t.order() == "2301");  // what is not for emergency calls does as it is told
  t.site.trunks[0].emergency = true;
  CHECK(t.order() == "0123");
  CHECK(t.decide().held_by == Guard::Emergency);
  t.orders.despite_emergency = true;
  CHECK(t.order() == "2301");
  t.orders.despite_emergency = false;
  t.views[3] = kUp;
  CHECK(t.order() == "3201");
  CHECK(t.decide().motive == Motive::Forced);
}

TEST_CASE("trunk policy: every order has every member once, whatever is said of them") {
  const MemberView faces[] = {
      kUp, kDown, {.shortfall = {}, .health = Health::Unknown}, {.shortfall = kFull, .health = Health::Up, .suspect = true, .circuit_suspect = true}};
  for (int mask = 0; mask < 256; ++mask)
    for (const bool emergency : {false, true}) {
      Four t;
      t.site.trunks[0].emergency = emergency;
      for (std::size_t m = 0; m < 4; ++m) t.views[m] = faces[(mask >> (2 * m)) & 3];
      const auto order = t.order();
      CHECK(std::is_permutation(order.begin(), order.end(), "0123"));
      if (mask % 4 == 1 && emergency && order.front() == '0') {  // a dead first member of an emergency trunk only when none is up
        CHECK(std::ranges::none_of(t.views, [](const MemberView& v) { return v.health == Health::Up; }));
      }
    }
}

TEST_CASE("trunk policy: the same carrier by the circuit that the class goes by now follows it, and says so") {
  Four t;
  const auto decision =
      decision::order_trunk(t.site, t.site.trunks[0], t.standing, Motive::FirstChoice, t.views, CircuitId{1}, t.orders, false, kFiber);
  CHECK(decision.order.front().member == 1);
  CHECK(decision.motive == Motive::Follows);
  REQUIRE(decision.left);
  CHECK(decision.left->member == 0);
  CHECK(decision.left->place.behind == Behind::Preference);
}

TEST_CASE("trunk policy: one that takes calls and has something held against it is not left as a failback") {
  Four t;
  t.views[0].health = Health::Degraded;
  CHECK(t.decide().motive == Motive::Quality);
  CHECK(t.decide().left->place.behind == Behind::Degraded);
  t.views[0] = kUp;
  t.views[0].circuit_young = true;
  CHECK(t.decide().motive == Motive::Quality);
  t.standing = {{.member = 2}, {.member = 3}, {.member = 0}, {.member = 1}};
  t.views[0] = kUp;
  t.views[2].health = Health::Degraded;
  CHECK(t.decide().motive == Motive::Failback);  // to the preferred one, whatever the other is like
}

TEST_CASE("trunk policy: who stays first has left nobody") {
  Four t;
  t.views[3] = kDown;
  CHECK_FALSE(t.decide().left);
}

TEST_CASE("trunk policy: those that are down keep the order they stood in, so that one more death is no new order") {
  Four t;
  t.standing = {{.member = 2}, {.member = 3}, {.member = 1}, {.member = 0}};
  t.views[0] = t.views[1] = kDown;
  CHECK(t.order() == "2310");
}

TEST_CASE("trunk policy: who takes no calls stands behind all who may, before those that are down, and among their like nobody passes another") {
  Four t;
  t.views[0].calls_fail = true;
  CHECK(t.order() == "1230");
  CHECK(t.decide().motive == Motive::Escape);
  t.views[2].suspect = true;
  t.views[3] = kDown;
  CHECK(t.order() == "1203");
  t.views[1].calls_doubtful = true;  // as good as suspect
  CHECK(t.order() == "1203");
  t.views[2].suspect = false;
  CHECK(t.order() == "2103");
  for (auto& v : t.views) v = kUp, v.calls_fail = true;
  CHECK(t.order() == "0123");
  t.standing = {{.member = 2}, {.member = 0}, {.member = 3}, {.member = 1}};
  CHECK(t.order() == "2031");
}

TEST_CASE("trunk policy: calls that fail count for an emergency trunk as death does, and so does the doubt of that carrier's other ways") {
  Four t;
  t.site.trunks[0].emergency = true;
  t.views[0].calls_doubtful = true;
  CHECK(t.order() == "1230");
  t.views[1].calls_fail = true;
  CHECK(t.order() == "2301");
}

TEST_CASE("trunk policy: what is tried second shares neither carrier nor circuit with the first, whichever that is") {
  Four t;
  CHECK(t.tried() == "0312");
  t.views[0] = kDown;
  CHECK(t.order() == "1230");
  CHECK(t.tried() == "1230");  // south via fiber comes next as it is
  t.views[1] = kDown;
  t.standing = t.decide().order;
  CHECK(t.tried() == "2301");  // only south is left: its other circuit comes next, and the dead stay behind
}

TEST_CASE("trunk policy: nothing that is suspect, odd, held out or down is tried sooner than preference has it") {
  for (const auto change : {+[](MemberView& v) { v = kDown; }, +[](MemberView& v) { v.calls_fail = true; },
                            +[](MemberView& v) { v.calls_doubtful = true; }, +[](MemberView& v) { v.suspect = true; },
                            +[](MemberView& v) { v.health = Health::Degraded; }, +[](MemberView& v) { v.lately_degraded = true; }}) {
    Four t;
    change(t.views[3]);
    CHECK(t.order() == "0123");
    CHECK(t.tried() == "0123");
  }
  Four suspect;
  suspect.all_coax(make_suspect);
  CHECK(suspect.tried() == suspect.order());
}

TEST_CASE("trunk policy: who is not judged yet, or in his hold-down, is tried second only where he was; who is full is not (I13)") {
  for (const auto change : {+[](MemberView& v) { v.trusted = false; }, +[](MemberView& v) { v.health = Health::Unknown; }}) {
    Four t;
    change(t.views[3]);
    CHECK(t.tried() == "0123");
    CHECK(t.tried(1) == "0123");
    CHECK(t.tried(3) == "0312");
  }
  Four full;
  full.views[3].shortfall = kFull;
  CHECK(full.tried(3) == "0123");
}

TEST_CASE("trunk policy: while nobody but the first is known to take calls, who was tried second stays so, over a restart too (I13)") {
  for (const MemberView& other : {kDown, MemberView{.shortfall = {}}}) {
    Four t;
    t.views[1] = other;
    t.views[2] = t.views[3] = kDown;
    CHECK(t.tried(3) == "0312");
    CHECK(t.tried() == "0123");
    t.views[1] = kUp;  // known to be better than the dead
    CHECK(t.tried(3) == "0123");
  }
}

TEST_CASE("trunk policy: ways that follow the class are apart where their carriers are; of one carrier or one circuit none is") {
  Four t;
  t.site.trunks[0].members = {{CarrierId{0}, kFiber, 11}, {CarrierId{0}, CircuitId{1}, 12}, {CarrierId{1}, std::nullopt, 21}};
  t.standing.clear();
  t.views = {kUp, kUp, kUp};
  CHECK(t.tried() == "021");
  t.site.trunks[0].members = {{CarrierId{0}, kFiber, 11}, {CarrierId{0}, CircuitId{1}, 12}, {CarrierId{1}, kFiber, 21}};
  CHECK(t.tried() == "012");
  t.site.trunks[0].members = {{CarrierId{0}, kFiber, 11}, {CarrierId{1}, std::nullopt, 21}};
  t.views = {kUp, kUp};
  CHECK(t.tried() == "01");
}

TEST_CASE("trunk policy: the order that is read back from a PBX is the one that was ranked (I13)") {
  Four t;
  const auto steps = [](const char* members) {
    std::vector<model::TrunkStep> all;
    for (const char* m = members; *m != '\0'; ++m) all.push_back({.member = static_cast<std::size_t>(*m - '0')});
    return all;
  };
  const auto ranked = [&](const char* tried) { return Four::text_of(decision::ranked_order(t.site.trunks[0], steps(tried))); };
  CHECK(ranked("0312") == "0123");
  CHECK(ranked("0123") == "0123");
  CHECK(ranked("1230") == "1230");
  CHECK(ranked("2301") == "2301");
  CHECK(ranked("0321") == "0231");  // north via coax was held back
  CHECK(ranked("30") == "30");
  t.site.trunks[0].members = {{CarrierId{0}, std::nullopt, 1}, {CarrierId{1}, std::nullopt, 2}, {CarrierId{2}, std::nullopt, 3}};
  CHECK(ranked("021") == "021");  // the second carrier was down
  t = {};
  // And told again while nobody is judged yet, it is the same text.
  for (MemberView& view : t.views) view = {.shortfall = {}};
  CHECK(t.tried(3) == "0312");
  t.standing = steps("1302");  // of a circuit that had died before the restart
  CHECK(t.tried(3) == "1302");
}
