// What the slower checks come to: standing results, whose doing it is, what moves for it and what does not.
#include <doctest/doctest.h>

#include "controller/decision/check_findings.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;
using decision::CheckFindings;
using decision::DataWay;
using model::CheckKind;
using model::CheckOutcome;
using model::CheckResult;
using model::CircuitId;
using model::EventId;

namespace {

constexpr CircuitId kFiber{0}, kCoax{1};
model::IpAddress ip(const char* text) { return *model::IpAddress::parse(text); }

model::Check check(std::string name, CheckKind kind, std::string url = {}) {
  return {.name = std::move(name), .kind = kind, .circuits = {kFiber, kCoax}, .url = std::move(url)};
}

/// Two classes: voice, followed by the trunk, and data, which carries no calls.
model::Site checked_site() {
  model::Site s = two_by_two();
  s.classes[0].codec = model::Codec::G711;
  s.classes.push_back({.name = "data", .circuits = {kFiber, kCoax}, .table = 7202});
  s.classes.back().match.mark = 5;
  s.checks = {check("page", CheckKind::Http, "http://one.example/x"),
              check("other", CheckKind::Http, "http://two.example/"),
              check("same", CheckKind::Http, "http://one.example:8080/y"),
              check("size", CheckKind::Mtu),
              check("names", CheckKind::Resolver),
              check("seen", CheckKind::PublicAddress),
              check("trace", CheckKind::Hops)};
  s.checks.back().target = ip("203.0.113.99");
  return s;
}

CheckOutcome outcome(CircuitId circuit, CheckKind kind, std::string name, CheckResult result, Instant at = Instant{2000s}) {
  CheckOutcome o{.circuit = circuit, .kind = kind, .check = std::move(name), .result = result, .at = at};
  o.detail = "answers 302 instead of 200";
  return o;
}

/// Findings that are told everything twice, so that it stands.
struct Told {
  model::Site site = checked_site();
  CheckFindings findings{site};
  void operator()(CircuitId circuit, CheckKind kind, const std::string& name, CheckResult result) {
    for (int i = 0; i < 2; ++i) findings.on(outcome(circuit, kind, name, result), true, Instant{2000s});
  }
  [[nodiscard]] decision::CircuitEvidence evidence(CircuitId c) const {
    decision::CircuitEvidence e;
    findings.show(c, e);
    return e;
  }
};

/// A site in virtual time with checks.
struct Story {
  VirtualSite site{checked_site()};
  Story() {
    site.start_empty();
    site.run(60s);
    site.events.clear();
  }
  void say(CircuitId circuit, CheckKind kind, const std::string& name, CheckResult result, int times = 2) {
    for (int i = 0; i < times; ++i) {
      site.take(site.decider().observe(outcome(circuit, kind, name, result, site.now()), site.now()));
      site.run(1s);
    }
  }
  [[nodiscard]] std::string named() const {
    std::string out;
    for (const auto& d : site.status().diagnoses) out += (out.empty() ? "" : "; ") + std::string(to_string(d.failed));
    return out;
  }
};

}  // namespace

TEST_CASE("checks: a good result stands at once, a bad one once it has come twice in a row, and good ones in between begin the count anew") {
  Told t;
  const auto say = [&](CheckResult r, bool fit = true) { return t.findings.on(outcome(kFiber, CheckKind::Http, "page", r), fit, Instant{1s}); };
  auto change = say(CheckResult::Well);
  REQUIRE(change);
  CHECK_FALSE(change->before);
  CHECK_FALSE(say(CheckResult::Well));
  CHECK_FALSE(say(CheckResult::Wrong));
  CHECK_FALSE(say(CheckResult::Well));
  CHECK_FALSE(say(CheckResult::Wrong));
  CHECK_FALSE(say(CheckResult::Silent));  // another bad one: no second of its kind
  CHECK_FALSE(say(CheckResult::Wrong));
  change = say(CheckResult::Wrong);
  REQUIRE(change);
  CHECK(change->before == CheckResult::Well);
  CHECK(change->after == CheckResult::Wrong);
  CHECK_FALSE(say(CheckResult::Wrong));
  change = say(CheckResult::Well);
  REQUIRE(change);
  CHECK(change->before == CheckResult::Wrong);
}

