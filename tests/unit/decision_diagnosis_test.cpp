// Each line of the diagnosis table by a matrix made by hand, and what is just beside it.
#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "controller/decision/diagnosis_table.hpp"
#include "tests/unit/diagnosis_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;
using decision::LossDirection;
using model::FailureMode;

TEST_CASE("diagnosis: nothing is wrong where all is well, and nothing is known where nothing was measured") {
  CHECK(WellSite().named() == "");
  WellSite blank(three_circuits());
  blank.e = Evidence::sized(blank.site);
  CHECK(blank.named() == "");
}

TEST_CASE("diagnosis: a loop that stood still is ourselves, and only the kernel's word on links is concluded beside it") {
  WellSite s;
  s.e.late = true;
  CHECK(s.named() == "ourselves");
  s.kill(kFiber);
  s.silence(kSouth, kCoax);
  s.silence(kAlpha, kCoax);
  CHECK(s.named() == "ourselves");
  s.unplug(kFiber);
  CHECK(s.named() == "ourselves; link fiber");
  s.e.late = false;
  s.e.starting = true;
  CHECK(s.named() == "link fiber");
  s.e.starting = false;
  CHECK(s.named() == "link fiber; carrier south; target alpha");
}

TEST_CASE("diagnosis: sending that fails by one circuit is told of that circuit, by all of two of ourselves, and never blames a line") {
  WellSite s;
  s.kill(kFiber);
  s.at(kFiber).health = Health::Unknown;
  s.at(kFiber).cause = Cause::LocalErrors;
  CHECK(s.named() == "ourselves fiber");
  s.at(kFiber).health = Health::Down;
  s.at(kFiber).cause = Cause::Silent;
  s.at(kFiber).local_errors = true;
  CHECK(s.named() == "ourselves fiber");
  s.at(kCoax).health = Health::Unknown;
  s.at(kCoax).local_errors = true;
  CHECK(s.named() == "ourselves");
  CHECK(s.sentence().find("cannot be sent by any circuit") != std::string::npos);
  s.unplug(kFiber);  // without a link sending fails of necessity
  CHECK(s.named() == "link fiber; ourselves coax");
}

TEST_CASE("diagnosis: all links within a second are the site; a second and more apart each is a link of its own") {
  WellSite s;
  s.unplug(kFiber, 5s);
  s.unplug(kCoax, 5s);
  s.at(kFiber).last_good = s.at(kFiber).first_bad = kNow - 5s;
  for (const Duration apart : {0ms, 999ms, 1000ms}) {
    s.at(kCoax).last_good = s.at(kCoax).first_bad = kNow - 5s + apart;
    CHECK(s.named() == "site");
  }
  s.at(kCoax).last_good = s.at(kCoax).first_bad = kNow - 5s + 1001ms;
  CHECK(s.named() == "link fiber; link coax");
  // A circuit that is probed seldom tells less exactly when it went: it may have been then.
  s.at(kCoax).last_good = kNow - 9s;
  CHECK(s.named() == "site");
  CHECK(s.diagnoses().front().mode == FailureMode::SiteLoss);
}

TEST_CASE("diagnosis: all gateways within a second are the site, one that lives is not; a circuit alone is never the site") {
  WellSite s;
  s.kill(kFiber, 3s, Neighbour::Silent);
  s.kill(kCoax, 2900ms, Neighbour::Silent);
  CHECK(s.named() == "site");
  s.unplug(kCoax, 3s);  // half by their links, half by their gateways: the same
  CHECK(s.named() == "site");
  s.kill(kCoax, 1700ms, Neighbour::Silent);
  s.at(kCoax).link->carrier = true;
  CHECK(s.named() == "gateway fiber; gateway coax");
  model::Site one = two_by_two();
  one.circuits.resize(1);
  WellSite alone(one);
  alone.unplug(kFiber);
  CHECK(alone.named() == "link fiber");
  alone.at(kFiber).link->carrier = true;
  alone.kill(kFiber);
  CHECK(alone.named() == "circuit fiber");
}

