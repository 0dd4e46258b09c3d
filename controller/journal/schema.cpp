#include "controller/journal/schema.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace linekeeper::journal {
namespace {

// Up to here the whole file is checked at the start (about 0.1 s); of a longer one only what the start depends on.
constexpr std::int64_t kCheckWholeBytes = 32 << 20;

constexpr const char* kVersion1 = R"sql(
  CREATE TABLE events(
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice, even when the newest was deleted
    id TEXT NOT NULL, severity TEXT NOT NULL,
    wall_ms INTEGER NOT NULL,                    -- since 1970, UTC
    boot_ns INTEGER NOT NULL, boot_id TEXT NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL,
    fields TEXT NOT NULL                         -- JSON object of strings
  ) STRICT;
  -- What a query looks for, without the long texts: a search through a million events reads a fifth of the pages.
  CREATE INDEX events_briefly ON events(sequence, wall_ms, id);
  CREATE TABLE overrides(
    id INTEGER PRIMARY KEY AUTOINCREMENT,        -- a number once typed never comes to mean another override
    kind TEXT NOT NULL, subject TEXT NOT NULL, target TEXT NOT NULL, owner TEXT NOT NULL, reason TEXT NOT NULL,
    since_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE facts(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA application_id = 0x4C4B4A31;
  PRAGMA user_version = 1;
)sql";

// A recording of what was observed (observation_codec.hpp), bounded by bytes, and the configurations it was decided with.
constexpr const char* kVersion2 = R"sql(
  CREATE TABLE observations(
    id INTEGER PRIMARY KEY AUTOINCREMENT,        -- never given twice: a reader that pages through them misses none
    wall_ms INTEGER NOT NULL,                    -- of its first record
    boot_id TEXT NOT NULL,
    run_ns INTEGER NOT NULL,                     -- when its judge began
    first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
    config_sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,                      -- of the block
    block BLOB NOT NULL
  ) STRICT;
  CREATE INDEX observations_briefly ON observations(id, wall_ms, run_ns, bytes);
  CREATE TABLE configuration(sha256 TEXT PRIMARY KEY, text BLOB NOT NULL) STRICT;
  PRAGMA user_version = 2;
)sql";

std::uint32_t big_endian(const unsigned char* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | std::uint32_t{at[3]};
}

// Looks at the file before SQLite does: merely reading a foreign database through SQLite may roll back its journal.
// Header: https://www.sqlite.org/fileformat2.html#the_database_header (application id at 68). The id is written in the same
// transaction as the tables, before WAL is switched on, so it always stands in the main file. (Closing a descriptor of a file drops this process's
// locks on it, fcntl(2): no connection of ours to it is open here.)
// Opening for writing also finds out why it cannot be: SQLite forgets that errno.
model::Result<void> refuse_foreign(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
  const int open_errno = errno;
  if (fd < 0 && open_errno != EISDIR) return std::unexpected(unusable(path, open_errno));
  struct stat status{};
  std::array<unsigned char, 100> header{};
  const bool regular = fd >= 0 && ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  const auto read = regular ? ::pread(fd, header.data(), header.size(), 0) : 0;
  const int read_errno = errno;
  if (fd >= 0) ::close(fd);
  if (!regular) return std::unexpected(damaged(path, "it is not a regular file"));
  if (read < 0) return std::unexpected(unusable(path, read_errno));
  if (status.st_size == 0) return {};
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  if (read < 100 || std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0)
    return std::unexpected(damaged(path, "it is damaged, or not a journal"));
  if (big_endian(header.data() + 68) != kApplicationId) return std::unexpected(damaged(path, "it is an SQLite database of another program"));
  return {};
}

model::Result<void> check(Connection& connection, const std::string& path) {
  const auto bytes = connection.number("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
  if (!bytes) return std::unexpected(bytes.error());
  constexpr std::array kWhole = {"PRAGMA quick_check(1)"};
  constexpr std::array kNeeded = {"PRAGMA quick_check('overrides')", "PRAGMA quick_check('facts')"};
  const auto run = [&](const char* sql) -> model::Result<void> {
    const auto verdict = connection.word(sql);
    if (!verdict) return std::unexpected(verdict.error());
    if (*verdict != "ok") return std::unexpected(damaged(path, *verdict));
    return {};
  };
  if (*bytes <= kCheckWholeBytes) return run(kWhole[0]);
  for (const char* sql : kNeeded)
    if (auto sound = run(sql); !sound) return sound;
  return {};
}

// Each step raises user_version by one inside one transaction: a crash leaves the old or the new schema.
model::Result<void> migrate(Connection& connection, const std::string& path) {
  Transaction transaction(connection);
  if (auto begun = transaction.begin(); !begun) return begun;
  const auto version = connection.number("PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  if (*version == kSchemaVersion) return {};
  if (*version > kSchemaVersion)
    return std::unexpected(model::Error{"the journal " + path + " was written by a newer Linekeeper (schema " + std::to_string(*version) +
                                            ", this one knows " + std::to_string(kSchemaVersion) + ")",
                                        "Install the newer version again, or move the file aside: mv " + path + " " + path + ".newer", kDamaged});
  if (*version < 1)
    if (auto made = connection.run(kVersion1); !made) return made;
  if (*version < 2)
    if (auto made = connection.run(kVersion2); !made) return made;
  return transaction.commit();
}

}  // namespace

model::Result<Connection> open_journal_file(const std::string& path) {
  if (auto ours = refuse_foreign(path); !ours) return std::unexpected(ours.error());
  auto connection = Connection::open(path);
  if (!connection) return connection;
  if (auto sound = check(*connection, path); !sound) return std::unexpected(sound.error());
  if (auto migrated = migrate(*connection, path); !migrated) return std::unexpected(migrated.error());
  // journal_size_limit: after a burst the WAL is cut back to this. synchronous FULL: an answered override survives a power cut.
  const auto set = connection->run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608");
  if (!set) return std::unexpected(set.error());
  if (const auto mode = connection->word("PRAGMA journal_mode"); !mode || *mode != "wal")
    return std::unexpected(
        mode ? model::Error{"the journal " + path + " cannot be put in WAL mode (it is in " + *mode + ")", "Put it on a local file system", EIO}
             : mode.error());
  return connection;
}

}  // namespace linekeeper::journal
