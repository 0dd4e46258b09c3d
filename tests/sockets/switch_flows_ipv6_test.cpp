// Connections in progress of IPv6 against the real kernel: kept, drained, deleted, translated as those of IPv4 are, and apart from them.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <net/if.h>

#include "tests/unit/flow_switch_fixture.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;
using namespace std::chrono_literals;
using model::Family;

constexpr const char* kFar = "2001:db8:5::7";

sockaddr_in6 udp6(const char* address, std::uint16_t port) {
  sockaddr_in6 a{};
  a.sin6_family = AF_INET6;
  a.sin6_port = htons(port);
  inet_pton(AF_INET6, address, &a.sin6_addr);
  return a;
}

int bound(const char* address, std::uint16_t port) {
  const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(fd >= 0);
  const sockaddr_in6 here = udp6(address, port);
  REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0);
  return fd;
}

/// The site of flow_site.hpp with IPv6 on everything, and the far host at the end of both circuits. Who sends to it is told where the packet
/// came by and from whom: without translation an address says nothing of the way.
struct Dual : FlowSwitchUnderTest {
  int far = -1;

  Dual() {
    if (!why_not.empty()) return;
    // Without duplicate address detection: for a second the kernel would have no link-local address to ask for a gateway with.
    for (const char* command : {"sysctl -qw net.ipv6.conf.all.accept_dad=0", "sysctl -qw net.ipv6.conf.wan0.accept_dad=0",
                                "sysctl -qw net.ipv6.conf.wan1.accept_dad=0", "ip link set wan0 down", "ip link set wan1 down", "ip link set wan0 up",
                                "ip link set wan1 up", "sysctl -qw net.ipv6.conf.all.forwarding=1", "ip address add 2001:db8:1::2/64 dev wan0 nodad",
                                "ip address add 2001:db8:2::2/64 dev wan1 nodad", "ip address add fd00:77::1/64 dev lan0 nodad"})
      if (run(command) != 0) why_not = std::string("no IPv6 here: ") + command;
    world.go();
    for (const char* command : {"ip address add 2001:db8:5::7/128 dev lo nodad", "ip address add 2001:db8:1::1/64 dev far0 nodad",
                                "ip address add 2001:db8:2::1/64 dev far1 nodad", "ip -6 route add fd00:77::/64 via 2001:db8:1::2"})
      run(command);
    if (why_not.empty()) far = bound(kFar, 7);
    const int on = 1;
    setsockopt(far, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    world.back();
    lan.go();
    for (const char* command : {"ip address add fd00:77::5/64 dev far2 nodad", "ip -6 route add default via fd00:77::1"}) run(command);
    lan.back();
    restart();
  }
  ~Dual() { close(far); }

  static Desired site(const char* by, Nat::Kind nat = Nat::Kind::Off) {
    Desired d;
    d.flow_mask = kMask;
    d.circuits = {fiber(), coax()};
    d.classes = {everything("fiber")};
    for (std::uint32_t i = 0; i < 2; ++i) {
      DesiredCircuit c = d.circuits[i];
      c.name += "-ipv6";
      c.family = Family::V6;
      c.table += 200;
      c.gateway = ip(i == 0 ? "2001:db8:1::1" : "2001:db8:2::1");
      c.source = ip(i == 0 ? "2001:db8:1::2" : "2001:db8:2::2");
      c.pinned_sources.clear();
      c.mark.reset();
      c.nat.kind = nat;
      d.circuits.push_back(c);
    }
    DesiredClass six = everything(by);
    six.name = "data-ipv6";
    six.family = Family::V6;
    six.table = 7402;
    d.classes.push_back(six);
    for (DesiredClass& c : d.classes) c.drain = 2h;
    return d;
  }
};

/// One flow of the host on the LAN.
struct Talk6 {
  const Dual& s;
  int fd;
  Talk6(const Dual& in, std::uint16_t port) : s(in) {
    s.lan.go();
    fd = bound("fd00:77::5", port);
    s.lan.back();
  }
  Talk6(const Talk6&) = delete;
  Talk6& operator=(const Talk6&) = delete;
  ~Talk6() { close(fd); }

