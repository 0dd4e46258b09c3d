// A disk that fails, made with what works for root too: a limit on file size (EFBIG), a full tmpfs and a read-only bind
// mount in a mount namespace of the test's own thread.
#include <doctest/doctest.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "tests/support/own_namespace.hpp"
#include "tests/unit/journal_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::journal;
using model::EventId;

namespace {

/// While it lives, no file of this process grows beyond `bytes`: write(2) answers EFBIG.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit tight{.rlim_cur = bytes, .rlim_max = old_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

constexpr rlim_t kTight = 64 * 1024;

model::Event large() {
  auto e = event(EventId::PathUp, std::string(4000, 'x'));
  e.fields.assign(40, {"k", std::string(4000, 'y')});
  for (std::size_t i = 0; i < e.fields.size(); ++i) e.fields[i].first += std::to_string(i);
  return e;
}

/// Runs `body` in a thread with a mount namespace of its own; false where the kernel does not allow one.
template <class Body>
bool in_own_mounts(Body body) {
  return tests::in_own_namespace([] { return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0; },
                                 body);
}

}  // namespace

TEST_CASE("journal: a path that cannot be is an error that says what to do") {
  TempDir dir;
  Bench bench;
  const auto missing = bench.open(dir / "no/such/j.db");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ENOENT);
  CHECK(missing.error().remedy.find("Create the directory") != std::string::npos);
  std::ofstream(dir / "file") << "x";
  const auto under_file = bench.open(dir / "file/j.db");
  REQUIRE_FALSE(under_file);
  CAPTURE(under_file.error().to_string());
  CHECK(under_file.error().code == ENOTDIR);
  CHECK(bench.open(dir.path.string()).error().what.find("not a regular file") != std::string::npos);
}

TEST_CASE("journal: a failing disk is told once, loses no event, and is written when it works again") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  int written = 0;
  const auto count = [&](const model::Event&) { ++written; };
  {
    const FileSizeLimit limit(kTight);
    bench.journal->append(large(), count);
    bench.until([&] { return !bench.failures.empty(); });
    CHECK(bench.journal->failing());
    bench.journal->append(large(), count);
    bench.journal->put_fact({"generation", "7"});
    // An override has no place to go: it is refused at once, with the reason. The try before it fails too, and is not told again.
    auto big = forced("voice");
    big.reason = std::string(200'000, 'r');
    const auto refused = bench.put(big);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == EIO);
    CHECK(refused.error().remedy.find("Look at the disk") != std::string::npos);
    CHECK(bench.events()->empty());  // reading still works
    CHECK(bench.failures.size() == 1);
    CHECK(written == 0);
  }
  CHECK(bench.put(forced("voice"))->id == 1);  // wakes the writer: events first
  CHECK(written == 2);
  CHECK_FALSE(bench.journal->failing());
  CHECK(bench.events()->front().sequence == 1);
  CHECK(bench.events()->back().sequence == 2);
  CHECK(bench.journal->load_facts()->front().value == "7");
  CHECK(bench.journal->dropped() == 0);
  // A second failure is a new change.
  {
    const FileSizeLimit limit(kTight);
    bench.journal->append(large(), count);
    bench.until([&] { return bench.failures.size() == 2; });
  }
  bench.until([&] { return written == 3; });  // by its own retry
}

TEST_CASE("journal: while the disk fails the queue is bounded, info goes first, alerts stay") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db", {.waiting_events = 10, .waiting_facts = 2, .keep_events = 1000}));
  {
    const FileSizeLimit limit(kTight);
    bench.journal->append(large(), nullptr);
    bench.until([&] { return bench.journal->failing(); });
    for (int i = 0; i < 5; ++i) bench.journal->append(event(EventId::CircuitDown, "alert"), nullptr);
    for (int i = 0; i < 100; ++i) bench.journal->append(event(EventId::PathUp, std::to_string(i)), nullptr);
    for (const auto* key : {"a", "b", "c", "a"}) bench.journal->put_fact({key, "1"});
    // The retry may hold a batch while we append, so the bound is met when it is put back: ask for one round.
    auto big = forced("voice");
    big.reason = std::string(200'000, 'r');
    REQUIRE_FALSE(bench.put(big));
    CHECK(bench.journal->dropped() >= 96);
  }
  REQUIRE(bench.put(forced("voice")));
  const auto events = *bench.events();
  CHECK(events.size() <= 10);
  const auto alerts = std::ranges::count(events, std::string("alert"), &model::Event::text);
  CHECK(alerts == 5);
  CHECK(events.back().text == "99");
}

