// SPDX-License-Identifier: Apache-2.0
// What is measured, exported and deployed is what the log row says.
#include "nib_test.hpp"
#include "workflow/identified_artifact.hpp"
#include "workplace.hpp"

#include "base/hash.hpp"
#include "experiments/experiment_log.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/export.hpp"
#include "workflow/quantize.hpp"
#include "workflow/written_outputs.hpp"

#include <fstream>

#include <QTest>

#include <fcntl.h>
#include <sys/stat.h>

using namespace nibblesmith;
using experiments::RunKind;
using experiments::RunRow;
using experiments::RunStatus;
using workflow::IdentifiedArtifact;
using workflow::LoggedRun;
using workflow::Verification;
namespace fs = std::filesystem;

class IdentifiedArtifactTest : public QObject {
  Q_OBJECT

  std::unique_ptr<test::Workplace> m_place;

  fs::path copyOfModel(const std::string& name) const {
    fs::copy(m_place->model, m_place->root / name);
    return m_place->root / name;
  }

  /// Holds the artifact at the path within a run, and optionally runs an action.
  IdentifiedArtifact identifyArtifact(const fs::path& path, const std::string& expected = {},
                                      Verification trust = Verification::ByContent,
                                      const std::function<void(const IdentifiedArtifact&)>& work = {}) const {
    IdentifiedArtifact held;
    workflow::withLoggedRun(m_place->services, {RunKind::Evaluate, {}, base::Json::object(), expected}, {},
                            [&](LoggedRun& run) {
                              base::NoProgress progress;
                              held = workflow::identifyArtifact(run, path, expected, trust, {}, progress);
                              if (work)
                                work(held);
                            });
    return held;
  }

