// Connections in progress against the real kernel: what a flow of packets does, not what the tables say.
#include <doctest/doctest.h>
#include <net/if.h>

#include <thread>

#include "tests/unit/flow_switch_fixture.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;
using namespace std::chrono_literals;

struct Flowing : FlowSwitchUnderTest {
  std::optional<Echo> echo;

  Flowing() {
    if (!why_not.empty()) return;
    echo.emplace(world);
    restart();
  }

  /// Both circuits translate; everything goes by one class.
  static Desired site(const char* by) {
    Desired d = fixture::site(by, by);
    d.flow_mask = kMask;
    d.circuits[0].nat.kind = Nat::Kind::Masquerade;
    d.circuits[1].nat.kind = Nat::Kind::Masquerade;
    d.classes[0].drain = 2h;
    d.classes[1].drain = 2h;
    return d;
  }
};

constexpr const char* kByFiber = "10.0.1.2";
constexpr const char* kByCoax = "10.0.2.2";

}  // namespace

#define LK_FLOWING(name) LK_FLOWS(Flowing, name)

TEST_CASE("flows kernel: a planned move leaves the old flow where it is and sends a new one the new way, until the drain time is over") {
  LK_FLOWING(s);
  s.apply(Flowing::site("fiber"));
  const Talk call(s.lan, 4000);
  REQUIRE(call.seen_as() == kByFiber);
  CHECK(s.marked(1) == 1);
  s.apply(Flowing::site("coax"));
  const Flows told = s.tend();
  REQUIRE(told.draining.size() == 1);
  CHECK(told.draining[0].traffic_class == "data");
  CHECK(told.draining[0].circuit == "fiber");
  CHECK(told.draining[0].flows == 1);
  CHECK(told.draining[0].left == 2h);
  const Talk fresh(s.lan, 4001);
  for (int i = 0; i < 3; ++i) {
    CHECK(call.seen_as() == kByFiber);
    CHECK(fresh.seen_as() == kByCoax);
  }
  // A restart keeps both the marks and the deadline.
  s.restart();
  s.now += 2h - 1s;
  CHECK(s.tend().cut.empty());
  CHECK(call.seen_as() == kByFiber);
  s.now += 1s;
  const Flows over = s.tend();
  REQUIRE(over.cut.size() == 1);
  CHECK(over.cut[0].why == "deadline");
  CHECK(over.cut[0].flows == 1);
  CHECK(over.draining.empty());
  CHECK(call.seen_as() == kByCoax);
  CHECK(fresh.seen_as() == kByCoax);
  CHECK(s.marked(1) == 0);
}

TEST_CASE("flows kernel: a flow of a dead circuit appears on the other with its next packet; one whose source is pinned there stays") {
  LK_FLOWING(s);
  s.lan.go();
  run("ip address add 10.77.0.6/24 dev far2");
  s.lan.back();
  Desired d = Flowing::site("fiber");
  d.circuits[0].pinned_sources = {net("10.77.0.6")};
  s.apply(d);
  const Talk call(s.lan, 4000);
  const Talk pinned(s.lan, 4000, "10.77.0.6");
  REQUIRE(call.seen_as() == kByFiber);
  REQUIRE(pinned.seen_as() == kByFiber);
  d.classes[0].circuit = d.classes[1].circuit = "coax";
  d.circuits[0].dead = true;
  d.classes[0].escape = d.classes[1].escape = true;
  s.apply(d);
  const Flows told = s.tend();
  REQUIRE(told.cut.size() == 1);
  CHECK(told.cut[0].why == "dead");
  CHECK(told.cut[0].traffic_class == "data");
  CHECK(told.cut[0].flows == 1);
  CHECK_FALSE(told.cut[0].strays);
  CHECK(call.seen_as() == kByCoax);
  CHECK(pinned.seen_as() == kByFiber);
  CHECK(s.marked(1) == 1);
  CHECK(s.marked(2) == 1);
  // Strays are looked for twice more, and then it is over.
  CHECK(s.route_switch->next_tending() == s.now + 1s);
  s.now += 1s;
  CHECK(s.tend().cut.empty());
  CHECK(s.route_switch->next_tending() == s.now + 4s);
  s.now += 4s;
  CHECK(s.tend().cut.empty());
  CHECK_FALSE(s.route_switch->next_tending());
  CHECK(call.seen_as() == kByCoax);
}

