// A class that is shared by several circuits: what is to stand, what counts as a move, and what becomes of connections.
#include <doctest/doctest.h>

#include "controller/switch/flow_drains.hpp"
#include "controller/switch/flow_marks.hpp"
#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;
using namespace std::chrono_literals;

std::vector<std::string> words(const std::vector<Operation>& ops) {
  std::vector<std::string> all;
  for (const auto& op : ops) all.push_back((op.act == Act::Put ? "+ " : "- ") + to_string(op.object));
  return all;
}
std::vector<std::string> difference(const Desired& d, const KernelState& s) { return words(reach(wanted(d, s), s)); }

/// Data is shared by these; nothing is told of voice.
Desired sharing(std::vector<DesiredShare> shares) {
  Desired d = site("fiber", "fiber");
  if (!shares.empty()) d.classes[1].circuit = shares.front().circuit;
  d.classes[1].shares = std::move(shares);
  return d;
}
const std::vector<DesiredShare> kBoth{{"fiber", 3}, {"coax", 1}};

KernelState standing(const Desired& d) {
  const KernelState s = clean();
  return carried_out(s, reach(wanted(d, s), s));
}
Memory told(const Desired& d) { return {.accepted = 1, .applied = 1, .desired = d, .history = {}}; }

std::string refused(const Desired& d) {
  const auto r = foreign_ranges(plan(2, d));
  return r ? r->why : "";
}

/// How many moves the limits count for data in going from one to the other.
std::size_t counted(const Desired& from, const Desired& to) {
  Memory memory = told(from);
  remember_moves(plan(2, to), standing(from), at(1h), memory);
  const auto found = memory.history.find(7202);
  return found == memory.history.end() ? 0 : found->second.moves.size() + found->second.escapes.size();
}

Desired lte_beside(Desired d) {
  DesiredCircuit lte = fiber();
  lte.name = "lte";
  lte.interface = "wan2";
  lte.table = 7103;
  lte.gateway = ip("10.0.3.1");
  lte.source = ip("10.0.3.2");
  d.circuits.push_back(lte);
  return d;
}

}  // namespace

TEST_CASE("switch share: a class goes by one group of its circuits' nexthops, and that is what is replaced") {
  const KernelState alone = standing(site("fiber", "fiber"));
  CHECK(difference(sharing(kBoth), alone) == std::vector<std::string>{"+ nexthop 76202: group 70101,3/70102,1",
                                                                      "+ route default table 7202 nhid 76202",
                                                                      "- nexthop 75202: via 10.0.1.1 dev 2 onlink"});
  const KernelState shared = standing(sharing(kBoth));
  CHECK(difference(sharing(kBoth), shared).empty());
  CHECK(difference(sharing({{"coax", 1}}), shared) == std::vector<std::string>{"+ nexthop 76202: group 70102,1"});
  CHECK(difference(sharing({{"fiber", 1}, {"coax", 1}}), shared) == std::vector<std::string>{"+ nexthop 76202: group 70101,1/70102,1"});
  CHECK(difference(site("fiber", "coax"), shared) == std::vector<std::string>{"+ nexthop 75202: via 10.0.2.1 dev 3 onlink",
                                                                              "+ route default table 7202 nhid 75202",
                                                                              "- nexthop 76202: group 70101,3/70102,1"});
}

TEST_CASE("switch share: what changed is told by names and weights") {
  const KernelState alone = standing(site("fiber", "fiber")), shared = standing(sharing(kBoth));
  const auto first = [](const Desired& d, const KernelState& s) { return describe(reach(wanted(d, s), s), d, s).front(); };
  CHECK(first(sharing(kBoth), alone) == "class data: fiber -> fiber (3) and coax (1)");
  CHECK(first(sharing({{"coax", 1}}), shared) == "class data: fiber (3) and coax (1) -> coax (1)");
  CHECK(first(site("fiber", "coax"), shared) == "class data: fiber (3) and coax (1) -> coax");
}

