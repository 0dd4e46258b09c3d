#include <doctest/doctest.h>

#include <fstream>

#include "tests/unit/journal_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::journal;
using model::EventId;

namespace {

std::string texts(const std::vector<model::Event>& events) {
  std::string all;
  for (const auto& e : events) all += e.text;
  return all;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("journal: an event comes back as it was given, with its sequence") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  auto given = event(EventId::IncidentClosed, "voice is back on fiber \"first choice\"\n\xC3\xA9", 1234567890123);
  given.fields = {{"rto_ms", "812"}, {"raw", std::string("a\0b\xFF", 4)}, {"", ""}};
  CHECK(bench.write(given).sequence == 1);
  const auto events = bench.events();
  REQUIRE(events);
  REQUIRE(events->size() == 1);
  const auto& got = events->front();
  CHECK(got.sequence == 1);
  CHECK(got.id == EventId::IncidentClosed);
  CHECK(got.wall == given.wall);
  CHECK(got.at == given.at);
  CHECK(got.subject == given.subject);
  CHECK(got.text == given.text);
  CHECK(got.fields == given.fields);
}

TEST_CASE("journal: sequences count up by one in the order of appending, and a query sees all appended before it") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  std::vector<std::int64_t> sequences;
  for (int i = 0; i < 1000; ++i)
    bench.journal->append(event(EventId::PathUp, std::to_string(i)), [&](const model::Event& e) { sequences.push_back(e.sequence); });
  const auto events = bench.events({.limit = 1000});
  REQUIRE(events);
  REQUIRE(events->size() == 1000);
  REQUIRE(sequences.size() == 1000);  // told before the query was answered
  for (std::size_t i = 0; i < 1000; ++i) {
    CHECK(sequences[i] == static_cast<std::int64_t>(i) + 1);
    CHECK((*events)[i].text == std::to_string(i));
  }
}

TEST_CASE("journal: since, after, prefix and limit each choose, together too") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  bench.journal->append(event(EventId::CircuitDown, "a", 1000), nullptr);
  bench.journal->append(event(EventId::CarrierDown, "b", 2000), nullptr);
  bench.journal->append(event(EventId::CircuitUp, "c", 3000), nullptr);
  bench.journal->append(event(EventId::TrunkMoved, "d", 4000), nullptr);
  const auto ask = [&](EventQuery query) {
    const auto events = bench.events(std::move(query));
    REQUIRE(events);
    return texts(*events);
  };
  const auto at = [](std::int64_t ms) { return model::WallTime(std::chrono::milliseconds(ms)); };
  CHECK(ask({}) == "abcd");
  CHECK(ask({.since = at(1999)}) == "bcd");
  CHECK(ask({.since = at(2000)}) == "bcd");
  CHECK(ask({.since = at(2001)}) == "cd");
  CHECK(ask({.after_sequence = 0}) == "abcd");
  CHECK(ask({.after_sequence = 3}) == "d");
  CHECK(ask({.after_sequence = 4}) == "");
  CHECK(ask({.id_prefix = "circuit."}) == "ac");
  CHECK(ask({.id_prefix = "circuit.down"}) == "a");
  CHECK(ask({.id_prefix = "c"}) == "abc");
  CHECK(ask({.id_prefix = ""}) == "abcd");
  CHECK(ask({.id_prefix = "' OR 1=1 --"}) == "");
  CHECK(ask({.limit = 0}) == "");
  CHECK(ask({.limit = 2}) == "cd");
  CHECK(ask({.limit = 5}) == "abcd");
  CHECK(ask({.since = at(2000), .after_sequence = 1, .id_prefix = "c", .limit = 1}) == "c");
}

