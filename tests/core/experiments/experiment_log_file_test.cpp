// SPDX-License-Identifier: Apache-2.0
// The file itself: versions, files that are something else, damage, a full disk, many rows.
#include "base/file.hpp"
#include "experiments/experiment_log.hpp"
#include "nib_test.hpp"

#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <fstream>
#include <functional>

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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

/// Returns the error that opening or using the log throws.
base::Error errorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const base::Error& error) {
    return error;
  }
  return {base::ErrorCode::NotSupported, "no error"};
}

RowId addOneRun(ExperimentLog& log, const std::string& hash = "m1") {
  const RowId model = log.addModel({"tiny", "/tiny", hash, "llama", 1000, 2000});
  return log.startRun(RunKind::Evaluate, log.addArtifact({"tiny", "/tiny", hash, "hf", 2000, model, {}}), "",
                      nullptr);
}

bool says(const base::Error& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

} // namespace

class ExperimentLogFileTest : public QObject {
  Q_OBJECT

  QTemporaryDir m_directory;
  Path path(const std::string& name) const { return Path(m_directory.path().toStdString()) / name; }

private slots:
  void anEmptyFileBecomesALog() {
    std::ofstream(path("empty.db")).flush();
    QCOMPARE(std::filesystem::file_size(path("empty.db")), uintmax_t{0});
    {
      ExperimentLog log(path("empty.db"));
      QCOMPARE(log.schemaVersion(), 2);
      QVERIFY(log.experiments().empty() && log.runs().empty() && log.deployments().empty());
      log.finishRun(addOneRun(log), RunStatus::Finished);
    }
    QCOMPARE(ExperimentLog(path("empty.db")).experiments().size(), size_t{1});
  }

  void aLogMakesItsFolder() {
    QCOMPARE(ExperimentLog(path("a/b/log.db")).schemaVersion(), 2);
    QVERIFY(std::filesystem::exists(path("a/b/log.db")));
  }

  void aNewerLogIsRefusedUntouched() {
    { const ExperimentLog log(path("newer.db")); }
    sql(path("newer.db"), "PRAGMA user_version = 3");
    const std::string before = base::readTextFile(path("newer.db"));
    const base::Error error = errorOf([&] { ExperimentLog log(path("newer.db")); });
    QVERIFY(error.code() == base::ErrorCode::NotSupported);
    QVERIFY(says(error, "newer.db") && says(error, "3"));
    QVERIFY(base::readTextFile(path("newer.db")) == before);
  }

  void otherFilesAreRefusedUntouched_data() {
    QTest::addColumn<QByteArray>("content");
    QTest::newRow("short text") << QByteArray("hello");
    QTest::newRow("long text") << QByteArray("prompt, reference\n").repeated(1000);
    QTest::newRow("header alone") << QByteArray("SQLite format 3\0garbage", 23);
    QTest::newRow("zeros") << QByteArray(8192, '\0');
  }
  void otherFilesAreRefusedUntouched() {
    QFETCH(QByteArray, content);
    const Path file = path("other.db");
    std::ofstream(file, std::ios::binary).write(content.data(), content.size()).flush();
    const base::Error error = errorOf([&] { ExperimentLog log(file); });
    QVERIFY2(error.code() == base::ErrorCode::Corrupt, error.what());
    QVERIFY(says(error, "other.db"));
    QVERIFY(base::readTextFile(file) == content.toStdString());
    QVERIFY(!std::filesystem::exists(path("other.db-wal")));
  }

  void anotherProgramsDatabaseIsRefusedUntouched() {
    sql(path("foreign.db"), "CREATE TABLE bookmarks(url TEXT); PRAGMA user_version = 1");
    const std::string before = base::readTextFile(path("foreign.db"));
    const base::Error error = errorOf([&] { ExperimentLog log(path("foreign.db")); });
    QVERIFY(error.code() == base::ErrorCode::Corrupt);
    QVERIFY(says(error, "another program"));
    QVERIFY(base::readTextFile(path("foreign.db")) == before);
  }

  /// A log from outside may have views with endless rows and triggers in place of what this program created.
  void otherTablesAreRefused_data() {
    QTest::addColumn<QString>("change");
    QTest::addColumn<QString>("named");
    QTest::newRow("view over endless rows")
        << "DROP TABLE runs; CREATE VIEW runs AS WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
           "FROM t) SELECT x AS id, 1 AS status, '' AS host, '' AS boot, 0 AS pid, 0 AS process_start FROM t"
        << "view 'runs'";
    QTest::newRow("trigger") << "CREATE TRIGGER vanish AFTER INSERT ON runs BEGIN DELETE FROM runs; END"
                             << "trigger 'vanish'";
    QTest::newRow("another table") << "CREATE TABLE more(x)"
                                   << "table 'more'";
    QTest::newRow("index") << "CREATE INDEX slow ON runs(hex(zeroblob(1000000)))"
                           << "index 'slow'";
    QTest::newRow("another column") << "ALTER TABLE models ADD COLUMN x TEXT"
                                    << "another definition of table 'models'";
    QTest::newRow("missing table") << "DROP TABLE file_digests"
                                   << "no table 'file_digests'";
    QTest::newRow("older version") << "PRAGMA user_version = 1"
                                   << "schema version 1";
    QTest::newRow("negative version") << "PRAGMA user_version = -1"
                                      << "schema version '-1'";
  }
  void otherTablesAreRefused() {
    QFETCH(QString, change);
    QFETCH(QString, named);
    const Path file = path("other tables.db");
    std::filesystem::remove(file);
    { const ExperimentLog log(file); }
    sql(file, change.toStdString());
    const std::string before = base::readTextFile(file);
    const base::Error error = errorOf([&] { (void)ExperimentLog(file).runs(); });
    QVERIFY2(error.code() == base::ErrorCode::Corrupt, error.what());
    QVERIFY2(says(error, "other tables.db") && says(error, named.toStdString()), error.what());
    QVERIFY(base::readTextFile(file) == before);
  }

