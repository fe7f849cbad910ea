// SPDX-License-Identifier: Apache-2.0
#include "experiments/database.hpp"
#include "experiments/schema.hpp"

#include "base/file.hpp"
#include "base/process_identity.hpp"

#include <array>
#include <cstdlib>
#include <ctime>

namespace nibblesmith::experiments {
namespace {

/// Ends runs in state "running" whose program is gone.
void closeInterruptedRuns(Connection& connection) {
  std::vector<RowId> ended;
  {
    Statement running(connection, "SELECT id, host, boot, pid, process_start FROM runs WHERE status = 1");
    while (running.step())
      if (base::hasEnded({running.text(1), running.text(2), running.integer(3), running.integer(4)}))
        ended.push_back(running.integer(0));
  }
  for (const RowId run : ended) {
    // Checks the status again: another process may just have closed the run.
    Statement(connection, "UPDATE runs SET status = ?, error = ? WHERE id = ? AND status = 1")
        .bind(static_cast<int>(RunStatus::Failed),
              std::string("interrupted: the program ended before the run did"), run)
        .finish();
  }
}

} // namespace

std::string utcNow() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), length};
}

RowId ExperimentLog::Database::deviceId(const std::string& name) {
  // The update changes nothing; it makes RETURNING return the row.
  Statement statement(
      connection,
      "INSERT INTO devices(name) VALUES(?) ON CONFLICT(name) DO UPDATE SET name = name RETURNING id");
  statement.bind(name).step();
  const RowId id = statement.integer(0);
  statement.finish();
  return id;
}

void ExperimentLog::Database::throwNotFound(const std::string& what) const {
  throw base::Error(base::ErrorCode::NotFound,
                    "experiment log '" + connection.path().string() + "': there is no " + what);
}

ExperimentLog::ExperimentLog(const std::filesystem::path& path, const std::stop_token& stop)
    : m_database(std::make_unique<Database>(path, stop)) {
  Connection& connection = m_database->connection;
  migrate(connection);
  connection.useWriteAheadLog();
  // With a write-ahead log, NORMAL keeps every commit when a program is killed; a power failure may lose the
  // last ones.
  connection.execute("PRAGMA synchronous = NORMAL");
  connection.execute("PRAGMA foreign_keys = ON");
  closeInterruptedRuns(connection);
}

ExperimentLog::~ExperimentLog() = default;

const std::filesystem::path& ExperimentLog::path() const { return m_database->connection.path(); }

int ExperimentLog::schemaVersion() const {
  return static_cast<int>(m_database->connection.queryInteger("PRAGMA user_version"));
}

RowId ExperimentLog::startRun(RunKind kind, std::optional<RowId> artifact, const std::string& device,
                              const base::Json& context, std::optional<RowId> dataset) {
  const base::ProcessIdentity process = base::thisProcess();
  Connection& connection = m_database->connection;
  Transaction transaction(connection, Transaction::Kind::Write);
  const RowId deviceId = m_database->deviceId(device);
  Statement(
      connection,
      "INSERT INTO runs(kind, status, artifact, device, dataset, started_at, error, context, host, boot, "
      "pid, process_start) VALUES(?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?)")
      .bind(static_cast<int>(kind), static_cast<int>(RunStatus::Running), artifact, deviceId, dataset,
            utcNow(), context.dump(-1, ' ', false, base::Json::error_handler_t::replace), process.host,
            process.boot, process.pid, process.startTime)
      .finish();
  const RowId run = connection.queryInteger("SELECT last_insert_rowid()");
  transaction.commit();
  return run;
}

void ExperimentLog::check() const {
  // Samples are most of a log's bytes. They are only appended, and damage in them is detected when they are
  // read.
  for (const char* table :
       {"models", "recipes", "artifacts", "devices", "runs", "metrics", "deployments", "exports"}) {
    const std::string found =
        m_database->connection.queryText("PRAGMA quick_check('" + std::string(table) + "')");
    if (found != "ok")
      throw base::Error(base::ErrorCode::Corrupt,
                        "experiment log '" + path().string() + "' is damaged (table '" + table + "': " +
                            found.substr(0, 200) + "): restore a copy of it, or use another one with --log");
  }
}

std::filesystem::path demoLogPath() { return base::dataDirectory() / "demo" / "experiments.db"; }

std::filesystem::path defaultLogPath() {
  const char* chosen = std::getenv("NIBBLESMITH_LOG");
  return chosen && *chosen ? std::filesystem::path(chosen) : base::dataDirectory() / "experiments.db";
}

} // namespace nibblesmith::experiments