TEST_CASE("flows kernel: where nothing is translated a flow of a dead circuit is led over as it is, and begins nothing anew") {
  LK_FLOWING(s);
  Desired d = Flowing::site("fiber");
  for (DesiredCircuit& c : d.circuits) c.nat = {};
  s.apply(d);
  s.lan.go();
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(fd >= 0);
  const sockaddr_in to = udp_address("198.51.100.7", 10000);
  sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  s.lan.back();
  REQUIRE(s.marked(1) == 1);
  d.classes[0].circuit = d.classes[1].circuit = "coax";
  d.circuits[0].dead = true;
  d.classes[0].escape = d.classes[1].escape = true;
  SUBCASE("neither way") {
    s.apply(d);
    const Flows told = s.tend();
    REQUIRE(told.cut.size() == 1);
    CHECK(told.cut[0].flows == 1);
    CHECK(s.marked(1) == 0);
    CHECK(s.marked(2) == 1);
  }
  SUBCASE("but by the other way sources are translated: it is deleted") {
    d.circuits[1].nat.kind = Nat::Kind::Masquerade;
    s.apply(d);
    CHECK(s.tend().cut.size() == 1);
    CHECK(s.marked(1) == 0);
    CHECK(s.marked(2) == 0);
  }
  close(fd);
}

TEST_CASE("flows kernel: a circuit that dies while flows drain on it gives them up at once") {
  LK_FLOWING(s);
  s.apply(Flowing::site("fiber"));
  const Talk call(s.lan, 4000);
  REQUIRE(call.seen_as() == kByFiber);
  s.apply(Flowing::site("coax"));
  CHECK(s.tend().draining.size() == 1);
  Desired d = Flowing::site("coax");
  d.circuits[0].dead = true;
  s.apply(d);
  REQUIRE(s.tend().cut.size() == 1);
  CHECK(call.seen_as() == kByCoax);
}

TEST_CASE("flows kernel: going home ends the drain, and what had begun on the other circuit drains there") {
  LK_FLOWING(s);
  s.apply(Flowing::site("fiber"));
  const Talk first(s.lan, 4000);
  REQUIRE(first.seen_as() == kByFiber);
  s.apply(Flowing::site("coax"));
  (void)s.tend();
  const Talk second(s.lan, 4001);
  REQUIRE(second.seen_as() == kByCoax);
  s.apply(Flowing::site("fiber"));
  const Flows told = s.tend();
  REQUIRE(told.draining.size() == 1);
  CHECK(told.draining[0].circuit == "coax");
  CHECK(first.seen_as() == kByFiber);
  CHECK(second.seen_as() == kByCoax);
}

TEST_CASE("flows kernel: nothing is deleted when the other circuit is dead or has no link (I8)") {
  LK_FLOWING(s);
  s.apply(Flowing::site("fiber"));
  const Talk call(s.lan, 4000);
  REQUIRE(call.seen_as() == kByFiber);
  s.apply(Flowing::site("coax"));
  (void)s.tend();
  Desired d = Flowing::site("coax");
  d.circuits[0].dead = d.circuits[1].dead = true;
  s.apply(d);
  CHECK(s.tend().cut.empty());
  CHECK(call.seen_as() == kByFiber);
  // The other has come back to life, but its link has gone just now.
  run("ip link set wan1 down");
  s.now += 5s;
  CHECK(s.tend().cut.empty());
  CHECK(s.marked(1) == 1);
}

TEST_CASE("flows kernel: connections of an address that is gone are deleted once there is another; those with the new one stay") {
  LK_FLOWING(s);
  Desired d = Flowing::site("fiber");
  d.circuits[0].nat.kind = Nat::Kind::Off;
  // A translation of the site's own: what the kernel masquerades it forgets by itself when the address goes.
  const auto translate_to = [](const char* address) {
    run("nft delete table ip of-the-site");
    run("nft add table ip of-the-site");
    run("nft add chain ip of-the-site c { type nat hook postrouting priority 100 ; }");
    REQUIRE(run(std::string("nft add rule ip of-the-site c oifname wan0 snat to ") + address) == 0);
  };
  translate_to(kByFiber);
  s.apply(d);
  const Talk call(s.lan, 4000);
  REQUIRE(call.seen_as() == kByFiber);
  REQUIRE(run("ip address add 10.0.1.9/24 dev wan0") == 0);
  d.circuits[0].source = ip("10.0.1.9");
  s.apply(d);
  CHECK(s.tend().cut.empty());  // the interface still has the old one too
  CHECK(call.seen_as() == kByFiber);
  REQUIRE(run("ip address del 10.0.1.2/24 dev wan0") == 0);
  REQUIRE(run("ip address replace 10.0.1.9/24 dev wan0") == 0);
  (void)s.route_switch->look({static_cast<int>(if_nametoindex("wan0"))}, s.now);
  translate_to("10.0.1.9");
  const Talk fresh(s.lan, 4001);
  REQUIRE(fresh.seen_as() == "10.0.1.9");
  CHECK(s.marked(1) == 2);
  s.now += 5s;
  const Flows told = s.tend();
  REQUIRE(told.cut.size() == 1);
  CHECK(told.cut[0].why == "address");
  CHECK(told.cut[0].circuit == "fiber");
  CHECK(told.cut[0].flows == 1);
  CHECK(s.marked(1) == 1);
  CHECK(call.seen_as() == "10.0.1.9");
}

