// What becomes of connections left behind: plans and instants in, looks out.
#include <doctest/doctest.h>

#include "controller/switch/flow_drains.hpp"
#include "controller/switch/flow_marks.hpp"
#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;
using namespace std::chrono_literals;

Desired going(const char* voice_by, const char* data_by) {
  Desired d = site(voice_by, data_by);
  d.flow_mask = 0x00ff0000;
  d.classes[0].drain = 30min;
  d.classes[1].drain = 2h;
  number_flows(d, std::nullopt, {});
  return d;
}
Desired with_dead(Desired d, std::size_t circuit) {
  d.circuits[circuit].dead = true;
  return d;
}

/// A site whose plans follow one another.
struct Story {
  FlowMemory memory;
  std::optional<Desired> before;
  model::Instant now = at(1000s);

  void plan(const Desired& d) {
    leave_behind(memory, before, d, now);
    before = d;
  }
  LeftBehind& only() {
    REQUIRE(memory.behind.size() == 1);
    return memory.behind[0];
  }
};

Story settled(const char* voice_by = "fiber", const char* data_by = "fiber") {
  Story s;
  s.plan(going(voice_by, data_by));
  s.memory = {};  // the first plan may have left something anywhere; here it has not
  return s;
}

}  // namespace

TEST_CASE("drains: the families have the same numbers and nothing else in common") {
  const auto dual = [](const char* four, const char* six) {
    Desired d = going(four, four);
    for (DesiredCircuit c : {d.circuits[0], d.circuits[1]}) {
      c.family = model::Family::V6;
      c.name += "-ipv6";
      d.circuits.push_back(c);
    }
    DesiredClass c = d.classes[0];
    c.family = model::Family::V6;
    c.name += "-ipv6";
    c.circuit = six;
    d.classes.push_back(c);
    number_flows(d, std::nullopt, {});
    return d;
  };
  Story s;
  s.plan(dual("fiber", "fiber-ipv6"));
  s.memory = {};
  s.plan(dual("fiber", "coax-ipv6"));
  CHECK(s.only().family == model::Family::V6);
  CHECK(s.only().circuit_name == "fiber-ipv6");
  CHECK(s.only().circuit == 1);
  CHECK(keeps_from_cutting(s.only(), dual("fiber", "coax-ipv6"), clean()).find("the kernel does not send class voice-ipv6") != std::string::npos);
  s.plan(dual("coax", "coax-ipv6"));
  CHECK(s.memory.behind.size() == 3);
  s.plan(dual("coax", "fiber-ipv6"));  // home: its own entry goes, the others stay
  CHECK(std::ranges::count(s.memory.behind, model::Family::V4, &LeftBehind::family) == 2);
  CHECK(std::ranges::count(s.memory.behind, std::string("fiber-ipv6"), &LeftBehind::circuit_name) == 0);
}

TEST_CASE("drains: a planned move leaves the class's connections for its own time, and no other class's") {
  Story s = settled();
  s.plan(going("coax", "fiber"));
  const LeftBehind& left = s.only();
  CHECK(left.circuit == 1);
  CHECK(left.traffic_class == 1);
  CHECK(left.state == Behind::Drains);
  CHECK(left.next == s.now);
  CHECK(left.deadline == s.now + 30min);
  CHECK_FALSE(to_be_cut(left, s.now + 30min - 1ns));
  CHECK(to_be_cut(left, s.now + 30min));
}

TEST_CASE("drains: the same plan again changes nothing, and a later one does not begin the time anew") {
  Story s = settled();
  s.plan(going("coax", "fiber"));
  const FlowMemory once = s.memory;
  s.now += 10min;
  s.plan(going("coax", "fiber"));
  CHECK(s.memory == once);
  Desired longer = going("coax", "fiber");
  longer.classes[0].drain = 40min;
  s.plan(longer);
  CHECK(s.only().deadline == at(1000s) + 40min);
}

TEST_CASE("drains: going home ends it") {
  Story s = settled();
  s.plan(going("coax", "fiber"));
  s.plan(going("fiber", "fiber"));
  CHECK(s.only().circuit == 2);  // what began on the other one drains there now
}