  /// Changes one byte, keeping size and modification time.
  static void changeSecretly(const fs::path& file, std::streamoff at) {
    struct stat info {};
    QCOMPARE(::stat(file.c_str(), &info), 0);
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekg(at);
    const char old = static_cast<char>(bytes.get());
    bytes.seekp(at);
    bytes.put(static_cast<char>(old ^ 1));
    bytes.close();
    const timespec times[2] = {info.st_atim, info.st_mtim};
    QCOMPARE(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  }

private slots:
  void init() { m_place = std::make_unique<test::Workplace>(); }

  void aRunBelongsToWhatItFound() {
    const fs::path model = copyOfModel("demo");
    const IdentifiedArtifact held = identifyArtifact(model);
    QCOMPARE(held.files.sha256.size(), size_t{64});
    const RunRow run = m_place->runs()[0];
    QCOMPARE(run.artifact, held.row);
    const auto row = m_place->log().artifact(held.row);
    QCOMPARE(row->hash, held.files.sha256);
    QCOMPARE(row->files, held.files.digests);
    QCOMPARE(row->name, std::string("demo"));
    QCOMPARE(row->path, model.string());
    // The same files in another place are the same artifact. A copy leaves the row where it is.
    QCOMPARE(identifyArtifact(copyOfModel("copy")).row, held.row);
    QCOMPARE(m_place->log().artifact(held.row)->path, model.string());
    fs::rename(model, m_place->root / "moved");
    QCOMPARE(identifyArtifact(m_place->root / "moved").row, held.row);
    QCOMPARE(m_place->log().artifact(held.row)->path, (m_place->root / "moved").string());
  }

  /// Regression: two recipes, one folder, and the row of the first recipe.
  void aRowIsNotFiledUnderOtherFiles() {
    const std::string four = m_place->quantize(m_place->recipe(4, "RTN 4-bit", "out")).sha256;
    workflow::QuantizeRequest request = m_place->recipe(3, "RTN 3-bit", "out");
    request.replace = true;
    const std::string three = m_place->quantize(request).sha256;
    QVERIFY(three != four);
    base::NoProgress progress;
    const fs::path out = m_place->root / "out";
    workflow::EvaluateRequest evaluation;
    evaluation.artifact = out;
    evaluation.text = test::projectFile("resources/demo/heldout.txt");
    evaluation.expectedHash = four;
    const std::vector<QByteArray> refusals = {
        test::errorOf([&] { workflow::evaluate(evaluation, m_place->services, {}, progress); }),
        test::errorOf([&] {
          workflow::runBenchmark({out, {}, four}, m_place->services, {}, progress);
        }),
        test::errorOf([&] {
          workflow::exportModel({out, exporting::GgufType::Q4_0, m_place->root / "out.gguf", false, four},
                                m_place->services, {}, progress);
        })};
    for (const QByteArray& told : refusals) {
      QVERIFY2(told.contains("'RTN 4-bit'") && told.contains("'RTN 3-bit'"), told.constData());
      QVERIFY2(told.contains(four.substr(0, 12).c_str()) && told.contains(three.substr(0, 12).c_str()),
               told.constData());
      QVERIFY2(told.contains("model.safetensors") && told.contains("quantize again"), told.constData());
    }
    QVERIFY(!fs::exists(m_place->root / "out.gguf"));
    // They are failed runs of the chosen row, and no row got wrong results.
    const std::vector<RunRow> runs = m_place->runs();
    QCOMPARE(runs.size(), size_t{5});
    for (size_t i = 2; i < runs.size(); ++i) {
      QCOMPARE(runs[i].status, RunStatus::Failed);
      QCOMPARE(m_place->log().artifact(runs[i].artifact)->hash, four);
    }
    // The current artifact can be used.
    evaluation.expectedHash = three;
    evaluation.text = m_place->root / "text.txt";
    std::ofstream(evaluation.text) << std::string(2000, 'a') << " and so on";
    workflow::evaluate(evaluation, m_place->services, {}, progress);
  }

  /// Regression: deleting the 4-bit row deleted the 3-bit artifact that had replaced it.
  void aRowDeletesNoOtherFiles() {
    const std::string four = m_place->quantize(m_place->recipe(4, "RTN 4-bit", "out")).sha256;
    workflow::QuantizeRequest request = m_place->recipe(3, "RTN 3-bit", "out");
    request.replace = true;
    const std::string three = m_place->quantize(request).sha256;
    const fs::path out = m_place->root / "out";
    const QByteArray told = test::errorOf([&] { workflow::deleteFiles({out, four}, m_place->services, {}); });
    QVERIFY2(told.contains("'RTN 4-bit'") && told.contains(four.substr(0, 12).c_str()) &&
                 told.contains("Choose the row"),
             told.constData());
    QVERIFY(fs::exists(out / "model.safetensors"));
    // An interrupted deletion can be continued.
    fs::remove(out / "model.safetensors");
    workflow::deleteFiles({out, three}, m_place->services, {});
    QVERIFY(!fs::exists(out));
  }

  /// Regression: evaluating a copy made the copy ours, and the artifact somebody else's.
  void aCopyIsTheUsers() {
    const workflow::QuantizeRequest request = m_place->recipe(4, "RTN 4-bit", "out");
    const std::string identity = m_place->quantize(request).sha256;
    const fs::path backup = m_place->root / "backup";
    fs::copy(request.out, backup, fs::copy_options::recursive);
    identifyArtifact(backup);
    for (const std::string& expected : {std::string(), identity}) {
      const QByteArray told = test::errorOf([&] {
        workflow::deleteFiles({backup, expected}, m_place->services, {});
      });
      QVERIFY2(told.contains("copy") && told.contains(request.out.c_str()), told.constData());
    }
    QVERIFY(fs::exists(backup / "model.safetensors"));
    workflow::deleteFiles({request.out, identity}, m_place->services, {});
    QVERIFY(!fs::exists(request.out));
    QVERIFY(fs::exists(backup / "model.safetensors"));
  }

  /// A second quantization with the same result: both directories are this program's.
  void twoOutputsWithTheSameFiles() {
    m_place->quantize(m_place->recipe(4, "RTN 4-bit", "one"));
    const std::string identity = m_place->quantize(m_place->recipe(4, "RTN 4-bit", "two")).sha256;
    const auto row = m_place->log().artifactOfHash(identity);
    QCOMPARE(m_place->log().artifact(*row)->path, (m_place->root / "two").string());
    for (const char* name : {"one", "two"})
      workflow::deleteFiles({m_place->root / name, identity}, m_place->services, {});
    QVERIFY(!fs::exists(m_place->root / "one") && !fs::exists(m_place->root / "two"));
  }

  /// Results of version 0.1.0 are identified by its hash of tensors and configuration.
  void rowsOf010AreMet() {
    const fs::path model = copyOfModel("demo");
    const std::string former = checkpoint::contentHash(*checkpoint::openCheckpoint(model), {});
    experiments::RowId old = 0;
    {
      experiments::ExperimentLog log(m_place->services.log);
      const auto source = log.addModel({"demo", model.string(), former, "llama", 1, 1});
      old = log.addArtifact({"demo", model.string(), former, "Hugging Face", 1, source, std::nullopt, {}});
    }
    const IdentifiedArtifact held = identifyArtifact(model, former);
    QCOMPARE(held.row, old);
    QCOMPARE(m_place->log().artifact(old)->hash, held.files.sha256);
    changeSecretly(model / "model.safetensors", 5'000'000);
    const QByteArray told = test::errorOf([&] { identifyArtifact(model, former); });
    QVERIFY2(told.contains("holds other files"), told.constData());
  }

  void everyByteIsReadBeforeSomethingLeaves() {
    const fs::path model = copyOfModel("demo");
    const std::string identity = identifyArtifact(model).files.sha256;
    changeSecretly(model / "model.safetensors", 5'000'000);
    const QByteArray told =
        test::errorOf([&] { identifyArtifact(model, identity, Verification::ByContent); });
    QVERIFY2(told.contains("model.safetensors changed"), told.constData());
  }

  /// A file is hashed once; any change, even a concealed one, changes its stamp.
  void filesAreHashedOnce() {
    const fs::path model = copyOfModel("demo");
    QTest::qWait(2100); // until its stamp is settled
    const std::string identity = identifyArtifact(model, {}, Verification::ByStamp).files.sha256;
    const fs::path weights = model / "model.safetensors";
    const std::string stamp = base::stampOf(weights).text();
    QCOMPARE(m_place->log().fileDigest(weights, stamp), std::optional(base::sha256OfPath(weights)));
    // The log's digest is trusted: a wrong one here proves that the file is not read.
    m_place->log().setFileDigest(weights, stamp, "another digest");
    QVERIFY(identifyArtifact(model, {}, Verification::ByStamp).files.sha256 != identity);
    QCOMPARE(identifyArtifact(model, identity, Verification::ByContent).files.sha256, identity);
    changeSecretly(weights, 5'000'000);
    QVERIFY(identifyArtifact(model, {}, Verification::ByStamp).files.sha256 != identity);
    QCOMPARE(m_place->log().fileDigest(weights, base::stampOf(weights).text()), std::nullopt);
  }

  /// A file that was just written may change again within the same clock tick.
  void freshFilesAreHashedAgain() {
    const fs::path model = copyOfModel("demo");
    identifyArtifact(model, {}, Verification::ByStamp);
    const fs::path weights = model / "model.safetensors";
    QVERIFY(!m_place->log().fileDigest(weights, base::stampOf(weights).text()));
  }

  void filesThatChangeMeanwhileSpoilTheRun() {
    const fs::path model = copyOfModel("demo");
    const QByteArray told = test::errorOf([&] {
      identifyArtifact(model, {}, Verification::ByStamp, [&](const IdentifiedArtifact& held) {
        changeSecretly(model / "tokenizer.model", 100);
        held.checkUnchanged({});
      });
    });
    QVERIFY2(told.contains("tokenizer.model' changed while"), told.constData());
    QCOMPARE(m_place->runs()[0].status, RunStatus::Failed);
    // A new modification time alone is not a change.
    identifyArtifact(model, {}, Verification::ByStamp, [&](const IdentifiedArtifact& held) {
      fs::last_write_time(model / "config.json", fs::file_time_type::clock::now());
      held.checkUnchanged({});
      fs::remove(model / "config.json");
      QVERIFY(test::errorOf([&] { held.checkUnchanged({}); }).contains("config.json"));
    });
  }

  void withoutALogExpectationsHold() {
    const fs::path model = copyOfModel("demo");
    const std::string identity = identifyArtifact(model).files.sha256;
    m_place->services.log.clear();
    QCOMPARE(identifyArtifact(model, identity).files.sha256, identity);
    QVERIFY(
        test::errorOf([&] { identifyArtifact(model, std::string(64, '0')); }).contains("holds other files"));
    QVERIFY(identifyArtifact(model, {}, Verification::ByStamp).files.sha256.empty());
  }
};

NIB_TEST(IdentifiedArtifactTest)
#include "identified_artifact_test.moc"