TEST_CASE("checks: local errors are nothing, bad results by an unfit circuit are nothing, unknown checks are nothing") {
  Told t;
  const auto say = [&](const char* name, CheckResult r, bool fit) {
    return t.findings.on(outcome(kFiber, CheckKind::Http, name, r), fit, Instant{1s}).has_value();
  };
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(say("page", CheckResult::LocalError, true));
    CHECK_FALSE(say("page", CheckResult::Silent, false));
    CHECK_FALSE(say("nobody", CheckResult::Wrong, true));
    CHECK_FALSE(t.findings.on(outcome(kFiber, CheckKind::Mtu, "page", CheckResult::Hole), true, Instant{1s}));  // of another kind
  }
  CHECK(t.findings.status(kFiber).empty());
  CHECK(say("page", CheckResult::Well, false));  // a good one proves itself
}

TEST_CASE("checks: wrong here and right elsewhere is the circuit, wrong everywhere is the server, and alone nobody can tell") {
  Told t;
  t(kFiber, CheckKind::Http, "page", CheckResult::Wrong);
  CHECK(t.evidence(kFiber).portal->elsewhere == decision::Elsewhere::NotAsked);
  CHECK(t.findings.data_way(kFiber) == DataWay::Impaired);
  t(kCoax, CheckKind::Http, "page", CheckResult::Silent);  // no witness
  CHECK(t.evidence(kFiber).portal->elsewhere == decision::Elsewhere::NotAsked);
  t(kCoax, CheckKind::Http, "page", CheckResult::Well);
  CHECK(t.evidence(kFiber).portal->elsewhere == decision::Elsewhere::Well);
  CHECK(t.findings.data_way(kFiber) == DataWay::Impaired);
  t(kCoax, CheckKind::Http, "page", CheckResult::Wrong);
  CHECK(t.evidence(kFiber).portal->elsewhere == decision::Elsewhere::Same);
  CHECK(t.findings.data_way(kFiber) == DataWay::Well);
  CHECK(t.findings.data_way(kCoax) == DataWay::Well);
}

TEST_CASE("checks: data is lost when two servers agree, not when one host is asked twice, and not without a witness") {
  Told t;
  for (const char* name : {"page", "other", "same"}) t(kCoax, CheckKind::Http, name, CheckResult::Well);
  t(kFiber, CheckKind::Http, "page", CheckResult::Wrong);
  t(kFiber, CheckKind::Http, "same", CheckResult::Wrong);
  CHECK(t.findings.data_way(kFiber) == DataWay::Impaired);
  t(kFiber, CheckKind::Http, "other", CheckResult::Wrong);
  CHECK(t.findings.data_way(kFiber) == DataWay::Lost);
  t(kCoax, CheckKind::Http, "other", CheckResult::Wrong);  // the other server's own affair
  CHECK(t.findings.data_way(kFiber) == DataWay::Impaired);
  t(kCoax, CheckKind::Mtu, "size", CheckResult::Well);
  t(kFiber, CheckKind::Mtu, "size", CheckResult::Hole);  // a second fact of another kind
  CHECK(t.findings.data_way(kFiber) == DataWay::Lost);
  CHECK_FALSE(t.findings.well_since(kFiber));
  t(kFiber, CheckKind::Mtu, "size", CheckResult::Well);
  t(kFiber, CheckKind::Http, "page", CheckResult::Well);
  t(kFiber, CheckKind::Http, "same", CheckResult::Well);
  CHECK(t.findings.data_way(kFiber) == DataWay::Well);
  CHECK(t.findings.well_since(kFiber) == Instant{2000s});
}

