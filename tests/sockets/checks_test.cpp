// The slower checks against real servers, over a real router: this namespace -- wan0 -- router -- far side.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "probes/checks/check_run.hpp"
#include "tests/sockets/namespace.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using model::Check;
using model::CheckKind;
using model::CheckOutcome;
using model::CheckResult;
using tests::Child;
using tests::run;
using tests::run_until;

namespace {

model::IpAddress ip(const char* text) { return *model::IpAddress::parse(text); }

/// A namespace held by a sleeping process.
struct Space {
  Child holder{{"unshare", "-n", "sleep", "1000"}};
  std::string pid = std::to_string(holder.pid());
  Space() {
    // The process is there before it has left this namespace.
    const auto other = [&] {
      std::error_code error;
      const auto mine = std::filesystem::read_symlink("/proc/self/ns/net", error),
                 its = std::filesystem::read_symlink("/proc/" + pid + "/ns/net", error);
      return !error && mine != its;
    };
    for (int i = 0; i < 200 && !other(); ++i) ::usleep(10'000);
    REQUIRE(other());
  }
  [[nodiscard]] std::vector<std::string> inside(std::vector<std::string> argv) const {
    argv.insert(argv.begin(), {"nsenter", "-t", pid, "-n"});
    return argv;
  }
  void operator()(const std::vector<std::string>& argv) const { REQUIRE(run(inside(argv)) == 0); }
};

constexpr const char *kFar = "192.0.2.2", *kFar6 = "2001:db8:2::2";

/// Made once: building it costs more than any of the tests.
struct Line {
  std::string folder = (std::filesystem::temp_directory_path() / ("lk-checks-" + std::to_string(::getpid()))).string();
  Space router, far;
  std::optional<Child> servers;

  Line() {
    std::filesystem::create_directory(folder);
    REQUIRE(run({"ip", "link", "add", "wan0", "type", "veth", "peer", "name", "r0", "netns", router.pid}) == 0);
    REQUIRE(run({"ip", "addr", "add", "198.51.100.2/24", "dev", "wan0"}) == 0);
    REQUIRE(run({"ip", "addr", "add", "2001:db8:1::2/64", "dev", "wan0", "nodad"}) == 0);
    REQUIRE(run({"ip", "link", "set", "wan0", "up"}) == 0);
    router({"ip", "link", "add", "r1", "type", "veth", "peer", "name", "f0", "netns", far.pid});
    router({"ip", "addr", "add", "198.51.100.1/24", "dev", "r0"});
    router({"ip", "addr", "add", "2001:db8:1::1/64", "dev", "r0", "nodad"});
    router({"ip", "addr", "add", "192.0.2.1/24", "dev", "r1"});
    router({"ip", "addr", "add", "2001:db8:2::1/64", "dev", "r1", "nodad"});
    for (const char* device : {"r0", "r1", "lo"}) router({"ip", "link", "set", device, "up"});
    router({"sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0"});
    far({"ip", "addr", "add", "192.0.2.2/24", "dev", "f0"});
    far({"ip", "addr", "add", "2001:db8:2::2/64", "dev", "f0", "nodad"});
    for (const char* device : {"f0", "lo"}) far({"ip", "link", "set", device, "up"});
    far({"ip", "route", "add", "default", "via", "192.0.2.1"});
    far({"ip", "-6", "route", "add", "default", "via", "2001:db8:2::1"});
    far({"sysctl", "-qw", "net.ipv4.icmp_ratelimit=0"});
    REQUIRE(run({"ip", "route", "add", "default", "via", "198.51.100.1", "dev", "wan0"}) == 0);
    REQUIRE(run({"ip", "-6", "route", "add", "default", "via", "2001:db8:1::1", "dev", "wan0"}) == 0);
    REQUIRE(run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                 "/CN=good.example", "-addext", "subjectAltName=DNS:good.example", "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem"}) ==
            0);
    servers.emplace(far.inside({"python3", FAR_SIDE, kFar, kFar6, folder + "/cert.pem", folder + "/key.pem"}));
    for (const char* server : {"'192.0.2.2',443", "'192.0.2.2',80", "'2001:db8:2::2',80"})
      far({"python3", "-c",
           std::string("import socket,time\nfor i in range(100):\n try: socket.create_connection((") + server +
               "),1).close(); break\n except OSError: time.sleep(.1)\nelse: raise SystemExit(1)"});
  }
  ~Line() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
};

Line& line() {
  static Line the;
  return the;
}

