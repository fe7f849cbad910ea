// SPDX-License-Identifier: Apache-2.0
#include "experiments/schema.hpp"

#include "base/foreign_text.hpp"

#include <array>
#include <map>
#include <utility>

namespace nibblesmith::experiments {
namespace {

/// Version 1. Times are ISO 8601 in UTC. Device "" is the machine that stores the log. hash columns contain
/// SHA-256 of content. A published migration is never edited; later changes are new migrations.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE models(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  family TEXT NOT NULL,
  parameters INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  created_at TEXT NOT NULL) STRICT;

CREATE TABLE datasets(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  hash TEXT NOT NULL,
  UNIQUE(hash, kind)) STRICT;

CREATE TABLE recipes(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  json TEXT NOT NULL,
  method TEXT NOT NULL,
  bits REAL NOT NULL) STRICT;

-- given_name is what the user calls it; name is the recipe's or the file's.
CREATE TABLE artifacts(
  id INTEGER PRIMARY KEY,
  model INTEGER NOT NULL REFERENCES models(id),
  recipe INTEGER REFERENCES recipes(id),
  name TEXT NOT NULL,
  given_name TEXT,
  path TEXT NOT NULL,
  hash TEXT NOT NULL,
  format TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  created_at TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX artifacts_identity ON artifacts(hash, model, coalesce(recipe, 0));

CREATE TABLE devices(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE) STRICT;

-- host, boot, pid and process_start say which process writes the run.
CREATE TABLE runs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,
  status INTEGER NOT NULL,
  artifact INTEGER NOT NULL REFERENCES artifacts(id),
  device INTEGER NOT NULL REFERENCES devices(id),
  dataset INTEGER REFERENCES datasets(id),
  started_at TEXT NOT NULL,
  finished_at TEXT,
  error TEXT NOT NULL,
  context TEXT NOT NULL,
  host TEXT NOT NULL,
  boot TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process_start INTEGER NOT NULL) STRICT;
CREATE INDEX runs_by_artifact ON runs(artifact, device);
CREATE INDEX runs_running ON runs(id) WHERE status = 1;

CREATE TABLE metrics(
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  unit TEXT NOT NULL,
  PRIMARY KEY(run, name)) STRICT, WITHOUT ROWID;

-- Raw values of one metric in the order they came, a chunk per row. format 1: little-endian f32, 2: little-endian f64.
CREATE TABLE samples(
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  metric TEXT NOT NULL,
  chunk INTEGER NOT NULL,
  format INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY(run, metric, chunk)) STRICT;

CREATE TABLE deployments(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  artifact INTEGER NOT NULL REFERENCES artifacts(id) ON DELETE CASCADE,
  device INTEGER NOT NULL REFERENCES devices(id),
  remote_path TEXT NOT NULL,
  version TEXT NOT NULL,
  previous_version TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  deployed_at TEXT NOT NULL) STRICT;
CREATE INDEX deployments_by_artifact ON deployments(artifact);
)sql";

/// Version 2. artifacts.hash is the identity of the files (exporting::ArtifactFiles). Rows of version 1
/// contain the hash of tensors and configuration and no files until they are used again. A run that ended
/// before its artifact was known has none. SQLite cannot drop a NOT NULL constraint, so the runs are copied;
/// ids used before are not reused.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE artifacts ADD COLUMN files TEXT NOT NULL DEFAULT '{}';

CREATE TABLE new_runs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,
  status INTEGER NOT NULL,
  artifact INTEGER REFERENCES artifacts(id),
  device INTEGER NOT NULL REFERENCES devices(id),
  dataset INTEGER REFERENCES datasets(id),
  started_at TEXT NOT NULL,
  finished_at TEXT,
  error TEXT NOT NULL,
  context TEXT NOT NULL,
  host TEXT NOT NULL,
  boot TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process_start INTEGER NOT NULL) STRICT;
INSERT INTO new_runs SELECT id, kind, status, artifact, device, dataset, started_at, finished_at, error, context,
  host, boot, pid, process_start FROM runs;
DELETE FROM sqlite_sequence WHERE name = 'new_runs';
INSERT INTO sqlite_sequence(name, seq) SELECT 'new_runs', seq FROM sqlite_sequence WHERE name = 'runs';
DROP TABLE runs;
ALTER TABLE new_runs RENAME TO runs;
CREATE INDEX runs_by_artifact ON runs(artifact, device);
CREATE INDEX runs_running ON runs(id) WHERE status = 1;