TEST_CASE("checks: a packet that is told to be too big is no hole, and another address is nothing against data") {
  Told t;
  t(kFiber, CheckKind::Mtu, "size", CheckResult::TooBig);
  t(kFiber, CheckKind::PublicAddress, "seen", CheckResult::Wrong);
  CHECK_FALSE(t.evidence(kFiber).hole);
  CHECK(t.evidence(kFiber).other_address);
  CHECK(t.findings.data_way(kFiber) == DataWay::Well);
}

TEST_CASE("checks: a router that two circuits go through is told; private ones, silent ones and the target are none") {
  Told t;
  const auto trace = [&](CircuitId c, std::vector<model::IpAddress> hops) {
    CheckOutcome o = outcome(c, CheckKind::Hops, "trace", CheckResult::Well);
    o.hops = std::move(hops);
    t.findings.on(o, true, Instant{1s});
  };
  trace(kFiber, {ip("10.0.0.1"), ip("100.64.0.1"), model::IpAddress{}, ip("198.51.100.7"), ip("203.0.113.99")});
  trace(kCoax, {ip("10.0.0.1"), ip("100.64.0.1"), model::IpAddress{}, ip("198.51.100.8"), ip("203.0.113.99")});
  CHECK(t.findings.shared_hops().empty());
  trace(kCoax, {ip("10.0.0.1"), ip("198.51.100.7")});
  CHECK(t.findings.shared_hops() == std::vector{model::SharedHop{.a = kFiber, .b = kCoax, .address = ip("198.51.100.7")}});
  trace(kCoax, {ip("198.51.100.8")});
  CHECK(t.findings.shared_hops().empty());
}

