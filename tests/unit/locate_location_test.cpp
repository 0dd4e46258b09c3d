// Where a carrier's servers are (RFC 3263), the order of their records (RFC 2782), what is held of them from lookup to lookup.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "carriers/locate/directory.hpp"

using namespace linekeeper;
using namespace linekeeper::locate;
using namespace std::chrono_literals;
using model::Instant;
using model::IpAddress;
using model::LocatedEndpoint;
using model::SipTransport;

namespace {

IpAddress ip(const std::string& text) { return *IpAddress::parse(text); }
Instant at(model::Duration d) { return Instant(d + 1000s); }

Answer records(std::vector<IpAddress> addresses, model::Duration ttl = 60s) {
  return {.what = Answer::What::Records, .naptrs = {}, .srvs = {}, .addresses = std::move(addresses), .ttl = ttl, .why = {}};
}
Answer srvs(std::vector<Srv> all, model::Duration ttl = 60s) {
  return {.what = Answer::What::Records, .naptrs = {}, .srvs = std::move(all), .addresses = {}, .ttl = ttl, .why = {}};
}
Answer naptrs(std::vector<Naptr> all) {
  return {.what = Answer::What::Records, .naptrs = std::move(all), .srvs = {}, .addresses = {}, .ttl = 60s, .why = {}};
}
Answer nothing(Answer::What what, std::string why = {}) {
  Answer answer;
  answer.what = what;
  answer.why = std::move(why);
  return answer;
}
const Answer kNothing = nothing(Answer::What::Nothing), kNoName = nothing(Answer::What::NoSuchName);
const Answer kServfail = nothing(Answer::What::Failed, "SERVFAIL");

/// A resolver that says what it was given, NXDOMAIN to the rest, and remembers what it was asked.
struct Zone {
  std::map<Question, Answer> says;
  std::vector<Question> asked{};

  Found look(const Wanted& wanted, std::uint64_t seed = 7) {
    Location location(wanted);
    for (auto open = location.questions(); !open.empty(); open = location.questions())
      for (const Question& q : open) {
        asked.push_back(q);
        const auto said = says.find(q);
        location.hear(q, said == says.end() ? kNoName : said->second);
      }
    CHECK(location.done());
    runtime::SeededRandom chance(seed);
    return location.found(chance);
  }
};

std::vector<std::string> places(const Found& found) {
  std::vector<std::string> out;
  for (const LocatedEndpoint& e : found.endpoints) out.push_back(e.at.to_string());
  return out;
}
using Places = std::vector<std::string>;

Wanted north() { return {.host = "north.example"}; }
const Question kNaptr{Kind::Naptr, "north.example"}, kSrv{Kind::Srv, "_sip._udp.north.example"}, kBare{Kind::A, "north.example"};

}  // namespace

TEST_CASE("location: a name with a port is asked for addresses alone") {
  Zone zone{{{kBare, records({ip("192.0.2.1")})}}};
  const Found found = zone.look({.host = "north.example", .port = 5080});
  CHECK(places(found) == Places{"192.0.2.1:5080"});
  CHECK(zone.asked == std::vector<Question>{kBare});
}

TEST_CASE("location: NAPTR leads to SRV, SRV to addresses") {
  Zone zone{{{kNaptr, naptrs({{.order = 1, .preference = 1, .flags = "s", .service = "SIP+D2T", .replacement = "_sip._tcp.north.example"},
                              {.order = 2, .preference = 1, .flags = "S", .service = "sip+d2u", .replacement = "_sip._udp.core.example"}})},
             {{Kind::Srv, "_sip._udp.core.example"}, srvs({{.priority = 1, .weight = 0, .port = 5070, .target = "a.example"}})},
             {{Kind::A, "a.example"}, records({ip("192.0.2.7")})}}};
  CHECK(places(zone.look(north())) == Places{"192.0.2.7:5070"});  // TCP comes first there, and is not spoken here
  CHECK(zone.asked.size() == 3);
}

