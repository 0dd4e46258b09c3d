#include <doctest/doctest.h>

#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;

std::vector<std::string> words(const std::vector<Operation>& ops) {
  std::vector<std::string> all;
  for (const auto& op : ops) all.push_back((op.act == Act::Put ? "+ " : "- ") + to_string(op.object));
  return all;
}
std::vector<std::string> difference(const Desired& d, const KernelState& s) { return words(reach(wanted(d, s), s)); }

}  // namespace

TEST_CASE("switch diff: a clean kernel gets ends, ways, routes and then rules in their order") {
  CHECK(difference(site("fiber", "coax"), clean()) == std::vector<std::string>{
                                                          "+ route unreachable default table 7101 metric 4294967294",
                                                          "+ route unreachable default table 7102 metric 4294967294",
                                                          "+ nexthop 70101: via 10.0.1.1 dev 2 onlink",
                                                          "+ nexthop 70102: via 10.0.2.1 dev 3 onlink",
                                                          "+ nexthop 75201: via 10.0.1.1 dev 2 onlink",
                                                          "+ nexthop 75202: via 10.0.2.1 dev 3 onlink",
                                                          "+ route default table 7101 nhid 70101 src 10.0.1.2",
                                                          "+ route default table 7102 nhid 70102 src 10.0.2.2",
                                                          "+ route default table 7201 nhid 75201",
                                                          "+ route default table 7202 nhid 75202",
                                                          "+ rule 7000: from all lookup main suppress_prefixlength 0",
                                                          "+ rule 7100: from all fwmark 0x102 lookup 7102",
                                                          "+ rule 7200: from all oif wan0 lookup 7101",
                                                          "+ rule 7200: from all oif wan1 lookup 7102",
                                                          "+ rule 7300: from 10.0.1.2/32 lookup 7101",
                                                          "+ rule 7300: from 10.0.2.2/32 lookup 7102",
                                                          "+ rule 7300: from 10.9.9.9/32 lookup 7102",
                                                          "+ rule 7500: from all fwmark 0x10 lookup 7201",
                                                          "+ rule 7999: from all lookup 7202",
                                                      });
}

TEST_CASE("switch diff: what was carried out leaves nothing to do (I10)") {
  CHECK(difference(site("fiber", "coax"), standing_site("fiber", "coax")).empty());
}

TEST_CASE("switch diff: a class moves by one replaced object and nothing else") {
  CHECK(difference(site("coax", "coax"), standing_site("fiber", "coax")) == std::vector<std::string>{"+ nexthop 75201: via 10.0.2.1 dev 3 onlink"});
}

TEST_CASE("switch diff: a move is told by its names, a new gateway as one") {
  const KernelState before = standing_site("fiber", "coax");
  Desired to = site("coax", "coax");
  CHECK(describe(reach(wanted(to, before), before), to, before) == std::vector<std::string>{"class voice: fiber -> coax"});
  to = site("fiber", "coax");
  to.circuits[0].gateway = ip("10.0.1.254");
  CHECK(describe(reach(wanted(to, before), before), to, before).front() == "class voice: fiber by gateway 10.0.1.254");
  to = site("fiber", "coax");
  CHECK(describe(reach(wanted(to, clean()), clean()), to, clean()).front() == "class voice: not steered -> fiber");
}

TEST_CASE("switch diff: a link that is down keeps only the terminal unreachable of its circuit") {
  KernelState s = standing_site("fiber", "coax");
  s.links[1].carrier = false;  // the kernel flushes nexthops and their routes with the carrier
  std::erase_if(s.nexthops, [](const Nexthop& n) { return n.ifindex == 2; });
  std::erase_if(s.routes, [](const Route& r) { return r.nexthop == 70101 || r.nexthop == 75201; });
  CHECK(difference(site("fiber", "coax"), s).empty());
  CHECK(difference(site("coax", "coax"), s) ==
        std::vector<std::string>{"+ nexthop 75201: via 10.0.2.1 dev 3 onlink", "+ route default table 7201 nhid 75201"});
  s.links[1].carrier = true;
  CHECK(difference(site("fiber", "coax"), s).size() == 4);
}

TEST_CASE("switch diff: an unknown gateway withdraws nothing that a class uses, and the default when none does (I1)") {
  Desired d = site("fiber", "coax");
  d.circuits[0].gateway.reset();
  CHECK(difference(d, standing_site("fiber", "coax")).empty());
  d = site("coax", "coax");
  d.circuits[0].gateway.reset();
  CHECK(difference(d, standing_site("coax", "coax")) ==
        std::vector<std::string>{"- route default table 7101 nhid 70101 src 10.0.1.2", "- nexthop 70101: via 10.0.1.1 dev 2 onlink"});
}

