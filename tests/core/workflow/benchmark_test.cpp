// SPDX-License-Identifier: Apache-2.0
#include "experiments/experiment_log.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/services.hpp"

#include <fstream>

#include <QTemporaryDir>
#include <QTest>

using namespace nibblesmith;
using experiments::ExperimentLog;
using experiments::RunRow;
using experiments::RunStatus;
namespace fs = std::filesystem;

class BenchmarkTest : public QObject {
  Q_OBJECT

private:
  std::unique_ptr<QTemporaryDir> m_folder;
  workflow::Services m_services;
  const fs::path m_gguf = test::sharedData("stories260K/stories260K.f32.gguf");

  benchmark::BenchmarkResult run() const {
    base::NoProgress progress;
    return workflow::runBenchmark({m_gguf, {16, 4, 0, 2}}, m_services, {}, progress);
  }
  RunRow onlyRun() const {
    const std::vector<RunRow> rows = ExperimentLog(m_services.log).runs();
    return rows.size() == 1 ? rows[0] : RunRow();
  }

private slots:
  void init() {
    NIB_REQUIRE_DATA(m_gguf);
    m_folder = std::make_unique<QTemporaryDir>();
    m_services.runner = test::builtFile("bin/nsmith-runner");
    m_services.log = fs::path(m_folder->path().toStdString()) / "log.db";
  }

  void figuresAndTheMachineComeIntoTheLog() {
    m_services.threads = 1;
    const benchmark::BenchmarkResult result = run();
    const RunRow row = onlyRun();
    QVERIFY(row.status == RunStatus::Finished);
    QCOMPARE(row.device, std::string());
    QCOMPARE(row.context["promptTokens"].get<int>(), 16);
    QVERIFY(row.context["machine"] == result.context);
    QCOMPARE(row.context["machine"]["threads"].get<int>(), 1);
    QVERIFY(!row.context["machine"]["cpu"].get<std::string>().empty());
    QCOMPARE(result.tokenMs.size(), size_t{8});
    const ExperimentLog log(m_services.log);
    QVERIFY(log.samples(row.id, "tokenMs") == result.tokenMs);
    QVERIFY(log.samples(row.id, "promptMs") == result.promptMs);
    QCOMPARE(row.metrics.at("tokensPerSecond"), result.tokensPerSecond());
  }

  void aRunnerThatFailsIsAFailedRun() {
    m_services.runner = fs::path(m_folder->path().toStdString()) / "nsmith-runner";
    std::ofstream(m_services.runner) << "#!/bin/sh\necho 'no such instruction' >&2\nexit 1\n";
    fs::permissions(m_services.runner, fs::perms::owner_all);
    try {
      run();
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY2(QByteArray(error.what()).contains("no such instruction"), error.what());
      QCOMPARE(onlyRun().error, std::string(error.what()));
    }
    QVERIFY(onlyRun().status == RunStatus::Failed);
  }

  void aMissingRunnerIsNamed() {
    m_services.runner = fs::path(m_folder->path().toStdString()) / "absent";
    try {
      run();
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::NotFound);
      QVERIFY2(QByteArray(error.what()).contains("absent"), error.what());
    }
  }
};

NIB_TEST(BenchmarkTest)
#include "benchmark_test.moc"
