#pragma once
// Reads what was recorded from a journal's file, beside a daemon that writes it or after it has ended; changes nothing in it. Blocking: for
// programs that are asked by a person, never for the daemon's loop.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/journal/recorded.hpp"
#include "controller/journal/sqlite.hpp"

namespace linekeeper::journal {

class Recording {
 public:
  /// @return or why it cannot be read, and what to do
  [[nodiscard]] static model::Result<Recording> open(const std::string& path);

  struct Extent {
    model::WallTime from{}, to{};
  };
  /// From the first record there is to the newest block's first; nothing: nothing is recorded.
  [[nodiscard]] model::Result<std::optional<Extent>> extent();

  /// Gives each block in the order they were written: from the beginning of the judge that was at work at `since` (or the oldest
  /// of its blocks that is left), to those that begin before `until`.
  [[nodiscard]] model::Result<void> blocks(model::WallTime since, model::WallTime until, const std::function<void(const RecordedBlock&)>& give);

  /// Of [since, until], at the instants of their own boot, oldest first.
  [[nodiscard]] model::Result<std::vector<RecordedEvent>> events(model::WallTime since, model::WallTime until);

  /// Nothing: it was not stored.
  [[nodiscard]] model::Result<std::optional<std::string>> configuration(const std::string& sha256);

 private:
  explicit Recording(Connection connection) : connection_(std::move(connection)) {}
  [[nodiscard]] model::Result<std::int64_t> beginning(model::WallTime since);

  Connection connection_;
};

}  // namespace linekeeper::journal
