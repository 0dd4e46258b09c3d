// Classes that are told by where their traffic goes: rules, guards, messages, marks and connections left behind.
#include <doctest/doctest.h>

#include <algorithm>

#include "controller/switch/flow_drains.hpp"
#include "controller/switch/flow_table.hpp"
#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;

DesiredClass north(const char* circuit) {
  DesiredClass c = everything(circuit);
  c.name = "data-north";
  c.table = 7600;
  c.destinations = {net("203.0.113.10"), net("203.0.113.64/26")};
  return c;
}

/// voice by mark, north's part of data, data.
Desired three(const char* north_by) {
  Desired d = site("fiber", "fiber");
  d.classes.insert(d.classes.begin() + 1, north(north_by));
  return d;
}

std::vector<std::string> rules_of(const Wanted& w, std::uint32_t table) {
  std::vector<std::string> all;
  for (const Rule& r : w.rules)
    if (r.table == table) all.push_back(to_string(Object(r)));
  return all;
}
std::string refused(const Desired& d) {
  const auto r = foreign_ranges(plan(1, d));
  return r ? r->why : "";
}
bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("destinations: each is a rule of one priority, in the class's place, before who takes everything else") {
  const Wanted w = wanted(three("coax"), clean());
  CHECK(rules_of(w, 7201) == std::vector<std::string>{"rule 7500: from all fwmark 0x10 lookup 7201"});
  CHECK(rules_of(w, 7600) ==
        std::vector<std::string>{"rule 7501: from all to 203.0.113.10/32 lookup 7600", "rule 7501: from all to 203.0.113.64/26 lookup 7600"});
  CHECK(rules_of(w, 7202) == std::vector<std::string>{"rule 7999: from all lookup 7202"});
}

TEST_CASE("destinations: hold together with the class's other conditions") {
  Desired d = three("coax");
  d.classes[1].mark = 0x20;
  d.classes[1].source = net("10.0.0.0/28");
  d.classes[1].incoming_interface = "lan0";
  CHECK(rules_of(wanted(d, clean()), 7600).front() == "rule 7501: from 10.0.0.0/28 to 203.0.113.10/32 fwmark 0x20 iif lan0 lookup 7600");
}

TEST_CASE("destinations: one more adds one rule and one less removes one, and no route is touched") {
  const KernelState before = carried_out(clean(), reach(wanted(three("coax"), clean()), clean()));
  CHECK(reach(wanted(three("coax"), before), before).empty());
  Desired d = three("coax");
  d.classes[1].destinations = {net("203.0.113.64/26"), net("198.51.100.0/24")};
  const auto ops = reach(wanted(d, before), before);
  REQUIRE(ops.size() == 2);
  CHECK(ops[0].act == Act::Put);
  CHECK(to_string(ops[0].object) == "rule 7501: from all to 198.51.100.0/24 lookup 7600");
  CHECK(ops[1].act == Act::Remove);
  CHECK(to_string(ops[1].object) == "rule 7501: from all to 203.0.113.10/32 lookup 7600");
  CHECK_FALSE(last_path_operations(plan(2, d), ops).has_value());
}

TEST_CASE("destinations: a class that has them moves by its nexthop alone, and the class around it stays") {
  const KernelState before = carried_out(clean(), reach(wanted(three("fiber"), clean()), clean()));
  const auto ops = reach(wanted(three("coax"), before), before);
  REQUIRE(ops.size() == 1);
  CHECK(to_string(ops[0].object) == "nexthop 75600: via 10.0.2.1 dev 3 onlink");
  CHECK(describe(ops, three("coax"), before) == std::vector<std::string>{"class data-north: fiber -> coax"});
}

TEST_CASE("destinations: 64 are the most, each once, of the class's family, and none is everything") {
  Desired d = three("coax");
  CHECK(refused(d).empty());
  d.classes[1].destinations.clear();
  for (int i = 0; i < 64; ++i) d.classes[1].destinations.push_back(net(("203.0." + std::to_string(i) + ".0/24").c_str()));
  CHECK(refused(d).empty());
  d.classes[1].destinations.push_back(net("203.0.64.0/24"));
  CHECK(says(refused(d), "names 65 destinations, and 64 are the most"));
  d.classes[1].destinations = {net("203.0.113.0/24"), net("203.0.113.0/24")};
  CHECK(says(refused(d), "203.0.113.0/24 twice"));
  d.classes[1].destinations = {net("2001:db8::/32")};
  CHECK(says(refused(d), "a destination of the other family"));
  d.classes[1].destinations = {net("0.0.0.0/0")};
  CHECK(says(refused(d), "which is everything"));
}

