#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

#include "controller/journal/recording.hpp"
#include "tests/unit/journal_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::journal;
using namespace std::chrono_literals;
using model::EventId;
using model::Instant;
using model::WallTime;

namespace {

const auto kOld = std::make_shared<const Configuration>(Configuration{"aaaa", "old text"});
const auto kNew = std::make_shared<const Configuration>(Configuration{"bbbb", std::string("new\0text", 8)});

ObservationBlock block(std::chrono::seconds at, std::string bytes, Instant run = Instant{1s},
                       std::shared_ptr<const Configuration> configuration = kOld) {
  return {.wall = WallTime(at),
          .run = run,
          .first = Instant{at},
          .last = Instant{at + 4s},
          .configuration = std::move(configuration),
          .bytes = std::move(bytes)};
}

std::string texts(Recording& recording, std::chrono::seconds since, std::chrono::seconds until) {
  std::string all;
  REQUIRE(recording.blocks(WallTime(since), WallTime(until), [&](const RecordedBlock& b) { all += b.bytes; }));
  return all;
}

Recording read(const std::string& path) {
  auto recording = Recording::open(path);
  REQUIRE_MESSAGE(recording.has_value(), (recording ? "" : recording.error().to_string()));
  return std::move(*recording);
}

}  // namespace

TEST_CASE("recording: what is appended is read beside the running journal, with its configuration") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  bench.journal->append_block(block(10s, "a"));
  bench.journal->append_block(block(15s, std::string("b\0c", 3)));
  bench.journal->append_block(block(20s, "d", Instant{20s}, kNew));
  bench.write(event(EventId::CircuitDown, "down", 12'000));
  auto recording = read(dir / "j.db");
  std::vector<RecordedBlock> blocks;
  REQUIRE(recording.blocks(WallTime(10s), WallTime(60s), [&](const RecordedBlock& b) { blocks.push_back(b); }));
  REQUIRE(blocks.size() == 3);
  CHECK(blocks[1].bytes == std::string("b\0c", 3));
  CHECK(blocks[1].wall == WallTime(15s));
  CHECK(blocks[1].run == Instant{1s});
  CHECK(blocks[1].first == Instant{15s});
  CHECK(blocks[1].last == Instant{19s});
  CHECK(blocks[1].config_sha256 == "aaaa");
  CHECK(blocks[1].boot_id.size() == 36);
  CHECK(blocks[2].config_sha256 == "bbbb");
  CHECK(*recording.configuration("aaaa") == "old text");
  CHECK(*recording.configuration("bbbb") == std::string("new\0text", 8));
  CHECK(*recording.configuration("cccc") == std::nullopt);
  CHECK((*recording.extent())->from == WallTime(10s));
  CHECK((*recording.extent())->to == WallTime(20s));
  const auto events = recording.events(WallTime(12s), WallTime(12s));
  REQUIRE(events);
  REQUIRE(events->size() == 1);
  CHECK(events->front().event.at == Instant{12s});
  CHECK(events->front().boot_id == blocks[0].boot_id);
  CHECK(recording.events(WallTime(12001ms), WallTime(60s))->empty());
  CHECK(recording.events(WallTime(1s), WallTime(11999ms))->empty());
}

TEST_CASE("recording: reading begins where the judge began that was at work at that time, and ends before `until`") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  bench.journal->append_block(block(10s, "a", Instant{1s}));
  bench.journal->append_block(block(15s, "b", Instant{1s}));
  bench.journal->append_block(block(20s, "c", Instant{20s}));
  bench.journal->append_block(block(25s, "d", Instant{20s}));
  bench.write(event(EventId::PathUp, "x"));
  auto recording = read(dir / "j.db");
  CHECK(texts(recording, 5s, 60s) == "abcd");  // before anything was recorded
  CHECK(texts(recording, 19s, 60s) == "abcd");
  CHECK(texts(recording, 20s, 60s) == "cd");
  CHECK(texts(recording, 99s, 199s) == "cd");
  CHECK(texts(recording, 16s, 24s) == "abc");
  CHECK(texts(recording, 16s, 25s) == "abcd");
  CHECK(texts(recording, 5s, 9s) == "");
}

TEST_CASE("recording: at its limit all blocks are kept, one byte above it the oldest goes, and so it stays over a restart") {
  TempDir dir;
  const Limits limits{.keep_block_bytes = 300};
  {
    Bench bench;
    REQUIRE(bench.open(dir / "j.db", limits));
    for (int i = 0; i < 3; ++i) bench.journal->append_block(block(10s, std::string(100, static_cast<char>('a' + i))));
    bench.write(event(EventId::PathUp, "x"));
  }
  auto before = read(dir / "j.db");
  CHECK(texts(before, 0s, 60s).size() == 300);
  {
    Bench bench;
    REQUIRE(bench.open(dir / "j.db", limits));
    bench.journal->append_block(block(11s, "x"));
    bench.write(event(EventId::PathUp, "x"));
  }
  auto after = read(dir / "j.db");
  CHECK(texts(after, 0s, 60s) == std::string(100, 'b') + std::string(100, 'c') + "x");
  {
    Bench bench;
    REQUIRE(bench.open(dir / "j.db", limits));
    bench.journal->append_block(block(12s, std::string(99, 'y')));
    bench.write(event(EventId::PathUp, "x"));
    bench.journal->append_block(block(13s, std::string(100, 'z')));  // one must go, and then it fits exactly
    bench.write(event(EventId::PathUp, "x"));
  }
  auto full = read(dir / "j.db");
  CHECK(texts(full, 0s, 60s) == std::string(100, 'c') + "x" + std::string(99, 'y') + std::string(100, 'z'));
}

