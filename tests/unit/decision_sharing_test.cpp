// Who has a part in a class that is shared, pure and through the whole judge.
#include <doctest/doctest.h>

#include "controller/decision/explain.hpp"
#include "controller/decision/sharing.hpp"
#include "controller/model/shares.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::CircuitChoice;
using decision::CircuitView;
using model::CircuitId;
using model::Guard;
using model::Health;
using model::Instant;
using model::Motive;

namespace {

using Ways = std::vector<CircuitId>;
const CircuitId kFiber{0}, kCoax{1}, kLte{2};

const CircuitView kUp{
    .health = Health::Up, .since = Instant(1s), .last_good = Instant(100s), .last_proof = Instant(100s), .hold_down = 10s, .interval = 200ms};
const CircuitView kDown{.health = Health::Down, .cause = model::Cause::Silent, .since = Instant(99s), .first_bad = Instant(98s)};
const CircuitView kUnknown{};

CircuitView degraded() {
  CircuitView v = kUp;
  v.health = Health::Degraded;
  v.cause = model::Cause::Lossy;
  return v;
}
CircuitView lossy(double ratio) {
  CircuitView v = degraded();
  v.figures = {.rtt = 20ms, .loss_ratio = ratio, .samples = 500};
  v.figures.recent_loss = ratio;
  return v;
}
CircuitView up_since(Instant since) {
  CircuitView v = kUp;
  v.since = since;
  return v;
}

/// fiber, coax and lte, in that order and with weights 3, 2, 1; lte is paid by the byte.
struct Shared {
  model::Site site = tests::two_by_two();
  model::TrafficClass& data = site.classes[0];
  std::vector<CircuitView> views = {kUp, kUp, kUp};
  CircuitChoice standing;
  decision::Orders orders;
  decision::Pace pace{.margin = 200ms, .settled = Instant(4s)};

  explicit Shared(Ways by) {
    model::Circuit lte = site.circuits[1];
    lte.name = "lte";
    lte.metered = true;
    site.circuits.push_back(lte);
    data.circuits = {kFiber, kCoax, kLte};
    data.weights = {3, 2, 1};
    data.codec = model::Codec::None;
    data.limits.reset();
    data.avoid_metered = true;
    standing.shared = by;
    if (!by.empty()) standing.circuit = by.front();
    standing.motive = by.empty() ? Motive::NotYet : Motive::FirstChoice;
  }
  CircuitChoice next() {
    CircuitChoice choice = decision::choose_circuit(site, data, standing, views, orders, pace, Instant(100s));
    decision::share_ways(site, data, standing, views, orders, pace, Instant(100s), choice);
    return choice;
  }
};

}  // namespace