TEST_CASE("checks: addresses that every provider uses anew are not of their kind") {
  for (const char* no :
       {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.9.9", "100.64.0.1", "100.127.255.255", "169.254.1.1", "0.0.0.0", "fe80::1", "fd00::1"})
    CHECK_FALSE(decision::one_of_its_kind(ip(no)));
  for (const char* yes : {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "192.169.0.0", "2001:db8::1"})
    CHECK(decision::one_of_its_kind(ip(yes)));
}

TEST_CASE("checks: a captive portal is named, moves nothing that stands, calls least of all, and is over with the first right answer") {
  Story s;
  s.say(kCoax, CheckKind::Http, "page", CheckResult::Well);
  s.say(kFiber, CheckKind::Http, "page", CheckResult::Wrong, 1);
  CHECK(s.named().empty());
  s.say(kFiber, CheckKind::Http, "page", CheckResult::Wrong, 1);
  CHECK(s.named() == "captive-portal");
  CHECK(s.site.status().diagnoses[0].sentence.find("page: answers 302 instead of 200; as expected by another circuit") != std::string::npos);
  CHECK(s.site.count(EventId::CheckFailed) == 1);
  CHECK(s.site.circuit(0) == model::Health::Up);
  CHECK(s.site.way(0) == "fiber");
  CHECK(s.site.way(1) == "fiber");
  CHECK(s.site.status().circuits[0].reason.find("bad for data: page: answers 302") != std::string::npos);
  s.site.run(10min);
  CHECK(s.site.moves() == 0);
  s.say(kFiber, CheckKind::Http, "page", CheckResult::Well, 1);
  CHECK(s.named().empty());
  CHECK(s.site.count(EventId::CheckPassed) == 1);
}

TEST_CASE("checks: when two servers agree, data leaves the circuit and calls stay; it comes back a hold-down after data is well") {
  Story s;
  for (const char* name : {"page", "other"}) s.say(kCoax, CheckKind::Http, name, CheckResult::Well);
  for (const char* name : {"page", "other"}) s.say(kFiber, CheckKind::Http, name, CheckResult::Wrong);
  CHECK(s.site.way(0) == "fiber");
  CHECK(s.site.way(1) == "coax");
  CHECK(s.site.moves() == 1);
  CHECK(s.site.status().plan.classes[1].motive == model::Motive::Quality);
  s.site.run(10min);
  CHECK(s.site.way(1) == "coax");
  s.say(kFiber, CheckKind::Http, "page", CheckResult::Well, 1);
  s.site.run(60s);
  CHECK(s.site.way(1) == "coax");  // one still says no
  s.say(kFiber, CheckKind::Http, "other", CheckResult::Well, 1);
  CHECK(s.site.way(1) == "coax");
  s.site.run(4min);
  CHECK(s.site.way(1) == "fiber");
  CHECK(s.site.moves() == 2);
}

TEST_CASE("checks: a dead circuit is left for one with a portal, and one without is taken before it") {
  for (const bool portal : {false, true}) {
    model::Site site = checked_site();
    site.circuits.push_back(site.circuits[1]);
    site.circuits[2].name = "lte";
    site.classes[1].circuits.push_back(CircuitId{2});
    for (auto& c : site.checks) c.circuits.push_back(CircuitId{2});
    VirtualSite s(site);
    s.start_empty();
    s.run(60s);
    for (int i = 0; i < 2; ++i)
      for (const auto& [circuit, result] : {std::pair(kFiber, CheckResult::Well), std::pair(kCoax, portal ? CheckResult::Wrong : CheckResult::Well)})
        s.take(s.decider().observe(outcome(circuit, CheckKind::Http, "page", result, s.now()), s.now()));
    s.black_hole(0);
    s.run(20s);
    CHECK(s.way(1) == (portal ? "lte" : "coax"));
  }
  Story two;  // there is no other way: then the portal is better than a dead line
  two.say(kFiber, CheckKind::Http, "page", CheckResult::Well);
  two.say(kCoax, CheckKind::Http, "page", CheckResult::Wrong);
  two.site.black_hole(0);
  two.site.run(20s);
  CHECK(two.site.way(1) == "coax");
}

TEST_CASE("checks: resolvers by their check, and a packet hole; what a dead circuit's checks say is not counted") {
  Story s;
  s.say(kFiber, CheckKind::Resolver, "names", CheckResult::Silent);
  CHECK(s.named() == "resolver");
  CHECK(s.site.status().circuits[0].resolver == false);
  s.say(kFiber, CheckKind::Resolver, "names", CheckResult::Well, 1);
  CHECK(s.named().empty());
  CHECK(s.site.status().circuits[0].resolver == true);
  s.say(kCoax, CheckKind::Mtu, "size", CheckResult::Hole);
  CHECK(s.named() == "mtu-hole");
  s.say(kCoax, CheckKind::Mtu, "size", CheckResult::Well, 1);
  CHECK(s.named().empty());
  s.site.black_hole(1);
  s.site.run(10s);
  s.say(kCoax, CheckKind::Resolver, "names", CheckResult::Silent, 3);
  s.site.black_hole(1, false);
  s.site.run(60s);
  CHECK(s.named().empty());
  CHECK(s.site.circuit(1) == model::Health::Up);
  CHECK_FALSE(s.site.status().circuits[1].resolver.has_value());
}

TEST_CASE("checks: shared routers are told once, and told to be over") {
  Story s;
  const auto trace = [&](CircuitId c, const char* hop) {
    CheckOutcome o = outcome(c, CheckKind::Hops, "trace", CheckResult::Well, s.site.now());
    o.hops = {ip(hop)};
    s.site.take(s.site.decider().observe(o, s.site.now()));
  };
  trace(kFiber, "198.51.100.7");
  trace(kCoax, "198.51.100.7");
  trace(kCoax, "198.51.100.7");
  CHECK(s.site.count(EventId::HopsShared) == 1);
  CHECK(s.site.status().shared_hops.size() == 1);
  trace(kCoax, "198.51.100.8");
  CHECK(s.site.count(EventId::HopsApart) == 1);
  CHECK(s.site.moves() == 0);
}
