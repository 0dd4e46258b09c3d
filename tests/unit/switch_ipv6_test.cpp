// IPv6 beside IPv4 against the real kernel: two tables of everything, numbered in one space, moved apart. And links that need no gateway.
#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "controller/switch/links.hpp"
#include "tests/unit/switch_fixture.hpp"
#include "tests/unit/switch_namespace.hpp"
#include "tests/unit/switch_under_test.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;
using namespace std::chrono_literals;
using model::Family;

/// Voice and everything else in both families: the IPv6 classes by `voice6` and `data6`.
Desired dual(const char* voice_by, const char* voice6) {
  Desired d = site(voice_by, "coax");
  d.circuits.push_back(six(fiber(), 7301, "fe80::1", "2001:db8:1::2"));
  d.circuits.push_back(six(coax(), 7302, "2001:db8:2::1", "2001:db8:2::2"));
  d.circuits.back().pinned_sources = {net("2001:db8:99::9")};
  DesiredClass v = voice(voice6);
  v.name += "-ipv6";
  v.family = Family::V6;
  v.table = 7401;
  DesiredClass e = everything("coax-ipv6");
  e.name += "-ipv6";
  e.family = Family::V6;
  e.table = 7402;
  d.classes.push_back(v);
  d.classes.push_back(e);
  return d;
}

/// The site with IPv6 on everything. Optimistic addresses would be tentative for a second: no duplicate detection here.
std::string enter_dual_site() {
  if (auto why_not = enter_site(); !why_not.empty()) return why_not;
  for (const char* command : {"sysctl -qw net.ipv6.conf.all.forwarding=1", "ip address add 2001:db8:1::2/64 dev wan0 nodad",
                              "ip address add 2001:db8:2::2/64 dev wan1 nodad", "ip address add 2001:db8:77::1/64 dev lan0 nodad",
                              "ip neighbour replace fe80::1 lladdr 02:00:00:00:00:01 dev wan0 nud permanent",
                              "ip neighbour replace 2001:db8:2::1 lladdr 02:00:00:00:00:02 dev wan1 nud permanent"})
    if (run(command) != 0) return std::string("no IPv6 here: ") + command;
  return {};
}

std::string way_of(const char* question) { return shown(std::string("ip -6 route get ") + question); }

}  // namespace

#define LK_ENTER_DUAL_SITE()                                             \
  if (const std::string why_not = enter_dual_site(); !why_not.empty()) { \
    std::cout << "SKIPPED: " << why_not << "\n";                         \
    return;                                                              \
  }

TEST_CASE("switch IPv6: both families are set, read back, stand when sent again; one moves and the other does not") {
  LK_ENTER_DUAL_SITE();
  SwitchUnderTest s;
  const auto changes = s.applied(dual("fiber", "fiber-ipv6"));
  CHECK(std::ranges::find(changes, "class voice-ipv6: not steered -> fiber-ipv6") != changes.end());
  CHECK(way_of("2001:db8:5::7 mark 0x10").find("via fe80::1 dev wan0 table 7401") != std::string::npos);
  CHECK(way_of("2001:db8:5::7").find("via 2001:db8:2::1 dev wan1 table 7402") != std::string::npos);
  CHECK(way_of("2001:db8:5::7 from 2001:db8:1::2").find("table 7301") != std::string::npos);
  CHECK(way_of("2001:db8:5::7 from 2001:db8:99::9 iif lan0").find("dev wan1 table 7302") != std::string::npos);
  CHECK(way_of("2001:db8:5::7 oif wan0").find("table 7301") != std::string::npos);
  CHECK(way_of("2001:db8:77::5 mark 0x10").find("dev lan0") != std::string::npos);  // connected first
  CHECK(s.applied(dual("fiber", "fiber-ipv6")).empty());
  CHECK(s.applied(dual("fiber", "coax-ipv6")) == std::vector<std::string>{"class voice-ipv6: fiber-ipv6 -> coax-ipv6"});
  CHECK(s.where(0) == "fiber");
  CHECK(s.where(2) == "coax-ipv6");
  CHECK(shown("ip route get 198.51.100.7 mark 0x10").find("dev wan0") != std::string::npos);
}