TEST_CASE("flows kernel: a foreign flush of the ruleset is put back, counted, and given up after three times; flows go on (I11)") {
  LK_FLOWING(s);
  s.apply(Flowing::site("fiber"));
  REQUIRE(run("nft add table ip of-the-site") == 0);
  const Talk call(s.lan, 4000);
  REQUIRE(call.seen_as() == kByFiber);
  const std::string stood = shown("nft list table ip linekeeper");
  for (int i = 0; i < 3; ++i) {
    REQUIRE(run("nft flush ruleset") == 0);
    const auto drifts = s.route_switch->look({}, s.now + 1s * i);
    REQUIRE(drifts.size() == 1);
    CHECK(drifts[0].repaired);
    CHECK(drifts[0].what == "nftables table ip linekeeper was removed (flush ruleset?)");
    CHECK(shown("nft list table ip linekeeper") == stood);
    CHECK(call.seen_as() == kByFiber);
  }
  CHECK(shown("nft list tables").find("of-the-site") == std::string::npos);  // not ours to bring back
  REQUIRE(run("nft flush ruleset") == 0);
  const auto drifts = s.route_switch->look({}, s.now + 5s);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].gave_up);
  CHECK(s.route_switch->look({}, s.now + 6s).empty());
  CHECK(s.tend().problem.find("is left alone") != std::string::npos);
  CHECK(shown("ip route get 198.51.100.7").find("dev wan0") != std::string::npos);
}

TEST_CASE("flows kernel: a changed rule is drift too, the tables of others are never touched, and a restart changes nothing") {
  LK_FLOWING(s);
  REQUIRE(run("nft add table ip of-the-site") == 0);
  REQUIRE(run("nft add chain ip of-the-site c") == 0);
  const std::string theirs = shown("nft list table ip of-the-site");
  s.apply(Flowing::site("fiber"));
  REQUIRE(run("nft add rule ip linekeeper postrouting counter") == 0);
  const auto drifts = s.route_switch->look({}, s.now);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].what == "nftables table ip linekeeper was changed");
  const std::string stood = shown("nft -a list table ip linekeeper");
  s.restart();
  CHECK(s.route_switch->look({}, s.now).empty());
  s.apply(Flowing::site("fiber"));
  CHECK(shown("nft -a list table ip linekeeper") == stood);  // the very same, handles included
  CHECK(shown("nft list table ip of-the-site") == theirs);
  REQUIRE(s.route_switch->remove_everything());
  CHECK(shown("nft list tables") == "table ip of-the-site\n");
}

TEST_CASE("flows kernel: a table of our name that is not ours is left alone and said, and the site is steered all the same (I11)") {
  LK_FLOWING(s);
  REQUIRE(run("nft add table ip linekeeper") == 0);
  s.apply(Flowing::site("fiber"));
  CHECK(s.tend().problem.find("not made by us") != std::string::npos);
  CHECK(shown("nft list table ip linekeeper") == "table ip linekeeper {\n}\n");
  CHECK(shown("ip route get 198.51.100.7").find("dev wan0") != std::string::npos);
  // Once it is gone, ours is put at the next look, and that is no drift.
  REQUIRE(run("nft delete table ip linekeeper") == 0);
  CHECK(s.route_switch->look({}, s.now).empty());
  CHECK(shown("nft list table ip linekeeper").find("masquerade") != std::string::npos);
  CHECK(s.tend().problem.empty());
}