TEST_CASE("diagnosis: circuits that fall silent together behind living gateways share an upstream, up to a minute apart") {
  WellSite s(three_circuits());
  s.kill(kFiber, 90s);
  s.at(kFiber).first_bad = s.at(kFiber).last_good.value();
  s.unplug(kLte, 40000s);  // long gone, and says nothing of it
  for (const Duration apart : {0s, 59s, 60s}) {
    s.kill(kCoax, 90s - apart);
    s.at(kCoax).last_good = s.at(kFiber).first_bad + apart;
    CHECK(s.named() == "shared-upstream; link lte");
    CHECK(s.sentence().starts_with("links and gateways are well and nothing answers by any circuit"));
  }
  s.at(kCoax).last_good = s.at(kFiber).first_bad + 60s + 1ms;
  CHECK(s.named() == "link lte; circuit fiber; circuit coax");
  // Gateways that the kernel knows nothing of are no evidence against it, but it is said.
  for (const CircuitId c : {kFiber, kCoax}) s.kill(c, 10s, Neighbour::Unknown, false);
  CHECK(s.named() == "shared-upstream; link lte");
  CHECK(s.sentence().starts_with("all circuits fell silent together"));
  s.kill(kCoax, 10s);  // one living gateway is not yet two
  CHECK(s.sentence().starts_with("all circuits fell silent together"));
  s.kill(kFiber, 10s);
  CHECK(s.sentence().starts_with("links and gateways are well"));
  s.at(kLte).link->carrier = true;
  s.kill(kLte, 10s, Neighbour::Silent);  // its own affair, beside what the two others share
  CHECK(s.named() == "shared-upstream; gateway lte");
  s.unplug(kLte, 40000s);
  s.unplug(kCoax, 300s);  // one circuit shares nothing
  CHECK(s.named() == "link coax; link lte; circuit fiber");
  s.at(kCoax).link->carrier = true;
  s.kill(kCoax, 10s, Neighbour::Unknown, false);
  s.at(kCoax).health = Health::Unknown;
  s.at(kCoax).cause = Cause::NoEvidence;
  CHECK(s.named() == "link lte; circuit fiber");
}

TEST_CASE("diagnosis: no interface, set down, no carrier are the link; no address or gateway is the address") {
  WellSite s;
  s.unplug(kFiber);
  CHECK(s.named() == "link fiber");
  CHECK(s.sentence() ==
        "fiber: its link is down (interface wan-a has no carrier; coax is well): check cable, modem and its power, then call ISP One.");
  s.at(kFiber).link->carrier = true;
  s.at(kFiber).link->admin_up = false;
  CHECK(s.named() == "link fiber");
  s.at(kFiber).link->present = false;
  CHECK(s.sentence().find("interface wan-a does not exist") != std::string::npos);
  WellSite lease;
  lease.kill(kFiber);
  lease.at(kFiber).cause = Cause::NoAddress;
  lease.at(kFiber).link->address.reset();
  CHECK(lease.named() == "address fiber");
  CHECK(lease.sentence().find("wan-a is up and has no address") != std::string::npos);
  lease.at(kFiber).link->address = model::IpAddress::parse("10.0.1.2");
  lease.at(kFiber).link->gateway.reset();
  CHECK(lease.named() == "address fiber");
  CHECK(lease.sentence().find("no gateway is known") != std::string::npos);
}

TEST_CASE("diagnosis: targets dead behind a link that is up are the gateway, beyond it, or one of the two, as the kernel knows") {
  WellSite s;
  s.kill(kFiber, 1200ms, Neighbour::Silent);
  CHECK(s.named() == "gateway fiber");
  CHECK(s.sentence() ==
        "fiber: ISP One's gateway does not answer on the link (link up, gateway 10.0.1.1 does not answer, 3 of 3 targets silent for "
        "1.2 s; coax is well): check cable, modem and its power, then call ISP One.");
  s.kill(kFiber);
  CHECK(s.named() == "circuit fiber");
  CHECK(s.sentence() ==
        "fiber: ISP One's network is down beyond its gateway (link up, gateway 10.0.1.1 answers, 3 of 3 targets silent for 1.2 s; coax "
        "is well): call ISP One.");
  // "Reachable" in the kernel's table is older than the silence: no evidence for the gateway, and none against it.
  for (const Neighbour n : {Neighbour::Answers, Neighbour::Unknown, Neighbour::Doubtful}) {
    s.kill(kFiber, 1200ms, n, false);
    CHECK(s.named() == "circuit fiber");
    CHECK(s.sentence().starts_with("fiber: ISP One's network is down, at its gateway or beyond (link up, gateway 10.0.1.1 not heard of since"));
  }
  s.kill(kFiber);
  s.at(kFiber).gateway_confirmed = s.at(kFiber).first_bad - 1ns;
  CHECK(s.diagnoses().front().evidence.find("not heard of since") != std::string::npos);
  s.at(kFiber).gateway_confirmed = s.at(kFiber).first_bad;
  CHECK(s.diagnoses().front().evidence.find("10.0.1.1 answers") != std::string::npos);
}