TEST_CASE("switch IPv6: 200 moves under a connected sender lose not one packet to a missing route") {
  LK_ENTER_DUAL_SITE();
  SwitchUnderTest s;
  s.applied(dual("fiber", "fiber-ipv6"));
  std::atomic<bool> stop = false;
  std::atomic<long> sent = 0, unreachable = 0, other = 0;
  const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  const int mark = 0x10;
  REQUIRE(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0);
  sockaddr_in6 from{}, to{};
  from.sin6_family = to.sin6_family = AF_INET6;
  from.sin6_addr = std::bit_cast<in6_addr>(ip("2001:db8:77::1").bytes);
  to.sin6_addr = std::bit_cast<in6_addr>(ip("2001:db8:5::7").bytes);
  to.sin6_port = htons(9);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) == 0);
  REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  std::thread sender([&] {
    while (!stop) {
      if (send(fd, "x", 1, 0) == 1)
        ++sent;
      else if (errno == ENETUNREACH || errno == EHOSTUNREACH)
        ++unreachable;
      else if (errno != EAGAIN && errno != ENOBUFS)
        ++other;
    }
  });
  for (int i = 0; i < 200; ++i) CHECK(s.applied(dual("fiber", i % 2 == 0 ? "coax-ipv6" : "fiber-ipv6")).size() == 1);
  stop = true;
  sender.join();
  close(fd);
  CHECK(sent > 1000);
  CHECK(unreachable == 0);
  CHECK(other == 0);
}

TEST_CASE("switch IPv6: a restart adopts it, drift of it is put back, and remove-everything leaves nothing") {
  LK_ENTER_DUAL_SITE();
  SwitchUnderTest s;
  s.applied(dual("fiber", "coax-ipv6"));
  const auto ours = [] { return shown("ip -6 rule") + shown("ip nexthop") + shown("ip -6 route show table all protocol 178"); };
  const std::string stood = ours();
  s.restart();
  CHECK(s.where(2) == "coax-ipv6");
  CHECK(ours() == stood);
  REQUIRE(run("ip -6 rule del priority 7502") == 0);
  REQUIRE(run("ip -6 route del default table 7302 proto 178 metric 1024") == 0);
  const auto drifts = s.route_switch.look({}, s.now + 1s);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].repaired);
  CHECK(drifts[0].what.find("IPv6 rule 7502") != std::string::npos);
  CHECK(ours() == stood);
  REQUIRE(s.route_switch.remove_everything());
  CHECK(shown("ip nexthop").empty());
  CHECK(shown("ip -6 route show table all protocol 178").empty());
  CHECK(shown("ip -6 rule").find("lookup 7") == std::string::npos);
}

TEST_CASE("switch IPv6: plans that mix the families are refused, the other family's class stays") {
  LK_ENTER_DUAL_SITE();
  SwitchUnderTest s;
  s.applied(dual("fiber", "fiber-ipv6"));
  const auto refused = [&](auto change) {
    Desired d = dual("fiber", "fiber-ipv6");
    change(d);
    const Reply r = s.send(d);
    const auto* refusal = std::get_if<Refused>(&r);
    return refusal == nullptr ? std::string() : refusal->guard + ": " + refusal->why;
  };
  CHECK(refused([](Desired& d) { d.classes[0].circuit = "coax-ipv6"; }) == "foreign: class voice is of IPv4 and is to go by coax-ipv6, which is not");
  CHECK(refused([](Desired& d) { d.circuits[2].gateway = ip("10.0.1.1"); }) ==
        "foreign: circuit fiber-ipv6 is of IPv6 and has an address of the other family");
  CHECK(refused([](Desired& d) { d.classes[2].source = net("10.0.0.0/8"); }) ==
        "foreign: class voice-ipv6 is of IPv6 and matches a source of the other family");
  CHECK(refused([](Desired& d) { d.circuits[2].table = 7101; }) == "foreign: circuit fiber and circuit fiber-ipv6 both claim table 7101");
  CHECK(refused([](Desired& d) { d.classes.pop_back(); }).starts_with("last_path: class data-ipv6"));
  CHECK(s.where(2) == "fiber-ipv6");
}

