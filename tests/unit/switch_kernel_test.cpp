// The switch against the real kernel. Every case makes a network namespace of its own.
#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

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

std::string everything_else() {
  return shown("ip route show table main") + shown("ip route show table local") + shown("ip route show table 100") +
         shown("ip rule show priority 100");
}
std::string ours() { return shown("ip rule") + shown("ip nexthop") + shown("ip route show table all protocol 178"); }

/// Netlink messages about routes, rules or nexthops since the last call.
struct Witness {
  Netlink netlink = Netlink::open({RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_NEXTHOP}).value();
  std::size_t count() { return netlink.hear().messages.size(); }
};

}  // namespace

TEST_CASE("switch kernel: a plan is applied, read back, stands when sent again, and touches nothing else (I10, I11)") {
  LK_ENTER_SITE();
  run("ip route add default dev wan1 table 100");
  run("ip rule add priority 100 from 172.31.0.0/16 lookup 100");
  const std::string before = everything_else();
  Site s;
  const auto changes = s.applied(site("fiber", "coax"));
  CHECK(changes.size() > 10);
  CHECK(changes[0] == "class voice: not steered -> fiber");
  CHECK(s.where(0) == "fiber");
  CHECK(s.where(1) == "coax");
  CHECK(shown("ip route get 198.51.100.7 mark 0x10").find("dev wan0") != std::string::npos);
  CHECK(shown("ip route get 198.51.100.7").find("via 10.0.2.1 dev wan1 table 7202 src 10.0.2.2") != std::string::npos);
  CHECK(shown("ip route get 198.51.100.7 oif wan0").find("table 7101 src 10.0.1.2") != std::string::npos);
  CHECK(shown("ip route get 10.0.1.77 mark 0x102").find("dev wan0") != std::string::npos);  // connected first, marks after
  Witness witness;
  CHECK(s.applied(site("fiber", "coax")).empty());
  CHECK(witness.count() == 0);
  CHECK(s.applied(site("coax", "coax")) == std::vector<std::string>{"class voice: fiber -> coax"});
  CHECK(everything_else() == before);
}

TEST_CASE("switch kernel: 200 moves under a connected sender lose not one packet to a missing route") {
  LK_ENTER_SITE();
  run("ip route del default");  // nothing below ours to fall through to: the smallest gap is seen
  Site s;
  s.applied(site("fiber", "coax"));
  std::atomic<bool> stop = false;
  std::atomic<long> sent = 0;
  std::atomic<long> unreachable = 0;
  std::atomic<long> other = 0;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  REQUIRE(fd >= 0);
  sockaddr_in from{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(0x0A4D0001)}, .sin_zero = {}};
  sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(0xC6336407)}, .sin_zero = {}};
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
  std::int64_t slowest = 0;
  for (int i = 0; i < 200; ++i) {
    const auto start = std::chrono::steady_clock::now();
    CHECK(s.applied(site("fiber", i % 2 == 0 ? "fiber" : "coax")).size() == 1);
    slowest = std::max(slowest, std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count());
  }
  stop = true;
  sender.join();
  close(fd);
  std::cout << "{\"moves\":200,\"sent\":" << sent << ",\"unreachable\":" << unreachable << ",\"slowest_us\":" << slowest << "}\n";
  CHECK(sent > 1000);
  CHECK(unreachable == 0);
  CHECK(other == 0);
}

TEST_CASE("switch kernel: drift is put back three times, then given up and said (I11)") {
  LK_ENTER_SITE();
  Site s;
  s.applied(site("fiber", "coax"));
  const std::string stood = ours();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(run("ip rule del priority 7500") == 0);
    const auto drifts = s.route_switch.look({}, s.now + 1s * i);
    REQUIRE(drifts.size() == 1);
    CHECK(drifts[0].repaired);
    CHECK(drifts[0].what == "missing or changed: rule 7500: from all fwmark 0x10 lookup 7201");
    CHECK(ours() == stood);
  }
  REQUIRE(run("ip rule del priority 7500") == 0);
  const auto drifts = s.route_switch.look({}, s.now + 5s);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].gave_up);
  CHECK(s.route_switch.look({}, s.now + 6s).empty());
  CHECK(shown("ip rule show priority 7500").empty());
  // Another object of ours has its own count, and a nexthop that was bent is replaced in place.
  REQUIRE(run("ip nexthop replace id 75202 via 10.0.1.1 dev wan0 onlink protocol 178") == 0);
  REQUIRE(s.route_switch.look({}, s.now + 7s).size() == 1);
  CHECK(s.where(1) == "coax");
}

