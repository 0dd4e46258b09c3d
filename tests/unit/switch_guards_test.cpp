// Plans that break an invariant, each refused by the guard of its name.
#include <doctest/doctest.h>

#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;
using namespace std::chrono_literals;

std::string guard(const std::optional<Refused>& r) { return r ? r->guard : "passed"; }
std::string guard(const std::optional<HeldMove>& h) { return h ? h->guard : "passed"; }
bool says(const auto& r, std::string_view words) { return r && r->why.find(words) != std::string::npos && !r->remedy.empty(); }
/// Of voice, the first class of the plan.
std::optional<HeldMove> voice_limit(const Apply& p, const Memory& m, const KernelState& s, model::Instant now) {
  return rate_limit(p.desired.classes.at(0), p, m, s, now);
}

Memory with_moves(std::vector<std::chrono::seconds> moves, std::vector<std::chrono::seconds> escapes = {}) {
  Memory m = told("fiber", "coax");
  for (const auto s : moves) m.history[7201].moves.push_back(at(s));
  for (const auto s : escapes) m.history[7201].escapes.push_back(at(s));
  return m;
}

}  // namespace

TEST_CASE("switch guards: a sound plan passes them all") {
  CHECK(guard(judge(plan(2, site("coax", "coax")), told("fiber", "coax"), standing_site("fiber", "coax"))) == "passed");
  CHECK(guard(judge(plan(1, site("fiber", "coax")), Memory{}, clean())) == "passed");
}

TEST_CASE("switch guards: stale generations, one below, at and one above the last accepted (I21)") {
  const Memory m = told("fiber", "coax", 7);
  CHECK(guard(stale_generation(plan(6, site("fiber", "coax")), m)) == "stale_generation");
  CHECK(guard(stale_generation(plan(7, site("fiber", "coax")), m)) == "stale_generation");
  CHECK(guard(stale_generation(plan(8, site("fiber", "coax")), m)) == "passed");
  CHECK(guard(stale_generation(plan(0, site("fiber", "coax")), Memory{})) == "stale_generation");
}

TEST_CASE("switch guards: a steered class may not become unsteered, an unsteered one may stay so (I1)") {
  const auto r = last_path(plan(2, site("", "coax")), told("fiber", "coax"), standing_site("fiber", "coax"));
  CHECK(guard(r) == "last_path");
  CHECK(says(r, "class voice is steered now and would be steered nowhere"));
  CHECK(r->classes == std::vector<std::string>{"voice"});
  CHECK(guard(last_path(plan(2, site("", "coax")), told("", "coax"), standing_site("", "coax"))) == "passed");
}

TEST_CASE("switch guards: a steered class vanishes only when it is named as retired (I1)") {
  Apply p = plan(2, site("fiber", "coax"));
  p.desired.classes.erase(p.desired.classes.begin());
  CHECK(says(last_path(p, told("fiber", "coax"), standing_site("fiber", "coax")), "class voice (table 7201) is steered now and is not in the plan"));
  CHECK(guard(last_path(p, Memory{}, standing_site("fiber", "coax"))) == "last_path");
  p.retired_classes = {"another"};
  CHECK(guard(last_path(p, told("fiber", "coax"), standing_site("fiber", "coax"))) == "last_path");
  p.retired_classes = {"voice"};
  CHECK(guard(last_path(p, told("fiber", "coax"), standing_site("fiber", "coax"))) == "passed");
}

TEST_CASE("switch guards: an empty plan is not taken to mean all (I1)") {
  const KernelState s = standing_site("fiber", "coax");
  Apply p = plan(2, {});
  p.retired_classes = {"voice", "data"};
  CHECK(guard(last_path(p, told("fiber", "coax"), s)) == "last_path");
  p.desired.circuits = site("", "").circuits;
  CHECK(guard(last_path(p, told("fiber", "coax"), s)) == "last_path");
  CHECK(guard(last_path(plan(1, {}), Memory{}, clean())) == "last_path");
}