  struct Seen {
    std::string device, source;
  };
  /// Where a packet of it arrived, and as whose.
  [[nodiscard]] Seen seen() const {
    static std::uint32_t asked = 0;
    ++asked;  // what comes late of an earlier question is none of this one's
    const sockaddr_in6 to = udp6(kFar, 7);
    std::uint32_t heard = 0;
    char text[INET6_ADDRSTRLEN] = "", device[IF_NAMESIZE] = "?";
    char control[CMSG_SPACE(sizeof(in6_pktinfo))];
    sockaddr_in6 from{};
    iovec part{&heard, sizeof heard};
    msghdr m{};
    // Several times, because the kernel drops what is sent while it still brings a link up.
    for (int i = 0; i < 8 && heard != asked; ++i) {
      sendto(fd, &asked, sizeof asked, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
      for (pollfd p{s.far, POLLIN, 0}; heard != asked && poll(&p, 1, 300) == 1;) {
        m = {.msg_name = &from,
             .msg_namelen = sizeof from,
             .msg_iov = &part,
             .msg_iovlen = 1,
             .msg_control = control,
             .msg_controllen = sizeof control,
             .msg_flags = 0};
        if (recvmsg(s.far, &m, 0) < 0) return {"nowhere", ""};
      }
    }
    if (heard != asked) return {"nowhere", ""};
    in6_pktinfo info{};
    if (const cmsghdr* c = CMSG_FIRSTHDR(&m); c != nullptr) std::memcpy(&info, CMSG_DATA(c), sizeof info);
    s.world.go();
    if_indextoname(info.ipi6_ifindex, device);
    s.world.back();
    inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text);
    return {device, text};
  }
  [[nodiscard]] std::string way() const { return seen().device; }
};

constexpr const char* kFiber = "far0";
constexpr const char* kCoax = "far1";

}  // namespace

#define LK_DUAL(name) LK_FLOWS(Dual, name)

TEST_CASE("flows IPv6: a planned move leaves the old flow where it is and sends a new one the new way, until the drain time is over") {
  LK_DUAL(s);
  s.apply(Dual::site("fiber-ipv6"));
  const Talk6 call(s, 4000);
  REQUIRE(call.way() == kFiber);
  CHECK(call.seen().source == "fd00:77::5");  // nothing is translated that was not asked for
  CHECK(s.marked(1, Family::V6) == 1);
  CHECK(s.marked(1, Family::V4) == 0);
  s.apply(Dual::site("coax-ipv6"));
  const Flows told = s.tend();
  REQUIRE(told.draining.size() == 1);
  CHECK(told.draining[0].traffic_class == "data-ipv6");
  CHECK(told.draining[0].circuit == "fiber-ipv6");
  CHECK(told.draining[0].flows == 1);
  const Talk6 fresh(s, 4001);
  for (int i = 0; i < 3; ++i) {
    CHECK(call.way() == kFiber);
    CHECK(fresh.way() == kCoax);
  }
  s.restart();
  s.now += 2h - 1s;
  CHECK(s.tend().cut.empty());
  CHECK(call.way() == kFiber);
  s.now += 1s;
  const Flows over = s.tend();
  REQUIRE(over.cut.size() == 1);
  CHECK(over.cut[0].why == "deadline");
  CHECK(over.cut[0].traffic_class == "data-ipv6");
  CHECK(call.way() == kCoax);
  CHECK(s.marked(1, Family::V6) == 0);
}

TEST_CASE("flows IPv6: those of a dead circuit are deleted, and IPv4's of the same number are not") {
  LK_DUAL(s);
  Desired d = Dual::site("fiber-ipv6");
  s.apply(d);
  const Talk6 call(s, 4000);
  const Talk four(s.lan, 4000);
  REQUIRE(call.way() == kFiber);
  (void)four.seen_as();  // no way back without translation, and none is needed to be marked
  REQUIRE(s.marked(1, Family::V4) == 1);
  REQUIRE(s.marked(1, Family::V6) == 1);
  d.classes[1].circuit = "coax-ipv6";
  d.classes[1].escape = true;
  d.circuits[2].dead = true;
  s.apply(d);
  const Flows told = s.tend();
  REQUIRE(told.cut.size() == 1);
  CHECK(told.cut[0].why == "dead");
  CHECK(told.cut[0].circuit == "fiber-ipv6");
  CHECK(told.cut[0].flows == 1);
  CHECK(s.marked(1, Family::V6) == 0);
  CHECK(s.marked(1, Family::V4) == 1);
  CHECK(call.way() == kCoax);
}