  void statisticsOfAnalyzeAreAccepted() {
    { ExperimentLog log(path("analyzed.db")); }
    sql(path("analyzed.db"), "ANALYZE");
    QVERIFY(ExperimentLog(path("analyzed.db")).runs().empty());
  }

  void overlongValuesAreRefused() {
    const Path file = path("long.db");
    RowId run = 0;
    {
      ExperimentLog log(file);
      run = addOneRun(log);
      const base::Error error =
          errorOf([&] { log.addMetric(run, std::string(size_t{5} << 20, 'x'), 1, ""); });
      QVERIFY2(error.code() == base::ErrorCode::InvalidArgument, error.what());
      log.finishRun(run, RunStatus::Finished);
    }
    sql(file, "UPDATE artifacts SET name = hex(zeroblob(25000000))");
    const base::Error error = errorOf([&] { (void)ExperimentLog(file).experiments(); });
    QVERIFY2(error.code() == base::ErrorCode::Corrupt, error.what());
    QVERIFY2(says(error, "long.db") && says(error, "4194304"), error.what());
  }

  /// Long reads end; the end of a run is still written.
  void aStopEndsReadsButNotTheEndOfARun() {
    const Path file = path("stopped.db");
    std::stop_source stop;
    ExperimentLog log(file, stop.get_token());
    const RowId run = addOneRun(log);
    sql(file, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
              "INSERT INTO metrics SELECT 1, 'm' || i, i, '' FROM n");
    QCOMPARE(log.runs().at(0).metrics.size(), size_t{100000});
    stop.request_stop();
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, log.runs());
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, log.check());
    log.addMetric(run, "perplexity", 2, "");
    log.finishRun(run, RunStatus::Cancelled);
    QVERIFY(ExperimentLog(file).runs().at(0).status == RunStatus::Cancelled);
  }

  void aDamagedLogSaysSo() {
    const Path file = path("damaged.db");
    {
      ExperimentLog log(file);
      for (int i = 0; i < 50; ++i)
        log.finishRun(addOneRun(log, "m" + std::to_string(i)), RunStatus::Finished);
    }
    // Overwrites every page after the first.
    const auto size = std::filesystem::file_size(file);
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekp(4096);
    bytes << std::string(size - 4096, '\x5a');
    bytes.close();
    const base::Error error = errorOf([&] { (void)ExperimentLog(file).experiments(); });
    QVERIFY2(error.code() == base::ErrorCode::Corrupt, error.what());
    QVERIFY(says(error, "damaged"));
  }

  /// Only a table is damaged that opening and starting a run do not read.
  void damageIsFoundBeforeTheWork() {
    const Path file = path("check.db");
    {
      ExperimentLog log(file);
      log.check();
      const RowId run = addOneRun(log);
      log.addDeployment({0, 1, "pi", "/model.gguf", "v1", "", "abc", ""});
      log.finishRun(run, RunStatus::Finished);
    }
    sql(file, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3* handle = nullptr;
    QCOMPARE(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    int page = 0;
    sqlite3_exec(
        handle, "SELECT rootpage FROM sqlite_schema WHERE name = 'deployments'",
        [](void* result, int, char** values, char**) {
          *static_cast<int*>(result) = std::atoi(values[0]);
          return 0;
        },
        &page, nullptr);
    sqlite3_close(handle);
    QVERIFY(page > 1);
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekp((page - 1) * 4096);
    bytes << std::string(4096, '\x5a');
    bytes.close();
    ExperimentLog log(file);
    log.finishRun(addOneRun(log, "m2"), RunStatus::Finished);
    const base::Error error = errorOf([&] { log.check(); });
    QVERIFY2(error.code() == base::ErrorCode::Corrupt, error.what());
    QVERIFY2(says(error, "check.db") && says(error, "damaged"), error.what());
  }

  void damagedSamplesSaySo() {
    const Path file = path("samples.db");
    RowId run = 0;
    {
      ExperimentLog log(file);
      run = addOneRun(log);
      log.addSamples(run, "nll", std::vector<double>{1, 2, 3});
    }
    sql(file, "UPDATE samples SET data = x'0102030405'");
    const base::Error halfValue = errorOf([&] { (void)ExperimentLog(file).samples(run, "nll"); });
    QVERIFY(halfValue.code() == base::ErrorCode::Corrupt);
    sql(file, "UPDATE samples SET format = 9");
    const base::Error unknown = errorOf([&] { (void)ExperimentLog(file).samples(run, "nll"); });
    QVERIFY(unknown.code() == base::ErrorCode::Corrupt && says(unknown, "9"));
  }

  void placesThatCannotHoldALogSaySo() {
    const base::Error directory = errorOf([&] { ExperimentLog log(path(".")); });
    QVERIFY(directory.code() == base::ErrorCode::Io);
    const base::Error nowhere = errorOf([] { ExperimentLog log("/proc/nowhere/log.db"); });
    QVERIFY(nowhere.code() == base::ErrorCode::Io);
    QVERIFY(says(nowhere, "/proc/nowhere"));
  }

  void aReadOnlyLogSaysSo() {
    const Path folder = path("readonly");
    { const ExperimentLog log(folder / "log.db"); }
    std::filesystem::permissions(folder / "log.db", std::filesystem::perms(0444));
    std::filesystem::permissions(folder, std::filesystem::perms(0555));
    std::filesystem::permissions(m_directory.path().toStdString(), std::filesystem::perms(0755));
    // Root may write anywhere, so switch to another user for a moment.
    const bool root = ::geteuid() == 0;
    if (root)
      QCOMPARE(::seteuid(65534), 0);
    const base::Error error = errorOf([&] { ExperimentLog log(folder / "log.db"); });
    if (root)
      QCOMPARE(::seteuid(0), 0);
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    QVERIFY2(error.code() == base::ErrorCode::Io, error.what());
    QVERIFY2(says(error, "read-only"), error.what());
  }

  /// A file size limit simulates a full disk: the write fails, nothing is lost, and the log stays usable.
  void aFullDiskLosesNothing() {
    ExperimentLog log(path("full.db"));
    const RowId run = addOneRun(log);
    log.addSamples(run, "nll", std::vector<double>(1000, 1.0));
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit unlimited{};
    ::getrlimit(RLIMIT_FSIZE, &unlimited);
    const rlimit small{256 * 1024, unlimited.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const base::Error error = errorOf([&] { log.addSamples(run, "nll", std::vector<double>(1000000, 0.1)); });
    ::setrlimit(RLIMIT_FSIZE, &unlimited);
    QVERIFY2(error.code() == base::ErrorCode::Io, error.what());
    QVERIFY(says(error, "full.db"));
    QCOMPARE(log.samples(run, "nll").size(), size_t{1000});
    log.addMetric(run, "perplexity", 2.0, "");
    log.finishRun(run, RunStatus::Failed, error.what());
    QCOMPARE(ExperimentLog(path("full.db")).runs().at(0).status, RunStatus::Failed);
  }

  void tenThousandRunsList() {
    const Path file = path("many.db");
    { const ExperimentLog log(file); }
    sql(file, R"(
      BEGIN;
      INSERT INTO models VALUES(1, 'm', '/m', 'h', 'llama', 1, 1, '');
      INSERT INTO devices(name) VALUES(''), ('pi');
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO artifacts SELECT i, 1, NULL, 'a' || i, NULL, '/a', 'h' || i, 'gguf', 1, '', '{}' FROM n;
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        INSERT INTO runs SELECT i, 2, 2, 1 + i % 1000, 1 + i % 2, NULL, '', '', '', '{"threads":2}', '', '', 0, 0 FROM n;
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
        INSERT INTO metrics SELECT 1 + i / 10, 'metric' || (i % 10), i, '' FROM n;
      COMMIT)");
    QElapsedTimer timer;
    timer.start();
    const ExperimentLog log(file);
    const auto experiments = log.experiments();
    const auto listed = timer.restart();
    const auto runs = log.runs();
    qInfo("10,000 runs, 100,000 metrics: opened and listed in %lld ms; every run in %lld ms more", listed,
          timer.elapsed());
    QCOMPARE(experiments.size(), size_t{1000});
    QCOMPARE(runs.size(), size_t{10000});
    // Artifact 1 has the runs 1000, 2000, ..., 10000: the values of the last one are the newest.
    QCOMPARE(experiments[0].metrics.size(), size_t{10});
    QCOMPARE(experiments[0].metrics.at("metric3"), 99993.0);
    QCOMPARE(runs[41].metrics.at("metric3"), 413.0);
  }

  void theDefaultPathCanBeChosen() {
    qputenv("NIBBLESMITH_LOG", "/somewhere/my.db");
    QCOMPARE(defaultLogPath(), Path("/somewhere/my.db"));
    qunsetenv("NIBBLESMITH_LOG");
    QCOMPARE(defaultLogPath().filename(), Path("experiments.db"));
    QCOMPARE(demoLogPath(), base::dataDirectory() / "demo/experiments.db");
  }
};

NIB_TEST(ExperimentLogFileTest)
#include "experiment_log_file_test.moc"
