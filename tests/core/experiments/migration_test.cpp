// SPDX-License-Identifier: Apache-2.0
// Logs that earlier versions of the program wrote.
#include "base/error.hpp"
#include "base/file.hpp"
#include "experiments/experiment_log.hpp"
#include "nib_test.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <sqlite3.h>

using namespace nibblesmith;
using namespace nibblesmith::experiments;

namespace {

using Path = std::filesystem::path;

void sql(const Path& path, const std::string& text) {
  sqlite3* handle = nullptr;
  QCOMPARE(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  char* message = nullptr;
  sqlite3_exec(handle, text.c_str(), nullptr, nullptr, &message);
  QVERIFY2(message == nullptr, message);
  sqlite3_close(handle);
}

/// Log as version 0.1.0 wrote it: its statements, and rows of each kind. Run 9 was deleted.
constexpr const char* kLogOf010 = R"sql(
CREATE TABLE models(id INTEGER PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,
  family TEXT NOT NULL, parameters INTEGER NOT NULL, size_bytes INTEGER NOT NULL, created_at TEXT NOT NULL) STRICT;
CREATE TABLE datasets(id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL,
  hash TEXT NOT NULL, UNIQUE(hash, kind)) STRICT;
CREATE TABLE recipes(id INTEGER PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, json TEXT NOT NULL,
  method TEXT NOT NULL, bits REAL NOT NULL) STRICT;
CREATE TABLE artifacts(id INTEGER PRIMARY KEY, model INTEGER NOT NULL REFERENCES models(id),
  recipe INTEGER REFERENCES recipes(id), name TEXT NOT NULL, given_name TEXT, path TEXT NOT NULL,
  hash TEXT NOT NULL, format TEXT NOT NULL, size_bytes INTEGER NOT NULL, created_at TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX artifacts_identity ON artifacts(hash, model, coalesce(recipe, 0));
CREATE TABLE devices(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE runs(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, status INTEGER NOT NULL,
  artifact INTEGER NOT NULL REFERENCES artifacts(id), device INTEGER NOT NULL REFERENCES devices(id),
  dataset INTEGER REFERENCES datasets(id), started_at TEXT NOT NULL, finished_at TEXT, error TEXT NOT NULL,
  context TEXT NOT NULL, host TEXT NOT NULL, boot TEXT NOT NULL, pid INTEGER NOT NULL,
  process_start INTEGER NOT NULL) STRICT;
CREATE INDEX runs_by_artifact ON runs(artifact, device);
CREATE INDEX runs_running ON runs(id) WHERE status = 1;
CREATE TABLE metrics(run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, name TEXT NOT NULL,
  value REAL NOT NULL, unit TEXT NOT NULL, PRIMARY KEY(run, name)) STRICT, WITHOUT ROWID;
CREATE TABLE samples(run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, metric TEXT NOT NULL,
  chunk INTEGER NOT NULL, format INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY(run, metric, chunk)) STRICT;
CREATE TABLE deployments(id INTEGER PRIMARY KEY AUTOINCREMENT,
  artifact INTEGER NOT NULL REFERENCES artifacts(id) ON DELETE CASCADE,
  device INTEGER NOT NULL REFERENCES devices(id), remote_path TEXT NOT NULL, version TEXT NOT NULL,
  previous_version TEXT NOT NULL, sha256 TEXT NOT NULL, deployed_at TEXT NOT NULL) STRICT;
CREATE INDEX deployments_by_artifact ON deployments(artifact);
PRAGMA application_id = 1315529324;
PRAGMA user_version = 1;
INSERT INTO models VALUES(1, 'tiny', '/models/tiny', 'tensors of tiny', 'llama', 1000, 2000, '2026-01-01T00:00:00Z');
INSERT INTO recipes VALUES(1, 'RTN 4-bit', 'recipe 1', '{"name":"RTN 4-bit"}', 'RTN', 4.0);
INSERT INTO artifacts VALUES(1, 1, NULL, 'tiny', NULL, '/models/tiny', 'tensors of tiny', 'hf', 2000, '');
INSERT INTO artifacts VALUES(2, 1, 1, 'RTN 4-bit', 'mine', '/out/rtn', 'tensors of rtn', 'ct', 500, '');
INSERT INTO devices VALUES(1, ''), (2, 'pi');
INSERT INTO runs VALUES(3, 2, 2, 1, 1, NULL, '', '', '', '{}', '', '', 0, 0);
INSERT INTO runs VALUES(7, 2, 2, 2, 1, NULL, 'then', 'later', '', '{"threads":2}', '', '', 0, 0);
INSERT INTO runs VALUES(8, 3, 3, 2, 2, NULL, '', '', 'no such host', '{}', '', '', 0, 0);
INSERT INTO runs VALUES(9, 3, 2, 2, 2, NULL, '', '', '', '{}', '', '', 0, 0);
DELETE FROM runs WHERE id = 9;
INSERT INTO metrics VALUES(3, 'perplexity', 10.0, ''), (7, 'perplexity', 12.5, '');
INSERT INTO samples VALUES(7, 'nll', 0, 2, x'000000000000F03F');
INSERT INTO deployments VALUES(1, 2, 2, '/home/pi/model.gguf', 'v1', '', 'file', 'then');
)sql";

} // namespace

class MigrationTest : public QObject {
  Q_OBJECT

  QTemporaryDir m_directory;
  Path m_file;

private slots:
  void init() {
    m_file = Path(m_directory.path().toStdString()) / "log.db";
    std::filesystem::remove(m_file);
    sql(m_file, kLogOf010);
  }

  void everyRowOf010IsStillThere() {
    const ExperimentLog log(m_file);
    QCOMPARE(log.schemaVersion(), 2);
    const std::vector<RunRow> runs = log.runs();
    QCOMPARE(runs.size(), size_t{3});
    QCOMPARE(runs[1].id, RowId{7});
    QCOMPARE(runs[1].artifact, RowId{2});
    QCOMPARE(runs[1].startedAt, std::string("then"));
    QCOMPARE(runs[1].finishedAt, std::string("later"));
    QVERIFY((runs[1].context == base::Json{{"threads", 2}}));
    QCOMPARE(runs[1].metrics.at("perplexity"), 12.5);
    QCOMPARE(runs[2].error, std::string("no such host"));
    QCOMPARE(runs[2].device, std::string("pi"));
    QVERIFY(runs[2].status == RunStatus::Failed);
    QCOMPARE(log.samples(7, "nll"), std::vector<double>{1.0});
    QCOMPARE(log.deployments().size(), size_t{1});
    QCOMPARE(log.deployments()[0].artifact, RowId{2});

    const std::vector<ExperimentRow> rows = log.experiments();
    QCOMPARE(rows.size(), size_t{2});
    QCOMPARE(rows[1].artifactName, std::string("mine"));
    QCOMPARE(rows[1].hash, std::string("tensors of rtn"));
    QCOMPARE(rows[1].metrics.at("perplexity"), 12.5);
    QVERIFY(log.artifact(2)->files.empty());
  }

  void runIdsAreNotGivenOutAgain() {
    ExperimentLog log(m_file);
    QCOMPARE(log.startRun(RunKind::Quantize, std::nullopt, "", nullptr), RowId{10});
  }

  void rowsStillHangTogether() {
    ExperimentLog log(m_file);
    QVERIFY_THROWS_EXCEPTION(base::Error, log.startRun(RunKind::Evaluate, 999, "", nullptr));
    log.deleteRun(7);
    QVERIFY(log.samples(7, "nll").empty());
    log.check();
  }

  /// Version 0.1.0 hashed only tensors and configuration. Its rows get the identity of the files when these
  /// are used again.
  void rowsOf010GetTheIdentityOfTheirFiles() {
    ExperimentLog log(m_file);
    ArtifactRow row{"RTN 4-bit", "/out/rtn", "files of rtn", "ct", 500, 1, 1};
    row.files = {{"model.safetensors", "abc"}};
    QCOMPARE(log.addArtifact(row, "tensors of rtn"), RowId{2});
    QCOMPARE(log.artifact(2)->hash, std::string("files of rtn"));
    QCOMPARE(log.artifact(2)->files, row.files);
    QCOMPARE(log.artifactOfHash("files of rtn"), std::optional<RowId>(2));
    QVERIFY(!log.artifactOfHash("tensors of rtn"));
    QCOMPARE(log.experiments()[1].metrics.at("perplexity"), 12.5);
    // The same tensors with another tokenizer are another artifact, for which no old row is left.
    row.hash = "other files of rtn";
    QVERIFY(log.addArtifact(row, "tensors of rtn") != RowId{2});
    QCOMPARE(log.artifact(2)->hash, std::string("files of rtn"));
  }

  /// When several programs open it at the same time, the second finds it migrated.
  void theSecondFindsItDone() {
    const ExperimentLog first(m_file);
    const ExperimentLog second(m_file);
    QCOMPARE(second.runs().size(), size_t{3});
  }

  /// The migration would copy the endless rows.
  void aViewInAnOldLogIsNotMigrated() {
    sql(m_file,
        "ALTER TABLE runs RENAME TO r; CREATE VIEW runs AS WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL "
        "SELECT x + 1 FROM t) SELECT r.* FROM r, t");
    const std::string before = base::readTextFile(m_file);
    QVERIFY_THROWS_EXCEPTION(base::Error, ExperimentLog{m_file});
    QVERIFY(base::readTextFile(m_file) == before);
  }

  void whatCannotBeMigratedStaysAsItWas() {
    sql(m_file, "CREATE TABLE exports(mine TEXT)");
    const std::string before = base::readTextFile(m_file);
    QVERIFY_THROWS_EXCEPTION(base::Error, ExperimentLog{m_file});
    QVERIFY(base::readTextFile(m_file) == before);
  }
};

NIB_TEST(MigrationTest)
#include "migration_test.moc"
