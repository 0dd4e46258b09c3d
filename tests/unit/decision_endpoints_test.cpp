// A carrier with several addresses by one circuit: a verdict for each, and what follows for the path.
#include <doctest/doctest.h>

#include "controller/decision/path_endpoints.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::PathEndpoints;
using model::Cause;
using model::Endpoint;
using model::Health;
using model::Instant;

namespace {

Endpoint at(int i) { return {.address = *model::IpAddress::parse("198.51.100." + std::to_string(i))}; }

struct Path {
  model::Site site;
  Instant now{1h};
  std::uint64_t sequence = 0;
  std::optional<PathEndpoints> path;

  explicit Path(bool named) {
    model::Carrier carrier{.name = "north", .address = {}};
    if (named)
      carrier.host = "sip.north.example";
    else
      for (int i = 1; i <= 4; ++i) carrier.addresses.push_back(at(i));
    site.carriers.push_back(carrier);
    site.circuits.push_back({.name = "fiber"});
    path.emplace(site, model::CarrierId{}, model::CircuitId{}, now);
  }
  void answer(int i, int code = 200) {
    ++sequence;
    path->on(model::SipOutcome{.sequence = sequence,
                               .result = model::SipResult::Final,
                               .code = code,
                               .reply = code < 500 ? model::ReplyClass::Up : model::ReplyClass::Down,
                               .sent = now,
                               .endpoint = at(i)},
             now);
    judge();
  }
  void overdue(int i, std::uint64_t which) {
    path->on(model::SipOverdue{.sequence = which, .sent = now - 1s, .endpoint = at(i)}, now);
    judge();
  }
  void lost(int i) {
    ++sequence;
    path->on(model::SipOutcome{.sequence = sequence, .result = model::SipResult::Timeout, .sent = now - 3s, .endpoint = at(i)}, now);
    judge();
  }
  void judge(Health circuit = Health::Up) { path->judge(circuit, now); }
  void after(model::Duration d) { now += d; }
  void located(std::vector<model::LocatedEndpoint> all, model::Lookup lookup = model::Lookup::Found) {
    path->on(model::CarrierLocated{.lookup = lookup, .answered = now, .endpoints = std::move(all)}, now);
    judge();
  }
  [[nodiscard]] Health health() const { return path->verdict().health; }
  [[nodiscard]] Health of(int i) const {
    for (const auto& e : path->status().endpoints)
      if (e.where.at == at(i)) return e.verdict.health;
    return Health::Unknown;
  }
};

}  // namespace

TEST_CASE("endpoints: one of four dead is named, and the path stays up without a suspicion") {
  Path p(false);
  CHECK(p.health() == Health::Unknown);
  for (int i = 1; i <= 4; ++i) p.answer(i);
  CHECK(p.health() == Health::Up);
  for (int round = 0; round < 5; ++round) {
    p.after(11s);
    p.overdue(3, p.sequence + 1);
    CHECK_FALSE(p.path->overdue());
    CHECK_FALSE(p.path->last_was_bad());
    p.lost(3);
    for (const int i : {1, 2, 4}) p.answer(i);
    CHECK(p.health() == Health::Up);
  }
  CHECK(p.of(3) == Health::Down);
  CHECK(p.of(4) == Health::Up);
  CHECK(p.path->partly_dead());
  CHECK(p.path->trusted());
}

TEST_CASE("endpoints: when nothing answers at all the path is down as soon as a carrier of one address would be") {
  Path p(false);
  for (int i = 1; i <= 4; ++i) p.answer(i);
  p.after(10s);
  const Instant sent = p.now;
  p.after(1s);
  p.overdue(1, 90);
  p.after(1s);
  p.overdue(2, 90);  // the same sequence, of another address: two silences
  CHECK(p.path->overdue());
  CHECK(p.health() == Health::Up);
  p.now = sent + 4s - 1ns;
  p.judge();
  CHECK(p.health() == Health::Up);
  CHECK(p.path->next_wakeup() == sent + 4s);
  p.now = sent + 4s;
  p.judge();
  CHECK(p.health() == Health::Down);
  CHECK(p.path->first_bad() == sent);
  CHECK_FALSE(p.path->trusted());
}