TEST_CASE("flows kernel: a circuit without link keeps nothing: its flows go as their class does, and the rule is back with the link") {
  LK_FLOWING(s);
  s.apply(Flowing::site("fiber"));
  const std::string stood = shown("ip rule");
  CHECK(stood.find("from all fwmark 0x10000/0xf0000 lookup 7101") != std::string::npos);
  const int wan0 = static_cast<int>(if_nametoindex("wan0"));
  s.apply(Flowing::site("coax"));
  for (int i = 0; i < 5; ++i) {
    REQUIRE(run("ip link set wan0 down") == 0);
    CHECK(s.route_switch->look({wan0}, s.now).empty());
    CHECK(shown("ip rule").find("lookup 7101") != std::string::npos);  // by device and source, still
    CHECK(shown("ip rule").find("fwmark 0x10000/0xf0000") == std::string::npos);
    REQUIRE(run("ip link set wan0 up") == 0);
    CHECK(s.route_switch->look({wan0}, s.now).empty());
    CHECK(shown("ip rule").find("7110:\tfrom all fwmark 0x10000/0xf0000 lookup 7101") != std::string::npos);
  }
}

TEST_CASE("flows kernel: two classes on one circuit: one leaves, and only its own connections are deleted at the deadline") {
  LK_FLOWING(s);
  Desired d = Flowing::site("fiber");
  d.classes[0].mark.reset();
  d.classes[0].source = net("10.77.0.6");
  s.lan.go();
  run("ip address add 10.77.0.6/24 dev far2");
  s.lan.back();
  s.apply(d);
  const Talk data(s.lan, 4000);
  REQUIRE(data.seen_as() == kByFiber);
  d.classes[1].circuit = "coax";
  d.classes[1].drain = 0s;
  s.lan.go();
  s.lan.back();
  s.apply(d);
  const Flows told = s.tend();
  REQUIRE(told.cut.size() == 1);
  CHECK(told.cut[0].traffic_class == "data");
  CHECK(data.seen_as() == kByCoax);
}