TEST_CASE("switch diff: a source that is not on the interface is left out of the route, its rule stays") {
  KernelState s = clean();
  s.links[1].addresses.clear();
  const Wanted w = wanted(site("fiber", "coax"), s);
  const auto r = std::ranges::find_if(w.routes, [](const Route& x) { return x.nexthop == 70101; });
  REQUIRE(r != w.routes.end());
  CHECK_FALSE(r->source);
  CHECK(std::ranges::any_of(w.rules, [](const Rule& x) { return x.source == net("10.0.1.2"); }));
}

TEST_CASE("switch diff: longer pinned sources come first") {
  Desired d = site("fiber", "coax");
  d.circuits[0].pinned_sources = {net("10.9.0.0/16"), net("10.0.0.0/8")};
  std::vector<std::uint32_t> priorities;
  for (const Rule& r : wanted(d, clean()).rules)
    if (r.source) priorities.push_back(r.priority);
  CHECK(priorities == std::vector<std::uint32_t>{7300, 7300, 7300, 7316, 7324});
}

TEST_CASE("switch diff: what left the configuration goes last, rules before routes before ways") {
  Desired d = site("fiber", "fiber");
  d.circuits.pop_back();
  d.classes.erase(d.classes.begin());
  CHECK(difference(d, standing_site("fiber", "coax")) == std::vector<std::string>{
                                                             "+ nexthop 75202: via 10.0.1.1 dev 2 onlink",
                                                             "- rule 7500: from all fwmark 0x10 lookup 7201",
                                                             "- rule 7300: from 10.0.2.2/32 lookup 7102",
                                                             "- rule 7300: from 10.9.9.9/32 lookup 7102",
                                                             "- rule 7200: from all oif wan1 lookup 7102",
                                                             "- rule 7100: from all fwmark 0x102 lookup 7102",
                                                             "- route unreachable default table 7102 metric 4294967294",
                                                             "- route default table 7102 nhid 70102 src 10.0.2.2",
                                                             "- route default table 7201 nhid 75201",
                                                             "- nexthop 70102: via 10.0.2.1 dev 3 onlink",
                                                             "- nexthop 75201: via 10.0.1.1 dev 2 onlink",
                                                         });
}

TEST_CASE("switch diff: no prefix of any change leaves a class without the default it had (I1, I12)") {
  const Desired plans[] = {site("fiber", "coax"), site("coax", "coax"), site("coax", "fiber"), site("fiber", "fiber")};
  for (const Desired& from : plans)
    for (const Desired& to : plans) {
      KernelState s = carried_out(clean(), reach(wanted(from, clean()), clean()));
      for (const Operation& op : reach(wanted(to, s), s)) {
        s = carried_out(s, {op});
        for (const std::uint32_t table : {7101U, 7102U, 7201U, 7202U})
          CHECK(std::ranges::any_of(s.routes, [&](const Route& r) { return r.table == table && r.nexthop != 0 && s.nexthop(r.nexthop) != nullptr; }));
      }
      CHECK(reach(wanted(to, s), s).empty());
    }
}

TEST_CASE("switch diff: foreign objects are never named in an operation (I11)") {
  KernelState s = standing_site("fiber", "coax");
  s.nexthops.push_back({.id = 79000, .protocol = 4, .ifindex = 2, .gateway = {}, .onlink = false, .other = false});
  s.routes.push_back(
      {.table = 7101, .protocol = 4, .type = RouteType::Unicast, .metric = 9, .destination = net("10.8.0.0/16"), .nexthop = 0, .source = {}});
  Rule r;
  r.priority = 7450;
  r.protocol = 3;
  s.rules.push_back(r);
  CHECK(difference(site("fiber", "coax"), s).empty());
  for (const auto& op : reach(Wanted{}, s)) CHECK(std::visit([](const auto& o) { return is_ours(o); }, op.object));
}

TEST_CASE("switch diff: an undo leads back to what stood") {
  const KernelState before = standing_site("fiber", "coax");
  const KernelState after = carried_out(before, reach(wanted(site("coax", "fiber"), before), before));
  const KernelState undone = carried_out(after, reach(standing(before), after));
  CHECK(reach(standing(before), undone).empty());
  CHECK(circuit_in_kernel(7201, site("", "").circuits, undone) == "fiber");
}

}  // namespace linekeeper::route
