// SPDX-License-Identifier: Apache-2.0
// Every call of the workflow is a run in the log, however it ends. Deployments: deploy_test.
#include "base/hash.hpp"
#include "nib_test.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/export.hpp"
#include "workflow/quantize.hpp"
#include "workplace.hpp"

#include <fstream>

#include <QTest>

using namespace nibblesmith;
using experiments::RunKind;
using experiments::RunRow;
using experiments::RunStatus;
namespace fs = std::filesystem;

class LoggedCallsTest : public QObject {
  Q_OBJECT

  std::unique_ptr<test::Workplace> m_place;

  workflow::EvaluateRequest evaluation() const {
    workflow::EvaluateRequest request;
    request.artifact = m_place->model;
    request.text = m_place->root / "text.txt";
    request.context = 64;
    std::ofstream(request.text)
        << base::readTextFile(test::projectFile("resources/demo/heldout.txt")).substr(0, 2000);
    return request;
  }
  workflow::ExportRequest exporting(const std::string& out) const {
    return {m_place->model, exporting::GgufType::Q8_0, m_place->root / out, false, {}};
  }

  /// Checks the only run in the log: status, kind, and the caller's message.
  void verifyOnlyRun(RunKind kind, RunStatus status, const QByteArray& told = {}) const {
    const std::vector<RunRow> runs = m_place->runs();
    QCOMPARE(runs.size(), size_t{1});
    QCOMPARE(runs[0].kind, kind);
    QCOMPARE(runs[0].status, status);
    QCOMPARE(QByteArray::fromStdString(runs[0].error), told);
    QVERIFY(!runs[0].finishedAt.empty());
  }

private slots:
  void init() { m_place = std::make_unique<test::Workplace>(); }

  void aFinishedQuantization() {
    const workflow::QuantizeResult result = m_place->quantize(m_place->recipe(4, "RTN 4-bit", "rtn"));
    verifyOnlyRun(RunKind::Quantize, RunStatus::Finished);
    const RunRow run = m_place->runs()[0];
    const auto artifact = m_place->log().artifact(run.artifact);
    QVERIFY(artifact);
    QCOMPARE(artifact->hash, result.sha256);
    QCOMPARE(artifact->name, std::string("RTN 4-bit"));
    QCOMPARE(artifact->path, (m_place->root / "rtn").string());
    QCOMPARE(run.context["recipe"]["name"].get<std::string>(), std::string("RTN 4-bit"));
    QVERIFY(run.metrics.contains("quantizeSeconds"));
    QVERIFY(!fs::exists(m_place->root / "rtn.partial"));
  }

  void aFailedQuantization() {
    workflow::QuantizeRequest request = m_place->recipe(4, "RTN 4-bit", "rtn");
    request.recipe.grid.parameters["bits"] = 99;
    const QByteArray told = test::errorOf([&] { m_place->quantize(request); });
    QVERIFY2(told.contains("bits"), told.constData());
    verifyOnlyRun(RunKind::Quantize, RunStatus::Failed, told);
    QCOMPARE(m_place->runs()[0].artifact, experiments::RowId{0});
    QCOMPARE(m_place->runs()[0].context["recipe"]["name"].get<std::string>(), std::string("RTN 4-bit"));
    QVERIFY(m_place->log().experiments().empty());
  }

  void whatIsWrongWithATextNamesItsFile() {
    workflow::EvaluateRequest request = evaluation();
    std::ofstream(request.text) << "too short";
    base::NoProgress progress;
    const QByteArray told =
        test::errorOf([&] { workflow::evaluate(request, m_place->services, {}, progress); });
    QVERIFY2(told.contains("text.txt") && told.count("text.txt") == 1 && told.contains("window"),
             told.constData());
    request.text = m_place->root / "absent.txt";
    const QByteArray absent =
        test::errorOf([&] { workflow::evaluate(request, m_place->services, {}, progress); });
    QVERIFY2(absent.count("absent.txt") == 1, absent.constData());
  }

  void aQuantizationOfNoModel() {
    workflow::QuantizeRequest request = m_place->recipe(4, "RTN 4-bit", "rtn");
    request.model = m_place->root / "absent";
    const QByteArray told = test::errorOf([&] { m_place->quantize(request); });
    verifyOnlyRun(RunKind::Quantize, RunStatus::Failed, told);
    QVERIFY(
        QByteArray::fromStdString(m_place->runs()[0].context["model"].get<std::string>()).endsWith("absent"));
  }

