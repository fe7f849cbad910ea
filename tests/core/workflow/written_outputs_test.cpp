// SPDX-License-Identifier: Apache-2.0
#include "workflow/written_outputs.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "experiments/experiment_log.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"
#include "workflow/export.hpp"
#include "workflow/services.hpp"

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
using experiments::ExperimentLog;
using experiments::RunKind;
using experiments::RunStatus;
namespace fs = std::filesystem;

class WrittenOutputsTest : public QObject {
  Q_OBJECT

  std::unique_ptr<QTemporaryDir> m_root;
  workflow::Services m_services;
  const fs::path m_model = test::sharedData("stories260K/hf");

  fs::path at(const char* name) const { return fs::path(m_root->path().toStdString()) / name; }

  /// Writes an artifact directory without a model.
  void putArtifact(const fs::path& directory) const {
    base::writeFileAtomically(directory / "model.safetensors", "weights");
    base::writeFileAtomically(directory / "config.json", "{}");
    const base::Json files = {{"model.safetensors", base::sha256("weights")},
                              {"config.json", base::sha256("{}")}};
    base::writeFileAtomically(directory / "nibblesmith.json",
                              base::Json{{"schema", 1}, {"kind", "artifact"}, {"files", files}}.dump());
  }
  /// Logs a run; the row's path differs from its output if the artifact was moved or measured elsewhere.
  void logRun(RunKind kind, const fs::path& out, const fs::path& rowPath = {}) const {
    const fs::path path = rowPath.empty() ? out : rowPath;
    ExperimentLog log(m_services.log);
    const auto model = log.addModel({"tiny", "/tiny", "m1", "llama", 1000, 2000});
    experiments::ArtifactRow row;
    row.name = "tiny";
    row.path = path.string();
    row.hash = path.string();
    row.format = "hf";
    row.model = model;
    const base::Json context = {{"out", out.string()}};
    log.finishRun(log.startRun(kind, log.addArtifact(row), "", context), RunStatus::Finished);
  }
  QByteArray refusal(const fs::path& path, const std::string& expected = {}) const {
    try {
      workflow::deleteFiles({path, expected}, m_services, {});
    } catch (const base::Error& error) {
      return error.what();
    }
    return {};
  }
  void exportModel(const fs::path& out, exporting::GgufType type = exporting::GgufType::Q8_0) const {
    base::NoProgress progress;
    workflow::ExportRequest request;
    request.artifact = m_model;
    request.type = type;
    request.replace = true; // only the log decides what may be replaced
    request.out = out;
    workflow::exportModel(request, m_services, {}, progress);
  }

private slots:
  void init() {
    m_root = std::make_unique<QTemporaryDir>();
    m_services.log = at("log.db");
  }

  void artifactsThatTheLogKnowsAreDeleted() {
    putArtifact(at("own"));
    logRun(RunKind::Quantize, at("own"));
    QVERIFY(workflow::deleteFiles({at("own")}, m_services, {}).kept.empty());
    QVERIFY(!fs::exists(at("own")));
  }

  void foreignFilesStayAndAreNamed() {
    putArtifact(at("own"));
    logRun(RunKind::Quantize, at("own"));
    base::writeFileAtomically(at("own") / "photos/1.jpg", "a photo");
    base::writeFileAtomically(at("own") / "config.json", "somebody's");
    const workflow::DeletedFiles deleted = workflow::deleteFiles({at("own")}, m_services, {});
    QCOMPARE(deleted.kept.text(), std::string("'config.json', 'photos/'"));
    QCOMPARE(base::readTextFile(at("own") / "photos/1.jpg"), std::string("a photo"));
    QVERIFY(!fs::exists(at("own") / "model.safetensors"));
  }

  /// Outputs unknown to the log stay, whatever they contain and however often they were measured.
  void whatTheLogDoesNotKnowStays() {
    putArtifact(at("downloaded"));
    logRun(RunKind::Evaluate, at("downloaded"));
    QVERIFY2(refusal(at("downloaded")).contains("no quantization"), refusal(at("downloaded")).constData());
    QVERIFY(fs::exists(at("downloaded") / "model.safetensors"));
    base::writeFileAtomically(at("source.gguf"), "a model");
    logRun(RunKind::Benchmark, at("source.gguf"));
    QVERIFY2(refusal(at("source.gguf")).contains("no export"), refusal(at("source.gguf")).constData());
    QVERIFY(fs::exists(at("source.gguf")));
    putArtifact(at("own"));
    logRun(RunKind::Quantize, at("own"));
    fs::create_directory_symlink(at("own"), at("link"));
    logRun(RunKind::Quantize, at("link"));
    QVERIFY(!refusal(at("link")).isEmpty());
    QVERIFY(fs::exists(at("own") / "model.safetensors"));
    QVERIFY(!refusal(at("nothing")).isEmpty());
    m_services.log.clear();
    QVERIFY(!refusal(at("own")).isEmpty());
  }

  /// Only the output of the run counts: the path of the row changes when a copy is measured.
  void aRowThatMovedToACopyOwnsNothingThere() {
    putArtifact(at("own"));
    putArtifact(at("backup"));
    logRun(RunKind::Quantize, at("own"), at("backup"));
    QVERIFY2(refusal(at("backup")).contains("no quantization"), refusal(at("backup")).constData());
    QVERIFY(fs::exists(at("backup") / "model.safetensors"));
    QCOMPARE(refusal(at("own")), QByteArray());
    QVERIFY(!fs::exists(at("own")));
  }

  /// Logs of 0.1.0 store what the user typed, which may be relative to an unknown directory.
  void aRelativeOutputOwnsNothing() {
    putArtifact(at("own"));
    logRun(RunKind::Quantize, "own", at("own"));
    QVERIFY2(refusal(at("own")).contains("no quantization"), refusal(at("own")).constData());
  }

  void exportsOfAnotherRowStay() {
    NIB_REQUIRE_DATA(m_model);
    exportModel(at("own.gguf"));
    const QByteArray told = refusal(at("own.gguf"), base::sha256("another file"));
    QVERIFY2(told.contains("other files than the row") && told.contains("Choose the row"), told.constData());
    QVERIFY(fs::exists(at("own.gguf")));
    QCOMPARE(refusal(at("own.gguf"), base::sha256OfPath(at("own.gguf"))), QByteArray());
    QVERIFY(!fs::exists(at("own.gguf")));
  }

  void exportsAreDeletedAndReplacedWhileTheyAreOurs() {
    NIB_REQUIRE_DATA(m_model);
    exportModel(at("own.gguf"));
    exportModel(at("own.gguf"), exporting::GgufType::F16); // the log knows the previous file
    const auto size = fs::file_size(at("own.gguf"));
    fs::copy_file(at("own.gguf"), at("copy.gguf"));
    QVERIFY2(refusal(at("copy.gguf")).contains("no export"), refusal(at("copy.gguf")).constData());
    fs::rename(at("own.gguf"), at("moved.gguf"));
    base::writeFileAtomically(at("own.gguf"), std::string(size, 'x'));
    QVERIFY2(refusal(at("own.gguf")).contains("changed"), refusal(at("own.gguf")).constData());
    QVERIFY_THROWS_EXCEPTION(base::Error, exportModel(at("own.gguf")));
    QCOMPARE(base::readTextFile(at("own.gguf")), std::string(size, 'x'));
    fs::rename(at("moved.gguf"), at("own.gguf"));
    QCOMPARE(refusal(at("own.gguf")), QByteArray());
    QVERIFY(!fs::exists(at("own.gguf")));
  }
};

NIB_TEST(WrittenOutputsTest)
#include "written_outputs_test.moc"
