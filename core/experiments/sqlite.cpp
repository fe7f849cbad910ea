// SPDX-License-Identifier: Apache-2.0
#include "experiments/sqlite.hpp"

#include "base/input_file.hpp"

#include <chrono>
#include <limits>
#include <new>
#include <thread>

#include <sqlite3.h>

namespace nibblesmith::experiments {
namespace {

constexpr int kBusyTimeoutMs = 15000;
/// Steps of SQLite's virtual machine between two looks at the stop token, a few milliseconds. Statements on a
/// few rows take fewer.
constexpr int kStepsBetweenLooks = 100'000;
constexpr uint64_t kRowsBetweenLooks = 256;

int isStopped(void* token) { return static_cast<const std::stop_token*>(token)->stop_requested() ? 1 : 0; }

base::ErrorCode errorCode(int sqliteCode) {
  switch (sqliteCode & 0xFF) {
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
  case SQLITE_FORMAT:
    return base::ErrorCode::Corrupt;
  case SQLITE_NOMEM:
    return base::ErrorCode::OutOfMemory;
  case SQLITE_CONSTRAINT:
  case SQLITE_MISMATCH:
  case SQLITE_TOOBIG:
    return base::ErrorCode::InvalidArgument;
  default:
    return base::ErrorCode::Io;
  }
}

std::string reason(int sqliteCode, sqlite3* handle) {
  switch (sqliteCode & 0xFF) {
  case SQLITE_NOTADB:
    return "expected an SQLite database, found another kind of file";
  case SQLITE_CORRUPT:
    return "the file is damaged (" + std::string(sqlite3_errmsg(handle)) + ")";
  case SQLITE_FULL:
    return "the disk is full";
  case SQLITE_READONLY:
    return "the file or its folder is read-only";
  case SQLITE_BUSY:
    return "another program keeps it locked";
  case SQLITE_CANTOPEN:
    return "the file cannot be opened for writing";
  case SQLITE_NOMEM:
    return "out of memory";
  case SQLITE_TOOBIG:
    return "expected values of at most " + std::to_string(kMaxValueBytes) + " bytes, found a longer one";
  default:
    return handle ? sqlite3_errmsg(handle) : sqlite3_errstr(sqliteCode);
  }
}

} // namespace

void Connection::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Connection::Connection(std::filesystem::path path, std::stop_token stop)
    : m_path(std::move(path)), m_stop(std::move(stop)) {
  if (m_path.has_parent_path()) {
    std::error_code failure;
    std::filesystem::create_directories(m_path.parent_path(), failure);
    if (failure)
      throw base::Error(base::ErrorCode::Io, "experiment log '" + m_path.string() +
                                                 "': cannot create its folder: " + failure.message());
  }
  base::fileExists(m_path); // refuses a named pipe, on which the library would block
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(m_path.c_str(), &handle, flags, nullptr);
  m_handle.reset(handle);
  if (code != SQLITE_OK)
    fail(code, "open");
  if (sqlite3_db_readonly(handle, "main") == 1)
    fail(SQLITE_READONLY, "open");
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  restrict();
}

/// Limits what the file can make the library do.
void Connection::restrict() {
  sqlite3_limit(handle(), SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_limit(handle(), SQLITE_LIMIT_SQL_LENGTH, kMaxValueBytes);
  sqlite3_limit(handle(), SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (m_stop.stop_possible())
    sqlite3_progress_handler(handle(), kStepsBetweenLooks, isStopped, &m_stop);
}

void Connection::fail(int code, std::string_view action) const {
  if ((code & 0xFF) == SQLITE_INTERRUPT)
    throw base::Cancelled();
  const bool isReadTooBig = (code & 0xFF) == SQLITE_TOOBIG && action == "read";
  throw base::Error(isReadTooBig ? base::ErrorCode::Corrupt : errorCode(code),
                    "experiment log '" + m_path.string() + "': cannot " + std::string(action) + ": " +
                        reason(code, m_handle.get()));
}

void Connection::execute(const std::string& sql) {
  if (const int code = sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK)
    fail(code, "write");
}

int64_t Connection::queryInteger(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Connection::queryText(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.text(0) : std::string();
}

void Connection::useWriteAheadLog() {
  using namespace std::chrono_literals;
  // SQLite does not wait by itself while another process changes the journal mode.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyTimeoutMs);
  for (;;) {
    const int code = sqlite3_exec(handle(), "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK)
      break;
    if ((code & 0xFF) != SQLITE_BUSY || std::chrono::steady_clock::now() > deadline)
      fail(code, "open");
    std::this_thread::sleep_for(20ms);
  }
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement::Statement(Connection& connection, std::string_view sql) : m_connection(connection) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(connection.handle(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  m_statement.reset(statement);
  if (code != SQLITE_OK)
    connection.fail(code, "read");
}

void Statement::check(int code) const {
  if (code != SQLITE_OK)
    m_connection.fail(code, "write");
}

bool Statement::step() {
  const int code = sqlite3_step(m_statement.get());
  if (code == SQLITE_ROW) {
    if (++m_rows % kRowsBetweenLooks == 0)
      base::throwIfStopped(m_connection.stop());
    return true;
  }
  if (code != SQLITE_DONE)
    m_connection.fail(code, sqlite3_stmt_readonly(m_statement.get()) ? "read" : "write");
  return false;
}

void Statement::finish() {
  while (step())
    ;
}

bool Statement::isNull(int column) const {
  return sqlite3_column_type(m_statement.get(), column) == SQLITE_NULL;
}
int64_t Statement::integer(int column) const { return sqlite3_column_int64(m_statement.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(m_statement.get(), column); }

std::string Statement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(m_statement.get(), column);
  const int bytes = sqlite3_column_bytes(m_statement.get(), column);
  try {
    if (text)
      return {reinterpret_cast<const char*>(text), static_cast<size_t>(bytes)};
  } catch (const std::bad_alloc&) {
    m_connection.fail(SQLITE_NOMEM, "read");
  }
  if (!isNull(column)) // the library had no memory for it
    m_connection.fail(SQLITE_NOMEM, "read");
  return {};
}

std::span<const std::byte> Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(m_statement.get(), column);
  const int bytes = sqlite3_column_bytes(m_statement.get(), column);
  return {static_cast<const std::byte*>(data), data ? static_cast<size_t>(bytes) : 0};
}

void Statement::bindValue(int index, int64_t value) {
  check(sqlite3_bind_int64(m_statement.get(), index, value));
}

void Statement::bindValue(int index, uint64_t value) {
  // SQLite's integers are signed.
  const auto limit = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  bindValue(index, static_cast<int64_t>(std::min(value, limit)));
}

void Statement::bindValue(int index, double value) {
  check(sqlite3_bind_double(m_statement.get(), index, value));
}

void Statement::bindValue(int index, const std::string& value) {
  check(sqlite3_bind_text64(m_statement.get(), index, value.data(), value.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));
}

void Statement::bindValue(int index, std::span<const std::byte> value) {
  check(sqlite3_bind_blob64(m_statement.get(), index, value.data(), value.size(), SQLITE_TRANSIENT));
}

void Statement::bindValue(int index, const std::optional<int64_t>& value) {
  if (value)
    bindValue(index, *value);
  else
    check(sqlite3_bind_null(m_statement.get(), index));
}

Transaction::Transaction(Connection& connection, Kind kind) : m_connection(connection) {
  connection.execute(kind == Kind::Write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  // After some failures (a full disk) SQLite has rolled back already; this statement then has no effect and
  // may fail.
  if (m_open && sqlite3_get_autocommit(m_connection.handle()) == 0)
    sqlite3_exec(m_connection.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  m_connection.execute("COMMIT");
  m_open = false;
}

} // namespace nibblesmith::experiments