TEST_CASE("switch guards: no class moves to a circuit without interface, link or gateway, but may stay on one (I1)") {
  const Memory m = told("fiber", "fiber");
  const auto refusal = [&](auto break_coax) {
    KernelState s = standing_site("fiber", "fiber");
    Apply p = plan(2, site("coax", "fiber"));
    break_coax(s, p);
    return lost_path(p.desired.classes[0], p, m, s);
  };
  CHECK(guard(refusal([](KernelState&, Apply&) {})) == "passed");
  CHECK(says(refusal([](KernelState& s, Apply&) { s.links.pop_back(); }), "no interface wan1"));
  CHECK(says(refusal([](KernelState& s, Apply&) { s.links[2].up = false; }), "wan1 is set down"));
  CHECK(says(refusal([](KernelState& s, Apply&) { s.links[2].carrier = false; }), "wan1 has no carrier"));
  CHECK(says(refusal([](KernelState&, Apply& p) { p.desired.circuits[1].gateway.reset(); }), "gateway is not known"));
  // Data has only fiber and stays there though its link is down; voice escapes. Refusing both would strand voice.
  KernelState s = standing_site("fiber", "fiber");
  s.links[1].carrier = false;
  const Apply p = plan(2, site("coax", "fiber"));
  for (const DesiredClass& c : p.desired.classes) CHECK(guard(lost_path(c, p, m, s)) == "passed");
}

TEST_CASE("switch guards: operations that would withdraw a default in use are stopped (I1)") {
  const KernelState s = standing_site("fiber", "coax");
  const Apply p = plan(2, site("fiber", "coax"));
  CHECK(guard(last_path_operations(p, {{Act::Remove, *s.nexthop(75201)}})) == "last_path");
  CHECK(guard(last_path_operations(p, {{Act::Remove, *s.nexthop(70101)}})) == "last_path");
  for (const Route& r : s.routes) CHECK(guard(last_path_operations(p, {{Act::Remove, r}})) == (r.metric == 0 ? "last_path" : "passed"));
  CHECK(guard(last_path_operations(plan(2, site("coax", "coax")), {{Act::Remove, *s.nexthop(70101)}})) == "passed");
}

TEST_CASE("switch guards: the way back from a plan that failed restores what stood, and never takes a way that was found since (I9, I1)") {
  const KernelState stood = standing_site("fiber", "coax");
  KernelState flushed = stood;  // the link of fiber had gone, and took what went by it
  std::erase_if(flushed.nexthops, [](const Nexthop& n) { return n.ifindex == 2; });
  std::erase_if(flushed.routes, [](const Route& r) { return r.nexthop == 75201 || r.nexthop == 70101; });
  CHECK(way_back(plan(2, site("fiber", "coax")), flushed, stood).empty());
  const KernelState moved = standing_site("coax", "coax");
  CHECK(carried_out(moved, way_back(plan(2, site("coax", "coax")), stood, moved)).nexthop(75201)->ifindex == 2);
}

