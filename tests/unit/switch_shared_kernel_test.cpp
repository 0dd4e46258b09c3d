// A shared class on the real kernel: groups are made, replaced, taken apart by a lost link and put back, for both families.
#include <doctest/doctest.h>
#include <net/if.h>

#include "controller/switch/read_back.hpp"
#include "controller/switch/route_switch.hpp"
#include "tests/unit/switch_fixture.hpp"
#include "tests/unit/switch_namespace.hpp"
#include "tests/unit/switch_under_test.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;
using namespace std::chrono_literals;

using Site = SwitchUnderTest;

Desired sharing(std::vector<DesiredShare> shares) {
  Desired d = site("fiber", shares.front().circuit.c_str());
  d.classes[1].shares = std::move(shares);
  return d;
}
const std::vector<DesiredShare> kBoth{{"fiber", 3}, {"coax", 1}};

/// How many of so many destinations leave by wan0.
int by_fiber(int flows) {
  int n = 0;
  for (int i = 0; i < flows; ++i)
    if (shown("ip route get 198.51." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250) + " from 10.77.0.9 iif lan0").contains("dev wan0"))
      ++n;
  return n;
}

std::vector<std::string> shares_told(Site& s) {
  const Reply r = s.route_switch.hello();
  return std::get<StateReply>(r).classes.at(1).shares;
}

}  // namespace

TEST_CASE("switch kernel share: three of four go by a circuit of weight three, within five standard deviations") {
  LK_ENTER_SITE();
  Site s;
  s.applied(sharing(kBoth));
  CHECK(shown("ip nexthop show id 76202").contains("group 70101,3/70102"));
  const int n = by_fiber(400);
  INFO(n);
  CHECK(n > 300 - 44);  // binomial of 400 and 3/4: 8.7
  CHECK(n < 300 + 44);
  CHECK(s.applied(sharing(kBoth)).empty());
  CHECK(shares_told(s) == std::vector<std::string>{"fiber", "coax"});
  s.restart();
  CHECK(shares_told(s) == std::vector<std::string>{"fiber", "coax"});
  CHECK(s.applied(sharing(kBoth)).empty());
}

TEST_CASE("switch kernel share: a class becomes shared, loses one, gets it back and is shared no more, each time whole and proven") {
  LK_ENTER_SITE();
  Site s;
  s.applied(site("fiber", "fiber"));
  CHECK(s.applied(sharing(kBoth)).front() == "class data: fiber -> fiber (3) and coax (1)");
  CHECK(s.applied(sharing({{"coax", 1}})).front() == "class data: fiber (3) and coax (1) -> coax (1)");
  CHECK(by_fiber(20) == 0);
  CHECK(s.applied(sharing(kBoth)).size() == 1);
  CHECK(s.applied(sharing({{"fiber", 255}, {"coax", 255}})).size() == 1);
  CHECK(s.applied(sharing({{"fiber", 255}, {"coax", 255}})).empty());  // read back as written
  CHECK(s.applied(site("fiber", "coax")).front() == "class data: fiber (255) and coax (255) -> coax");
  CHECK(shown("ip nexthop show id 76202").empty());
  CHECK(by_fiber(20) == 0);
}