TEST_CASE("location: the transport that is given passes NAPTR by, and TLS has a port of its own") {
  Zone zone{{{kBare, records({ip("192.0.2.1")})}}};
  CHECK(places(zone.look({.host = "north.example", .transport = SipTransport::Tls, .able = {SipTransport::Tls}})) == Places{"192.0.2.1:5061"});
  REQUIRE(zone.asked.size() == 2);
  CHECK(zone.asked[0] == Question{Kind::Srv, "_sips._tcp.north.example"});
}

TEST_CASE("location: without NAPTR and SRV the bare name's addresses are taken") {
  Zone zone{{{kNaptr, kNothing}, {kSrv, kNoName}, {kBare, records({ip("192.0.2.2"), ip("192.0.2.1")})}}};
  const Found found = zone.look(north());
  CHECK(found.what == Found::What::Endpoints);
  CHECK(found.endpoints.size() == 2);
}

TEST_CASE("location: a name that is nowhere is told apart from a resolver that does not answer") {
  CHECK(Zone{}.look(north()).what == Found::What::NoSuchName);
  CHECK(Zone{{{kNaptr, kServfail}}}.look(north()).what == Found::What::Unanswered);
  Zone srv_fails{{{kSrv, kServfail}, {kBare, records({ip("192.0.2.1")})}}};
  const Found found = srv_fails.look(north());  // the bare name may be another machine: not taken
  CHECK(found.what == Found::What::Unanswered);
  CHECK(found.why == "SERVFAIL");
  CHECK(Zone{{{kBare, kServfail}}}.look(north()).what == Found::What::Unanswered);
}

TEST_CASE("location: a service whose target is the root is not there") {
  Zone zone{{{kSrv, srvs({{.port = 0, .target = "."}})}, {kBare, records({ip("192.0.2.1")})}}};
  CHECK(zone.look(north()).what == Found::What::NoSuchName);
}

TEST_CASE("location: an answer outside the pinned networks is refused, and does not end the good ones") {
  Wanted wanted = north();
  wanted.pinned = {*model::Prefix::parse("198.51.100.0/24")};
  const auto look = [&](const char* address) { return Zone{{{kBare, records({ip(address), ip("198.51.100.9")})}}}.look(wanted); };
  CHECK(look("198.51.99.255").refused == std::vector{ip("198.51.99.255")});
  CHECK(look("198.51.100.0").refused.empty());
  CHECK(look("198.51.100.255").refused.empty());
  CHECK(look("198.51.101.0").refused == std::vector{ip("198.51.101.0")});
  CHECK(places(look("203.0.113.1")) == Places{"198.51.100.9:5060"});
  const Found all = Zone{{{kBare, records({ip("203.0.113.1")})}}}.look(wanted);
  CHECK(all.what == Found::What::Unanswered);  // so that the last good ones stay
  CHECK(all.endpoints.empty());
}

TEST_CASE("location: the IPv6 addresses are asked for by circuits of that family") {
  Zone zone{{{{Kind::Aaaa, "north.example"}, records({ip("2001:db8::1")})}}};
  CHECK(places(zone.look({.host = "north.example", .family = model::Family::V6})) == Places{"[2001:db8::1]:5060"});
}

TEST_CASE("location: fifty records are sixteen endpoints, the same ones at each lookup") {
  Zone zone;
  std::vector<Srv> all;
  for (std::uint16_t i = 0; i < 50; ++i) {
    const std::string name = "t" + std::to_string(i) + ".example";
    all.push_back({.priority = 1, .weight = i, .port = 5060, .target = name});
    zone.says[{Kind::A, name}] = records({ip("192.0.2." + std::to_string(i))});
  }
  zone.says[kSrv] = srvs(all);
  const auto set_by = [&](std::uint64_t seed) {
    auto found = places(zone.look(north(), seed));
    std::ranges::sort(found);
    return found;
  };
  const auto first = set_by(1);
  CHECK(first.size() == model::kMostEndpoints);
  CHECK(std::ranges::find(first, "192.0.2.49:5060") != first.end());
  CHECK(std::ranges::find(first, "192.0.2.0:5060") == first.end());
  for (std::uint64_t seed = 2; seed < 20; ++seed) CHECK(set_by(seed) == first);
  CHECK(zone.asked.size() <= 20 * (2 + kMostTargets));
}

