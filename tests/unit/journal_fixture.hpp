#pragma once
// A journal in a directory of its own, and a loop that runs until an answer is there (no clock, no sleeping: a test that
// never gets its answer ends by CTest's timeout).
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "controller/journal/journal.hpp"
#include "tests/support/temp_dir.hpp"

namespace linekeeper::journal {

using tests::TempDir;

/// By a connection of its own, as a stranger at the file would.
inline void sql(const std::string& path, const char* statement) {
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  char* message = nullptr;
  sqlite3_exec(handle, statement, nullptr, nullptr, &message);
  CHECK_MESSAGE(message == nullptr, message);
  sqlite3_free(message);
  sqlite3_close(handle);
}

struct Bench {
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard = boost::asio::make_work_guard(io);
  std::vector<model::Error> failures;
  std::unique_ptr<Journal> journal;

  model::Result<void> open(const std::string& path, Limits limits = {}) {
    auto opened = Journal::open(path, io.get_executor(), [this](const model::Error& e) { failures.push_back(e); }, limits);
    if (!opened) return std::unexpected(opened.error());
    journal = std::move(*opened);
    return {};
  }

  template <class Condition>
  void until(Condition condition) {
    while (!condition()) io.run_one();
  }

  /// Appends and waits until it is durable.
  model::Event write(model::Event event) {
    std::optional<model::Event> written;
    journal->append(std::move(event), [&](const model::Event& e) { written = e; });
    until([&] { return written.has_value(); });
    return *written;
  }
  model::Result<std::vector<model::Event>> events(EventQuery query = {}) {
    std::optional<model::Result<std::vector<model::Event>>> answer;
    journal->events(std::move(query), [&](model::Result<std::vector<model::Event>> r) { answer = std::move(r); });
    until([&] { return answer.has_value(); });
    return *answer;
  }
  model::Result<model::Override> put(model::Override override) {
    std::optional<model::Result<model::Override>> answer;
    journal->put_override(std::move(override), [&](model::Result<model::Override> r) { answer = std::move(r); });
    until([&] { return answer.has_value(); });
    return *answer;
  }
  model::Result<void> remove(std::int64_t id) {
    std::optional<model::Result<void>> answer;
    journal->remove_override(id, [&](model::Result<void> r) { answer = r; });
    until([&] { return answer.has_value(); });
    return *answer;
  }
};

inline model::Event event(model::EventId id, std::string text, std::int64_t wall_ms = 1000) {
  return {.sequence = 0,
          .id = id,
          .wall = model::WallTime(std::chrono::milliseconds(wall_ms)),
          .at = model::Instant(std::chrono::milliseconds(wall_ms)),
          .subject = "circuit fiber",
          .text = std::move(text),
          .fields = {}};
}

inline model::Override forced(std::string subject) {
  return {.id = 0,
          .kind = model::OverrideKind::Force,
          .subject = std::move(subject),
          .to = "coax",
          .owner = "uid 1000 (mira)",
          .reason = "fiber works on Sunday",
          .since = model::WallTime(std::chrono::milliseconds(5)),
          .until = model::WallTime(std::chrono::hours(1))};
}

}  // namespace linekeeper::journal