TEST_CASE("switch share: a circuit without a link is out of the group until it has one; the last ones stay") {
  KernelState s = standing(sharing(kBoth));
  s.links[1].carrier = false;  // the kernel takes its nexthops, also out of groups
  std::erase_if(s.nexthops, [](const Nexthop& n) { return n.ifindex == 2; });
  std::erase_if(s.routes, [](const Route& r) { return r.nexthop == 70101 || r.nexthop == 75201; });
  for (Nexthop& n : s.nexthops) std::erase_if(n.group, [](const GroupMember& m) { return m.id == 70101; });
  CHECK(difference(sharing(kBoth), s).empty());
  CHECK(circuits_in_kernel(7202, sharing(kBoth).circuits, s) == std::vector<std::string>{"coax"});
  const ClassNow now = class_now(sharing(kBoth).classes[1], sharing(kBoth).circuits, s);
  CHECK(now.circuit == "coax");  // the kernel's word
  CHECK(now.shares == std::vector<std::string>{"coax"});
  s.links[1].carrier = true;
  const auto back = difference(sharing(kBoth), s);
  CHECK(holds(back, "+ nexthop 76202: group 70101,3/70102,1"));
  // No gateway is known for either: what stands is left standing (I1).
  Desired blind = sharing(kBoth);
  for (DesiredCircuit& c : blind.circuits) c.gateway.reset();
  CHECK(difference(blind, standing(sharing(kBoth))).empty());
}

TEST_CASE("switch share: a share names circuits of the plan and of the family, once, with weights that the kernel takes") {
  CHECK(refused(sharing(kBoth)).empty());
  CHECK(refused(sharing({{"fiber", 1}})).empty());
  CHECK(refused(sharing({{"fiber", kMaxWeight}, {"coax", 1}})).empty());
  CHECK(refused(sharing({{"fiber", kMaxWeight + 1}, {"coax", 1}})).contains("weight 256"));
  CHECK(refused(sharing({{"fiber", 0}, {"coax", 1}})).contains("weight 0"));
  CHECK(refused(sharing({{"fiber", 1}, {"dsl", 1}})).contains("'dsl', which is no circuit of the plan"));
  CHECK(refused(sharing({{"fiber", 1}, {"fiber", 1}})).contains("fiber twice"));
  Desired apart = sharing(kBoth);
  apart.circuits[1].family = model::Family::V6;
  apart.circuits[1].gateway = apart.circuits[1].source = std::nullopt;
  apart.circuits[1].pinned_sources.clear();
  CHECK(refused(apart).contains("is to be shared by coax, which is not"));
  Desired other = sharing({{"coax", 1}});
  other.classes[1].circuit = "fiber";
  CHECK(refused(other).contains("has no part in its share"));
}

TEST_CASE("switch share: who comes into a share is a move, who leaves it is none (I3)") {
  CHECK(counted(sharing(kBoth), sharing({{"coax", 1}})) == 0);
  CHECK(counted(sharing(kBoth), sharing({{"fiber", 1}, {"coax", 1}})) == 0);
  CHECK(counted(sharing(kBoth), sharing({{"coax", 1}, {"fiber", 3}})) == 0);  // another one is first
  CHECK(counted(sharing({{"coax", 1}}), sharing(kBoth)) == 1);
  CHECK(counted(site("fiber", "fiber"), sharing(kBoth)) == 1);
  CHECK(counted(sharing(kBoth), site("fiber", "coax")) == 0);
}

TEST_CASE("switch share: a move that is held back keeps who was there, less who is to leave") {
  Memory memory = told(lte_beside(sharing(kBoth)));
  memory.history[7202].moves = {at(1h - 3s), at(1h - 2s), at(1h - 1s)};
  KernelState s = clean();
  s.links.push_back({.ifindex = 4, .name = "wan2", .up = true, .carrier = true, .addresses = {{ip("10.0.3.2"), 24}}});
  s = carried_out(s, reach(wanted(*memory.desired, s), s));
  Apply wish = plan(2, lte_beside(sharing({{"coax", 1}, {"lte", 1}})));
  auto held = hold_moves(wish, memory, s, at(1h));
  REQUIRE(held);
  REQUIRE(held->size() == 1);
  CHECK(held->front().guard == "rate_limit");
  CHECK(held->front().circuit == "coax");
  CHECK(wish.desired.classes[1].shares == std::vector<DesiredShare>{{"coax", 1}});  // the dead fiber is out
  wish = plan(2, lte_beside(sharing({{"lte", 1}})));
  held = hold_moves(wish, memory, s, at(1h));
  REQUIRE(held);
  CHECK(wish.desired.classes[1].shares == kBoth);
}

TEST_CASE("switch share: nothing that a share goes by is ever removed (I1), only the kind that was replaced") {
  const KernelState shared = standing(sharing(kBoth));
  const Operation group{Act::Remove, *shared.nexthop(76202)}, fiber_way{Act::Remove, *shared.nexthop(70101)},
      coax_way{Act::Remove, *shared.nexthop(70102)};
  for (const Operation& op : {group, fiber_way, coax_way}) CHECK(last_path_operations(plan(2, sharing(kBoth)), {op}));
  CHECK_FALSE(last_path_operations(plan(2, site("fiber", "coax")), reach(wanted(site("fiber", "coax"), shared), shared)));
  const KernelState alone = standing(site("fiber", "coax"));
  CHECK_FALSE(last_path_operations(plan(2, sharing(kBoth)), reach(wanted(sharing(kBoth), alone), alone)));
  // Undone, nothing of the other kind is left over.
  const auto back = carried_out(shared, way_back(plan(2, sharing(kBoth)), alone, shared));
  CHECK(back.nexthop(76202) == nullptr);
  CHECK(circuit_in_kernel(7202, site("", "").circuits, back) == "coax");
}