TEST_CASE("sharing: the whole table of two circuits that are not paid by the byte") {
  struct Row {
    Ways stood;
    CircuitView fiber, coax;
    Ways shared;
    Motive motive;
  };
  const Row rows[] = {
      {{}, kUp, kUp, {kFiber, kCoax}, Motive::FirstChoice},
      {{}, kUnknown, kUnknown, {}, Motive::NotYet},
      {{}, kDown, kUp, {kCoax}, Motive::FirstChoice},
      {{}, kUp, degraded(), {kFiber}, Motive::FirstChoice},
      {{kFiber, kCoax}, kUp, kUp, {kFiber, kCoax}, Motive::FirstChoice},
      {{kFiber, kCoax}, kDown, kUp, {kCoax}, Motive::Escape},
      {{kFiber, kCoax}, kUp, kDown, {kFiber}, Motive::FirstChoice},
      {{kFiber, kCoax}, kDown, kDown, {kFiber, kCoax}, Motive::FirstChoice},     // I2: nobody is better
      {{kFiber, kCoax}, kUnknown, kUp, {kFiber, kCoax}, Motive::FirstChoice},    // I6: unknown costs nobody his part
      {{kFiber, kCoax}, kDown, kUnknown, {kFiber, kCoax}, Motive::FirstChoice},  // nothing is proven to outlive it
      {{kFiber, kCoax}, degraded(), kUp, {kCoax}, Motive::Quality},
      {{kFiber, kCoax}, kUp, degraded(), {kFiber}, Motive::FirstChoice},
      {{kFiber, kCoax}, degraded(), degraded(), {kFiber, kCoax}, Motive::FirstChoice},
      {{kFiber}, kUp, kUp, {kFiber, kCoax}, Motive::FirstChoice},
      {{kCoax}, kUp, kUp, {kFiber, kCoax}, Motive::Failback},
      {{kCoax}, up_since(Instant(91s)), kUp, {kCoax}, Motive::Held},
      {{kCoax}, up_since(Instant(90s)), kUp, {kFiber, kCoax}, Motive::Failback},
      {{kFiber}, kUp, up_since(Instant(91s)), {kFiber}, Motive::FirstChoice},
      {{kFiber}, kUp, up_since(Instant(90s)), {kFiber, kCoax}, Motive::FirstChoice},
  };
  for (const Row& row : rows) {
    CAPTURE(&row - rows);
    Shared s(row.stood);
    s.views[0] = row.fiber;
    s.views[1] = row.coax;
    s.views[2] = kDown;
    const CircuitChoice choice = s.next();
    CHECK(choice.shared == row.shared);
    CHECK(choice.motive == row.motive);
    CHECK(choice.circuit == (row.shared.empty() ? std::nullopt : std::optional(row.shared.front())));
  }
}

TEST_CASE("sharing: who waits for his part is told with the guard and the moment, and looked at again then") {
  Shared s({kFiber});
  s.views[1] = up_since(Instant(95s));
  CircuitChoice choice = s.next();
  CHECK(choice.shared == Ways{kFiber});
  CHECK(choice.rejected.front().circuit == kCoax);
  CHECK(choice.rejected.front().guard == Guard::HoldDown);
  CHECK(choice.rejected.front().until == Instant(105s));
  CHECK(choice.recheck == Instant(105s));
  s.views[1] = kUp;
  s.data.failback.mode = model::FailbackMode::Manual;
  s.pace.settled = Instant{};  // it came up after the start
  CHECK(s.next().rejected.front().guard == Guard::FailbackMode);
  s.orders.failback_permitted = true;
  CHECK(s.next().shared == Ways{kFiber, kCoax});
}

TEST_CASE("sharing: nobody comes back while we doubt ourselves, are held, or the budget of moves is used up; who dies leaves for all that") {
  const auto comes = [](auto change) {
    Shared s({kFiber});
    s.pace.settled = Instant{};
    change(s);
    return s.next().shared.size() == 2;
  };
  CHECK(comes([](Shared&) {}));
  CHECK_FALSE(comes([](Shared& s) { s.pace.doubt = true; }));
  CHECK_FALSE(comes([](Shared& s) { s.orders.hold = true; }));
  CHECK(comes([](Shared& s) { s.pace.may_fail_back = Instant(100s); }));
  CHECK_FALSE(comes([](Shared& s) { s.pace.may_fail_back = Instant(100s) + 1ns; }));
  CHECK_FALSE(comes([](Shared& s) { s.pace.switch_moves = Instant(100s) + 1ns; }));
  CHECK_FALSE(comes([](Shared& s) { s.views[1].suspect = true; }));
  CHECK_FALSE(comes([](Shared& s) { s.views[1].proven_well = false; }));
  Shared s({kFiber, kCoax});
  s.views[1] = kDown;
  s.pace.may_fail_back = s.pace.switch_moves = s.pace.may_escape = s.pace.switch_escapes = Instant(200s);
  CHECK(s.next().shared == Ways{kFiber});
  s.pace.doubt = true;  // I7: silence of ours
  CHECK(s.next().shared == Ways{kFiber, kCoax});
  s.views[1].cause = model::Cause::LinkDown;  // the kernel says so
  CHECK(s.next().shared == Ways{kFiber});
  s.orders.hold = true;
  CHECK(s.next().shared == Ways{kFiber, kCoax});
}