TEST_CASE("diagnosis: a gateway that is a target speaks by its echo; one that filters echo requests is nothing wrong") {
  WellSite s;
  s.site.targets[kAlpha.index()].address = *model::IpAddress::parse("10.0.1.1");
  s.kill(kFiber, 1200ms, Neighbour::Unknown, false);
  CHECK(s.named() == "gateway fiber");  // it used to answer, and the kernel knows nothing better
  CHECK(s.diagnoses().front().evidence.find("2 of 2 targets silent") != std::string::npos);
  s.at(kFiber).neighbour = Neighbour::Answers;
  s.at(kFiber).gateway_confirmed = kNow;
  CHECK(s.named() == "circuit fiber");
  s.at(kFiber).neighbour = Neighbour::Silent;
  s.e.target(kAlpha, kFiber).says = Says::Answers;
  CHECK(s.named() == "circuit fiber");  // an answer weighs more than the neighbour table
  s.e.target(kAlpha, kFiber) = {.says = Says::Silent, .set_aside = SetAside::Dead};
  s.at(kFiber).neighbour = Neighbour::Unknown;
  CHECK(s.sentence().find("at its gateway or beyond") != std::string::npos);

  WellSite filters;
  filters.site.targets[kAlpha.index()].address = *model::IpAddress::parse("10.0.1.1");
  filters.silence(kAlpha, kFiber);
  CHECK(filters.named() == "");
  filters.silence(kBeta, kFiber);
  CHECK(filters.named() == "target-path fiber beta");
}

TEST_CASE("diagnosis: loss is named with its direction where it is known, delay as a brownout") {
  WellSite s;
  s.lossy(kFiber, Cause::Lossy, LossDirection::Outbound);
  CHECK(s.named() == "circuit-outbound fiber");
  s.lossy(kFiber, Cause::Bursty, LossDirection::Inbound);
  CHECK(s.named() == "circuit-inbound fiber");
  CHECK(s.sentence() == "fiber: part of what comes in by it is lost (link up, 31 % of the probes lost in bursts; coax is well): call ISP One.");
  s.lossy(kFiber, Cause::Lossy);
  CHECK(s.named() == "brownout fiber");
  s.lossy(kFiber, Cause::Delayed);
  CHECK(s.named() == "brownout fiber");
  CHECK(s.sentence().find("has become slow") != std::string::npos);
  s.lossy(kCoax);
  CHECK(s.named() == "brownout coax; brownout fiber");
}

TEST_CASE("diagnosis: a bad circuit that fits no line is unknown, one that is suspect or coming back is not named") {
  WellSite s;
  s.kill(kFiber);
  s.at(kFiber).cause = Cause::NoGateway;  // its link says otherwise
  CHECK(s.named() == "unknown fiber");
  s.kill(kFiber);
  s.at(kFiber).link.reset();
  CHECK(s.named() == "unknown fiber");
  WellSite back;
  back.kill(kFiber);
  back.at(kFiber).cause = Cause::Recovering;
  CHECK(back.named() == "");
  WellSite suspect;
  suspect.at(kFiber).suspect = true;
  for (const TargetId t : {kAlpha, kBeta, kGamma}) suspect.e.target(t, kFiber).says = Says::Silent;
  suspect.silence(kNorth, kFiber);
  CHECK(suspect.named() == "");
}

TEST_CASE("diagnosis: a carrier dead by all circuits is the carrier, by one only the way to it, by the only one left the carrier") {
  WellSite s(three_circuits());
  s.silence(kNorth, kFiber);
  CHECK(s.named() == "peering fiber north");
  CHECK(s.sentence() ==
        "north takes no calls by fiber, and does by others: transit, allow-list or NAT (by fiber OPTIONS unanswered 3 times; by coax "
        "answers; by lte answers): call north and name our address on fiber, then ISP One.");
  s.silence(kNorth, kCoax);
  CHECK(s.named() == "peering fiber north; peering coax north");
  s.silence(kNorth, kLte);
  CHECK(s.named() == "carrier north");
  CHECK(s.sentence().starts_with("north takes no calls by any circuit"));
  s.kill(kFiber);
  s.kill(kCoax);
  CHECK(s.named() == "circuit fiber; circuit coax; carrier north");
  CHECK(decision::diagnosis_sentence(s.site, s.diagnoses().back()).starts_with("north takes no calls by the only circuit that can ask it"));
}