TEST_CASE("destinations: tell two classes of one mark, or of none, from each other") {
  Desired d = three("coax");
  d.classes[1].mark = 0x10;  // as voice
  CHECK(refused(d).empty());
  d.classes[1].destinations.clear();
  CHECK(says(refused(d), "claim mark 0x10"));
  d.classes[1].mark.reset();
  CHECK(says(refused(d), "everything that no other class takes"));
  d = three("coax");
  d.classes[1].mark = 0;
  CHECK(says(refused(d), "mark 0"));
}

TEST_CASE("destinations: a plan with them, and with circuits that are dead for a class, is read as it was written") {
  Desired d = three("coax");
  d.classes[1].dead_by = {"fiber"};
  const auto read = parse_request(encode(Request(plan(7, d))));
  REQUIRE(read.has_value());
  CHECK(std::get<Apply>(*read).desired == d);
  std::string text = encode(Request(plan(7, d)));
  text.replace(text.find("203.0.113.64/26"), 15, "203.0.113.64/20");  // host bits
  CHECK(says(parse_request(text).error().what, "destinations holds '203.0.113.64/20', which is not a prefix"));
}

TEST_CASE("destinations: the plan of 64 classes that name 512 of IPv6 together fits into one message") {
  Desired d;
  for (int i = 0; i < 64; ++i) {
    DesiredCircuit c = fiber();
    c.name = "a-circuit-with-the-longest-name-there-is" + std::to_string(i);
    d.circuits.push_back(c);
    DesiredClass k = voice(c.name.c_str());
    k.name = "a-class-that-has-the-longest-name-there-" + std::to_string(i);
    for (int n = 0; n < 8; ++n)
      k.destinations.push_back(net(("2001:db8:ffff:ffff:ffff:ffff:" + std::to_string(1000 + i) + ":" + std::to_string(1000 + n) + "/128").c_str()));
    d.classes.push_back(k);
  }
  CHECK(encode(Request(plan(1, d))).size() < kMaxMessage);
}

TEST_CASE("destinations: a connection has its class by where it goes, too, in the order of the rules") {
  Desired d = three("coax");
  d.flow_mask = 0x00ff0000;
  number_flows(d, std::nullopt, {});
  const std::string text = to_string(flow_table(d, model::Family::V4));
  const auto voice_at = text.find("meta mark & 0xff00ffff == 0x00000010");
  const auto north_at = text.find("ip daddr 203.0.113.10/32 ct mark set ct mark & 0xff0fffff | 0x00200000 return");
  const auto second_at = text.find("ip daddr 203.0.113.64/26 ct mark set ct mark & 0xff0fffff | 0x00200000 return");
  const auto rest_at = text.find("\t\tct mark set ct mark & 0xff0fffff | 0x00300000 return");
  REQUIRE(rest_at != std::string::npos);
  CHECK(voice_at < north_at);
  CHECK(north_at < second_at);
  CHECK(second_at < rest_at);
}

TEST_CASE("destinations: connections on a circuit that is dead for their class alone are deleted, those of others are not looked for") {
  using namespace std::chrono_literals;
  Desired before = three("fiber");
  before.flow_mask = 0x00ff0000;
  for (DesiredClass& c : before.classes) c.drain = 2h;
  number_flows(before, std::nullopt, {});
  Desired after = before;
  after.classes[1].circuit = "coax";
  FlowMemory drains, dead;
  leave_behind(drains, before, after, at(1000s));
  REQUIRE(drains.behind.size() == 1);
  CHECK(drains.behind[0].state == Behind::Drains);
  after.classes[1].dead_by = {"fiber"};
  leave_behind(dead, before, after, at(1000s));
  REQUIRE(dead.behind.size() == 1);
  CHECK(dead.behind[0].state == Behind::Dead);
  CHECK(dead.behind[0].traffic_class == 2);
  CHECK(to_be_cut(dead.behind[0], at(1000s)));
  // What drained there while the carrier still answered is deleted when it no longer does.
  Desired moved = after;
  moved.classes[1].dead_by.clear();
  leave_behind(drains, moved, after, at(1001s));
  CHECK(drains.behind[0].state == Behind::Dead);
}

TEST_CASE("destinations: nothing is cut while the class goes where it is dead, too (I8)") {
  Desired d = three("coax");
  d.flow_mask = 0x00ff0000;
  number_flows(d, std::nullopt, {});
  const KernelState state = carried_out(clean(), reach(wanted(d, clean()), clean()));
  const LeftBehind left{.circuit = 1, .traffic_class = 2, .circuit_name = "fiber", .state = Behind::Dead};
  CHECK(keeps_from_cutting(left, d, state).empty());
  d.classes[1].dead_by = {"coax"};
  CHECK(says(keeps_from_cutting(left, d, state), "is dead too"));
}

}  // namespace linekeeper::route
