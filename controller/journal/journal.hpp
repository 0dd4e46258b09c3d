#pragma once
// The journal: what happened and what was ordered, in SQLite (WAL, synchronous FULL), written by a thread of its own that
// batches what is waiting into one transaction; the loop never waits for the disk. Answers come back by one post to the
// executor. A disk that fails loses no decision: events wait in a bounded queue (oldest info events are dropped first and
// counted), the failure is reported, writing is tried again.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/error.hpp"
#include "controller/model/event.hpp"
#include "controller/model/override.hpp"

namespace linekeeper::journal {

struct EventQuery {
  std::optional<model::WallTime> since;        ///< events at or after
  std::optional<std::int64_t> after_sequence;  ///< events with a greater sequence
  std::optional<std::string> id_prefix;        ///< "circuit." or "circuit.down"
  std::size_t limit = 200;                     ///< the newest so many, told oldest first
};

/// Small facts that must survive a restart ("generation", "sip-sent north/fiber").
struct Fact { std::string key; std::string value; };

class Journal {
 public:
  using OnFailure = std::function<void(const model::Error&)>;  ///< on the executor, at each change from well to failing

  /// Opens or creates the file, migrates the schema, starts the writer.
  /// @param path  in an existing directory; a damaged file is an error that says how to set it aside, never overwritten
  static model::Result<std::unique_ptr<Journal>> open(const std::string& path, boost::asio::any_io_executor executor, OnFailure on_failure);
  ~Journal();  ///< close()
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Queues an event. @param on_written called with its sequence once durable; may be null.
  void append(model::Event event, std::function<void(const model::Event&)> on_written);
  void events(EventQuery query, std::function<void(model::Result<std::vector<model::Event>>)> done);

  /// Durable before `done` is called, with the id given (I19).
  void put_override(model::Override override, std::function<void(model::Result<model::Override>)> done);
  void remove_override(std::int64_t id, std::function<void(model::Result<void>)> done);
  /// Those in force or expired and not yet removed. Blocking: for the start only.
  [[nodiscard]] model::Result<std::vector<model::Override>> load_overrides();

  void put_fact(Fact fact);
  [[nodiscard]] model::Result<std::vector<Fact>> load_facts();  ///< blocking: for the start only

  void close();  ///< writes what waits, within 1 s, and joins the writer
  [[nodiscard]] std::uint64_t dropped() const;  ///< events lost to a full queue

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace linekeeper::journal