TEST_CASE("diagnosis: silence of a carrier by a lossy or suspect circuit is the circuit's, a rejection is the carrier's by any") {
  WellSite s;
  s.lossy(kFiber);
  s.silence(kNorth, kFiber);
  CHECK(s.named() == "brownout fiber");
  s.e.path(kNorth, kFiber) = {.health = Health::Down, .cause = Cause::SipRejected, .detail = 503};
  CHECK(s.named() == "brownout fiber; peering fiber north");
  s.e.path(kNorth, kCoax) = {.health = Health::Down, .cause = Cause::SipRefused, .detail = 111};
  CHECK(s.named() == "brownout fiber; carrier north");
  CHECK(s.diagnoses().back().evidence == "by fiber OPTIONS answered 503; by coax refused (Connection refused)");
}

TEST_CASE("diagnosis: a carrier that answers as if we were not allowed is the way to it where others are well, else the carrier") {
  WellSite s;
  s.e.path(kNorth, kFiber) = {.health = Health::Degraded, .cause = Cause::SipUnauthorised, .detail = 403};
  CHECK(s.named() == "peering fiber north");
  CHECK(s.sentence().find("as if we were not allowed") != std::string::npos);
  s.e.path(kNorth, kCoax) = s.e.path(kNorth, kFiber);
  CHECK(s.named() == "carrier north");
  CHECK(s.diagnoses().front().mode == FailureMode::None);  // it answers: nothing is lost by it
  s.silence(kNorth, kCoax);                                // dead here, and an answer there, whatever it says
  CHECK(s.named() == "peering coax north; carrier north");
}

TEST_CASE("diagnosis: some of a carrier's addresses dead while others answer is told of the carrier's endpoints") {
  WellSite s;
  s.e.path(kSouth, kFiber).partly_dead = true;
  REQUIRE(s.named() == "endpoint south");
  CHECK(s.sentence().starts_with("some addresses of south are dead, others answer (by fiber answers from some of its addresses; by coax answers)"));
}

TEST_CASE("diagnosis: OPTIONS answered while calls fail is the carrier, should anything tell it") {
  WellSite s;
  s.e.path(kSouth, kFiber).calls_failing = true;
  CHECK(s.named() == "carrier south");
  CHECK(s.sentence().starts_with("south answers OPTIONS, but calls by it fail (by fiber OPTIONS answered, calls fail; by coax answers)"));
}

TEST_CASE("diagnosis: a target dead by all circuits is the target, by one part of its transit; set aside counts as it was found") {
  WellSite s;
  s.silence(kAlpha, kFiber);
  CHECK(s.named() == "target-path fiber alpha");
  s.e.target(kAlpha, kFiber).set_aside = SetAside::No;  // a few lost probes: not yet
  CHECK(s.named() == "");
  s.e.target(kAlpha, kFiber).set_aside = SetAside::Dead;
  s.silence(kAlpha, kCoax);
  CHECK(s.named() == "target alpha");
  CHECK(s.sentence() ==
        "target alpha does not answer as it should by any circuit: its own affair (silent by fiber, silent by coax; 2 others "
        "answer there).");
  s.e.target(kAlpha, kCoax) = {.says = Says::Answers, .set_aside = SetAside::Lossy};
  CHECK(s.named() == "target alpha");
  s.e.target(kAlpha, kCoax).set_aside = SetAside::Lying;
  CHECK(s.named() == "target alpha");
  s.e.target(kAlpha, kCoax) = {.says = Says::Answers};
  CHECK(s.named() == "target-path fiber alpha");
  s.kill(kCoax);
  CHECK(s.named() == "circuit coax; target alpha");  // nobody left to compare with
  s.site.circuits[0].targets = {kBeta, kGamma};
  CHECK(s.named() == "circuit coax");  // not measured against it
}

TEST_CASE("diagnosis: resolvers silent by a circuit that otherwise works are named, by a dead one they are not") {
  WellSite s;
  s.at(kFiber).resolver = false;
  s.at(kCoax).resolver = true;
  CHECK(s.named() == "resolver fiber");
  CHECK(s.sentence() == "fiber: ISP One's resolvers do not answer, all else does (its resolvers are silent, fiber is well): call ISP One.");
  s.kill(kFiber);
  CHECK(s.named() == "circuit fiber");
}