TEST_CASE("switch IPv6: addresses and gateways of a circuit are those of its family; temporary and deprecated addresses are passed over") {
  LK_ENTER_DUAL_SITE();
  model::Site site;
  site.circuits.resize(2);
  site.circuits[0].name = "fiber";
  site.circuits[1].name = "fiber-ipv6";
  site.circuits[1].family = Family::V6;
  for (auto& c : site.circuits) c.interface = "wan0";
  auto watch = LinkWatch::open().value();
  const auto look = [&] { return watch.look(site).value(); };
  CHECK(look()[0].gateway == ip("10.0.1.1"));
  CHECK(look()[1].address == ip("2001:db8:1::2"));
  CHECK_FALSE(look()[1].gateway);
  run("ip -6 route add default via fe80::1 dev wan0 proto ra metric 1024");
  CHECK(watch.drain());
  CHECK(look()[1].gateway == ip("fe80::1"));
  CHECK(look()[1].usable());
  run("ip address add fd00::5/64 dev wan0 nodad");
  run("ip address del 2001:db8:1::2/64 dev wan0");
  CHECK(look()[1].address == ip("fd00::5"));  // better than nothing
  run("ip address add 2001:db8:1::7/64 dev wan0 nodad preferred_lft 0");
  CHECK(look()[1].address == ip("fd00::5"));
  run("ip address add 2001:db8:1::8/64 dev wan0 nodad");
  CHECK(look()[1].address == ip("2001:db8:1::8"));
  CHECK(look()[0].address == ip("10.0.1.2"));
}

TEST_CASE("switch: a point-to-point link without a gateway's address is a way (PPPoE, LTE)") {
  LK_ENTER_SITE();
  REQUIRE(run("ip tuntap add wwan0 mode tun") == 0);
  run("ip link set wwan0 up");
  run("ip address add 100.64.0.9/32 dev wwan0");
  model::Site lte_site;
  lte_site.circuits.resize(1);
  lte_site.circuits[0].name = "lte";
  lte_site.circuits[0].interface = "wwan0";
  auto watch = LinkWatch::open().value();
  auto seen = watch.look(lte_site).value().at(0);
  CHECK(seen.direct);
  CHECK_FALSE(seen.carrier);  // a tun has a carrier when a program holds it
  Desired d = site("fiber", "coax");
  d.circuits.push_back({.name = "lte", .interface = "wwan0", .table = 7103, .source = ip("100.64.0.9"), .pinned_sources = {}, .mark = {}});
  SwitchUnderTest s;
  s.applied(d);
  d.classes[0].circuit = "lte";
  CHECK(std::get<Applied>(s.send(d)).held.at(0).why.find("no carrier") != std::string::npos);
  run("ip link add ppp9 type veth peer name ppp9far");  // stands for a PPP link: no ARP, a carrier
  run("ip link set ppp9far up");
  run("ip link set ppp9 arp off up");
  run("ip address add 100.64.0.10/32 dev ppp9");
  d.circuits[2].interface = "ppp9";
  CHECK(s.applied(d).at(0) == "class voice: fiber -> lte");
  CHECK(shown("ip nexthop show id 75201").find("dev ppp9") != std::string::npos);
  CHECK(shown("ip route get 198.51.100.7 mark 0x10").find("dev ppp9 table 7201") != std::string::npos);
  d.circuits[1].gateway.reset();
  d.classes[0].circuit = "coax";
  CHECK(std::get<Applied>(s.send(d)).held.at(0).why.find("its gateway is not known") != std::string::npos);
}

}  // namespace linekeeper::route