TEST_CASE(
    "switch share: connections of a circuit that left are led over by weight; translated ones of one that lives stay, and no one's are touched that "
    "has a part") {
  Desired all = lte_beside(sharing({{"fiber", 3}, {"coax", 2}, {"lte", 1}}));
  all.flow_mask = 0x00ff0000;
  all.classes[1].drain = 2h;
  number_flows(all, std::nullopt, {});
  Desired left = all;
  left.classes[1].shares.erase(left.classes[1].shares.begin());
  left.classes[1].circuit = "coax";
  const auto behind = [&](const Desired& to) {
    FlowMemory memory;
    leave_behind(memory, all, to, at(1h));
    std::erase_if(memory.behind, [&](const LeftBehind& b) { return b.traffic_class != to.classes[1].flow; });
    return memory.behind;
  };
  auto found = behind(left);
  REQUIRE(found.size() == 1);
  CHECK(found[0].circuit_name == "fiber");
  CHECK(found[0].state == Behind::Unshared);
  CHECK(to_be_cut(found[0], at(1h)));
  const auto ways = led_to(left.classes[1], &left.circuits[0], left);
  REQUIRE(ways.size() == 2);
  CHECK(ways[0].weight == 2);
  CHECK(ways[1].weight == 1);
  CHECK(FlowMarks(left.flow_mask).circuit_in(ways[1].mark) == left.circuits[2].flow);
  Desired dead = left;
  dead.circuits[0].dead = true;
  CHECK(behind(dead).at(0).state == Behind::Dead);
  for (DesiredCircuit& c : left.circuits) c.nat.kind = Nat::Kind::Masquerade;
  CHECK(behind(left).at(0).state == Behind::Drains);
  CHECK(led_to(left.classes[1], &left.circuits[0], left).empty());
  // Who comes back is gone by again.
  FlowMemory memory;
  leave_behind(memory, all, dead, at(1h));
  leave_behind(memory, dead, all, at(2h));
  CHECK(std::ranges::none_of(memory.behind, [&](const LeftBehind& b) { return b.traffic_class == all.classes[1].flow; }));
}

TEST_CASE("switch share: of a share one way that is well is enough to cut what is left on a dead one (I8)") {
  Desired d = sharing(kBoth);
  d.flow_mask = 0x00ff0000;
  number_flows(d, std::nullopt, {});
  d = lte_beside(d);
  d.circuits[2].flow = 7;
  const LeftBehind left{.family = model::Family::V4, .circuit = 7, .traffic_class = d.classes[1].flow, .circuit_name = "lte", .state = Behind::Dead};
  const KernelState s = standing(d);
  CHECK(keeps_from_cutting(left, d, s).empty());
  d.circuits[0].dead = true;
  CHECK(keeps_from_cutting(left, d, s).empty());
  d.circuits[1].dead = true;
  CHECK(keeps_from_cutting(left, d, s).contains("is dead too"));
  LeftBehind own = left;
  own.circuit = d.circuits[1].flow;
  CHECK(keeps_from_cutting(own, d, s) == "class data goes by it");
}

TEST_CASE("switch share: plans and states carry shares, and a weight beyond the kernel's is no message") {
  const Apply sent = plan(7, sharing(kBoth));
  const auto request = parse_request(encode(Request(sent)));
  REQUIRE(request);
  CHECK(std::get<Apply>(*request).desired == sent.desired);
  CHECK(encode(Request(plan(7, site("fiber", "coax")))).find("shares") == std::string::npos);
  const auto reply = parse_reply(encode(Reply(StateReply{
      .generation = 1, .classes = {{.name = "data", .table = 7202, .circuit = "fiber", .interface = "wan0", .shares = {"fiber", "coax"}}}})));
  REQUIRE(reply);
  CHECK(std::get<StateReply>(*reply).classes[0].shares == std::vector<std::string>{"fiber", "coax"});
  std::string bad = encode(Request(sent));
  bad.replace(bad.find("\"weight\":3"), 10, "\"weight\":256");
  CHECK_FALSE(parse_request(bad));
}

}  // namespace linekeeper::route