TEST_CASE("journal: a restart keeps events, overrides and facts, and counts on") {
  TempDir dir;
  {
    Bench bench;
    REQUIRE(bench.open(dir / "j.db"));
    bench.write(event(EventId::CircuitDown, "a"));
    REQUIRE(bench.put(forced("voice")));
    bench.journal->put_fact({"generation", "6"});
    bench.journal->put_fact({"generation", "7"});
    bench.journal->put_fact({"sip-sent north/fiber", "123"});
  }
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  const auto overrides = bench.journal->load_overrides();
  REQUIRE(overrides);
  REQUIRE(overrides->size() == 1);
  const auto expected = forced("voice");
  const auto& got = overrides->front();
  CHECK(got.id == 1);
  CHECK(got.kind == expected.kind);
  CHECK(got.subject == expected.subject);
  CHECK(got.to == expected.to);
  CHECK(got.owner == expected.owner);
  CHECK(got.reason == expected.reason);
  CHECK(got.since == expected.since);
  CHECK(got.until == expected.until);
  const auto facts = bench.journal->load_facts();
  REQUIRE(facts);
  REQUIRE(facts->size() == 2);
  CHECK((*facts)[0].key == "generation");
  CHECK((*facts)[0].value == "7");
  CHECK((*facts)[1].value == "123");
  CHECK(bench.write(event(EventId::CircuitUp, "b")).sequence == 2);
}

TEST_CASE("journal: overrides are numbered, replaced by their number, removed, and a number is never given twice") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  CHECK(bench.put(forced("voice"))->id == 1);
  auto second = *bench.put(forced("data"));
  CHECK(second.id == 2);
  second.reason = "longer";
  CHECK(bench.put(second)->id == 2);
  REQUIRE(bench.remove(1));
  REQUIRE(bench.remove(1));  // gone already: nothing to do
  auto left = *bench.journal->load_overrides();
  REQUIRE(left.size() == 1);
  CHECK(left[0].reason == "longer");
  REQUIRE(bench.remove(2));
  CHECK(bench.journal->load_overrides()->empty());
  auto hold = forced("");
  hold.kind = model::OverrideKind::Hold;
  CHECK(bench.put(hold)->id == 3);
  CHECK(bench.journal->load_overrides()->front().kind == model::OverrideKind::Hold);
}

TEST_CASE("journal: events of an earlier boot keep their wall time but no instant, unknown kinds are passed over") {
  TempDir dir;
  {
    Bench bench;
    REQUIRE(bench.open(dir / "j.db"));
    bench.write(event(EventId::CircuitDown, "a", 5000));
    bench.write(event(EventId::CircuitDown, "b", 6000));
  }
  sql(dir / "j.db", "UPDATE events SET boot_id='another' WHERE sequence=1; UPDATE events SET id='moon.full' WHERE sequence=2");
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  const auto events = bench.events();
  REQUIRE(events);
  REQUIRE(events->size() == 1);
  CHECK(events->front().at == model::Instant{});
  CHECK(events->front().wall == model::WallTime(std::chrono::milliseconds(5000)));
}

TEST_CASE("journal: at the limit all events are kept, one above it the oldest goes") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db", {.waiting_events = 4096, .waiting_facts = 10, .keep_events = 100}));
  for (int i = 1; i <= 100; ++i) bench.journal->append(event(EventId::PathUp, "x"), nullptr);
  const auto first = [&] { return bench.events({.limit = 1000})->front().sequence; };
  CHECK(first() == 1);
  bench.write(event(EventId::PathUp, "x"));
  CHECK(first() == 2);
}

TEST_CASE("journal: a lowered limit is reached in small steps") {
  TempDir dir;
  {
    Bench bench;
    REQUIRE(bench.open(dir / "j.db"));
    for (int i = 1; i <= 300; ++i) bench.journal->append(event(EventId::PathUp, "x"), nullptr);
  }
  Bench bench;
  REQUIRE(bench.open(dir / "j.db", {.waiting_events = 10, .waiting_facts = 10, .keep_events = 100}));
  const auto first = [&] { return bench.events({.limit = 1000})->front().sequence; };
  for (const std::int64_t expected : {65, 129, 193, 205, 206}) {
    bench.write(event(EventId::PathUp, "x"));
    CHECK(first() == expected);
  }
}