TEST_CASE("flows kernel: what came in by a circuit is answered by it, whatever its class does, and is never deleted") {
  LK_FLOWING(s);
  s.apply(Flowing::site("coax"));
  // The world reaches the LAN through the fiber.
  s.world.go();
  run("ip route add 10.77.0.0/24 via 10.0.1.2 dev far0");
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(fd >= 0);
  const sockaddr_in to = udp_address("10.77.0.5", 5060);
  const sockaddr_in from = udp_address("10.0.1.1", 5060);
  REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
  REQUIRE(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  s.world.back();
  s.lan.go();
  const int inside = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(inside >= 0);
  REQUIRE(bind(inside, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  REQUIRE(connect(inside, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
  s.lan.back();
  REQUIRE(send(fd, "invite", 6, 0) == 6);
  char text[16];
  pollfd p{inside, POLLIN, 0};
  REQUIRE(poll(&p, 1, 500) == 1);
  REQUIRE(recv(inside, text, sizeof text, 0) == 6);
  CHECK(s.marked(1) == 1);
  REQUIRE(send(inside, "ok", 2, 0) == 2);
  pollfd back{fd, POLLIN, 0};
  CHECK(poll(&back, 1, 500) == 1);
  close(fd);
  close(inside);
}

TEST_CASE("flows kernel: a call in progress whose answer is the first packet that is seen goes on as its class does, and is no call from outside") {
  LK_FLOWING(s);
  const sockaddr_in outside = udp_address("10.0.1.1", 5060), inside = udp_address("10.77.0.5", 5060);
  const auto talker = [](Beside& side, const sockaddr_in& own, const sockaddr_in& other) {
    side.go();
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    REQUIRE(connect(fd, reinterpret_cast<const sockaddr*>(&other), sizeof other) == 0);
    side.back();
    return fd;
  };
  s.world.go();
  run("ip route add 10.77.0.0/24 via 10.0.1.2 dev far0");
  s.world.back();
  const int far = talker(s.world, outside, inside), near = talker(s.lan, inside, outside);
  Desired plain = Flowing::site("fiber");
  for (auto& c : plain.circuits) c.nat.kind = Nat::Kind::Off;
  std::thread call([&] {  // while the table is put: an answer, and then the next word
    std::this_thread::sleep_for(30ms);
    CHECK(send(far, "answer", 6, 0) == 6);
    std::this_thread::sleep_for(30ms);
    CHECK(send(near, "word", 4, 0) == 4);
  });
  s.apply(plain);
  call.join();
  const FlowMarks marks(kMask);
  auto conntrack = Conntrack::open().value();
  CHECK(conntrack.find(model::Family::V4, marks.value(1), marks.circuit_mask(), 0).value().count == 1);
  CHECK(conntrack.find(model::Family::V4, marks.value(1), marks.mask(), 0).value().count == 0);  // begun from outside: it has no class
  close(far);
  close(near);
}

TEST_CASE("flows kernel: the bits of the marks are moved by a reload, and flows in progress keep to their circuit") {
  LK_FLOWING(s);
  s.apply(Flowing::site("fiber"));
  const Talk call(s.lan, 4000);
  REQUIRE(call.seen_as() == kByFiber);
  s.apply(Flowing::site("coax"));
  Desired d = Flowing::site("coax");
  d.flow_mask = 0x3f000000;
  s.apply(d);
  CHECK(call.seen_as() == kByFiber);
  CHECK(Conntrack::open().value().find(model::Family::V4, 0x11000000, d.flow_mask, 0).value().count ==
        1);  // 0x11000000: class 2 of circuit 1, three bits each
}

TEST_CASE("flows kernel: a fixed address is what the far end sees; the circuit's own address is left alone") {
  LK_FLOWING(s);
  REQUIRE(run("ip address add 10.0.2.9/32 dev wan1") == 0);
  Desired d = Flowing::site("coax");
  d.flow_mask = 0;  // translation alone, without marks
  d.circuits[1].nat = {.kind = Nat::Kind::Fixed, .address = ip("10.0.2.9")};
  s.apply(d);
  const Talk call(s.lan, 4000);
  CHECK(call.seen_as() == "10.0.2.9");
  const std::string shows = shown("nft list table ip linekeeper");
  CHECK(shows.find("oifname \"wan1\" ip saddr != 10.0.2.2 snat to 10.0.2.9") != std::string::npos);
  CHECK(shows.find("ct mark") == std::string::npos);
}

TEST_CASE("flows kernel: the table stands in the kernel as it is documented") {
  LK_FLOWING(s);
  Desired d = Flowing::site("fiber");
  d.classes[0].source = net("10.77.0.128/25");
  d.classes[0].incoming_interface = "lan0";
  s.apply(d);
  const std::string shows = shown("nft -n list table ip linekeeper");
  INFO(shows);
  for (const char* line :
       {"comment \"connections keep to their circuit; written by linekeeper-switch\"", "type filter hook prerouting priority -149; policy accept;",
        "type route hook output priority -149; policy accept;", "type nat hook postrouting priority 100; policy accept;", "goto leave-2",
        "meta mark & 0xff00ffff == 0x00000010 ip saddr 10.77.0.128/25 iifname \"lan0\" ct mark set ct mark & 0xff1fffff | 0x00100000 return",
        "iifname \"wan0\" ct mark & 0x00ff0000 == 0x00000000 ct state 0x8 ct mark set ct mark & 0xff01ffff | 0x00010000",
        "oifname \"wan1\" ip saddr != 10.0.2.2 masquerade"})
    CHECK_MESSAGE(shows.find(line) != std::string::npos, line);
}

TEST_CASE("flows kernel: five thousand flows of a dead circuit are deleted in bounded turns") {
  LK_FLOWING(s);
  s.apply(Flowing::site("fiber"));
  s.lan.go();
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(fd >= 0);
  for (std::uint16_t port = 10000; port < 15000; ++port) {
    const sockaddr_in to = udp_address("198.51.100.7", port);
    sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  close(fd);
  s.lan.back();
  const std::uint64_t all = s.marked(1);
  REQUIRE(all > 4500);
  Desired d = Flowing::site("coax");
  d.circuits[0].dead = true;
  s.apply(d);
  std::uint64_t deleted = 0;
  int turns = 0;
  std::int64_t slowest = 0;
  while (s.route_switch->next_tending().value_or(model::kNever) <= s.now) {
    const auto start = std::chrono::steady_clock::now();
    const Flows told = s.tend();
    slowest = std::max(slowest, std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count());
    REQUIRE(told.cut.size() == 1);
    CHECK(told.cut[0].flows <= 1000);
    deleted += told.cut[0].flows;
    ++turns;
  }
  std::cout << "{\"flows\":" << all << ",\"turns\":" << turns << ",\"slowest_turn_us\":" << slowest << "}\n";
  CHECK(deleted == all);
  CHECK(turns == 5);
  CHECK(s.marked(1) == 0);
}

}  // namespace linekeeper::route