TEST_CASE("switch kernel: what was left alone and stands again is told, once") {
  LK_ENTER_SITE();
  Site s;
  s.applied(site("fiber", "coax"));
  for (int i = 0; i < 4; ++i) {
    REQUIRE(run("ip rule del priority 7500") == 0);
    REQUIRE(s.route_switch.look({}, s.now + 1s * i).size() == 1);
  }
  CHECK(s.route_switch.look({}, s.now + 5s).empty());
  REQUIRE(run("ip rule add priority 7500 fwmark 0x10 lookup 7201 protocol 178") == 0);
  const auto drifts = s.route_switch.look({}, s.now + 6s);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].gave_up);
  CHECK(drifts[0].repaired);
  CHECK(s.route_switch.look({}, s.now + 7s).empty());
}

TEST_CASE("switch kernel: a rule of somebody else's before ours is told with whom it leads past, and left alone; and told when it is gone") {
  LK_ENTER_SITE();
  Site s;
  s.applied(site("fiber", "coax"));
  const std::string stood = ours();
  CHECK(s.route_switch.look({}, s.now).empty());
  REQUIRE(run("ip route add default via 10.0.1.1 dev wan0 onlink table 500") == 0);
  REQUIRE(run("ip rule add priority 90 lookup 500") == 0);
  auto drifts = s.route_switch.look({}, s.now + 1s);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].foreign);
  CHECK_FALSE(drifts[0].repaired);
  CHECK(drifts[0].what.find("is led past fiber: table 500 decides") != std::string::npos);
  CHECK_FALSE(shown("ip rule show priority 90").empty());
  CHECK(s.route_switch.look({}, s.now + 2s).empty());  // once
  (void)s.route_switch.hello();                        // somebody has come who has not heard it
  drifts = s.route_switch.look({}, s.now + 3s);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].foreign);
  REQUIRE(run("ip rule del priority 90") == 0);
  drifts = s.route_switch.look({}, s.now + 4s);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].foreign);
  CHECK(drifts[0].repaired);
  CHECK(s.route_switch.look({}, s.now + 5s).empty());
  CHECK(ours() == stood);
}

TEST_CASE("switch kernel: a link that goes and comes back is followed without counting as drift") {
  LK_ENTER_SITE();
  Site s;
  s.applied(site("fiber", "coax"));
  const std::string stood = shown("ip nexthop");
  const int wan0 = static_cast<int>(if_nametoindex("wan0"));
  for (int i = 0; i < 5; ++i) {
    REQUIRE(run("ip link set wan0 down") == 0);
    CHECK(s.route_switch.look({wan0}, s.now).empty());
    CHECK(shown("ip route show table 7101") == "unreachable default proto 178 metric 4294967294 \n");
    CHECK(s.where(0) == "fiber");  // told so, though the kernel has flushed it
    CHECK(s.where(1) == "coax");
    REQUIRE(run("ip link set wan0 up") == 0);
    CHECK(s.route_switch.look({wan0}, s.now).empty());
    CHECK(shown("ip nexthop") == stood);
  }
  // No carrier: the far end goes. Moving there is held back, leaving is not.
  REQUIRE(run("ip link set far0 down") == 0);
  CHECK(std::get<Applied>(s.send(site("fiber", "fiber"))).held.at(0).guard == "last_path");
  CHECK(s.where(1) == "coax");
  // From "fiber" or from "not steered": the kernel flushes the dead way within a second (its link watch), not at once.
  CHECK(s.applied(site("coax", "coax")).front().ends_with(" -> coax"));
  CHECK(s.where(0) == "coax");
}

