// Classes told by destination, against the real kernel: what the routing decision says, and where packets go.
#include <doctest/doctest.h>
#include <net/if.h>

#include "controller/switch/conntrack.hpp"
#include "controller/switch/read_back.hpp"
#include "tests/unit/flow_site.hpp"
#include "tests/unit/switch_under_test.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;
using namespace std::chrono_literals;

/// Everything by fiber, and what goes to the far host's network as told.
Desired with_part(const char* part_by) {
  Desired d = site("fiber", "fiber");
  DesiredClass part = everything(part_by);
  part.name = "data-north";
  part.table = 7600;
  part.destinations = {net("198.51.100.7"), net("203.0.113.64/26")};
  d.classes.insert(d.classes.begin() + 1, part);
  return d;
}

bool goes_by(const char* to, const char* device) { return shown(std::string("ip route get ") + to).find(device) != std::string::npos; }

}  // namespace

TEST_CASE("destinations kernel: what a class names goes its way and nothing else does, and it moves alone") {
  LK_ENTER_SITE();
  SwitchUnderTest s;
  s.applied(with_part("coax"));
  CHECK(goes_by("198.51.100.7", "dev wan1 table 7600"));
  CHECK(goes_by("203.0.113.64", "dev wan1 table 7600"));
  CHECK(goes_by("203.0.113.127", "dev wan1 table 7600"));
  CHECK(goes_by("198.51.100.6", "dev wan0 table 7202"));
  CHECK(goes_by("198.51.100.8", "dev wan0 table 7202"));
  CHECK(goes_by("203.0.113.63", "dev wan0 table 7202"));
  CHECK(goes_by("203.0.113.128", "dev wan0 table 7202"));
  CHECK(goes_by("198.51.100.7 mark 0x10", "dev wan0 table 7201"));  // voice stands before it
  CHECK(s.applied(with_part("coax")).empty());
  CHECK(s.applied(with_part("fiber")) == std::vector<std::string>{"class data-north: coax -> fiber"});
  CHECK(goes_by("198.51.100.7", "dev wan0 table 7600"));
}

TEST_CASE("destinations kernel: a rule that somebody deletes is put back, and destinations may change while it stands") {
  LK_ENTER_SITE();
  SwitchUnderTest s;
  s.applied(with_part("coax"));
  REQUIRE(run("ip rule del priority 7501 to 198.51.100.7") == 0);
  CHECK(goes_by("198.51.100.7", "dev wan0"));
  const auto drifts = s.route_switch.look({}, s.now);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].what == "missing or changed: rule 7501: from all to 198.51.100.7/32 lookup 7600");
  CHECK(drifts[0].repaired);
  CHECK(goes_by("198.51.100.7", "dev wan1 table 7600"));
  Desired d = with_part("coax");
  d.classes[1].destinations = {net("198.51.100.0/24")};
  CHECK(s.applied(d).size() == 3);  // one rule more, two less
  CHECK(goes_by("198.51.100.99", "dev wan1 table 7600"));
  CHECK(goes_by("203.0.113.64", "dev wan0 table 7202"));
  s.restart();
  CHECK(s.applied(d).empty());
  REQUIRE(s.route_switch.remove_everything());
  CHECK(shown("ip rule").find(" 7") == std::string::npos);
}

TEST_CASE("destinations kernel: a route that the host has of its own to one of them comes first, is said, and fails no plan") {
  LK_ENTER_SITE();
  REQUIRE(run("ip route add 203.0.113.64/26 via 10.0.1.1 dev wan0") == 0);
  SwitchUnderTest s;
  const auto changes = s.applied(with_part("coax"));
  CHECK(changes.back() ==
        "class data-north is not proven to go by coax: the host has a route of its own to 203.0.113.65, which comes first (ip route get "
        "203.0.113.65)");
  CHECK(goes_by("198.51.100.7", "dev wan1 table 7600"));
}