TEST_CASE("flows IPv6: those of an address that is gone are deleted once there is another") {
  LK_DUAL(s);
  Desired d = Dual::site("fiber-ipv6", Nat::Kind::Masquerade);
  s.apply(d);
  const Talk6 call(s, 4000);
  REQUIRE(call.seen().source == "2001:db8:1::2");
  REQUIRE(run("ip address add 2001:db8:1::3/64 dev wan0 nodad") == 0);
  REQUIRE(run("ip address del 2001:db8:1::2/64 dev wan0") == 0);
  d.circuits[2].source = ip("2001:db8:1::3");
  s.apply(d);
  (void)s.tend();
  CHECK(call.seen().source == "2001:db8:1::3");
  CHECK(s.marked(1, Family::V6) == 1);
}

TEST_CASE("flows IPv6: sources are translated only where that was asked for: to the circuit's own address, or to a fixed one") {
  LK_DUAL(s);
  Desired d = Dual::site("fiber-ipv6", Nat::Kind::Masquerade);
  d.circuits[3].nat = {.kind = Nat::Kind::Fixed, .address = ip("2001:db8:2::99")};
  s.apply(d);
  const Talk6 call(s, 4000);
  CHECK(call.seen().source == "2001:db8:1::2");
  d.classes[1].circuit = "coax-ipv6";
  s.apply(d);
  const Talk6 fresh(s, 4001);
  const auto seen = fresh.seen();
  CHECK(seen.device == kCoax);
  CHECK(seen.source == "2001:db8:2::99");
  CHECK(call.seen().source == "2001:db8:1::2");
}

TEST_CASE("flows IPv6: the table stands in the kernel as it is documented, comes back after a flush, and goes with everything of ours") {
  LK_DUAL(s);
  Desired d = Dual::site("fiber-ipv6", Nat::Kind::Masquerade);
  d.circuits[2].pinned_sources = {net("fd00:77:0:8000::/49")};
  s.apply(d);
  const std::string shows = shown("nft -n list table ip6 linekeeper");
  INFO(shows);
  for (const char* line : {"comment \"connections keep to their circuit; written by linekeeper-switch\"", "ip6 saddr 2001:db8:1::2 return",
                           "ip6 saddr fd00:77:0:8000::/49 return", "oifname \"wan0\" ip6 saddr != 2001:db8:1::2 masquerade",
                           "iifname \"wan0\" ct mark & 0x00ff0000 == 0x00000000 ct state 0x8 ct mark set ct mark & 0xff01ffff | 0x00010000"})
    CHECK_MESSAGE(shows.find(line) != std::string::npos, line);
  CHECK(shown("ip -6 rule").find("7110:\tfrom all fwmark 0x10000/0xf0000 lookup 7301") != std::string::npos);
  REQUIRE(run("nft delete table ip6 linekeeper") == 0);
  const auto drifts = s.route_switch->look({}, s.now);
  REQUIRE(drifts.size() == 1);
  CHECK(drifts[0].what == "nftables table ip6 linekeeper was removed (flush ruleset?)");
  CHECK(drifts[0].repaired);
  CHECK(shown("nft -n list table ip6 linekeeper") == shows);
  REQUIRE(run("nft flush ruleset") == 0);
  CHECK(s.route_switch->look({}, s.now).size() == 1);
  CHECK(shown("nft -n list table ip6 linekeeper") == shows);
  REQUIRE(s.route_switch->remove_everything());
  CHECK(shown("nft list tables").empty());
}

TEST_CASE("flows IPv6: a table of our name that others made is left alone and said, and IPv4's stands all the same") {
  LK_DUAL(s);
  REQUIRE(run("nft add table ip6 linekeeper") == 0);
  s.apply(Dual::site("fiber-ipv6"));
  CHECK(s.tend().problem.find("table ip6 linekeeper that was not made by us") != std::string::npos);
  CHECK(shown("nft list table ip6 linekeeper").find("chain") == std::string::npos);
  CHECK(shown("nft list table ip linekeeper").find("chain") != std::string::npos);
}

}  // namespace linekeeper::route