-- Files made from an artifact. sha256 is that of the file.
CREATE TABLE exports(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  artifact INTEGER NOT NULL REFERENCES artifacts(id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  path TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  exported_at TEXT NOT NULL) STRICT;
CREATE INDEX exports_by_artifact ON exports(artifact);

-- SHA-256 of a file as it was when it had this base::FileStamp.
CREATE TABLE file_digests(
  path TEXT PRIMARY KEY,
  stamp TEXT NOT NULL,
  sha256 TEXT NOT NULL) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array<const char*, kSchemaVersion> kMigrations{kVersion1, kVersion2};

int64_t userVersion(Connection& connection) { return connection.queryInteger("PRAGMA user_version"); }

/// Returns the statement without white space that does not separate words; statements of equal meaning may
/// differ in it.
std::string normalizedSql(const std::string& sql) {
  constexpr std::string_view kSeparators = "(),";
  std::string text;
  bool isAfterSpace = false;
  for (const char c : sql) {
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      isAfterSpace = true;
      continue;
    }
    const bool separates = text.empty() || kSeparators.find(c) != std::string_view::npos ||
                           kSeparators.find(text.back()) != std::string_view::npos;
    if (isAfterSpace && !separates)
      text += ' ';
    isAfterSpace = false;
    text += c;
  }
  return text;
}

/// SQL of tables and indexes by type and name.
using Objects = std::map<std::pair<std::string, std::string>, std::string>;
constexpr const char* kListObjects = "SELECT type, name, sql FROM sqlite_schema";

Objects objectsOfVersion(int64_t version) {
  Connection reference(":memory:");
  for (size_t i = 0; i < static_cast<size_t>(version); ++i)
    reference.execute(kMigrations[i]);
  Objects objects;
  Statement list(reference, kListObjects);
  while (list.step())
    objects[{list.text(0), list.text(1)}] = normalizedSql(list.text(2));
  return objects;
}

[[noreturn]] void refuseSchema(const Connection& connection, int64_t version, const std::string& what,
                               const std::string& found) {
  throw base::Error(base::ErrorCode::Corrupt,
                    "experiment log '" + connection.path().string() +
                        "': expected the tables of schema version " + std::to_string(version) +
                        " and nothing else, found " + what + base::foreignText(found, 100) +
                        "': restore a copy of the log, or use another one with --log");
}

/// Rejects a file with other tables, indexes, views or triggers than the migrations create: a view in place
/// of a table may have endless rows, and a trigger may change what is written. Only sqlite_schema is read.
void requireOwnSchema(Connection& connection, int64_t version) {
  if (version < 0)
    refuseSchema(connection, kSchemaVersion, "schema version '", std::to_string(version));
  Objects expected = objectsOfVersion(version);
  Statement list(connection, kListObjects);
  while (list.step()) {
    const std::string type = list.text(0), name = list.text(1);
    // ANALYZE creates these tables, which only its user queries.
    if (type == "table" && (name == "sqlite_stat1" || name == "sqlite_stat4"))
      continue;
    const auto known = expected.find({type, name});
    if (known == expected.end())
      refuseSchema(connection, version, base::foreignText(type, 20) + " '", name);
    if (known->second != normalizedSql(list.text(2)))
      refuseSchema(connection, version, "another definition of " + type + " '", name);
    expected.erase(known);
  }
  if (!expected.empty())
    refuseSchema(connection, version, "no " + expected.begin()->first.first + " '",
                 expected.begin()->first.second);
}

void refuseForeignFile(Connection& connection) {
  // Both values are read in one transaction: otherwise another process could create the tables in between.
  Transaction transaction(connection, Transaction::Kind::Read);
  const int64_t version = userVersion(connection);
  const int64_t application = connection.queryInteger("PRAGMA application_id");
  const bool empty = connection.queryInteger("SELECT count(*) FROM sqlite_schema") == 0;
  if (application != kApplicationId && !(empty && application == 0 && version == 0))
    throw base::Error(base::ErrorCode::Corrupt,
                      "experiment log '" + connection.path().string() +
                          "': expected an experiment log, found a database of another program");
  if (version > kSchemaVersion)
    throw base::Error(base::ErrorCode::NotSupported,
                      "experiment log '" + connection.path().string() + "': its schema version is " +
                          std::to_string(version) + ", written by a newer program; this one knows up to " +
                          std::to_string(kSchemaVersion));
  if (!empty)
    requireOwnSchema(connection, version);
  transaction.commit();
}

} // namespace

void migrate(Connection& connection) {
  refuseForeignFile(connection);
  if (userVersion(connection) == kSchemaVersion)
    return;
  // Dropping a copied table must not delete the rows that refer to it.
  connection.execute("PRAGMA foreign_keys = OFF");
  Transaction transaction(connection, Transaction::Kind::Write);
  // Another process may have migrated the file already.
  for (auto version = static_cast<size_t>(userVersion(connection)); version < kMigrations.size(); ++version)
    connection.execute(kMigrations[version]);
  connection.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
  connection.execute("PRAGMA user_version = " + std::to_string(kSchemaVersion));
  transaction.commit();
}

} // namespace nibblesmith::experiments