TEST_CASE("switch kernel share: a lost link leaves the group at once, without us; when it is back the group is made whole, and that is no drift") {
  LK_ENTER_SITE();
  Site s;
  s.applied(sharing(kBoth));
  const int fiber_link = static_cast<int>(if_nametoindex("wan0"));
  REQUIRE(run("ip link set far0 down") == 0);
  CHECK(by_fiber(20) == 0);
  CHECK(s.route_switch.look({fiber_link}, s.now).empty());
  CHECK(shares_told(s) == std::vector<std::string>{"coax"});
  CHECK(s.applied(sharing({{"coax", 1}})).empty());  // as it stands already
  REQUIRE(run("ip link set far0 up") == 0);
  REQUIRE(run("ip neighbour replace 10.0.1.1 lladdr 02:00:00:00:00:01 dev wan0 nud permanent") == 0);
  CHECK(s.route_switch.look({fiber_link}, s.now).empty());
  CHECK(by_fiber(20) == 0);  // until the plan says otherwise
  CHECK(s.applied(sharing(kBoth)).size() == 1);
  CHECK(by_fiber(40) > 10);
  REQUIRE(run("ip link set far0 down") == 0);
  CHECK(s.route_switch.look({fiber_link}, s.now).empty());
  REQUIRE(run("ip link set far0 up") == 0);
  CHECK(s.route_switch.look({fiber_link}, s.now).empty());  // the plan still has it
  CHECK(by_fiber(40) > 10);
}

TEST_CASE("switch kernel share: a hand that bends or removes the group is found, and it is put back") {
  LK_ENTER_SITE();
  Site s;
  s.applied(sharing(kBoth));
  REQUIRE(run("ip nexthop replace id 76202 group 70102 protocol 178") == 0);
  auto drifts = s.route_switch.look({}, s.now);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].repaired);
  CHECK(drifts[0].what.contains("nexthop 76202: group 70101,3/70102,1"));
  REQUIRE(run("ip nexthop del id 76202") == 0);
  drifts = s.route_switch.look({}, s.now);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].repaired);
  CHECK(by_fiber(40) > 10);
}

TEST_CASE("switch kernel share: any of the group proves the class, and a way that has no part in it does not") {
  LK_ENTER_SITE();
  Site s;
  const Desired d = sharing(kBoth);
  s.applied(d);
  Kernel kernel = Kernel::open().value();
  const KernelState state = kernel.read({7101, 7102, 7201, 7202}).value();
  CHECK(prove(kernel, d.classes[1], state.interfaces(*state.class_way(7202)), d, state).proof == Proof::Proven);
  CHECK(prove(kernel, d.classes[1], {state.link("lan0")->ifindex}, d, state).proof == Proof::Contradicted);
}

TEST_CASE("switch kernel share: IPv6 is shared as IPv4 is, apart from it") {
  LK_ENTER_SITE();
  for (const char* command : {"ip -6 address add 2001:db8:1::2/64 dev wan0 nodad", "ip -6 address add 2001:db8:2::2/64 dev wan1 nodad"})
    REQUIRE(run(command) == 0);
  Desired d = sharing(kBoth);
  d.circuits.push_back(six(fiber(), 7301, "2001:db8:1::1", "2001:db8:1::2"));
  d.circuits.push_back(six(coax(), 7302, "2001:db8:2::1", "2001:db8:2::2"));
  d.circuits.back().mark.reset();
  DesiredClass c = everything("fiber-ipv6");
  c.name = "data-ipv6";
  c.family = model::Family::V6;
  c.table = 7402;
  c.shares = {{"fiber-ipv6", 1}, {"coax-ipv6", 1}};
  d.classes.push_back(c);
  Site s;
  s.applied(d);
  CHECK(s.applied(d).empty());
  int fiber_way = 0;
  for (int i = 1; i <= 40; ++i)
    if (shown("ip -6 route get 2001:db8:9::" + std::to_string(i)).contains("dev wan0")) ++fiber_way;
  CHECK(fiber_way > 5);
  CHECK(fiber_way < 35);
  d.classes.back().shares = {{"coax-ipv6", 1}};
  d.classes.back().circuit = "coax-ipv6";
  CHECK(s.applied(d) == std::vector<std::string>{"class data-ipv6: fiber-ipv6 (1) and coax-ipv6 (1) -> coax-ipv6 (1)"});
  d.classes.back().shares.clear();
  CHECK(s.applied(d).front() == "class data-ipv6: coax-ipv6 (1) -> coax-ipv6");
}

}  // namespace linekeeper::route
