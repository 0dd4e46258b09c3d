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

/// How much is kept, in memory while the disk fails and on disk for good.
struct Limits {
  std::size_t waiting_events = 4096;                       ///< then the oldest of the least severe is dropped and counted
  std::size_t waiting_facts = 65536;                       ///< distinct keys; then a new key is dropped and counted
  std::size_t keep_events = 1'000'000;                     ///< the oldest beyond are deleted, some with each batch
  std::size_t waiting_block_bytes = std::size_t{4} << 20;  ///< of a recording; then the oldest block is dropped and counted
  std::size_t keep_block_bytes = std::size_t{64} << 20;    ///< on disk: the oldest beyond are deleted ([daemon] recording_mib)
};

/// The text of a configuration that blocks were decided with.
struct Configuration {
  std::string sha256;
  std::string text;  ///< empty: not known
};

/// Some seconds of the recording (observation_codec.hpp).
struct ObservationBlock {
  model::WallTime wall{};  ///< of `first`
  model::Instant run{};    ///< when its judge began
  model::Instant first{}, last{};
  std::shared_ptr<const Configuration> configuration;  ///< shared by all blocks of a run; stored with the first of them
  std::string bytes;
};

/// Small facts that must survive a restart ("generation", "sip-sent north/fiber").
struct Fact {
  std::string key;
  std::string value;
};

class Journal {
 public:
  using OnFailure = std::function<void(const model::Error&)>;  ///< on the executor, at each change from well to failing

  /// Opens or creates the file, migrates the schema, starts the writer. Blocking: for the start only.
  /// @param path  in an existing directory; a damaged, foreign or newer file is an error (code EBADMSG) that says how to set
  ///              it aside, and is never written to; a missing or forbidden directory is one too (ENOENT, ENOTDIR, EACCES).
  ///              A disk that is full, read-only or failing is none: the site must come up, so the journal starts failing
  ///              (on_failure is told) and is opened as soon as it can be.
  static model::Result<std::unique_ptr<Journal>> open(const std::string& path, boost::asio::any_io_executor executor, OnFailure on_failure,
                                                      Limits limits = {});
  /// close(); no callback is called any more. On the executor's thread, like every other call.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Queues an event; texts are cut at 4 KiB. @param on_written called with its sequence once durable; may be null; not
  /// called for an event that was dropped. What was appended before a query is seen by it.
  void append(model::Event event, std::function<void(const model::Event&)> on_written);
  /// Events of an earlier boot come with at = Instant{}: their instants cannot be compared with today's. At most 10,000.
  void events(EventQuery query, std::function<void(model::Result<std::vector<model::Event>>)> done);

  /// Durable before `done` is called, with the id given (I19): an error means it must not act. id 0 = a new one; else the one
  /// of that id is replaced.
  void put_override(model::Override override, std::function<void(model::Result<model::Override>)> done);
  void remove_override(std::int64_t id, std::function<void(model::Result<void>)> done);
  /// Those in force or expired and not yet removed. Blocking: for the start only.
  [[nodiscard]] model::Result<std::vector<model::Override>> load_overrides();

  void put_fact(Fact fact);                                     ///< the latest value of a key wins
  [[nodiscard]] model::Result<std::vector<Fact>> load_facts();  ///< blocking: for the start only

  /// Nobody waits for a block: while the disk fails the oldest are dropped and counted. What follows a lost block can only be decided
  /// again from the next `Standing` on.
  void append_block(ObservationBlock block);
  [[nodiscard]] std::uint64_t dropped_blocks() const;

  void close();                                 ///< writes what waits, within 1 s, and joins the writer; later calls answer with an error
  [[nodiscard]] std::uint64_t dropped() const;  ///< events and facts lost to a full queue
  [[nodiscard]] bool failing() const;           ///< the last write did not reach the disk

 private:
  struct Impl;
  explicit Journal(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with the writer, which a hung disk may keep past close()
};

}  // namespace linekeeper::journal