TEST_CASE("journal: closing on a failing disk ends at once and counts what is lost") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  const FileSizeLimit limit(kTight);
  bench.journal->append(large(), nullptr);
  bench.until([&] { return bench.journal->failing() && !bench.failures.empty(); });
  bench.journal->append(event(EventId::PathUp, "x"), nullptr);
  bench.journal->close();
  CHECK(bench.journal->dropped() == 2);
}

TEST_CASE("journal: another program's lock is waited for, then told as what it is") {
  TempDir dir;
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open((dir / "j.db").c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  const auto refused = bench.put(forced("voice"));
  sqlite3_close(other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EBUSY);
  CHECK(refused.error().remedy.find("Close what else") != std::string::npos);
  CHECK(bench.put(forced("voice")));
}

TEST_CASE("journal: closing while the disk hangs ends without it, and the writer calls nobody afterwards") {
  TempDir dir;
  sqlite3* other = nullptr;  // its lock keeps the writer for 2 s, longer than close() waits
  int calls = 0;
  {
    Bench bench;
    REQUIRE(bench.open(dir / "j.db"));
    REQUIRE(sqlite3_open((dir / "j.db").c_str(), &other) == SQLITE_OK);
    REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
    bench.journal->append(event(EventId::PathUp, "x"), [&](const model::Event&) { ++calls; });
    bench.journal->close();
    bench.io.poll();
  }
  sqlite3_close(other);
  // The next owner of the file has it to itself as soon as the old writer is through.
  Bench bench;
  REQUIRE(bench.open(dir / "j.db"));
  CHECK(bench.write(event(EventId::PathUp, "y")).sequence >= 1);
  CHECK(calls == 0);
}

TEST_CASE("journal: a full disk says so, keeps the events, and goes on when there is room") {
  in_own_mounts([] {
    TempDir dir;
    REQUIRE(::mount("none", dir.path.c_str(), "tmpfs", 0, "size=1m") == 0);
    {
      Bench bench;
      REQUIRE(bench.open(dir / "j.db"));
      std::ofstream filler(dir / "filler");
      filler << std::string(2'000'000, 'x') << std::flush;
      bool written = false;
      bench.journal->append(large(), [&](const model::Event&) { written = true; });
      bench.until([&] { return !bench.failures.empty(); });
      CHECK(bench.failures[0].code == ENOSPC);
      CHECK(bench.failures[0].remedy.find("Free space") != std::string::npos);
      CHECK(bench.put(forced("voice")).error().code == ENOSPC);
      filler.close();
      std::filesystem::remove(dir / "filler");
      CHECK(bench.put(forced("voice")));
      CHECK(written);
    }
    ::umount(dir.path.c_str());
  });
}

TEST_CASE("journal: on a file system that is full or read-only at the start it starts failing, and opens when it can") {
  in_own_mounts([] {
    TempDir dir;
    REQUIRE(::mount(dir.path.c_str(), dir.path.c_str(), nullptr, MS_BIND, nullptr) == 0);
    REQUIRE(::mount(nullptr, dir.path.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0);
    {
      Bench bench;
      const auto opened = bench.open(dir / "j.db");
      REQUIRE_MESSAGE(opened, opened.error().to_string());
      CHECK(bench.journal->failing());
      bench.until([&] { return !bench.failures.empty(); });
      CHECK(bench.failures[0].code == EROFS);
      CHECK_FALSE(bench.journal->load_overrides());
      CHECK(bench.put(forced("voice")).error().code == EROFS);
      bool written = false;
      bench.journal->append(event(EventId::PathUp, "x"), [&](const model::Event&) { written = true; });
      REQUIRE(::mount(nullptr, dir.path.c_str(), nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0);
      CHECK(bench.put(forced("voice")));
      CHECK(written);
      CHECK(bench.failures.size() == 1);
    }
    ::umount(dir.path.c_str());
  });
}
