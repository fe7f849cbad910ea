// SPDX-License-Identifier: Apache-2.0
// Runs in the log: metrics, samples, their end and their removal.
#include "experiments/database.hpp"
#include "experiments/samples.hpp"

#include "base/foreign_text.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::experiments {
namespace {

/// Maximum number of values in one row of samples; bounds the size of a row.
constexpr size_t kSamplesPerChunk = 32768;

[[noreturn]] void throwRunning(const Connection& connection, const std::string& what) {
  throw base::Error(base::ErrorCode::InvalidArgument, "experiment log '" + connection.path().string() +
                                                          "': " + what +
                                                          " is still being made: cancel it first");
}

/// Deletes an artifact that nothing refers to. Keeps its model and recipe, which another program may be about
/// to use.
void deleteArtifactIfUnused(Connection& connection, RowId artifact) {
  Statement(connection,
            "DELETE FROM artifacts WHERE id = ?1 AND NOT EXISTS(SELECT 1 FROM runs WHERE artifact = ?1) "
            "AND NOT EXISTS(SELECT 1 FROM deployments WHERE artifact = ?1)")
      .bind(artifact)
      .finish();
}

} // namespace

void ExperimentLog::addContext(RowId run, const base::Json& context) {
  if (!context.is_object())
    throw base::Error(base::ErrorCode::InvalidArgument, "context of run " + std::to_string(run) +
                                                            ": expected an object, found " +
                                                            context.type_name());
  Connection& connection = m_database->connection;
  Transaction transaction(connection, Transaction::Kind::Write);
  Statement read(connection, "SELECT context FROM runs WHERE id = ?");
  if (!read.bind(run).step())
    m_database->throwNotFound("run " + std::to_string(run));
  base::Json merged =
      base::parseJson(read.text(0), path().string() + ": context of run " + std::to_string(run));
  read.finish();
  if (!merged.is_object())
    merged = base::Json::object();
  merged.update(context);
  Statement(connection, "UPDATE runs SET context = ? WHERE id = ?")
      .bind(merged.dump(-1, ' ', false, base::Json::error_handler_t::replace), run)
      .finish();
  transaction.commit();
}

void ExperimentLog::setArtifact(RowId run, RowId artifact) {
  Statement statement(m_database->connection, "UPDATE runs SET artifact = ? WHERE id = ? RETURNING id");
  if (!statement.bind(artifact, run).step())
    m_database->throwNotFound("run " + std::to_string(run));
  statement.finish();
}

void ExperimentLog::addMetric(RowId run, const std::string& name, double value, const std::string& unit) {
  if (std::isnan(value))
    throw base::Error(base::ErrorCode::Numerical, "experiment log '" + path().string() + "': metric '" +
                                                      name + "': expected a number, found NaN");
  Statement(m_database->connection,
            "INSERT INTO metrics(run, name, value, unit) VALUES(?, ?, ?, ?) ON CONFLICT(run, name) "
            "DO UPDATE SET value = excluded.value, unit = excluded.unit")
      .bind(run, name, value, unit)
      .finish();
}

void ExperimentLog::addSamples(RowId run, const std::string& metric, std::span<const double> values) {
  if (values.empty())
    return;
  Connection& connection = m_database->connection;
  Transaction transaction(connection, Transaction::Kind::Write);
  while (!values.empty()) {
    const auto chunk = values.first(std::min(values.size(), kSamplesPerChunk));
    const EncodedSamples encoded = encodeSamples(chunk);
    Statement(connection,
              "INSERT INTO samples(run, metric, chunk, format, data) SELECT ?1, ?2, "
              "(SELECT coalesce(max(chunk), -1) + 1 FROM samples WHERE run = ?1 AND metric = ?2), ?3, ?4")
        .bind(run, metric, static_cast<int64_t>(encoded.format), std::span<const std::byte>(encoded.bytes))
        .finish();
    values = values.subspan(chunk.size());
  }
  transaction.commit();
}

std::vector<double> ExperimentLog::samples(RowId run, const std::string& metric) const {
  Statement statement(m_database->connection,
                      "SELECT format, data FROM samples WHERE run = ? AND metric = ? ORDER BY chunk");
  statement.bind(run, metric);
  const std::string origin =
      path().string() + ": run " + std::to_string(run) + ": samples of '" + metric + "'";
  std::vector<double> values;
  while (statement.step())
    decodeSamples(statement.integer(0), statement.blob(1), origin, values);
  return values;
}

void ExperimentLog::finishRun(RowId run, RunStatus status, const std::string& error) {
  Statement statement(m_database->connection,
                      "UPDATE runs SET status = ?, error = ?, finished_at = ? WHERE id = ? RETURNING id");
  if (!statement.bind(static_cast<int>(status), base::messageText(error), utcNow(), run).step())
    m_database->throwNotFound("run " + std::to_string(run));
  statement.finish();
}

void ExperimentLog::deleteExperiment(RowId artifact, const std::string& device) {
  Connection& connection = m_database->connection;
  const std::string what =
      "artifact " + std::to_string(artifact) + " on " + (device.empty() ? "this machine" : device);
  Transaction transaction(connection, Transaction::Kind::Write);
  Statement find(connection,
                 "SELECT devices.id, count(runs.id), total(runs.status = 1) FROM devices JOIN runs ON "
                 "runs.device = devices.id WHERE devices.name = ? AND runs.artifact = ?");
  find.bind(device, artifact).step();
  const RowId deviceId = find.integer(0);
  if (find.integer(1) == 0)
    m_database->throwNotFound(what);
  if (find.integer(2) > 0)
    throwRunning(connection, "a run of " + what);
  find.finish();
  Statement(connection, "DELETE FROM runs WHERE artifact = ? AND device = ?")
      .bind(artifact, deviceId)
      .finish();
  Statement(connection, "DELETE FROM deployments WHERE artifact = ? AND device = ?")
      .bind(artifact, deviceId)
      .finish();
  deleteArtifactIfUnused(connection, artifact);
  transaction.commit();
}

void ExperimentLog::deleteRun(RowId run) {
  Connection& connection = m_database->connection;
  const std::string what = "run " + std::to_string(run);
  Transaction transaction(connection, Transaction::Kind::Write);
  Statement find(connection, "SELECT artifact, status FROM runs WHERE id = ?");
  if (!find.bind(run).step())
    m_database->throwNotFound(what);
  const RowId artifact = find.integer(0);
  if (find.integer(1) == static_cast<int64_t>(RunStatus::Running))
    throwRunning(connection, what);
  find.finish();
  Statement(connection, "DELETE FROM runs WHERE id = ?").bind(run).finish();
  deleteArtifactIfUnused(connection, artifact);
  transaction.commit();
}

} // namespace nibblesmith::experiments