TEST_CASE("journal: a damaged file is refused with the way out, and not a byte of it is changed") {
  TempDir dir;
  const auto path = dir / "j.db";
  std::string content;
  SUBCASE("no database at all") { content = std::string(5000, 'x'); }
  SUBCASE("shorter than a header") { content = "SQLite format 3"; }
  SUBCASE("a database of another program") {
    sql(path, "CREATE TABLE t(x)");
    content = bytes_of(path);
  }
  SUBCASE("ours, with a page overwritten") {
    {
      Bench bench;
      REQUIRE(bench.open(path));
      for (int i = 0; i < 200; ++i) bench.journal->append(event(EventId::PathUp, std::string(500, 'x')), nullptr);
    }
    content = bytes_of(path);
    REQUIRE(content.size() > 40'000);
    content.replace(4096, 30'000, 30'000, '\x55');
  }
  SUBCASE("ours, cut short") {
    {
      Bench bench;
      REQUIRE(bench.open(path));
      for (int i = 0; i < 200; ++i) bench.journal->append(event(EventId::PathUp, std::string(500, 'x')), nullptr);
    }
    content = bytes_of(path).substr(0, 9000);
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  Bench bench;
  const auto opened = bench.open(path);
  REQUIRE_FALSE(opened);
  CAPTURE(opened.error().to_string());
  CHECK(opened.error().code == EBADMSG);
  CHECK(opened.error().remedy.find("mv " + path + " " + path + ".damaged") != std::string::npos);
  CHECK(bytes_of(path) == content);
}

TEST_CASE("journal: a file of a newer version is refused, an empty one is taken as new") {
  TempDir dir;
  {
    Bench bench;
    REQUIRE(bench.open(dir / "j.db"));
  }
  sql(dir / "j.db", "PRAGMA user_version = 3");
  Bench bench;
  const auto opened = bench.open(dir / "j.db");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().what.find("newer") != std::string::npos);
  const std::ofstream empty(dir / "empty.db");
  CHECK(bench.open(dir / "empty.db"));
}

TEST_CASE("journal: moved aside while it runs, it starts a new one") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  bench.write(event(EventId::PathUp, "a"));
  for (const auto* suffix : {"", "-wal"}) std::filesystem::rename(dir / "j.db" + suffix, dir / "aside.db" + suffix);
  bench.write(event(EventId::PathUp, "b"));
  CHECK(texts(*bench.events()) == "b");
  CHECK(bench.failures.empty());
  bench.journal.reset();
  Bench aside;
  REQUIRE(aside.open(dir / "aside.db"));
  CHECK(texts(*aside.events()) == "a");
}

TEST_CASE("journal: closing writes what waits, and later calls are answered with an error") {
  TempDir dir;
  {
    Bench bench;
    REQUIRE(bench.open(dir / "j.db"));
    for (int i = 0; i < 500; ++i) bench.journal->append(event(EventId::PathUp, "x"), nullptr);
    bench.journal->close();
    bench.journal->append(event(EventId::PathUp, "late"), nullptr);
    CHECK(bench.events().error().code == ESHUTDOWN);
    CHECK(bench.put(forced("voice")).error().code == ESHUTDOWN);
    CHECK_FALSE(bench.journal->load_facts());
    CHECK(bench.journal->dropped() == 0);
  }
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  CHECK(bench.events({.limit = 1000})->size() == 500);
}

TEST_CASE("journal: once destroyed it calls nobody") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  int calls = 0;
  bench.journal->append(event(EventId::PathUp, "x"), [&](const model::Event&) { ++calls; });
  bench.journal->events({}, [&](auto) { ++calls; });
  bench.journal.reset();
  bench.io.poll();
  CHECK(calls == 0);
}
