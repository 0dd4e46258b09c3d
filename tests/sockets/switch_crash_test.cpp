// linekeeper-switch dies at each point of a change, on the real kernel: before every message it sends, and at each step of writing its
// memory. What can be reached then is never worse than before or after the change, and whoever starts next makes it whole.
#include "tests/sockets/crash_site.hpp"

namespace linekeeper::route::crash {
namespace {

using namespace fixture;
using model::Family;

constexpr std::uint32_t kMask = 0x00ff0000;

/// Both circuits translate; voice is a host of the LAN.
Desired plan_by(const char* voice_by, const char* data_by, std::uint32_t mask = 0) {
  Desired d = site(voice_by, data_by);
  d.flow_mask = mask;
  for (DesiredCircuit& c : d.circuits) c.nat.kind = Nat::Kind::Masquerade;
  d.classes[0].mark.reset();
  d.classes[0].source = net("10.77.0.6");
  for (DesiredClass& c : d.classes) c.drain = 1h;
  return d;
}

/// The same with IPv6 beside it.
Desired dual_by(const char* four, const char* six_by, std::uint32_t mask = 0) {
  Desired d = plan_by(four, four, mask);
  d.circuits.push_back(six(fiber(), 7301, "2001:db8:1::1", "2001:db8:1::2"));
  d.circuits.push_back(six(coax(), 7302, "2001:db8:2::1", "2001:db8:2::2"));
  d.classes.push_back(voice(six_by));
  d.classes.push_back(everything(six_by));
  for (std::size_t i : {2U, 3U}) {
    d.classes[i].name += "-ipv6";
    d.classes[i].family = Family::V6;
    d.classes[i].table += 200;
  }
  return d;
}

/// The circuit is dead, and its classes flee.
Desired fled(Desired d) {
  d.circuits[0].dead = true;
  for (DesiredClass& c : d.classes) c.escape = true;
  return d;
}

void survives(Site& site, const char* what, const Change& change, std::size_t at_least) {
  const auto begun = std::chrono::steady_clock::now();
  const std::size_t points = site.survives(change);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  MESSAGE(std::string(what) << ": killed at " << points << " points in " << took.count() << " ms");
  CHECK(points >= at_least);  // else the counting is broken, and nothing was shown
}

}  // namespace

#define LK_CRASHING(name)                                 \
  LK_ENTER_SITE();                                        \
  Site name;                                              \
  if (!(name).why_not().empty()) {                        \
    std::cout << "SKIPPED: " << (name).why_not() << "\n"; \
    return;                                               \
  }

TEST_CASE("crash: in the first plan ever") {
  LK_CRASHING(s);
  survives(s, "first plan", {.before = {}, .after = plan_by("fiber", "coax"), .retired = {}}, 8);
}

TEST_CASE("crash: in a planned move, an escape, and with connections that drain or are deleted") {
  LK_CRASHING(s);
  survives(s, "planned move", {.before = plan_by("fiber", "fiber"), .after = plan_by("coax", "coax"), .retired = {}}, 8);
  survives(s, "escape", {.before = plan_by("fiber", "fiber"), .after = fled(plan_by("coax", "coax")), .retired = {}}, 8);
  survives(s, "connections that drain", {.before = plan_by("fiber", "fiber", kMask), .after = plan_by("coax", "coax", kMask), .retired = {}}, 8);
  survives(s, "connections of a dead circuit",
           {.before = plan_by("fiber", "fiber", kMask), .after = fled(plan_by("coax", "coax", kMask)), .retired = {}}, 8);
}

TEST_CASE("crash: in putting the table of connections, and in taking it away") {
  LK_CRASHING(s);
  survives(s, "marks begin", {.before = plan_by("fiber", "coax"), .after = plan_by("fiber", "coax", kMask), .retired = {}}, 8);
  survives(s, "marks end", {.before = plan_by("fiber", "coax", kMask), .after = plan_by("fiber", "coax"), .retired = {}}, 8);
}

TEST_CASE("crash: in retiring a class, in a new address, and in a change that the kernel does not keep") {
  LK_CRASHING(s);
  Desired fewer = plan_by("fiber", "coax");
  fewer.classes.erase(fewer.classes.begin());
  survives(s, "class retired", {.before = plan_by("fiber", "coax"), .after = fewer, .retired = {"voice"}}, 8);
  survives(s, "contradicted",
           {.before = plan_by("fiber", "fiber"),
            .after = plan_by("coax", "fiber"),
            .retired = {},
            .refused_by_the_kernel = true,
            .foreign_rule = "priority 6000 from 10.77.0.6 lookup main"},
           8);
  REQUIRE(run("ip address add 10.0.1.3/24 dev wan0") == 0);
  REQUIRE(run("ip address del 10.0.1.2/24 dev wan0") == 0);
  Desired renewed = plan_by("fiber", "coax", kMask);
  renewed.circuits[0].source = ip("10.0.1.3");
  survives(s, "new address", {.before = plan_by("fiber", "coax", kMask), .after = renewed, .retired = {}}, 8);
}

TEST_CASE("crash: in a class that becomes shared, loses one circuit, gets it back, and is shared no more") {
  LK_CRASHING(s);
  const auto shared = [](std::vector<DesiredShare> by) {
    Desired d = plan_by("fiber", by.front().circuit.c_str(), kMask);
    d.classes[1].shares = std::move(by);
    return d;
  };
  const Desired both = shared({{"fiber", 3}, {"coax", 1}});
  survives(s, "becomes shared", {.before = plan_by("fiber", "fiber", kMask), .after = both, .retired = {}}, 8);
  survives(s, "one leaves", {.before = both, .after = fled(shared({{"coax", 1}})), .retired = {}}, 8);
  survives(s, "one comes back", {.before = shared({{"coax", 1}}), .after = both, .retired = {}}, 8);
  survives(s, "shared no more", {.before = both, .after = plan_by("fiber", "coax", kMask), .retired = {}}, 8);
}

TEST_CASE("crash: in a move of IPv6, and in both families at once") {
  LK_CRASHING(s);
  survives(s, "IPv6 beside IPv4 begins", {.before = plan_by("fiber", "fiber"), .after = dual_by("fiber", "coax-ipv6"), .retired = {}}, 8);
  survives(s, "both move, with connections",
           {.before = dual_by("fiber", "fiber-ipv6", kMask), .after = dual_by("coax", "coax-ipv6", kMask), .retired = {}}, 30);
}

}  // namespace linekeeper::route::crash
