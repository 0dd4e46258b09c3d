#pragma once
// The statements: what is written and read, on an open journal file. Blocking; the writer thread calls it, and nobody else.
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "controller/journal/journal.hpp"
#include "controller/journal/sqlite.hpp"

namespace linekeeper::journal {

class Store {
 public:
  /// How much stays on disk.
  struct Keep {
    std::size_t events = 0;
    std::size_t block_bytes = 0;
  };

  /// @param boot_id  of this boot; an instant of another boot means nothing today and is read back as Instant{}
  [[nodiscard]] static model::Result<Store> open(const std::string& path, std::string boot_id, Keep keep);

  /// Events and facts in one transaction, durable when it returns well; gives each event its sequence. The oldest events
  /// beyond keep_events are deleted, some at a time.
  [[nodiscard]] model::Result<void> write(std::vector<model::Event*> events, const std::map<std::string, std::string>& facts);
  /// In a transaction of their own: a disk that has no room for them may have room for events. The oldest beyond the limit are deleted.
  [[nodiscard]] model::Result<void> write_blocks(const std::deque<ObservationBlock>& blocks);
  [[nodiscard]] model::Result<std::vector<model::Event>> events(const EventQuery& query);

  /// id 0: a new one; else the one of that id is replaced.
  [[nodiscard]] model::Result<model::Override> put(model::Override override);
  [[nodiscard]] model::Result<void> remove_override(std::int64_t id);
  [[nodiscard]] model::Result<std::vector<model::Override>> overrides();
  [[nodiscard]] model::Result<std::vector<Fact>> facts();

  [[nodiscard]] bool moved() const { return connection_.moved(); }

 private:
  Store(Connection connection, std::string boot_id, Keep keep, std::int64_t block_bytes)
      : connection_(std::move(connection)), boot_id_(std::move(boot_id)), keep_(keep), block_bytes_(block_bytes) {}
  [[nodiscard]] model::Result<void> insert(std::vector<model::Event*>& events, std::vector<std::int64_t>& sequences);
  [[nodiscard]] model::Result<void> trim(std::size_t added);
  [[nodiscard]] model::Result<void> put_configuration(const Configuration& configuration);
  [[nodiscard]] model::Result<void> trim_blocks(std::int64_t& total, std::size_t added);

  Connection connection_;
  std::string boot_id_;
  Keep keep_;
  std::int64_t block_bytes_;                     // in the table; nobody else writes it
  std::shared_ptr<const Configuration> stored_;  // of the newest block in this file
};

}  // namespace linekeeper::journal