TEST_CASE("drains: a dead circuit's connections are deleted at once, and twice more") {
  Story s = settled();
  s.plan(with_dead(going("coax", "fiber"), 0));
  LeftBehind& left = s.only();
  CHECK(left.state == Behind::Dead);
  CHECK(to_be_cut(left, s.now));
  CHECK(looked(left, 7, true, true, s.now));
  CHECK(left.next == s.now + 1s);
  CHECK(looked(left, 1, true, true, s.now + 1s));
  CHECK(left.next == s.now + 5s);
  CHECK_FALSE(looked(left, 0, true, true, s.now + 5s));
}

TEST_CASE("drains: what could not all be deleted at once is gone on with, and that counts as one look") {
  Story s = settled();
  s.plan(with_dead(going("coax", "fiber"), 0));
  LeftBehind& left = s.only();
  CHECK(looked(left, 5000, true, false, s.now));
  CHECK(left.next == s.now);
  CHECK(left.looks == 0);
  CHECK(looked(left, 100, true, true, s.now));
  CHECK(left.looks == 1);
}

TEST_CASE("drains: a circuit that dies while connections drain there is given up at once, with or without a record of them") {
  Story s = settled();
  s.plan(going("coax", "coax"));
  s.now += 1min;
  s.plan(with_dead(going("coax", "coax"), 0));
  REQUIRE(s.memory.behind.size() == 2);
  for (const LeftBehind& b : s.memory.behind) CHECK((b.state == Behind::Dead && b.next == s.now));
  s.memory = {};
  s.plan(with_dead(going("coax", "coax"), 0));
  CHECK(s.memory.behind.empty());  // known to be dead, and looked for already
  s.plan(going("coax", "coax"));
  s.plan(with_dead(going("coax", "coax"), 0));
  CHECK(s.memory.behind.size() == 2);  // died anew
}

TEST_CASE("drains: a circuit that has come back to life while its connections are deleted is gone on with") {
  Story s = settled();
  s.plan(with_dead(going("coax", "fiber"), 0));
  s.plan(going("coax", "fiber"));
  CHECK(s.only().state == Behind::Dead);
}

TEST_CASE("drains: what a circuit that left the configuration had is deleted, and a class that left is forgotten") {
  Story s = settled("fiber", "coax");
  Desired d = going("coax", "coax");
  d.circuits.erase(d.circuits.begin());
  s.plan(d);
  CHECK(s.only().state == Behind::Removed);
  CHECK(s.only().circuit_name == "fiber");
  d.classes.erase(d.classes.begin());
  s.plan(d);
  CHECK(s.memory.behind.empty());
}

TEST_CASE("drains: without a memory every other circuit is looked at, and one that has nothing is forgotten at the second look") {
  Story s;
  s.plan(going("fiber", "coax"));
  REQUIRE(s.memory.behind.size() == 2);
  LeftBehind& left = s.memory.behind[0];
  CHECK(looked(left, 0, false, true, s.now));
  CHECK(left.next == s.now + kCountDrainsEvery);
  CHECK_FALSE(looked(left, 0, false, true, left.next));
  LeftBehind& other = s.memory.behind[1];
  CHECK(looked(other, 3, false, true, s.now));
  CHECK(looked(other, 1, false, true, s.now + 5s));
  CHECK_FALSE(looked(other, 0, false, true, s.now + 10s));  // the last has ended
}

TEST_CASE("drains: the time to look is the earliest of all, a deadline included") {
  Story s = settled();
  CHECK_FALSE(next_look(s.memory));
  s.plan(going("coax", "coax"));
  CHECK(next_look(s.memory) == s.now);
  for (LeftBehind& b : s.memory.behind) b.next = s.now + 5s;
  CHECK(next_look(s.memory) == s.now + 5s);
  s.memory.behind[1].deadline = s.now + 2s;
  CHECK(next_look(s.memory) == s.now + 2s);
}