TEST_CASE("destinations kernel: a rule before ours that takes one of them contradicts the plan") {
  LK_ENTER_SITE();
  run("ip route add default via 10.0.1.1 dev wan0 table 100");
  REQUIRE(run("ip rule add priority 200 to 203.0.113.64/26 lookup 100") == 0);
  SwitchUnderTest s;
  const Reply r = s.send(with_part("coax"));
  REQUIRE(std::holds_alternative<Failed>(r));
  CHECK(std::get<Failed>(r).why.find("class data-north is seen not to go by coax: table 100 decides") != std::string::npos);
}

TEST_CASE("destinations kernel: IPv6 destinations are rules of their own family") {
  LK_ENTER_SITE();
  for (const char* command :
       {"ip address add 2001:db8:2::2/64 dev wan1 nodad", "ip -6 neighbour replace 2001:db8:2::1 lladdr 02:00:00:00:00:02 dev wan1"})
    REQUIRE(run(command) == 0);
  Desired d = site("fiber", "fiber");
  DesiredCircuit six = coax();
  six.name = "coax-ipv6";
  six.family = model::Family::V6;
  six.table = 7302;
  six.mark.reset();
  six.pinned_sources.clear();
  six.gateway = ip("2001:db8:2::1");
  six.source = ip("2001:db8:2::2");
  d.circuits.push_back(six);
  DesiredClass part = everything("coax-ipv6");
  part.name = "six";
  part.family = model::Family::V6;
  part.table = 7401;
  part.destinations = {net("2001:db8:77::/48")};
  d.classes.push_back(part);
  SwitchUnderTest s;
  s.applied(d);
  CHECK(shown("ip -6 rule").find("7502:\tfrom all to 2001:db8:77::/48 lookup 7401") != std::string::npos);
  CHECK(shown("ip -6 route get 2001:db8:77::1").find("dev wan1 table 7401") != std::string::npos);
  CHECK(shown("ip -6 route get 2001:db8:78::1").find("table 7401") == std::string::npos);
}

TEST_CASE("destinations kernel: a flow of a class that a living circuit is dead for begins anew on the other; the rest stays where it is") {
  LK_ENTER_SITE();
  const Beside world, lan;
  if (const std::string why_not = enter_world(world, lan); !why_not.empty()) {
    std::cout << "SKIPPED: " << why_not << "\n";
    return;
  }
  world.go();
  run("ip address add 203.0.113.70/32 dev lo");
  world.back();
  const Echo echo(world);
  Desired d = with_part("fiber");
  d.flow_mask = 0x00ff0000;
  for (DesiredCircuit& c : d.circuits) c.nat.kind = Nat::Kind::Masquerade;
  for (DesiredClass& c : d.classes) c.drain = 2h;
  d.classes[1].destinations = {net("198.51.100.7")};
  SwitchUnderTest s;
  s.applied(d);
  const Talk call(lan, 4000);
  REQUIRE(call.seen_as() == "10.0.1.2");
  const FlowMarks marks(d.flow_mask);
  const auto of = [&](std::uint32_t circuit, std::uint32_t traffic_class) {
    return Conntrack::open().value().find(model::Family::V4, marks.value(circuit, traffic_class), marks.mask(), 0).value().count;
  };
  CHECK(of(1, 2) == 1);  // data-north's, by its destination
  CHECK(of(1, 3) == 0);
  d.classes[1].circuit = "coax";
  d.classes[1].escape = true;
  d.classes[1].dead_by = {"fiber"};
  s.applied(d);
  const Flows told = s.route_switch.tend(s.now).value_or(Flows{});
  REQUIRE(told.cut.size() == 1);
  CHECK(told.cut[0].traffic_class == "data-north");
  CHECK(told.cut[0].why == "dead");
  CHECK(told.cut[0].flows == 1);
  CHECK(call.seen_as() == "10.0.2.2");
  CHECK(of(2, 2) == 1);
}

}  // namespace linekeeper::route