Check check(CheckKind kind) {
  line();
  Check c{.name = "it", .kind = kind};
  c.timeout = 2s;
  return c;
}

/// Of an IPv6 circuit.
probes::CheckWay way6() {
  probes::CheckWay w{.circuit = model::CircuitId{1}, .device = "wan0", .family = model::Family::V6};
  w.resolvers = {ip(kFar6)};
  return w;
}

probes::CheckWay way() {
  probes::CheckWay w{.circuit = model::CircuitId{1}, .device = "wan0"};
  w.resolvers = {ip(kFar)};
  return w;
}

/// Runs it to its end.
CheckOutcome outcome_of(const Check& c, const probes::CheckWay& w = way()) {
  boost::asio::io_context io;
  std::optional<CheckOutcome> got;
  const auto running = probes::start_check(io.get_executor(), c, w, 42, [&](const CheckOutcome& o) {
    CHECK_FALSE(got.has_value());  // told once
    got = o;
  });
  CHECK_FALSE(got.has_value());  // and not from within
  REQUIRE(run_until(io, [&] { return got.has_value(); }, 6s));
  // It waits for nothing any more: who asked by hand runs the loop to its end while this still lives.
  io.restart();
  io.run_for(500ms);
  CHECK(io.stopped());
  CHECK(got->circuit == w.circuit);
  CHECK(got->check == "it");
  CHECK(got->kind == c.kind);
  CHECK(got->detail.size() <= model::kLongestCheckDetail);
  MESSAGE(std::string(to_string(got->kind)) << ": " << std::string(to_string(got->result)) << ": " << got->detail);
  return *got;
}