TEST_CASE("sharing: what is paid by the byte has no part, and takes the class when nothing else is left") {
  Shared s({kFiber, kCoax});
  CHECK(s.next().shared == Ways{kFiber, kCoax});
  s.data.avoid_metered = false;
  s.pace.settled = Instant{};
  CHECK(s.next().shared == Ways{kFiber, kCoax, kLte});
  s.data.avoid_metered = true;
  s.views[0] = s.views[1] = kDown;
  CHECK(s.next().shared == Ways{kLte});
}

TEST_CASE("sharing: a dead first one hands over to who has a part, not to one that has only just come back") {
  Shared s({kFiber, kLte});
  s.data.avoid_metered = false;
  s.views[0] = kDown;
  s.views[1] = up_since(Instant(95s));
  const CircuitChoice choice = s.next();
  CHECK(choice.circuit == kLte);
  CHECK(choice.shared == Ways{kLte});
  CHECK(choice.motive == Motive::Escape);
}

TEST_CASE("sharing: a dead first one does not hand over to who is silent himself, or of whom nothing is proven since") {
  Shared s({kFiber, kCoax});
  s.views[0] = kDown;
  s.views[1].suspect = true;
  CHECK(s.next().circuit == kLte);
  s.views[1].suspect = false;
  s.views[1].last_good = s.views[1].last_proof = Instant(98s);
  CHECK(s.next().circuit == kLte);
}

TEST_CASE("sharing: within the class's limits a degraded circuit keeps its part, beyond them it does not") {
  Shared s({kFiber, kCoax});
  s.data.limits.emplace();
  s.data.limits->loss_enter = 0.1;
  s.views[1] = lossy(0.06);
  CHECK(s.next().shared == Ways{kFiber, kCoax});
  s.views[1] = lossy(0.3);
  CHECK(s.next().shared == Ways{kFiber});
  s.views = {lossy(0.3), kUp, kUp};
  s.views[1].figures = {.rtt = 20ms, .samples = 500};
  const CircuitChoice choice = s.next();
  CHECK(choice.circuit == kCoax);
  CHECK(choice.motive == Motive::Quality);
  CHECK(choice.because.contains("loss"));
  s.views[1] = kUp;
  s.standing.shared = {kFiber};
  s.views[0] = kUp;
  s.views[1].figures = {.rtt = 20ms, .loss_ratio = 0.05, .samples = 500};
  CHECK(s.next().shared == Ways{kFiber});  // above loss_exit: it does not come back yet
}

TEST_CASE("sharing: what a person forces has no company, and is shared again when the order ends") {
  Shared s({kFiber, kCoax});
  s.orders.force = kCoax;
  CircuitChoice choice = s.next();
  CHECK(choice.shared == Ways{kCoax});
  s.standing = choice;
  s.orders.force.reset();
  CHECK(s.next().shared == Ways{kFiber, kCoax});
}

TEST_CASE("sharing: weights are those of the class by position, and said in words") {
  Shared s({});
  const auto shares = decision::shares_of(s.data, Ways{kFiber, kLte});
  CHECK(shares == std::vector<model::Share>{{kFiber, 3}, {kLte, 1}});
  CHECK(model::share_words(s.site, shares) == "fiber (3) and lte (1)");
  CHECK(model::share_words(s.site, decision::shares_of(s.data, Ways{kFiber, kCoax, kLte})) == "fiber (3), coax (2) and lte (1)");
  CHECK(model::share_words(s.site, {}).empty());
}

// --- the whole judge ---