TEST_CASE("drains: a deadline that could not be kept is looked at again with the next count, not at once for ever") {
  Story s = settled();
  s.plan(going("coax", "fiber"));
  LeftBehind& left = s.only();
  const model::Instant deadline = left.deadline;
  CHECK(looked(left, 2, false, true, deadline - 1s));
  CHECK(due_at(left) == deadline);
  CHECK(looked(left, 2, false, true, deadline));  // something kept it
  CHECK(left.state == Behind::Drains);
  CHECK(due_at(left) == deadline + kCountDrainsEvery);
}

TEST_CASE("drains: at the deadline the rest is deleted, and that is told by its reason") {
  Story s = settled();
  s.plan(going("coax", "fiber"));
  LeftBehind& left = s.only();
  CHECK(looked(left, 2, true, true, s.now + 30min));
  CHECK(left.state == Behind::Deadline);
  CHECK(left.flows == 0);
}

TEST_CASE("drains: nothing is cut unless its class goes another way that lives and is what the kernel does (I8)") {
  Story s = settled();
  const Desired d = with_dead(going("coax", "fiber"), 0);
  s.plan(d);
  KernelState state = standing_site("coax", "fiber");
  CHECK(keeps_from_cutting(s.only(), d, state).empty());
  CHECK_FALSE(keeps_from_cutting(s.only(), with_dead(d, 1), state).empty());
  CHECK_FALSE(keeps_from_cutting(s.only(), going("fiber", "fiber"), state).empty());
  CHECK_FALSE(keeps_from_cutting(s.only(), going("", "fiber"), state).empty());
  CHECK_FALSE(keeps_from_cutting(s.only(), d, standing_site("fiber", "fiber")).empty());
  state.links[2].carrier = false;
  CHECK(keeps_from_cutting(s.only(), d, state) == "coax has no link");
}

TEST_CASE("drains: without marks nothing is left anywhere") {
  Story s = settled();
  s.plan(going("coax", "coax"));
  Desired d = going("coax", "coax");
  d.flow_mask = 0;
  s.plan(d);
  CHECK(s.memory.behind.empty());
}

TEST_CASE("old addresses: one that is gone is looked for, until it is there again or its circuit is gone") {
  Story s = settled();
  Desired d = going("fiber", "fiber");
  d.circuits[0].source = ip("10.0.1.9");
  s.plan(d);
  REQUIRE(s.memory.old_addresses.size() == 1);
  CHECK(s.memory.old_addresses[0].circuit == 1);
  CHECK(s.memory.old_addresses[0].address == ip("10.0.1.2"));
  CHECK(next_look(s.memory) == s.now);
  s.plan(d);
  CHECK(s.memory.old_addresses.size() == 1);
  KernelState state = clean();
  CHECK(keeps_from_cutting(s.memory.old_addresses[0], d, state) == "fiber still has 10.0.1.2");
  state.links[1].addresses = {{ip("10.0.1.9"), 24}};
  CHECK(keeps_from_cutting(s.memory.old_addresses[0], d, state).empty());
  d.circuits[0].gateway.reset();
  CHECK_FALSE(keeps_from_cutting(s.memory.old_addresses[0], d, state).empty());
  s.plan(going("fiber", "fiber"));  // it has its first address again, and the second is the one that is gone
  REQUIRE(s.memory.old_addresses.size() == 1);
  CHECK(s.memory.old_addresses[0].address == ip("10.0.1.9"));
  d.circuits.erase(d.circuits.begin());
  d.classes[0].circuit = d.classes[1].circuit = "coax";
  s.plan(d);
  CHECK(s.memory.old_addresses.empty());
}

TEST_CASE("old addresses: a lease that is lost is remembered until there is another") {
  Story s = settled();
  Desired d = going("fiber", "fiber");
  d.circuits[0].source.reset();
  d.circuits[0].gateway.reset();
  s.plan(d);
  REQUIRE(s.memory.old_addresses.size() == 1);
  CHECK_FALSE(keeps_from_cutting(s.memory.old_addresses[0], d, clean()).empty());
  d.circuits[0].source = ip("10.0.1.9");
  s.plan(d);
  REQUIRE(s.memory.old_addresses.size() == 1);
  CHECK(s.memory.old_addresses[0].address == ip("10.0.1.2"));
}

}  // namespace linekeeper::route
