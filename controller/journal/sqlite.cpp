#include "controller/journal/sqlite.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace linekeeper::journal {

static_assert(kDamaged == EBADMSG);

namespace {

// How long a statement waits for a lock that a backup or a shell holds. The writer thread waits, never the loop.
constexpr int kBusyMilliseconds = 2000;

struct Advice {
  std::string why;
  std::string remedy;
  int code;
};

constexpr const char* kAgain = "; writing is tried again by itself";

Advice advice_of(int code, const std::string& path) {
  switch (code) {
    case ENOSPC:
    case EDQUOT: return {"the disk is full", "Free space on the file system of " + path + kAgain, ENOSPC};
    case EROFS: return {"it is read-only", "Make " + path + " and its directory writable for this program" + kAgain, EROFS};
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM: return {std::strerror(code), "Create the directory of " + path + " and let this program write there (see systemd/)", code};
    default: return {std::strerror(code), "Look at the disk of " + path + " (dmesg)" + kAgain, code};
  }
}

// https://www.sqlite.org/rescode.html
Advice advice_of_sqlite(int extended, int system_errno, const std::string& path, const std::string& message) {
  switch (extended & 0xFF) {
    case SQLITE_FULL: return advice_of(ENOSPC, path);
    case SQLITE_READONLY: return advice_of(EROFS, path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {"another program holds it locked", "Close what else has " + path + " open (a shell, a backup, a second linekeeperd)" + kAgain, EBUSY};
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: {
      auto advice = advice_of(system_errno == 0 ? EIO : system_errno, path);
      advice.why += " (SQLite " + std::to_string(extended) + ")";
      return advice;
    }
    default: return {message, "", EIO};
  }
}

model::Error error_of(sqlite3* handle, const std::string& path) {
  const int extended = sqlite3_extended_errcode(handle);
  const std::string message = sqlite3_errmsg(handle);
  if (const int code = extended & 0xFF; code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return damaged(path, message);
  auto advice = advice_of_sqlite(extended, sqlite3_system_errno(handle), path, message);
  return {"cannot use the journal " + path + ": " + advice.why, std::move(advice.remedy), advice.code};
}

}  // namespace

model::Error unusable(const std::string& path, int code) {
  auto advice = advice_of(code, path);
  return {"cannot use the journal " + path + ": " + advice.why, std::move(advice.remedy), advice.code};
}

model::Error damaged(const std::string& path, const std::string& why) {
  return {"the journal " + path + " is unusable: " + why,
          "Move it aside: mv " + path + " " + path + ".damaged (and " + path + "-wal, where there is one, to " + path +
              ".damaged-wal); the daemon starts a new one",
          kDamaged};
}

Statement& Statement::bind(std::int64_t value) {
  if (bind_result_ == SQLITE_OK) bind_result_ = sqlite3_bind_int64(statement_.get(), ++bound_, value);
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  // A null pointer would be NULL rather than the empty text.
  const char* data = value.data() == nullptr ? "" : value.data();
  if (bind_result_ == SQLITE_OK) bind_result_ = sqlite3_bind_text64(statement_.get(), ++bound_, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(std::string_view value) {
  // A null pointer would bind NULL, not an empty blob.
  if (bind_result_ == SQLITE_OK)
    bind_result_ = sqlite3_bind_blob64(statement_.get(), ++bound_, value.empty() ? "" : value.data(), value.size(), SQLITE_TRANSIENT);
  return *this;
}

model::Result<bool> Statement::step() {
  if (bind_result_ != SQLITE_OK) return std::unexpected(error_of(sqlite3_db_handle(statement_.get()), path_));
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return std::unexpected(error_of(sqlite3_db_handle(statement_.get()), path_));
  }
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  bound_ = 0;
  bind_result_ = SQLITE_OK;
}

std::string Statement::text(int column) const {
  const auto* data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string Statement::blob(int column) const {
  const auto* data = sqlite3_column_blob(statement_.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

model::Result<Connection> Connection::open(const std::string& path) {
  sqlite3* handle = nullptr;
  // NOMUTEX: one thread at a time has it (the opener, then the writer).
  const int result = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection connection(handle, path);
  if (handle == nullptr) return std::unexpected(model::Error{"cannot open the journal " + path + ": out of memory", "", ENOMEM});
  sqlite3_extended_result_codes(handle, 1);
  if (result != SQLITE_OK) return std::unexpected(connection.failure());
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  return connection;
}

namespace {

/// RFC 3986 percent-encoding of what would end or change a file: URI (https://www.sqlite.org/uri.html).
std::string uri_of(const std::string& path) {
  constexpr const char* kHex = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    if (c != '%' && c != '?' && c != '#') {
      uri += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    uri += '%';
    uri += kHex[byte >> 4];
    uri += kHex[byte & 15];
  }
  return uri;
}

}  // namespace

model::Result<Connection> Connection::open_read_only(const std::string& path) {
  const auto open_with = [&](const char* how) -> model::Result<Connection> {
    sqlite3* handle = nullptr;
    const int result = sqlite3_open_v2((uri_of(path) + how).c_str(), &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
    Connection connection(handle, path);
    if (handle == nullptr) return std::unexpected(model::Error{"cannot open " + path + ": out of memory", "", ENOMEM});
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    if (result != SQLITE_OK) return std::unexpected(connection.failure());
    // The file is only looked at with the first statement.
    if (const auto version = connection.number("PRAGMA user_version"); !version) return std::unexpected(version.error());
    return connection;
  };
  // Without a -wal the writer has ended: the file stands still and is read as it is. To ask for more would make a -wal and a -shm beside
  // it and leave them there, or fail where this user may not (https://www.sqlite.org/wal.html#read_only_databases).
  return open_with(::access((path + "-wal").c_str(), F_OK) == 0 ? "?mode=ro" : "?mode=ro&immutable=1");
}

model::Error Connection::failure() const { return error_of(handle_.get(), path_); }

model::Result<void> Connection::run(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return std::unexpected(failure());
  return {};
}

model::Result<Statement> Connection::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) return std::unexpected(failure());
  return Statement(statement, path_);
}

model::Result<std::int64_t> Connection::number(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return std::unexpected(row.error());
  return *row ? statement->integer(0) : 0;
}

model::Result<std::string> Connection::word(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  const auto row = statement->step();
  if (!row) return std::unexpected(row.error());
  return *row ? statement->text(0) : std::string();
}

bool Connection::moved() const {
  int has_moved = 0;
  return sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) == SQLITE_OK && has_moved != 0;
}

Transaction::~Transaction() {
  // A rollback that fails has already been done by SQLite itself (full disk, I/O error): nothing is left to undo.
  if (open_) [[maybe_unused]]
    const auto undone = connection_.run("ROLLBACK");
}

model::Result<void> Transaction::begin() {
  auto begun = connection_.run("BEGIN IMMEDIATE");
  open_ = begun.has_value();
  return begun;
}

model::Result<void> Transaction::commit() {
  auto committed = connection_.run("COMMIT");
  if (committed) open_ = false;
  return committed;
}

}  // namespace linekeeper::journal
