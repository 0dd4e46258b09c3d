#pragma once
// SQLite's C handles with owners, and its result codes as errors that say what to do. One connection belongs to one
// thread at a time; nothing in here locks.
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controller/model/error.hpp"

namespace linekeeper::journal {

/// A prepared statement: bind in order, step, read columns. Only for SQL of our own; values are always bound.
class Statement {
 public:
  Statement(sqlite3_stmt* statement, std::string path) : statement_(statement), path_(std::move(path)) {}

  Statement& bind(std::int64_t value);
  Statement& bind(std::string_view value);
  Statement& bind_blob(std::string_view value);
  /// true: a row stands in the columns; false: done.
  [[nodiscard]] model::Result<bool> step();
  void reset();  ///< ready to be bound and stepped again

  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::string blob(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::string path_;  // for error texts
  int bound_ = 0;
  int bind_result_ = SQLITE_OK;
};

class Connection {
 public:
  /// Opens or creates; writes nothing by itself (SQLite creates the file at the first write).
  [[nodiscard]] static model::Result<Connection> open(const std::string& path);
  /// For reading beside a program that writes, or after it has ended; creates nothing beside what WAL needs.
  [[nodiscard]] static model::Result<Connection> open_read_only(const std::string& path);

  /// @param sql one or more statements whose rows, if any, are of no interest
  [[nodiscard]] model::Result<void> run(const char* sql);
  [[nodiscard]] model::Result<Statement> prepare(const char* sql);
  /// The first column of the first row, as a number; 0 without a row.
  [[nodiscard]] model::Result<std::int64_t> number(const char* sql);
  [[nodiscard]] model::Result<std::string> word(const char* sql);
  [[nodiscard]] std::int64_t last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }
  /// Someone renamed or removed the file under us: what we write no longer is what the path shows.
  [[nodiscard]] bool moved() const;

 private:
  struct Close {
    void operator()(sqlite3* c) const noexcept { sqlite3_close_v2(c); }
  };
  Connection(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  [[nodiscard]] model::Error failure() const;

  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

/// begin ... commit(), or everything undone when it goes out of scope.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  [[nodiscard]] model::Result<void> begin();
  [[nodiscard]] model::Result<void> commit();  ///< durable when it returns well (synchronous FULL)

 private:
  Connection& connection_;
  bool open_ = false;
};

/// Why the file cannot be opened, read or written, and what to do. @param code errno
[[nodiscard]] model::Error unusable(const std::string& path, int code);

/// What to do about a file that is no sound journal. `code` of such an error is kDamaged.
[[nodiscard]] model::Error damaged(const std::string& path, const std::string& why);
inline constexpr int kDamaged = 74;  // EBADMSG: no errno of an open(2) or write(2), so it cannot be mistaken for one

}  // namespace linekeeper::journal