TEST_CASE("switch kernel: an interface that is made anew is followed by its name") {
  LK_ENTER_SITE();
  Site s;
  s.applied(site("fiber", "coax"));
  REQUIRE(run("ip link del wan0") == 0);
  CHECK(s.route_switch.look({}, s.now).empty());
  REQUIRE(run("ip link add wan0 type veth peer name far0") == 0);
  REQUIRE(run("ip link set far0 up") == 0);
  REQUIRE(run("ip link set wan0 up") == 0);
  const int wan0 = static_cast<int>(if_nametoindex("wan0"));
  CHECK(s.route_switch.look({wan0}, s.now).empty());
  CHECK(s.where(0) == "fiber");
  CHECK(shown("ip route show table 7101").find("src") == std::string::npos);  // its address is not there yet
  REQUIRE(run("ip address add 10.0.1.2/24 dev wan0") == 0);
  CHECK(s.route_switch.look({wan0}, s.now).empty());
  CHECK(shown("ip route show table 7101").find("src 10.0.1.2") != std::string::npos);
}

TEST_CASE("switch kernel: a restart adopts what stands and changes nothing, the generation is not forgotten (I13, I21)") {
  LK_ENTER_SITE();
  Site s;
  s.applied(site("fiber", "coax"));
  const std::string stood = ours();
  Witness witness;
  s.restart();
  CHECK(s.where(0) == "fiber");
  CHECK(std::get<StateReply>(s.route_switch.hello()).generation == 1);
  CHECK(s.route_switch.look({}, s.now).empty());
  CHECK(std::get<Refused>(s.route_switch.apply(plan(1, site("coax", "coax")), s.now)).guard == "stale_generation");
  CHECK(s.applied(site("fiber", "coax")).empty());
  CHECK(witness.count() == 0);
  CHECK(ours() == stood);
  // Its memory lost too: the kernel still says which class table goes where.
  unlink((s.folder / "state").c_str());
  s.restart();
  const auto state = std::get<StateReply>(s.route_switch.hello());
  REQUIRE(state.classes.size() == 2);
  CHECK(state.classes[0].table == 7201);
  CHECK(state.classes[0].interface == "wan0");
  CHECK(s.route_switch.look({}, s.now).empty());
  CHECK(std::get<Refused>(s.send(site("", "coax"))).guard == "last_path");
  CHECK(s.applied(site("fiber", "coax")).empty());
  CHECK(witness.count() == 0);
}

TEST_CASE("switch kernel: refused plans touch nothing (I1, I3, I11, I21)") {
  LK_ENTER_SITE();
  Site s;
  s.applied(site("fiber", "coax"));
  REQUIRE(run("ip rule add priority 7450 from 172.31.0.0/16 lookup main protocol 3") == 0);
  const std::string stood = ours() + everything_else();
  Witness witness;
  const Reply r = s.send(site("coax", "coax"));
  CHECK(std::get<Refused>(r).why.find("rule 7450: from 172.31.0.0/16 lookup main proto 3 stands inside our ranges") == 0);
  run("ip rule del priority 7450");
  CHECK(witness.count() == 1);  // that removal
  CHECK(std::get<Refused>(s.send({})).guard == "last_path");
  CHECK(std::get<Refused>(s.send(site("", "coax"))).guard == "last_path");
  CHECK(std::get<Refused>(s.route_switch.apply(plan(1, site("coax", "coax")), s.now)).guard == "stale_generation");
  for (int i = 0; i < 3; ++i)
    CHECK(std::holds_alternative<Applied>(s.route_switch.apply(plan(++s.generation, site(i % 2 == 0 ? "coax" : "fiber", "coax")), s.now + 2h)));
  witness.count();
  const Reply limited = s.route_switch.apply(plan(++s.generation, site("fiber", "coax")), s.now + 2h);
  CHECK(std::get<Applied>(limited).changes.empty());
  REQUIRE(std::get<Applied>(limited).held.size() == 1);
  CHECK(std::get<Applied>(limited).held[0].guard == "rate_limit");
  CHECK(std::get<Applied>(limited).held[0].circuit == "coax");
  CHECK(witness.count() == 0);
  // The other class of such a plan is moved all the same.
  const Reply rest = s.route_switch.apply(plan(++s.generation, site("fiber", "fiber")), s.now + 2h);
  CHECK(std::get<Applied>(rest).changes == std::vector<std::string>{"class data: coax -> fiber"});
  CHECK(s.where(0) == "coax");
}