TEST_CASE("recording: of blocks that wait for a failing disk the oldest are dropped and counted, and no event is lost for them") {
  Limits limits;
  limits.waiting_block_bytes = 250;
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db", limits));
  bench.write(event(EventId::PathUp, "before"));
  // Another program holds the file: the writer waits for it, and what comes meanwhile has to wait in memory.
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open((dir / "j.db").c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  bench.journal->append(event(EventId::CircuitDown, "alert"), nullptr);
  bench.until([&] { return !bench.failures.empty(); });
  for (int i = 0; i < 4; ++i) bench.journal->append_block(block(10s + i * 5s, std::string(100, static_cast<char>('a' + i))));
  CHECK(bench.journal->dropped_blocks() == 2);
  CHECK(bench.journal->dropped() == 0);
  REQUIRE(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(other);
  bench.journal->close();
  auto recording = read(dir / "j.db");
  CHECK(texts(recording, 0s, 60s) == std::string(100, 'c') + std::string(100, 'd'));
  CHECK(recording.events(WallTime(0s), WallTime(60s))->size() == 2);
}

TEST_CASE("recording: the configuration is stored again in a new file, and goes when no block names it any more") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db", {.keep_block_bytes = 10}));
  bench.journal->append_block(block(10s, "12345678"));
  bench.write(event(EventId::PathUp, "a"));
  for (const auto* suffix : {"", "-wal"}) std::filesystem::rename(dir / "j.db" + suffix, dir / "aside.db" + suffix);
  bench.journal->append_block(block(15s, "12345678"));
  bench.write(event(EventId::PathUp, "b"));
  {
    auto fresh = read(dir / "j.db");
    CHECK(*fresh.configuration("aaaa") == "old text");
  }
  bench.journal->append_block(block(20s, "12345678", Instant{20s}, kNew));  // drives the one before out
  bench.write(event(EventId::PathUp, "c"));
  bench.journal->append_block(block(25s, "1", Instant{25s}, std::make_shared<const Configuration>(Configuration{"cccc", "third"})));
  bench.write(event(EventId::PathUp, "d"));
  auto later = read(dir / "j.db");
  CHECK(*later.configuration("aaaa") == std::nullopt);
  CHECK(later.configuration("bbbb")->has_value());
  CHECK(later.configuration("cccc")->has_value());
}

TEST_CASE("recording: a journal of the version before is migrated, keeps what it has, and records from then on") {
  TempDir dir;
  const auto path = dir / "j.db";
  sql(path, R"(
    CREATE TABLE events(sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, severity TEXT NOT NULL, wall_ms INTEGER NOT NULL,
      boot_ns INTEGER NOT NULL, boot_id TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL, fields TEXT NOT NULL) STRICT;
    CREATE INDEX events_briefly ON events(sequence, wall_ms, id);
    CREATE TABLE overrides(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL, target TEXT NOT NULL,
      owner TEXT NOT NULL, reason TEXT NOT NULL, since_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE facts(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO events VALUES(7,'circuit.down','alert',5000,5000000000,'b','circuit fiber','kept','{}');
    PRAGMA application_id = 0x4C4B4A31; PRAGMA user_version = 1;)");
  const auto too_old = Recording::open(path);
  REQUIRE_FALSE(too_old);
  CHECK(too_old.error().what.find("recorded no observations") != std::string::npos);
  Bench bench;
  REQUIRE(bench.open(path));
  bench.journal->append_block(block(10s, "a"));
  CHECK(bench.write(event(EventId::CircuitUp, "new")).sequence == 8);
  CHECK(bench.events()->front().text == "kept");
  auto recording = read(path);
  CHECK(texts(recording, 0s, 60s) == "a");
}

TEST_CASE("recording: a file that is missing, no journal or not readable is an error that says what to do") {
  TempDir dir;
  const auto error = [&](const std::string& path) {
    const auto opened = Recording::open(path);
    REQUIRE_FALSE(opened);
    return opened.error();
  };
  CHECK(error(dir / "none.db").what == "there is no journal at " + (dir / "none.db"));
  CHECK(error(dir / "none.db").remedy.find("--journal FILE") != std::string::npos);
  CHECK(error(dir.path.string()).what.find("not a regular file") != std::string::npos);
  std::ofstream(dir / "text") << std::string(5000, 'x');
  CHECK(error(dir / "text").what.find("is unusable") != std::string::npos);
  sql(dir / "other.db", "CREATE TABLE t(x)");
  CHECK(error(dir / "other.db").what.find("is not a journal of Linekeeper") != std::string::npos);
  const std::ofstream empty(dir / "empty");
  CHECK(error(dir / "empty").what.find("is not a journal of Linekeeper") != std::string::npos);
}

TEST_CASE("recording: a journal whose daemon has ended is read where nothing can be written, and is not changed by it") {
  TempDir dir;
  {
    Bench bench;
    REQUIRE(bench.open(dir / "j.db"));
    bench.journal->append_block(block(10s, "a"));
  }
  REQUIRE_FALSE(std::filesystem::exists(dir / "j.db-wal"));
  {
    auto recording = read(dir / "j.db");
    CHECK(texts(recording, 0s, 60s) == "a");
  }
  CHECK_FALSE(std::filesystem::exists(dir / "j.db-wal"));
}