bool says(const CheckOutcome& o, std::string_view what) { return o.detail.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("resolver: a name with an address is well, by the circuit's own resolver, with its round trip") {
  Check c = check(CheckKind::Resolver);
  c.query = "good.example";
  const auto o = outcome_of(c);
  CHECK(o.result == CheckResult::Well);
  CHECK(o.address == ip(kFar));
  CHECK(o.took.value_or(0s) > 0s);
  CHECK(says(o, "192.0.2.2 answers good.example with 192.0.2.2"));
}

TEST_CASE("resolver: a name that does not exist, one without address, one that fails or is refused are wrong answers, with their RCODE") {
  for (const auto& [name, rcode, word] : {std::tuple("absent.example", 3, "NXDOMAIN"), std::tuple("empty.example", 0, "knows no address"),
                                          std::tuple("failing.example", 2, "SERVFAIL"), std::tuple("refusing.example", 5, "REFUSED")}) {
    Check c = check(CheckKind::Resolver);
    c.query = name;
    const auto o = outcome_of(c);
    CHECK(o.result == CheckResult::Wrong);
    CHECK(o.code == rcode);
    CHECK(says(o, word));
  }
}

TEST_CASE("resolver: silence, a closed port and a device that is not there are three things") {
  Check c = check(CheckKind::Resolver);
  c.query = "unanswered.example";
  CHECK(outcome_of(c).result == CheckResult::Silent);
  c.query = "good.example";
  auto w = way();
  w.resolver_port = 54;
  CHECK(outcome_of(c, w).result == CheckResult::Refused);
  w = way();
  w.device = "wan9";
  const auto local = outcome_of(c, w);
  CHECK(local.result == CheckResult::LocalError);
  CHECK(local.code == ENODEV);
}

TEST_CASE("resolver: the second is asked when the first is silent, and it is told that the first was") {
  Check c = check(CheckKind::Resolver);
  c.query = "good.example";
  auto w = way();
  w.resolvers = {ip("192.0.2.99"), ip(kFar)};
  const auto o = outcome_of(c, w);
  CHECK(o.result == CheckResult::Well);
  CHECK(o.address == ip(kFar));
  CHECK(says(o, "192.0.2.99"));
}

TEST_CASE("http: the expected page is well, looked up by the circuit's resolver; another status or text is somebody else's page") {
  Check c = check(CheckKind::Http);
  c.url = "http://good.example/";
  c.body = "all is well";
  const auto well = outcome_of(c);
  CHECK(well.result == CheckResult::Well);
  CHECK(well.code == 200);
  c.body = "welcome back";
  const auto other = outcome_of(c);
  CHECK(other.result == CheckResult::Wrong);
  CHECK(says(other, "somebody else's page"));
  c.url = "http://good.example/portal";
  const auto portal = outcome_of(c);
  CHECK(portal.result == CheckResult::Wrong);
  CHECK(portal.code == 302);
  CHECK(says(portal, "302 to http://login.example/ instead of 200"));
  c.status = 302;
  c.body.clear();
  CHECK(outcome_of(c).result == CheckResult::Well);  // where that is what is expected
}

TEST_CASE("an IPv6 circuit: its resolver is asked by IPv6, hosts are looked up as IPv6, and an address in a URL stands in brackets") {
  Check names = check(CheckKind::Resolver);
  names.query = "four.example";  // what a name has says nothing of the resolver
  const auto asked = outcome_of(names, way6());
  CHECK(asked.result == CheckResult::Well);
  CHECK(asked.address == ip(kFar6));
  Check page = check(CheckKind::Http);
  page.url = "http://good.example/whom";
  page.body = "good.example";
  CHECK(outcome_of(page, way6()).result == CheckResult::Well);
  page.url = "http://[2001:db8:2::2]:80/whom";
  page.body = "[2001:db8:2::2]";
  CHECK(outcome_of(page, way6()).result == CheckResult::Well);
  page.url = "http://four.example/whom";
  const auto none = outcome_of(page, way6());
  CHECK(none.result == CheckResult::Silent);
  CHECK(says(none, "2001:db8:2::2 knows no address"));
  CHECK(outcome_of(page, way()).result == CheckResult::Wrong);  // the circuit's other half reaches it: its Host is not the one above
  Check seen = check(CheckKind::PublicAddress);
  seen.server = ip(kFar6);
  auto w = way6();
  w.expect_public = model::Prefix::parse("2001:db8:1::/64");
  const auto told = outcome_of(seen, w);
  CHECK(told.result == CheckResult::Well);
  CHECK(told.address == ip("2001:db8:1::2"));
}

TEST_CASE("http: a page without an end is read for 64 KiB and no more") {
  Check c = check(CheckKind::Http);
  c.url = "http://192.0.2.2/long";
  c.body = "xxxx";
  CHECK(outcome_of(c).result == CheckResult::Well);
}

TEST_CASE("http: a host that takes the connection and says nothing is silent, one that speaks something else is wrong, a closed port refuses") {
  Check c = check(CheckKind::Http);
  c.timeout = 600ms;
  for (const char* url : {"http://192.0.2.2/mute", "http://192.0.2.2:81/", "https://192.0.2.2:81/", "http://192.0.2.98/"}) {
    c.url = url;
    CAPTURE(std::string(url));
    CHECK(outcome_of(c).result == CheckResult::Silent);
  }
  c.timeout = 2s;
  c.url = "http://192.0.2.2:82/";
  CHECK(outcome_of(c).result == CheckResult::Wrong);
  c.url = "http://192.0.2.2:83/";
  CHECK(outcome_of(c).result == CheckResult::Refused);
  c.url = "http://nobody.example/";
  const auto unknown = outcome_of(c);
  CHECK(unknown.result == CheckResult::Silent);  // the page was not asked: nothing against it
  CHECK(says(unknown, "cannot be looked up"));
}

TEST_CASE("https: a certificate is held against the host and against what is trusted, and its end is told") {
  Check c = check(CheckKind::Http);
  c.url = "https://good.example/";
  c.pinned = ip(kFar);
  c.ca_file = line().folder + "/cert.pem";
  const auto well = outcome_of(c);
  CHECK(well.result == CheckResult::Well);
  REQUIRE(well.certificate_left.has_value());
  CHECK(*well.certificate_left > 29 * 24h);
  CHECK(*well.certificate_left <= 30 * 24h);
  c.url = "https://other.example/";
  const auto other = outcome_of(c);
  CHECK(other.result == CheckResult::Wrong);
  CHECK(says(other, "does not prove other.example"));
  c.url = "https://good.example/";
  c.ca_file.clear();  // what the system trusts
  const auto untrusted = outcome_of(c);
  CHECK(untrusted.result == CheckResult::Wrong);
  CHECK(says(untrusted, "self-signed"));
  c.ca_file = line().folder + "/absent.pem";
  CHECK(outcome_of(c).result == CheckResult::LocalError);
}

TEST_CASE("public address: by STUN, though the first request is lost, and by a page; held against what is expected") {
  Check c = check(CheckKind::PublicAddress);
  c.server = ip(kFar);
  auto w = way();
  w.expect_public = model::Prefix::parse("198.51.100.0/24");
  const auto seen = outcome_of(c, w);
  CHECK(seen.result == CheckResult::Well);
  CHECK(seen.address == ip("198.51.100.2"));
  w.expect_public = model::Prefix::parse("198.51.100.3");
  const auto other = outcome_of(c, w);
  CHECK(other.result == CheckResult::Wrong);
  CHECK(says(other, "seen from outside as 198.51.100.2 instead of 198.51.100.3"));
  c.port = 3479;
  CHECK(outcome_of(c, w).result == CheckResult::Refused);
  c.server.reset();
  c.url = "http://good.example/address";
  CHECK(outcome_of(c, w).address == ip("203.0.113.77"));
  c.url = "http://good.example/";
  CHECK(outcome_of(c, w).result == CheckResult::Silent);  // nobody told an address
}

TEST_CASE("mtu: large packets pass; when they do not fit it is told how many bytes do; when nobody says so it is a hole") {
  Check c = check(CheckKind::Mtu);
  for (const char* target : {kFar, "2001:db8:2::2"}) {
    c.target = ip(target);
    const bool v6 = c.target->family == model::Family::V6;
    c.size = 1500;
    CHECK(outcome_of(c).result == CheckResult::Well);
    c.size = 1501;  // one more than our own interface carries
    const auto own = outcome_of(c);
    CHECK(own.result == CheckResult::TooBig);
    CHECK(own.code == 1500);
    CHECK(says(own, "our own interface"));
    line().router({"ip", "link", "set", "r1", "mtu", "1420"});
    c.size = 1420;
    CHECK(outcome_of(c).result == CheckResult::Well);
    c.size = 1421;
    const auto told = outcome_of(c);
    CHECK(told.result == CheckResult::TooBig);
    CHECK(told.code == 1420);
    CHECK(says(told, v6 ? "2001:db8:1::1 says: 1420 fit" : "198.51.100.1 says: 1420 fit"));
    line().router({"nft", "add table inet hole; add chain inet hole out { type filter hook output priority 0; }"});
    line().router({"nft", "add rule inet hole out icmp type destination-unreachable drop; add rule inet hole out icmpv6 type packet-too-big drop"});
    c.size = 1500;
    const auto before = std::exchange(c.timeout, 5s);
    const auto hole = outcome_of(c);
    CHECK(hole.result == CheckResult::Hole);
    CHECK(says(hole, "nobody says why"));
    CHECK(hole.code == 1420);
    CHECK(says(hole, "1420 bytes are the most that pass"));
    c.timeout = before;
    c.size = 1420;
    CHECK(outcome_of(c).result == CheckResult::Well);
    line().router({"nft", "delete table inet hole"});
    line().router({"ip", "link", "set", "r1", "mtu", "1500"});
  }
  c.target = ip("192.0.2.99");  // the router finds nobody there, and says so after its own time; before that it is silence
  const auto nobody = outcome_of(c);
  CHECK((nobody.result == CheckResult::Silent || nobody.result == CheckResult::Refused));
}

TEST_CASE("hops: each router on the way is told, the target ends the list; a silent one is a gap") {
  Check c = check(CheckKind::Hops);
  c.depth = 4;
  c.target = ip(kFar);
  const auto o = outcome_of(c);
  CHECK(o.result == CheckResult::Well);
  CHECK(o.hops == std::vector{ip("198.51.100.1"), ip(kFar)});
  c.target = ip("2001:db8:2::2");
  CHECK(outcome_of(c).hops == std::vector{ip("2001:db8:1::1"), ip("2001:db8:2::2")});
  line().router({"nft", "add table inet mute; add chain inet mute out { type filter hook output priority 0; }"});
  line().router({"nft", "add rule inet mute out icmp type time-exceeded drop"});
  c.target = ip(kFar);
  CHECK(outcome_of(c).hops == std::vector{model::IpAddress{}, ip(kFar)});
  line().router({"nft", "delete table inet mute"});
}

TEST_CASE("a run that is let go of says nothing, at whatever point") {
  for (const auto kind : model::kEveryCheckKind) {
    Check c = check(kind);
    c.query = "good.example";
    c.url = kind == CheckKind::Http ? "https://good.example/" : "";
    c.target = c.server = ip(kFar);
    for (const int turns : {0, 1, 2, 3, 5, 8}) {
      boost::asio::io_context io;
      bool told = false;
      auto running = probes::start_check(io.get_executor(), c, way(), 1, [&](const CheckOutcome&) { told = true; });
      for (int i = 0; i < turns && !told; ++i) io.run_one_for(20ms);
      running.reset();
      const bool before = told;
      io.restart();
      io.run_for(50ms);
      CHECK(told == before);
    }
  }
}