  void aCancelledQuantization() {
    test::StopAt progress("block 2");
    QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                             workflow::quantize(m_place->recipe(4, "RTN 4-bit", "rtn"), m_place->services,
                                                progress.token(), progress));
    verifyOnlyRun(RunKind::Quantize, RunStatus::Cancelled);
    QVERIFY(!fs::exists(m_place->root / "rtn"));
    // Finished work is kept for the next run.
    QVERIFY(fs::exists(m_place->root / "rtn.partial"));
  }

  void aFailedEvaluation() {
    workflow::EvaluateRequest request = evaluation();
    request.text = m_place->root / "absent.txt";
    base::NoProgress progress;
    const QByteArray told =
        test::errorOf([&] { workflow::evaluate(request, m_place->services, {}, progress); });
    QVERIFY2(told.contains("absent.txt"), told.constData());
    verifyOnlyRun(RunKind::Evaluate, RunStatus::Failed, told);
    QVERIFY(m_place->runs()[0].artifact != 0);
  }

  void anEvaluationOfNothing() {
    workflow::EvaluateRequest request;
    request.artifact = m_place->root / "absent";
    base::NoProgress progress;
    const QByteArray told =
        test::errorOf([&] { workflow::evaluate(request, m_place->services, {}, progress); });
    QVERIFY(told.contains("found neither"));
    verifyOnlyRun(RunKind::Evaluate, RunStatus::Failed, told);
  }

  void aCancelledEvaluation() {
    test::StopAt progress("perplexity");
    QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                             workflow::evaluate(evaluation(), m_place->services, progress.token(), progress));
    verifyOnlyRun(RunKind::Evaluate, RunStatus::Cancelled);
    QVERIFY(m_place->log().experiments().empty());
  }

  void aFailedBenchmark() {
    m_place->services.runner = m_place->root / "absent-runner";
    base::NoProgress progress;
    const QByteArray told = test::errorOf([&] {
      workflow::runBenchmark({m_place->model, {}, {}}, m_place->services, {}, progress);
    });
    QVERIFY2(told.contains("absent-runner"), told.constData());
    verifyOnlyRun(RunKind::Benchmark, RunStatus::Failed, told);
  }

  void aCancelledBenchmark() {
    m_place->services.runner = m_place->root / "runner";
    std::ofstream(m_place->services.runner)
        << "#!/bin/sh\necho 'progress 0.5 measuring' >&2\nexec sleep 60\n";
    fs::permissions(m_place->services.runner, fs::perms::owner_all);
    test::StopAt progress("measuring");
    QVERIFY_THROWS_EXCEPTION(
        base::Cancelled,
        workflow::runBenchmark({m_place->model, {}, {}}, m_place->services, progress.token(), progress));
    verifyOnlyRun(RunKind::Benchmark, RunStatus::Cancelled);
  }

  void aFinishedExport() {
    base::NoProgress progress;
    workflow::exportModel(exporting("out.gguf"), m_place->services, {}, progress);
    verifyOnlyRun(RunKind::Export, RunStatus::Finished);
    const auto rows = m_place->log().exports();
    QCOMPARE(rows.size(), size_t{1});
    QCOMPARE(rows[0].artifact, m_place->runs()[0].artifact);
    QCOMPARE(rows[0].type, std::string("Q8_0"));
    QCOMPARE(rows[0].path, (m_place->root / "out.gguf").string());
    QCOMPARE(rows[0].sizeBytes, fs::file_size(m_place->root / "out.gguf"));
    QCOMPARE(rows[0].sha256, base::sha256OfPath(m_place->root / "out.gguf"));
  }

  void aFailedExport() {
    std::ofstream(m_place->root / "there.gguf") << "somebody's";
    base::NoProgress progress;
    const QByteArray told = test::errorOf(
        [&] { workflow::exportModel(exporting("there.gguf"), m_place->services, {}, progress); });
    QVERIFY2(told.contains("there.gguf") && told.contains("--replace"), told.constData());
    verifyOnlyRun(RunKind::Export, RunStatus::Failed, told);
    QCOMPARE(base::readTextFile(m_place->root / "there.gguf"), std::string("somebody's"));
    workflow::ExportRequest asked = exporting("there.gguf");
    asked.replace = true;
    // Foreign files stay even then.
    QVERIFY(test::errorOf([&] {
              workflow::exportModel(asked, m_place->services, {}, progress);
            }).contains("not replaced"));
    QCOMPARE(base::readTextFile(m_place->root / "there.gguf"), std::string("somebody's"));
    asked.out = m_place->root / "ours.gguf";
    asked.replace = false;
    workflow::exportModel(asked, m_place->services, {}, progress);
    asked.replace = true;
    workflow::exportModel(asked, m_place->services, {}, progress);
    QVERIFY(fs::file_size(m_place->root / "ours.gguf") > 1000000);
  }

  void aCancelledExport() {
    test::StopAt progress("blk.1");
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, workflow::exportModel(exporting("out.gguf"), m_place->services,
                                                                    progress.token(), progress));
    verifyOnlyRun(RunKind::Export, RunStatus::Cancelled);
    QVERIFY(!fs::exists(m_place->root / "out.gguf"));
    QVERIFY(m_place->log().exports().empty());
  }
};

NIB_TEST(LoggedCallsTest)
#include "logged_calls_test.moc"