TEST_CASE("switch guards: the third move in ten minutes passes, the fourth does not, the edge of the window frees one (I3)") {
  const KernelState s = standing_site("fiber", "coax");
  const Apply p = plan(9, site("coax", "coax"));
  CHECK(guard(voice_limit(p, with_moves({100s, 200s}), s, at(300s))) == "passed");
  const auto fourth = voice_limit(p, with_moves({100s, 200s, 250s}), s, at(300s));
  CHECK(guard(fourth) == "rate_limit");
  CHECK(fourth->remedy.find("in 400 s") != std::string::npos);
  CHECK(fourth->traffic_class == "voice");
  CHECK(fourth->again_ms == 400'000);
  CHECK(guard(voice_limit(p, with_moves({100s, 200s, 250s}), s, at(699s))) == "rate_limit");
  CHECK(guard(voice_limit(p, with_moves({100s, 200s, 250s}), s, at(700s))) == "passed");
}

TEST_CASE("switch guards: the sixth move in an hour passes, the seventh does not (I3)") {
  const KernelState s = standing_site("fiber", "coax");
  const Apply p = plan(9, site("coax", "coax"));
  CHECK(guard(voice_limit(p, with_moves({0s, 601s, 1202s, 1803s, 2404s}), s, at(3300s))) == "passed");
  CHECK(guard(voice_limit(p, with_moves({0s, 601s, 1202s, 1803s, 2404s, 2600s}), s, at(3300s))) == "rate_limit");
  CHECK(guard(voice_limit(p, with_moves({0s, 601s, 1202s, 1803s, 2404s, 2600s}), s, at(3599s))) == "rate_limit");
  CHECK(guard(voice_limit(p, with_moves({0s, 601s, 1202s, 1803s, 2404s, 2600s}), s, at(3600s))) == "passed");
}

TEST_CASE("switch guards: an escape has its own limit, wider and still finite (I3)") {
  const KernelState s = standing_site("fiber", "coax");
  Apply p = plan(9, site("coax", "coax"));
  p.desired.classes[0].escape = true;
  std::vector<std::chrono::seconds> eleven;
  for (int i = 0; i < 11; ++i) eleven.emplace_back(100 + i);
  CHECK(guard(voice_limit(p, with_moves({100s, 200s, 250s}, eleven), s, at(300s))) == "passed");
  eleven.emplace_back(120);
  CHECK(guard(voice_limit(p, with_moves({}, eleven), s, at(300s))) == "rate_limit");
  CHECK(guard(voice_limit(p, with_moves({}, eleven), s, at(720s))) == "passed");
}

TEST_CASE("switch guards: the same way again, a new gateway, or a circuit renamed is no move (I3)") {
  const KernelState s = standing_site("fiber", "coax");
  const Memory full = with_moves({100s, 200s, 250s});
  CHECK(guard(voice_limit(plan(9, site("fiber", "coax")), full, s, at(300s))) == "passed");
  Apply p = plan(9, site("fiber", "coax"));
  p.desired.circuits[0].gateway = ip("10.0.1.254");
  CHECK(guard(voice_limit(p, full, s, at(300s))) == "passed");
  p.desired.circuits[0].name = p.desired.classes[0].circuit = "fibre";
  CHECK(guard(voice_limit(p, full, s, at(300s))) == "passed");
  // A class renamed keeps its history: the table is what is moved.
  p = plan(9, site("coax", "coax"));
  p.desired.classes[0].name = "calls";
  CHECK(guard(voice_limit(p, full, s, at(300s))) == "rate_limit");
}

TEST_CASE("switch guards: a refused failback of one class does not cost another its escape (I3)") {
  const KernelState s = standing_site("coax", "coax");
  Memory m = told("coax", "coax");
  for (const auto t : {100s, 200s, 250s}) m.history[7201].moves.push_back(at(t));
  Apply p = plan(9, site("fiber", "fiber"));
  p.desired.classes[1].escape = true;
  const auto held = hold_moves(p, m, s, at(300s));
  REQUIRE(held);
  REQUIRE(held->size() == 1);
  CHECK(held->front().traffic_class == "voice");
  CHECK(held->front().circuit == "coax");
  CHECK(held->front().guard == "rate_limit");
  CHECK_FALSE(held->front().escape);
  CHECK(p.desired.classes[0].circuit == "coax");
  CHECK(p.desired.classes[1].circuit == "fiber");
  CHECK(p.desired.classes[1].escape);
  // What was held back is no move; what was let through is one.
  remember_moves(p, s, at(300s), m);
  CHECK(m.history[7201].moves.size() == 3);
  CHECK(m.history[7202].escapes == std::vector{at(300s)});
}

TEST_CASE("switch guards: what is let through of a plan is within every limit, one below and at it (I3)") {
  const KernelState s = standing_site("coax", "coax");
  for (const std::size_t before : {2U, 3U}) {
    Memory m = told("coax", "coax");
    for (std::size_t i = 0; i < before; ++i) m.history[7201].moves.push_back(at(std::chrono::seconds(100 + i)));
    Apply p = plan(9, site("fiber", "coax"));
    const auto held = hold_moves(p, m, s, at(300s));
    REQUIRE(held);
    CHECK(held->empty() == (before == 2));
    CHECK(p.desired.classes[0].circuit == (before == 2 ? "fiber" : "coax"));
  }
}

TEST_CASE("switch guards: when both windows are full, the one that is full for longer says when (I3)") {
  const KernelState s = standing_site("fiber", "coax");
  const auto both = voice_limit(plan(9, site("coax", "coax")), with_moves({10s, 20s, 30s, 3000s, 3001s, 3002s}), s, at(3100s));
  CHECK(both->again_ms == 510'000);  // the ten minutes are over 10 s sooner
  CHECK(both->why.find("6 moves in 60 minutes") != std::string::npos);
  const auto ten = voice_limit(plan(9, site("coax", "coax")), with_moves({10s, 20s, 30s, 3100s, 3101s, 3102s}), s, at(3150s));
  CHECK(ten->again_ms == 550'000);
  CHECK(ten->why.find("3 moves in 10 minutes") != std::string::npos);
}

TEST_CASE("switch guards: a class on its way to a link that has just gone stays, and the rest is carried out (I1)") {
  KernelState s = standing_site("fiber", "coax");
  s.links[2].carrier = false;
  Apply p = plan(2, site("coax", "fiber"));
  const auto held = hold_moves(p, told("fiber", "coax"), s, at(5s));
  REQUIRE(held);
  REQUIRE(held->size() == 1);
  CHECK(held->front().guard == "last_path");
  CHECK(held->front().again_ms == 100);
  CHECK(p.desired.classes[0].circuit == "fiber");
  CHECK(p.desired.classes[1].circuit == "fiber");
}

TEST_CASE("switch guards: a class that is not steered yet and may not be steered stays unsteered; one whose way the plan does not know refuses all") {
  const Memory full = with_moves({100s, 200s, 250s});
  Memory never = full;
  never.desired.reset();
  Apply p = plan(9, site("fiber", "coax"));
  const auto held = hold_moves(p, never, clean(), at(300s));
  REQUIRE(held);
  REQUIRE(held->size() == 1);
  CHECK(held->front().circuit.empty());
  CHECK(p.desired.classes[0].circuit.empty());
  p = plan(9, site("coax", "coax"));
  p.desired.circuits.erase(p.desired.circuits.begin());  // fiber, where voice stands
  const auto refused = hold_moves(p, full, standing_site("fiber", "coax"), at(300s));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().guard == "rate_limit");
  CHECK(refused.error().classes == std::vector<std::string>{"voice"});
  CHECK(p.desired.classes[0].circuit == "coax");  // untouched
}

TEST_CASE("switch guards: as many moves as a message can name are held back, one more refuses the plan") {
  const auto full = [](std::size_t classes) {
    Apply p = plan(9, site("coax", "coax"));
    Memory m = told("fiber", "coax");
    p.desired.classes.clear();
    m.desired->classes.clear();
    for (std::size_t i = 0; i < classes; ++i) {
      DesiredClass c = voice("coax");
      c.name = "class" + std::to_string(i);
      c.table = static_cast<std::uint32_t>(7300 + i);
      p.desired.classes.push_back(c);
      c.circuit = "fiber";
      m.desired->classes.push_back(c);
      m.history[c.table].moves = {at(100s), at(200s), at(250s)};
    }
    return hold_moves(p, m, clean(), at(300s));
  };
  CHECK(full(kMaxHeldMoves - 1).value().size() == kMaxHeldMoves - 1);
  CHECK(full(kMaxHeldMoves).value().size() == kMaxHeldMoves);
  REQUIRE_FALSE(full(kMaxHeldMoves + 1));
  CHECK(full(kMaxHeldMoves + 1).error().guard == "rate_limit");
}

TEST_CASE("switch guards: moves are remembered on their own ledger and forgotten when they no longer count") {
  const KernelState s = standing_site("fiber", "coax");
  Memory m = with_moves({0s}, {3000s});
  Apply p = plan(9, site("coax", "coax"));
  remember_moves(p, s, at(3599s), m);
  CHECK(m.history[7201].moves.size() == 2);
  CHECK(m.history[7201].escapes.size() == 1);
  p.desired.classes[0].escape = true;
  remember_moves(p, s, at(3600s), m);
  CHECK(m.history[7201].moves == std::vector{at(3599s)});
  CHECK(m.history[7201].escapes == std::vector{at(3600s)});
  CHECK(m.history.count(7202) == 0);
  remember_moves(plan(10, site("fiber", "coax")), s, at(1s), m);  // instants of an earlier boot
  CHECK(m.history.empty());
}

TEST_CASE("switch guards: the first way of a class is no move, its second is (I3)") {
  Memory m;
  remember_moves(plan(1, site("fiber", "coax")), clean(), at(100s), m);
  CHECK(m.history.empty());
  remember_moves(plan(2, site("coax", "coax")), standing_site("fiber", "coax"), at(200s), m);
  CHECK(m.history[7201].moves == std::vector{at(200s)});
  CHECK(m.history.count(7202) == 0);
}

TEST_CASE("switch guards: tables one below, at and one above our range (I11)") {
  const auto with_table = [](std::uint32_t t) {
    Apply p = plan(2, site("fiber", "coax"));
    p.desired.circuits[0].table = t;
    return foreign_ranges(p);
  };
  CHECK(says(with_table(6999), "table 6999 is outside"));
  CHECK(guard(with_table(7000)) == "passed");
  CHECK(guard(with_table(7999)) == "passed");
  CHECK(guard(with_table(8000)) == "foreign");
  for (const std::uint32_t reserved : {0U, 253U, 254U, 255U}) CHECK(guard(with_table(reserved)) == "foreign");
}

TEST_CASE("switch guards: what two parts of a plan both claim is refused by name (I11)") {
  const auto refusal = [](auto bend) {
    Apply p = plan(2, site("fiber", "coax"));
    bend(p.desired);
    return foreign_ranges(p);
  };
  CHECK(says(refusal([](Desired& d) { d.classes[0].table = 7101; }), "circuit fiber and class voice both claim table 7101"));
  CHECK(says(refusal([](Desired& d) { d.circuits[1].interface = "wan0"; }), "both claim interface wan0"));
  CHECK(says(refusal([](Desired& d) { d.circuits[1].name = "fiber"; }), "the name fiber"));
  CHECK(says(refusal([](Desired& d) { d.classes[0].mark = 0x102; }), "both claim mark 0x102"));
  CHECK(says(refusal([](Desired& d) { d.classes[0].mark = 0; }), "mark 0"));
  CHECK(says(refusal([](Desired& d) { d.classes[0].mark.reset(); }), "both claim everything"));
  CHECK(says(refusal([](Desired& d) { d.classes[0].circuit = "lte"; }), "'lte', which is no circuit"));
  CHECK(says(refusal([](Desired& d) { d.circuits[0].gateway = ip("fe80::1"); }), "circuit fiber is of IPv4 and has an address of the other family"));
  CHECK(says(refusal([](Desired& d) { d.circuits[0].interface = "sixteen-letters-"; }), "is no interface name"));
  CHECK(guard(refusal([](Desired& d) { d.circuits[0].interface = "fifteen-letters"; })) == "passed");
  CHECK(says(refusal([](Desired& d) { d.classes[0].incoming_interface = "../x"; }), "is no interface name"));
}

TEST_CASE("switch guards: foreign objects inside our ranges are refused by name, and do not hold back an escape they do not block (I11)") {
  const Desired d = site("coax", "coax");
  const auto refusal = [&](auto add, bool escape) {
    KernelState s = standing_site("fiber", "coax");
    add(s);
    Apply p = plan(2, d);
    p.desired.classes[0].escape = escape;
    return foreign_objects(p, reach(wanted(p.desired, s), s), s);
  };
  const auto rule = [](KernelState& s) {
    Rule r;
    r.priority = 7450;
    r.protocol = 3;
    r.table = 100;
    s.rules.push_back(r);
  };
  const auto route = [](KernelState& s) {
    s.routes.push_back(
        {.table = 7201, .protocol = 4, .type = RouteType::Unicast, .metric = 0, .destination = net("198.18.0.0/15"), .nexthop = 0, .source = {}});
  };
  const auto nexthop = [](KernelState& s) {
    s.nexthops.push_back({.id = 79999, .protocol = 4, .ifindex = 2, .gateway = {}, .onlink = false, .other = false});
  };
  const auto in_the_way = [](KernelState& s) { s.nexthops.at(2).protocol = 4; };  // 75201
  CHECK(guard(refusal([](KernelState&) {}, false)) == "passed");
  CHECK(says(refusal(rule, false), "rule 7450: from all lookup 100 proto 3"));
  CHECK(says(refusal(route, false), "route 198.18.0.0/15 table 7201 proto 4"));
  CHECK(says(refusal(nexthop, false), "nexthop 79999"));
  CHECK(guard(refusal(rule, true)) == "passed");
  CHECK(guard(refusal(route, true)) == "passed");
  CHECK(guard(refusal(nexthop, true)) == "passed");
  CHECK(says(refusal(in_the_way, true), "nexthop 75201"));
  CHECK(says(refusal(in_the_way, false), "stands where ours has to be"));
}

TEST_CASE("switch guards: three repairs of one object in ten minutes, then it is given up and said once (I11)") {
  using V = RepairLimit::Verdict;
  RepairLimit limit;
  for (int i = 0; i < 3; ++i) CHECK(limit.ask("rule 7000", at(std::chrono::seconds(i))) == V::Repair);
  CHECK(limit.ask("rule 7000", at(3s)) == V::GaveUp);
  CHECK(limit.ask("rule 7000", at(4s)) == V::StillGivenUp);
  CHECK(limit.ask("nexthop 75201", at(4s)) == V::Repair);
  CHECK(limit.ask("rule 7000", at(599s)) == V::StillGivenUp);
  CHECK(limit.ask("rule 7000", at(600s)) == V::Repair);
  CHECK(limit.ask("rule 7000", at(600s)) == V::GaveUp);
  limit.forget();
  CHECK(limit.ask("rule 7000", at(600s)) == V::Repair);
}

}  // namespace linekeeper::route