TEST_CASE("switch kernel: a rule of somebody else's that takes the traffic first is found by asking, and the move is put back") {
  LK_ENTER_SITE();
  Site s;
  s.applied(site("fiber", "coax"));
  run("ip route add default dev wan0 table 100");
  run("ip rule add priority 100 fwmark 0x10 lookup 100");
  const std::string stood = ours();
  const Reply r = s.send(site("coax", "coax"));
  REQUIRE(std::holds_alternative<Failed>(r));
  CHECK(std::get<Failed>(r).why.find("table 100 decides") != std::string::npos);
  CHECK(std::get<Failed>(r).why.find("what stood was put back") != std::string::npos);
  CHECK(ours() == stood);
  CHECK(s.where(0) == "fiber");
  // The other class is not held back by it, only remarked upon.
  const auto changes = s.applied(site("fiber", "fiber"));
  CHECK(changes.front() == "class data: coax -> fiber");
  CHECK(changes.back().find("class voice is seen not to go by fiber") == 0);
}

TEST_CASE("switch kernel: classes by source and by incoming interface are proven by asking as the forwarded packet would") {
  LK_ENTER_SITE();
  Site s;
  Desired d = site("fiber", "coax");
  d.classes[0].mark.reset();
  d.classes[0].source = net("10.77.0.128/25");
  d.classes.insert(d.classes.begin() + 1,
                   {.name = "lan", .table = 7203, .circuit = "coax", .escape = false, .mark = {}, .source = {}, .incoming_interface = "lan0"});
  for (const std::string& c : s.applied(d)) {
    INFO(c);
    CHECK(c.find("not proven") == std::string::npos);
  }
  Kernel kernel = Kernel::open().value();
  const KernelState state = kernel.read({}).value();
  CHECK(prove(kernel, d.classes[0], {state.link("wan0")->ifindex}, d, state).proof == Proof::Proven);
  CHECK(prove(kernel, d.classes[0], {state.link("wan1")->ifindex}, d, state).proof == Proof::Contradicted);
  d.classes[1].incoming_interface = "lan9";
  CHECK(prove(kernel, d.classes[1], {state.link("wan1")->ifindex}, d, state).proof == Proof::Unproven);
}

TEST_CASE("switch kernel: a circuit and a class that left the configuration go, and remove-everything leaves nothing of ours") {
  LK_ENTER_SITE();
  const std::string empty = shown("ip rule") + shown("ip nexthop") + shown("ip -4 route show table all");
  Site s;
  s.applied(site("fiber", "coax"));
  Apply p = plan(++s.generation, site("fiber", "fiber"));
  p.desired.circuits.pop_back();
  p.desired.classes.erase(p.desired.classes.begin());
  CHECK(std::get<Refused>(s.route_switch.apply(p, s.now)).guard == "last_path");
  p.generation = ++s.generation;
  p.retired_classes = {"voice"};
  CHECK(std::holds_alternative<Applied>(s.route_switch.apply(p, s.now)));
  CHECK(shown("ip route show table 7102").empty());
  CHECK(shown("ip rule").find("7201") == std::string::npos);
  s.restart();
  const auto removed = s.route_switch.remove_everything();
  REQUIRE(removed);
  CHECK(removed->size() == 9);
  CHECK(shown("ip rule") + shown("ip nexthop") + shown("ip -4 route show table all") == empty);
}

TEST_CASE("switch: the gateway of a circuit of the last plan is asked on the daemon's word, each once a second, and no route is touched") {
  LK_ENTER_SITE();
  Site s;
  CHECK_FALSE(s.route_switch.ask_gateway({.circuit = "fiber"}, s.now));  // no plan yet
  s.applied(site("fiber", "coax"));
  const std::string before = ours() + everything_else();
  run("ip neighbour replace 10.0.1.1 lladdr 02:00:00:00:00:01 dev wan0 nud reachable");
  const auto asked = [&](const char* circuit) { return s.route_switch.ask_gateway({.circuit = circuit}, s.now); };
  CHECK(asked("fiber"));
  CHECK(shown("ip neighbour show 10.0.1.1 dev wan0").find("PROBE") != std::string::npos);
  CHECK_FALSE(asked("coax"));  // its entry was set by hand
  CHECK_FALSE(asked("dsl"));
  run("ip neighbour replace 10.0.1.1 lladdr 02:00:00:00:00:01 dev wan0 nud reachable");
  s.now += 1s - 1ns;
  CHECK_FALSE(asked("fiber"));
  s.now += 1ns;
  CHECK(asked("fiber"));
  CHECK(ours() + everything_else() == before);
}

}  // namespace linekeeper::route