TEST_CASE("endpoints: when each of them says no the path is down, and up again with the first that is") {
  Path p(false);
  for (int i = 1; i <= 4; ++i) p.answer(i);
  for (int i = 1; i <= 4; ++i) {
    CHECK(p.health() == Health::Up);
    p.after(1s);
    p.answer(i, 503);
    p.after(1s);
    p.answer(i, 503);
  }
  CHECK(p.health() == Health::Down);
  CHECK(p.path->verdict().cause == Cause::SipRejected);
  p.after(1s);
  p.answer(2);
  CHECK(p.health() == Health::Down);  // one good answer: two are wanted
  p.after(1s);
  p.answer(2);
  CHECK(p.health() == Health::Up);
  CHECK_FALSE(p.path->trusted());
  p.after(60s);
  p.answer(2);
  CHECK(p.path->trusted());
}

TEST_CASE("endpoints: addresses of a later priority carry the path as degraded") {
  Path p(true);
  p.located({{.at = at(1), .priority = 10}, {.at = at(2), .priority = 20}});
  p.answer(1);
  p.answer(2);
  CHECK(p.health() == Health::Up);
  p.after(1s);
  p.answer(1, 503);
  p.after(1s);
  p.answer(1, 503);
  CHECK(p.health() == Health::Degraded);
  CHECK(p.path->verdict().cause == Cause::BackupAddresses);
  p.answer(1);
  p.answer(1);
  CHECK(p.health() == Health::Up);
}

TEST_CASE("endpoints: new addresses begin unknown, old ones count until the new have a verdict") {
  Path p(true);
  CHECK(p.health() == Health::Unknown);
  p.located({{.at = at(1)}});
  p.answer(1);
  CHECK(p.health() == Health::Up);
  p.after(5s);
  p.located({{.at = at(1)}, {.at = at(2)}});
  CHECK(p.health() == Health::Up);
  p.located({{.at = at(3)}});
  CHECK(p.health() == Health::Up);
  CHECK(p.of(1) == Health::Up);
  p.answer(3, 503);
  p.answer(3, 503);
  CHECK(p.health() == Health::Down);  // now the new one speaks
  CHECK(p.path->status().endpoints.size() == 1);
}

TEST_CASE("endpoints: a dead address and an unknown one leave what was held") {
  Path p(true);
  p.located({{.at = at(1)}});
  p.answer(1);
  p.located({{.at = at(1)}, {.at = at(2)}});
  p.after(1s);
  p.answer(1, 503);
  p.after(1s);
  p.answer(1, 503);
  CHECK(p.of(1) == Health::Down);
  CHECK(p.health() == Health::Up);  // the other has not been asked yet
  p.answer(2);
  CHECK(p.health() == Health::Up);
}

TEST_CASE("endpoints: a lookup that fails changes no verdict") {
  Path p(true);
  p.located({{.at = at(1)}});
  p.answer(1);
  p.after(10s);
  for (const auto lookup : {model::Lookup::Unanswered, model::Lookup::NoSuchName}) {
    p.located({{.at = at(1)}}, lookup);
    CHECK(p.health() == Health::Up);
    REQUIRE(p.path->status().located);
    CHECK(p.path->status().located->lookup == lookup);
  }
}

TEST_CASE("endpoints: a dead circuit is not the carrier's doing, and it begins unknown when the circuit is back") {
  Path p(false);
  for (int i = 1; i <= 4; ++i) p.answer(i);
  p.judge(Health::Down);
  CHECK(p.health() == Health::Down);
  CHECK_FALSE(p.path->down_by_carrier());
  CHECK(p.path->trusted());
  p.after(1s);
  p.judge();
  CHECK(p.health() == Health::Unknown);
  p.answer(4);
  CHECK(p.health() == Health::Up);
}

TEST_CASE("endpoints: one address that stays silent again and again is no suspicion against the carrier; a second one is") {
  Path p(false);
  for (int i = 1; i <= 4; ++i) p.answer(i);
  p.after(1s);
  p.lost(2);
  p.after(1s);
  p.lost(2);
  CHECK_FALSE(p.path->overdue());
  CHECK_FALSE(p.path->last_was_bad());
  CHECK(p.health() == Health::Up);
  p.after(3s);  // what was sent before the last answer was lost on the way
  p.lost(3);
  CHECK_FALSE(p.path->overdue());
  p.lost(4);
  CHECK(p.path->overdue());
  CHECK(p.path->last_was_bad());
  p.answer(1);
  CHECK_FALSE(p.path->overdue());
}