TEST_CASE("order: by priority always, and by weight as often as the weights say") {
  const auto made = [](std::uint16_t priority, std::uint16_t weight, const char* address) {
    return LocatedEndpoint{.at = {.address = ip(address)}, .priority = priority, .weight = weight};
  };
  runtime::SeededRandom chance(20261123);
  std::map<std::uint16_t, int> firsts;
  constexpr int kRounds = 20000;
  for (int i = 0; i < kRounds; ++i) {
    const auto order =
        in_order({made(20, 65535, "192.0.2.9"), made(10, 60, "192.0.2.1"), made(10, 30, "192.0.2.2"), made(10, 10, "192.0.2.3")}, chance);
    REQUIRE(order.size() == 4);
    REQUIRE(order.back().priority == 20);
    ++firsts[order.front().weight];
  }
  // Five standard deviations of a share of 20,000 draws are below 0.018; the draw from 0 to the sum moves shares by less than 0.01.
  CHECK(firsts[60] / double{kRounds} == doctest::Approx(0.60).epsilon(0.05));
  CHECK(firsts[30] / double{kRounds} == doctest::Approx(0.30).epsilon(0.08));
  CHECK(firsts[10] / double{kRounds} == doctest::Approx(0.10).epsilon(0.18));
}

TEST_CASE("order: a weight of nothing is chosen seldom, and not never") {
  const auto made = [](std::uint16_t weight, const char* address) { return LocatedEndpoint{.at = {.address = ip(address)}, .weight = weight}; };
  runtime::SeededRandom chance(5);
  int zero_first = 0;
  for (int i = 0; i < 5000; ++i) zero_first += in_order({made(9, "192.0.2.1"), made(0, "192.0.2.2")}, chance).front().weight == 0 ? 1 : 0;
  CHECK(zero_first > 300);
  CHECK(zero_first < 700);  // one of ten draws
}

TEST_CASE("order: whatever the weights, each endpoint is there once") {
  runtime::SeededRandom chance(99);
  for (int round = 0; round < 500; ++round) {
    std::vector<LocatedEndpoint> all;
    for (int i = 0; i < 1 + round % 16; ++i) {
      LocatedEndpoint e{.at = {.address = ip("192.0.2." + std::to_string(i))}};
      e.priority = static_cast<std::uint16_t>(chance.next() % 3);
      e.weight = chance.next() % 4 == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(chance.next());
      all.push_back(e);
    }
    auto order = in_order(all, chance);
    CHECK(std::ranges::is_sorted(order, {}, &LocatedEndpoint::priority));
    const auto by_address = [](const LocatedEndpoint& e) { return e.at; };
    std::ranges::sort(order, {}, by_address);
    std::ranges::sort(all, {}, by_address);
    CHECK(order == all);
  }
}

namespace {
Found found_at(std::vector<const char*> addresses, model::Duration ttl = 60s) {
  Found found{.what = Found::What::Endpoints, .ttl = ttl};
  for (const char* a : addresses) found.endpoints.push_back({.at = {.address = ip(a)}, .name = a});
  return found;
}
Found failed(Found::What what) { return {.what = what}; }
}  // namespace

TEST_CASE("directory: a TTL is taken between five seconds and five minutes") {
  const auto next = [](model::Duration ttl) {
    Directory d({}, {});
    d.on(found_at({"192.0.2.1"}, ttl), at(0s));
    return d.next() - at(0s);
  };
  CHECK(next(0s) == 5s);
  CHECK(next(5s) == 5s);
  CHECK(next(6s) == 6s);
  CHECK(next(299s) == 299s);
  CHECK(next(300s) == 300s);
  CHECK(next(301s) == 300s);
}

