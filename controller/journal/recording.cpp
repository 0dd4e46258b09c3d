#include "controller/journal/recording.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "controller/journal/event_row.hpp"
#include "controller/journal/schema.hpp"

namespace linekeeper::journal {

using model::Error;
using model::Result;

namespace {

Error unreadable(const std::string& path, int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      return {"there is no journal at " + path, "Name it with --journal FILE: the configuration says where it is (journal in its section daemon)", code};
    case EACCES:
    case EPERM: return {"the journal " + path + " may not be read by this user", "Ask as root, or as a member of the group linekeeper", code};
    default: return {"the journal " + path + " cannot be read: " + std::strerror(code), "Look at its disk (dmesg)", code};
  }
}

}  // namespace

Result<Recording> Recording::open(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0 || ::access(path.c_str(), R_OK) != 0) return std::unexpected(unreadable(path, errno));
  if (!S_ISREG(about.st_mode))
    return std::unexpected(Error{path + " is not a journal: it is not a regular file", "Name the journal with --journal FILE", EINVAL});
  auto connection = Connection::open_read_only(path);
  if (!connection) {
    Error error = connection.error();
    if (error.code == EACCES || error.code == EPERM || error.code == EROFS)
      error.remedy = "Ask as root, or as a member of the group linekeeper";
    else if (error.code == kDamaged)
      error.remedy = "The daemon says what to do about it: journalctl -u linekeeper";
    return std::unexpected(std::move(error));
  }
  const auto application = connection->number("PRAGMA application_id");
  if (!application) return std::unexpected(application.error());
  if (*application != kApplicationId)
    return std::unexpected(Error{path + " is not a journal of Linekeeper", "Name the journal with --journal FILE", EINVAL});
  const auto version = connection->number("PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  if (*version < 2)
    return std::unexpected(Error{"the journal " + path + " is of a version that recorded no observations",
                                 "Start the daemon of this version: it records from then on", ENODATA});
  if (*version > kSchemaVersion)
    return std::unexpected(Error{"the journal " + path + " was written by a newer Linekeeper", "Use the linekeeper program of that version", EINVAL});
  return Recording(std::move(*connection));
}

Result<std::optional<Recording::Extent>> Recording::extent() {
  auto statement =
      connection_.prepare("SELECT count(*), coalesce(min(wall_ms),0), coalesce(max(wall_ms),0) FROM observations INDEXED BY observations_briefly");
  if (!statement) return std::unexpected(statement.error());
  if (const auto row = statement->step(); !row) return std::unexpected(row.error());
  if (statement->integer(0) == 0) return std::nullopt;
  return Extent{.from = wall_of(statement->integer(1)), .to = wall_of(statement->integer(2))};
}

// The order of writing is the order of events, whatever became of the wall clock: it only chooses where to begin and to end.
Result<std::int64_t> Recording::beginning(model::WallTime since) {
  auto at_work = connection_.prepare(
      "SELECT id, run_ns, boot_id FROM observations WHERE id = coalesce("
      "(SELECT max(id) FROM observations INDEXED BY observations_briefly WHERE wall_ms <= ?),"
      "(SELECT min(id) FROM observations))");
  if (!at_work) return std::unexpected(at_work.error());
  const auto row = at_work->bind(ms_of(since)).step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return 0;
  auto first = connection_.prepare("SELECT min(id) FROM observations INDEXED BY observations_briefly WHERE run_ns = ? AND id <= ?");
  if (!first) return std::unexpected(first.error());
  if (const auto found = first->bind(at_work->integer(1)).bind(at_work->integer(0)).step(); !found) return std::unexpected(found.error());
  return first->integer(0);
}

Result<void> Recording::blocks(model::WallTime since, model::WallTime until, const std::function<void(const RecordedBlock&)>& give) {
  const auto from = beginning(since);
  if (!from) return std::unexpected(from.error());
  auto statement = connection_.prepare(
      "SELECT id,boot_id,wall_ms,run_ns,first_ns,last_ns,config_sha256,block FROM observations"
      " WHERE id >= ? AND wall_ms <= ? ORDER BY id");
  if (!statement) return std::unexpected(statement.error());
  statement->bind(*from).bind(ms_of(until));
  while (true) {
    const auto row = statement->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    give({.id = statement->integer(0),
          .boot_id = statement->text(1),
          .wall = wall_of(statement->integer(2)),
          .run = instant_of(statement->integer(3)),
          .first = instant_of(statement->integer(4)),
          .last = instant_of(statement->integer(5)),
          .config_sha256 = statement->text(6),
          .bytes = statement->blob(7)});
  }
}

Result<std::vector<RecordedEvent>> Recording::events(model::WallTime since, model::WallTime until) {
  const std::string sql = std::string("SELECT ") + kEventColumns +
                          " FROM events WHERE sequence IN (SELECT sequence FROM events INDEXED BY events_briefly WHERE wall_ms BETWEEN ? AND ?)"
                          " ORDER BY sequence";
  auto statement = connection_.prepare(sql.c_str());
  if (!statement) return std::unexpected(statement.error());
  statement->bind(ms_of(since)).bind(ms_of(until));
  std::vector<RecordedEvent> events;
  while (true) {
    const auto row = statement->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return events;
    if (auto event = event_of(*statement)) events.push_back(std::move(*event));
  }
}

Result<std::optional<std::string>> Recording::configuration(const std::string& sha256) {
  auto statement = connection_.prepare("SELECT text FROM configuration WHERE sha256 = ?");
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->bind(std::string_view(sha256)).step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  return statement->blob(0);
}

}  // namespace linekeeper::journal