TEST_CASE("diagnosis: several things at once are told the gravest first") {
  WellSite s(three_circuits());
  s.kill(kCoax);
  s.unplug(kLte, 300s);
  s.silence(kSouth, kFiber);
  s.silence(kBeta, kFiber);
  s.at(kFiber).resolver = false;
  CHECK(s.named() == "link lte; circuit coax; carrier south; target beta; resolver fiber");
}

TEST_CASE("diagnosis: the recovery time is the smallest of the classes or trunks concerned") {
  WellSite s(three_circuits());
  s.site.classes[0].rto = 30s;  // fiber, coax
  s.site.classes.push_back({.name = "data", .circuits = {kCoax, kLte}, .rto = 20s});
  s.site.trunks[0].rto = 90s;
  s.site.trunks.push_back({.name = "backup", .carriers = {kSouth}, .members = {{kSouth, std::nullopt, 31}}, .rto = 40s});
  const auto rto = [&](FailureMode mode, std::optional<CircuitId> c, std::optional<CarrierId> k) {
    return decision::rto_of(s.site, {.circuit = c, .carrier = k, .mode = mode});
  };
  CHECK(rto(FailureMode::InternetCircuit, kFiber, {}) == 30s);
  CHECK(rto(FailureMode::InternetCircuit, kCoax, {}) == 20s);
  CHECK(rto(FailureMode::InternetCircuit, kLte, {}) == 20s);
  CHECK(rto(FailureMode::SipTrunk, {}, kNorth) == 90s);
  CHECK(rto(FailureMode::SipTrunk, {}, kSouth) == 40s);
  CHECK(rto(FailureMode::SipTrunk, kFiber, kSouth) == 40s);  // it may follow its class there
  CHECK(rto(FailureMode::SipTrunk, kLte, kSouth) == std::nullopt);
  CHECK(rto(FailureMode::None, kFiber, {}) == std::nullopt);
  CHECK(rto(FailureMode::SiteLoss, {}, {}) == std::nullopt);
}

TEST_CASE("diagnosis: a site without names of providers is told of all the same, a hub's sentence stays short") {
  WellSite s;
  s.site.circuits[0].provider.clear();
  s.kill(kFiber);
  CHECK(s.sentence().find("call the provider of fiber.") != std::string::npos);
  model::Site hub = two_by_two();
  hub.circuits.resize(64, hub.circuits[1]);
  WellSite many(hub);
  many.kill(kFiber);
  CHECK(many.sentence().find(" and 55 more)") != std::string::npos);
}

TEST_CASE("diagnosis: a name given by somebody else, without a line of the table, is put in words all the same") {
  WellSite s;
  CHECK(decision::diagnosis_sentence(s.site, {.failed = Failed::Ourselves}) ==
        "Linekeeper itself stood still: look at this machine: its load, clock and firewall.");
  CHECK(decision::diagnosis_sentence(s.site, {.failed = Failed::Ourselves, .circuit = kFiber, .line = 200}).starts_with("fiber: our own probes"));
  CHECK(decision::diagnosis_call(s.site, {.failed = Failed::SharedUpstream}) == "call the providers: ISP One, ISP Two");
}

TEST_CASE("diagnosis table: every name has a line, every line a headline whose blanks can be filled, and what is done") {
  std::set<Failed> named;
  for (const decision::Row& r : decision::diagnosis_table()) {
    CHECK(!r.done.empty());
    if (!r.failed) continue;
    named.insert(*r.failed);
    CAPTURE(r.headline);
    CHECK(!r.headline.empty());
    const auto has = [&](std::string_view blank) { return r.headline.find(blank) != std::string_view::npos; };
    const bool of_circuit =
        r.about == decision::Scope::Circuit || r.about == decision::Scope::Resolver || r.about == decision::Scope::Check || r.one_cell;
    CHECK((!has("{circuit}") || of_circuit));
    CHECK((!has("{provider}") || of_circuit));
    CHECK((!has("{carrier}") || r.about == decision::Scope::Carrier));
    CHECK((!has("{target}") || r.about == decision::Scope::Target));
  }
  CHECK(named.size() == model::kFailedCount);
}

TEST_CASE("diagnosis table: README.md has it") {
  std::ifstream in(LINEKEEPER_README);
  std::stringstream text;
  text << in.rdbuf();
  const bool same = text.str().find(decision::diagnosis_table_markdown()) != std::string::npos;
  CHECK_MESSAGE(same, "README.md lacks this table:\n" << decision::diagnosis_table_markdown());
}
