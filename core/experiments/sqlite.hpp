// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace nibblesmith::experiments {

/// Largest value, row and statement of a file. Samples are stored in chunks of 256 KiB.
inline constexpr int kMaxValueBytes = 4 << 20;

/// Connection to one SQLite file, which is untrusted. One thread at a time. Every failure is thrown as
/// base::Error with the file name: Corrupt for invalid content, Io for disk errors, missing permissions or a
/// lock of another process.
class Connection {
public:
  /// Opens or creates the file and its directory. Writes nothing yet. stop: ends long statements and long
  /// lists of rows with base::Cancelled; statements on a few rows are still completed, so that the end of a
  /// cancelled run can be recorded.
  explicit Connection(std::filesystem::path path, std::stop_token stop = {});
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const std::filesystem::path& path() const { return m_path; }
  /// Runs statements whose results are not needed.
  void execute(const std::string& sql);
  /// Returns the first value of the first row.
  int64_t queryInteger(const std::string& sql);
  std::string queryText(const std::string& sql);
  /// Switches the journal to a write-ahead log; waits for other processes that are switching too.
  void useWriteAheadLog();

  sqlite3* handle() const { return m_handle.get(); }
  const std::stop_token& stop() const { return m_stop; }
  [[noreturn]] void fail(int code, std::string_view action) const;

private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  void restrict();

  std::filesystem::path m_path;
  std::stop_token m_stop;
  std::unique_ptr<sqlite3, Close> m_handle;
};

/// Prepared statement. Parameters are numbered from 1, columns from 0; bound text and bytes are copied.
class Statement {
public:
  Statement(Connection& connection, std::string_view sql);

  template <typename... Values>
  Statement& bind(const Values&... values) {
    int index = 0;
    (bindValue(++index, values), ...);
    return *this;
  }

  /// Advances to the next row; returns false after the last one.
  bool step();
  /// Runs the statement to its end. For statements without rows, and after the only row was read.
  void finish();

  bool isNull(int column) const;
  int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  /// Returns bytes that are valid until the next step.
  std::span<const std::byte> blob(int column) const;

private:
  void bindValue(int index, int64_t value);
  void bindValue(int index, int value) { bindValue(index, static_cast<int64_t>(value)); }
  void bindValue(int index, uint64_t value);
  void bindValue(int index, double value);
  void bindValue(int index, const std::string& value);
  void bindValue(int index, std::span<const std::byte> value);
  void bindValue(int index, const std::optional<int64_t>& value);
  void check(int code) const;

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Connection& m_connection;
  std::unique_ptr<sqlite3_stmt, Finalize> m_statement;
  uint64_t m_rows = 0;
};

/// RAII transaction: changes until commit() take effect together; leaving the scope earlier rolls them back.
class Transaction {
public:
  enum class Kind {
    Read,  ///< consistent snapshot of the file for several queries
    Write, ///< takes the write lock at once, to avoid failing half-way because of another writer
  };
  Transaction(Connection& connection, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

private:
  Connection& m_connection;
  bool m_open = true;
};

} // namespace nibblesmith::experiments