namespace {

/// Voice as ever; data by fiber (3) and coax (1).
model::Site with_data() {
  model::Site site = tests::two_by_two();
  model::TrafficClass data = site.classes[0];
  data.name = "data";
  data.table = 7209;
  data.codec = model::Codec::None;
  data.limits.reset();
  data.match.mark = 0x20;
  data.circuits = {kFiber, kCoax};
  data.weights = {3, 1};
  data.failback = {};
  site.classes.push_back(data);
  return site;
}

std::string shared_by(const tests::VirtualSite& site, std::size_t traffic = 1) {
  const auto s = site.status();
  return model::share_words(*s.site, s.plan.classes[traffic].shares);
}

}  // namespace

TEST_CASE(
    "sharing: a cold start shares by all that are well; who dies leaves within the second that takes voice away, and returns after the hold-down") {
  tests::VirtualSite site(with_data());
  site.start_empty();
  site.run(20s);
  CHECK(shared_by(site) == "fiber (3) and coax (1)");
  CHECK(site.way(1) == "fiber");
  CHECK(site.plans.back().classes[0].shares.empty());
  CHECK(site.status().circuits[1].active);
  const auto text = decision::explain(site.status(), "data");
  REQUIRE(text);
  CHECK(std::ranges::any_of(*text, [](const std::string& line) { return line.contains("shared by fiber (3) and coax (1)"); }));

  site.black_hole(1);
  site.run(10s);
  CHECK(shared_by(site) == "fiber (3)");
  CHECK(site.count(model::EventId::RoutingShared) >= 1);
  CHECK(site.plans.back().dead == Ways{kCoax});
  site.black_hole(1, false);
  site.run(30s);
  CHECK(shared_by(site) == "fiber (3)");
  site.run(60s);
  CHECK(shared_by(site) == "fiber (3) and coax (1)");

  site.black_hole(0);
  site.run(10s);
  CHECK(shared_by(site) == "coax (1)");
  CHECK(site.way(1) == "coax");
  CHECK(site.way(0) == "coax");
}

TEST_CASE("sharing: a share that was found standing stays as it was found, and what was held back has not come about") {
  tests::VirtualSite site(with_data());
  site.take(site.decider().adopt(decision::ShareFound{.traffic_class = model::ClassId{1}, .circuits = {kFiber, kCoax}}, site.now()));
  site.start_from({kFiber, kFiber}, {});
  CHECK(shared_by(site) == "fiber (3) and coax (1)");  // before anything is known
  site.run(20s);
  CHECK(shared_by(site) == "fiber (3) and coax (1)");
  CHECK(std::ranges::all_of(site.plans, [](const model::Plan& p) { return p.classes[1].shares.size() == 2; }));

  tests::VirtualSite held(with_data());
  held.start_from({kFiber, kFiber}, {});
  held.run(90s);
  REQUIRE(shared_by(held) == "fiber (3) and coax (1)");
  held.take(held.decider().held({{{.traffic_class = model::ClassId{1}, .stands = kFiber, .escape = false, .again_after = 5min}}}, held.now()));
  CHECK(shared_by(held) == "fiber (3)");
  held.run(4min);
  CHECK(shared_by(held) == "fiber (3)");
  held.run(70s);
  CHECK(shared_by(held) == "fiber (3) and coax (1)");
}

TEST_CASE("sharing: silence of probes that go by any of a share is held against none of it") {
  tests::VirtualSite site(with_data());
  site.start_empty();
  site.run(20s);
  const auto proof = [&](decision::ProofResult result) {
    site.take(site.decider().prove({.traffic_class = model::ClassId{1}, .by = kFiber, .result = result}, site.now()));
  };
  proof(decision::ProofResult::Proven);
  CHECK_FALSE(site.decider().proof_counts(model::ClassId{1}, kFiber, site.now()));
  proof(decision::ProofResult::Unproven);
  site.run(5s);
  CHECK(shared_by(site) == "fiber (3) and coax (1)");
}
