// SPDX-License-Identifier: Apache-2.0
// Rows of the Experiments page and of `nsmith runs`.
#include "experiments/database.hpp"

#include <cmath>
#include <unordered_map>
#include <utility>

namespace nibblesmith::experiments {
namespace {

/// Returns bits per parameter, rounded to two decimals: an f16 model shows 16, despite its few f32 norms.
double bitsPerParameter(int64_t bytes, int64_t parameters, double fallback) {
  if (parameters <= 0 || bytes <= 0)
    return fallback;
  return std::round(800.0 * static_cast<double>(bytes) / static_cast<double>(parameters)) / 100.0;
}

std::vector<ExperimentRow> experimentRows(Connection& connection,
                                          std::map<std::pair<RowId, RowId>, size_t>& indexOf) {
  Statement statement(
      connection,
      "SELECT a.id, d.id, m.name, coalesce(a.given_name, a.name), r.method, r.bits, d.name, a.created_at, "
      "a.path, a.format, a.size_bytes, m.parameters, a.hash, r.json FROM "
      "(SELECT DISTINCT artifact, device FROM runs WHERE status = 2) seen "
      "JOIN artifacts a ON a.id = seen.artifact JOIN devices d ON d.id = seen.device "
      "JOIN models m ON m.id = a.model LEFT JOIN recipes r ON r.id = a.recipe ORDER BY a.id, d.id");
  std::vector<ExperimentRow> rows;
  while (statement.step()) {
    ExperimentRow row;
    row.artifact = statement.integer(0);
    row.modelName = statement.text(2);
    row.artifactName = statement.text(3);
    row.method = statement.isNull(4) ? "none" : statement.text(4);
    row.device = statement.text(6);
    row.createdAt = statement.text(7);
    row.path = statement.text(8);
    row.format = statement.text(9);
    row.sizeBytes = static_cast<uint64_t>(statement.integer(10));
    row.bits = statement.isNull(5) ? bitsPerParameter(statement.integer(10), statement.integer(11), row.bits)
                                   : statement.real(5);
    row.hash = statement.text(12);
    row.recipe = statement.text(13);
    indexOf[{row.artifact, statement.integer(1)}] = rows.size();
    rows.push_back(std::move(row));
  }
  return rows;
}

} // namespace

std::vector<ExperimentRow> ExperimentLog::experiments() const {
  Connection& connection = m_database->connection;
  Transaction oneState(connection, Transaction::Kind::Read);
  std::map<std::pair<RowId, RowId>, size_t> indexOf;
  std::vector<ExperimentRow> rows = experimentRows(connection, indexOf);
  // Ordered by run: a newer value replaces an older one. This is faster than grouping by name.
  Statement metrics(connection,
                    "SELECT runs.artifact, runs.device, metrics.name, metrics.value FROM runs "
                    "CROSS JOIN metrics ON metrics.run = runs.id WHERE runs.status = 2 ORDER BY runs.id");
  while (metrics.step())
    if (const auto row = indexOf.find({metrics.integer(0), metrics.integer(1)}); row != indexOf.end())
      rows[row->second].metrics[metrics.text(2)] = metrics.real(3);
  return rows;
}

std::vector<RunRow> ExperimentLog::runs(std::optional<RowId> artifact) const {
  Connection& connection = m_database->connection;
  Transaction oneState(connection, Transaction::Kind::Read);
  Statement statement(
      connection,
      "SELECT runs.id, kind, status, artifact, devices.name, started_at, finished_at, error, context "
      "FROM runs JOIN devices ON devices.id = runs.device WHERE ?1 IS NULL OR artifact = ?1 ORDER BY "
      "runs.id");
  statement.bind(artifact);
  std::vector<RunRow> rows;
  std::unordered_map<RowId, size_t> indexOf;
  while (statement.step()) {
    RunRow row;
    row.id = statement.integer(0);
    row.kind = static_cast<RunKind>(statement.integer(1));
    row.status = static_cast<RunStatus>(statement.integer(2));
    row.artifact = statement.integer(3);
    row.device = statement.text(4);
    row.startedAt = statement.text(5);
    row.finishedAt = statement.text(6);
    row.error = statement.text(7);
    row.context =
        base::parseJson(statement.text(8), path().string() + ": context of run " + std::to_string(row.id));
    indexOf[row.id] = rows.size();
    rows.push_back(std::move(row));
  }
  Statement metrics(connection, "SELECT run, name, value FROM metrics JOIN runs ON runs.id = metrics.run "
                                "WHERE ?1 IS NULL OR runs.artifact = ?1");
  metrics.bind(artifact);
  while (metrics.step())
    if (const auto row = indexOf.find(metrics.integer(0)); row != indexOf.end())
      rows[row->second].metrics[metrics.text(1)] = metrics.real(2);
  return rows;
}

} // namespace nibblesmith::experiments