TEST_CASE("directory: the last good answer stays when there is none, and its age is known") {
  Directory d({}, {});
  CHECK(d.on(found_at({"192.0.2.1", "192.0.2.2"}), at(0s)));
  CHECK(d.held().lookup == model::Lookup::Found);
  CHECK_FALSE(d.on(found_at({"192.0.2.2", "192.0.2.1"}), at(60s)));  // another order is no news
  CHECK(d.on(failed(Found::What::Unanswered), at(120s)));
  CHECK(d.held().lookup == model::Lookup::Unanswered);
  CHECK(d.held().endpoints.size() == 2);
  CHECK(d.held().answered == at(60s));
  CHECK_FALSE(d.on(failed(Found::What::Unanswered), at(125s)));  // told once
  CHECK(d.on(failed(Found::What::NoSuchName), at(130s)));
  CHECK(d.held().lookup == model::Lookup::NoSuchName);
  CHECK(d.held().endpoints.size() == 2);
  CHECK(d.on(found_at({"192.0.2.1", "192.0.2.2"}), at(140s)));
}

TEST_CASE("directory: after failures it looks again after 5 s, 10 s, and at last every minute") {
  Directory d({}, {});
  std::vector<model::Duration> waits;
  for (int i = 0; i < 6; ++i) {
    d.on(failed(Found::What::Unanswered), at(0s));
    waits.push_back(d.next() - at(0s));
  }
  CHECK(waits == std::vector<model::Duration>{5s, 10s, 20s, 40s, 60s, 60s});
  d.on(found_at({"192.0.2.1"}), at(0s));
  d.on(failed(Found::What::Unanswered), at(0s));
  CHECK(d.next() == at(5s));
}

TEST_CASE("directory: a target that is not answered for keeps its address, one that is not named loses it") {
  Directory d({}, {});
  d.on(found_at({"192.0.2.1", "192.0.2.2"}), at(0s));
  Found half = found_at({"192.0.2.1"});
  half.unanswered = {"192.0.2.2"};
  CHECK_FALSE(d.on(half, at(60s)));
  CHECK(d.held().endpoints.size() == 2);
  CHECK(d.next() == at(65s));
  half.unanswered.clear();
  CHECK(d.on(half, at(65s)));
  CHECK(d.held().endpoints.size() == 1);
}

TEST_CASE("directory: an address outside the pins is news once") {
  Directory d({}, {});
  Found found = found_at({"192.0.2.1"});
  d.on(found, at(0s));
  found.refused = {ip("203.0.113.1")};
  CHECK(d.on(found, at(60s)));
  CHECK(d.held().refused.size() == 1);
  CHECK_FALSE(d.on(found, at(120s)));
}

TEST_CASE("records: bytes that are no answer are a failure, and an answer without records is not") {
  CHECK(read_answer(Kind::A, {}).what == Answer::What::Failed);
  std::vector<std::uint8_t> head = {0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0};
  CHECK(read_answer(Kind::A, head).what == Answer::What::Failed);  // eleven bytes: one too few
  const std::vector<std::uint8_t> question = {0, 1, 'a', 0, 0, 1, 0, 1};
  const auto reply = [&](std::uint8_t rcode) {
    std::vector<std::uint8_t> bytes = {0, 1, 0x80, rcode, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1};
    return read_answer(Kind::A, bytes);
  };
  CHECK(reply(0).what == Answer::What::Nothing);
  CHECK(reply(2).what == Answer::What::Failed);
  CHECK(reply(2).why == "SERVFAIL");
  CHECK(reply(3).what == Answer::What::NoSuchName);
  CHECK(reply(5).why == "REFUSED");
}

TEST_CASE("records: the least TTL of the answer counts, one with its highest bit set is none") {
  const auto ttl = [](std::uint8_t first) {
    const std::vector<std::uint8_t> bytes = {0,    1,  0x80, 0, 0, 1, 0,     1, 0, 0,  0, 0, 1,   'a', 0, 0, 1, 0, 1,  // a. IN A ?
                                             0xC0, 12, 0,    1, 0, 1, first, 0, 0, 30, 0, 4, 192, 0,   2, 9};
    const Answer answer = read_answer(Kind::A, bytes);
    REQUIRE(answer.what == Answer::What::Records);
    CHECK(answer.addresses == std::vector{ip("192.0.2.9")});
    return answer.ttl;
  };
  CHECK(ttl(0) == 30s);
  CHECK(ttl(0x80) == 0s);
}
