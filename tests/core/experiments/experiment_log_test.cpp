// SPDX-License-Identifier: Apache-2.0
#include "experiments/experiment_log.hpp"
#include "nib_test.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <limits>

using namespace nibblesmith;
using namespace nibblesmith::experiments;

namespace {

struct Fixture {
  QTemporaryDir directory;
  ExperimentLog log{std::filesystem::path(directory.path().toStdString()) / "log.db"};
  RowId model = log.addModel({"tiny", "/models/tiny", "m1", "llama", 1000, 2000});

  RowId quantized(const std::string& hash, const base::Json& recipe) {
    return log.addArtifact({recipe.value("name", ""), "/out/" + hash, hash, "compressed-tensors", 500, model,
                            log.addRecipe(recipe)});
  }
  RowId finished(RowId artifact, const std::string& device, const std::map<std::string, double>& metrics) {
    const RowId run = log.startRun(RunKind::Evaluate, artifact, device, base::Json::object());
    for (const auto& [name, value] : metrics)
      log.addMetric(run, name, value, "");
    log.finishRun(run, RunStatus::Finished);
    return run;
  }
};

const base::Json kGptq = {{"name", "GPTQ 3-bit"},
                          {"transforms", {{{"use", "awq"}}}},
                          {"rounding", {{"use", "gptq"}}},
                          {"grid", {{"use", "affine"}, {"bits", 3}}}};

} // namespace

class ExperimentLogTest : public QObject {
  Q_OBJECT

private slots:
  void knownRowsAreNotAddedTwice() {
    Fixture f;
    QCOMPARE(f.log.addModel({"other name", "/elsewhere", "m1", "llama", 1000, 2000}), f.model);
    QVERIFY(f.log.addModel({"tiny", "/models/tiny", "m2", "llama", 1, 1}) != f.model);
    const RowId recipe = f.log.addRecipe(kGptq);
    QCOMPARE(f.log.addRecipe(kGptq), recipe);
    base::Json changed = kGptq;
    changed["grid"]["bits"] = 4;
    QVERIFY(f.log.addRecipe(changed) != recipe);
    const RowId dataset = f.log.addDataset("wikitext", "text", "/a", "d1");
    QCOMPARE(f.log.addDataset("wikitext-2", "text", "/b", "d1"), dataset);

    const RowId artifact = f.quantized("a1", kGptq);
    QCOMPARE(f.log.addArtifact({"renamed", "/moved", "a1", "gguf", 7, f.model, recipe}), artifact);
    QCOMPARE(f.log.artifact(artifact)->path, std::string("/moved"));
    QCOMPARE(f.log.artifact(artifact)->name, std::string("renamed"));
    QVERIFY(f.log.addArtifact({"plain", "/plain", "a1", "hf", 7, f.model, std::nullopt}) != artifact);
    QVERIFY(f.log.recipeOfArtifact(artifact) == kGptq);
    QVERIFY(!f.log.artifact(999));
  }

  void anArtifactIsItsContent() {
    Fixture f;
    const RowId artifact = f.quantized("a1", kGptq);
    QCOMPARE(f.log.artifactOfHash("a1"), std::optional<RowId>(artifact));
    QVERIFY(!f.log.artifactOfHash("a2") && !f.log.artifactOfHash(""));
    f.log.moveArtifact(artifact, "/elsewhere");
    QCOMPARE(f.log.artifact(artifact)->path, std::string("/elsewhere"));
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.moveArtifact(999, "/nowhere"));
    // Other files at the same path get another row.
    const RowId other = f.log.addArtifact({"GPTQ 3-bit",
                                           "/elsewhere",
                                           "a2",
                                           "ct",
                                           500,
                                           f.model,
                                           f.log.addRecipe(kGptq),
                                           {{"config.json", "c1"}}});
    QVERIFY(other != artifact);
    QCOMPARE(f.log.artifact(other)->files, (std::map<std::string, std::string>{{"config.json", "c1"}}));
    f.finished(artifact, "", {});
    QCOMPARE(f.log.experiments()[0].hash, std::string("a1"));
    QCOMPARE(f.log.experiments()[0].recipe, kGptq.dump());
  }

  void digestsBelongToAStamp() {
    Fixture f;
    QVERIFY(!f.log.fileDigest("/a/model", "1:2:3"));
    f.log.setFileDigest("/a/model", "1:2:3", "abc");
    QCOMPARE(f.log.fileDigest("/a/model", "1:2:3"), std::optional<std::string>("abc"));
    QVERIFY(!f.log.fileDigest("/a/model", "1:2:4"));
    QVERIFY(!f.log.fileDigest("/b/model", "1:2:3"));
    f.log.setFileDigest("/a/model", "1:2:4", "def");
    QVERIFY(!f.log.fileDigest("/a/model", "1:2:3"));
    QCOMPARE(f.log.fileDigest("/a/model", "1:2:4"), std::optional<std::string>("def"));
  }

  void exportsAreKept() {
    Fixture f;
    const RowId artifact = f.quantized("a1", kGptq), other = f.quantized("a2", kGptq);
    f.log.addExport({0, artifact, "Q4_0", "/out/a.gguf", "f1", 500, ""});
    const RowId second = f.log.addExport({0, artifact, "Q8_0", "/out/b.gguf", "f2", 900, ""});
    const auto rows = f.log.exports(artifact);
    QCOMPARE(rows.size(), size_t{2});
    QCOMPARE(rows[0].id, second);
    QCOMPARE(rows[0].type, std::string("Q8_0"));
    QCOMPARE(rows[0].path, std::string("/out/b.gguf"));
    QCOMPARE(rows[0].sha256, std::string("f2"));
    QCOMPARE(rows[0].sizeBytes, uint64_t{900});
    QCOMPARE(rows[0].exportedAt.size(), size_t{20});
    QVERIFY(f.log.exports(other).empty());
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.addExport({0, 999, "", "", "", 0, ""}));
  }

  /// A run that ended before it had an artifact is in the log, but in no row of experiments().
  void runsMayHaveNoArtifact() {
    Fixture f;
    const RowId run = f.log.startRun(RunKind::Quantize, std::nullopt, "", {{"model", "/tiny"}});
    QCOMPARE(f.log.runs()[0].artifact, RowId{0});
    f.log.finishRun(run, RunStatus::Failed, "disk full");
    QVERIFY(f.log.experiments().empty());
    const RowId second = f.log.startRun(RunKind::Quantize, std::nullopt, "", nullptr);
    const RowId artifact = f.quantized("a1", kGptq);
    f.log.setArtifact(second, artifact);
    f.log.finishRun(second, RunStatus::Finished);
    QCOMPARE(f.log.runs()[1].artifact, artifact);
    QCOMPARE(f.log.experiments().size(), size_t{1});
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.setArtifact(second, 999));
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.setArtifact(999, artifact));
    f.log.deleteRun(run);
    QCOMPARE(f.log.runs().size(), size_t{1});
  }

  void experimentsShowTheNewestFinishedValues() {
    Fixture f;
    const RowId artifact = f.quantized("a1", kGptq);
    f.finished(artifact, "", {{"perplexity", 20.0}, {"bleu", 5.0}});
    f.finished(artifact, "", {{"perplexity", 19.0}});
    f.finished(artifact, "pi", {{"tokenMsP50", 33.0}});
    const RowId failed = f.log.startRun(RunKind::Evaluate, artifact, "", nullptr);
    f.log.addMetric(failed, "perplexity", 1.0, "");
    f.log.finishRun(failed, RunStatus::Failed, "disk full");
    f.log.addMetric(f.log.startRun(RunKind::Evaluate, artifact, "", nullptr), "perplexity", 2.0,
                    ""); // running

    const auto rows = f.log.experiments();
    QCOMPARE(rows.size(), size_t{2});
    QCOMPARE(rows[0].artifact, artifact);
    QCOMPARE(rows[0].modelName, std::string("tiny"));
    QCOMPARE(rows[0].artifactName, std::string("GPTQ 3-bit"));
    QCOMPARE(rows[0].method, std::string("AWQ + GPTQ"));
    QCOMPARE(rows[0].bits, 3.0);
    QCOMPARE(rows[0].device, std::string());
    QCOMPARE(rows[0].metrics, (std::map<std::string, double>{{"perplexity", 19.0}, {"bleu", 5.0}}));
    QCOMPARE(rows[1].device, std::string("pi"));
    QCOMPARE(rows[1].metrics, (std::map<std::string, double>{{"tokenMsP50", 33.0}}));
  }

  void baselinesShowTheirStoredBits() {
    Fixture f;
    f.finished(f.log.addArtifact({"tiny", "/models/tiny", "m1", "hf", 2000, f.model, std::nullopt}), "", {});
    const auto rows = f.log.experiments();
    QCOMPARE(rows.size(), size_t{1});
    QCOMPARE(rows[0].bits, 16.0);
    QCOMPARE(rows[0].method, std::string("none"));
  }

  void runsTellTheirStory() {
    Fixture f;
    const RowId artifact = f.quantized("a1", kGptq);
    const RowId run = f.log.startRun(RunKind::Benchmark, artifact, "pi", {{"threads", 2}});
    QCOMPARE(f.log.runs()[0].status, RunStatus::Running);
    f.log.addContext(run, {{"cpu", "Cortex-A72"}, {"threads", 4}});
    f.log.addMetric(run, "tokenMsP50", 1.0, "ms");
    f.log.addMetric(run, "tokenMsP50", 2.5, "ms");
    f.log.finishRun(run, RunStatus::Cancelled);
    f.finished(f.quantized("a2", kGptq), "", {});

    const auto runs = f.log.runs(artifact);
    QCOMPARE(runs.size(), size_t{1});
    QCOMPARE(runs[0].kind, RunKind::Benchmark);
    QCOMPARE(runs[0].status, RunStatus::Cancelled);
    QCOMPARE(runs[0].device, std::string("pi"));
    QVERIFY((runs[0].context == base::Json{{"cpu", "Cortex-A72"}, {"threads", 4}}));
    QCOMPARE(runs[0].metrics.at("tokenMsP50"), 2.5);
    QCOMPARE(runs[0].startedAt.size(), size_t{20});
    QVERIFY(runs[0].finishedAt >= runs[0].startedAt);
    QCOMPARE(f.log.runs().size(), size_t{2});
  }

  void longErrorsAreBounded() {
    Fixture f;
    const RowId run = f.log.startRun(RunKind::Benchmark, f.quantized("a1", kGptq), "pi", nullptr);
    f.log.finishRun(run, RunStatus::Failed, "the device: " + std::string(60'000'000, '\x1B') + " gave up");
    const std::string error = f.log.runs()[0].error;
    QVERIFY2(error.size() <= 3000 && error.starts_with("the device: \\x1B") && error.ends_with(" gave up"),
             error.substr(0, 4000).c_str());
  }

  void samplesComeBackExactly() {
    Fixture f;
    const RowId run = f.log.startRun(RunKind::Benchmark, f.quantized("a1", kGptq), "", nullptr);
    std::vector<double> all;
    for (int part = 0; part < 3; ++part) {
      std::vector<double> values(part == 1 ? 70000 : 5);
      for (size_t i = 0; i < values.size(); ++i)
        values[i] =
            part == 0 ? 0.5 * static_cast<double>(i) : 0.1 * static_cast<double>(i + 1); // f32 values first
      f.log.addSamples(run, "tokenMs", values);
      all.insert(all.end(), values.begin(), values.end());
    }
    const double infinity = std::numeric_limits<double>::infinity();
    f.log.addSamples(run, "nll", std::vector<double>{infinity, 1e300});
    QCOMPARE(f.log.samples(run, "tokenMs"), all);
    QCOMPARE(f.log.samples(run, "nll"), (std::vector<double>{infinity, 1e300}));
    QVERIFY(f.log.samples(run, "other").empty());
  }

  void deploymentsAreKept() {
    Fixture f;
    const RowId artifact = f.quantized("a1", kGptq);
    DeploymentRow row{0, artifact, "pi", "/home/u/nib/current/model.gguf", "ab12", "", "ab12ff", ""};
    f.log.addDeployment(row);
    row.version = "cd34";
    row.previousVersion = "ab12";
    const RowId second = f.log.addDeployment(row);
    const auto rows = f.log.deployments(artifact);
    QCOMPARE(rows.size(), size_t{2});
    QCOMPARE(rows[0].id, second);
    QCOMPARE(rows[0].previousVersion, std::string("ab12"));
    QCOMPARE(rows[0].device, std::string("pi"));
    QCOMPARE(rows[0].deployedAt.size(), size_t{20});
    QVERIFY(f.log.deployments(artifact + 1).empty());
  }

  void aGivenNameStays() {
    Fixture f;
    const RowId artifact = f.quantized("a1", kGptq);
    f.log.renameArtifact(artifact, "the winner");
    f.quantized("a1", kGptq);
    QCOMPARE(f.log.artifact(artifact)->name, std::string("the winner"));
    f.log.renameArtifact(artifact, "");
    QCOMPARE(f.log.artifact(artifact)->name, std::string("GPTQ 3-bit"));
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.renameArtifact(999, "x"));
  }

  void experimentsCanBeDeleted() {
    Fixture f;
    const RowId artifact = f.quantized("a1", kGptq);
    const RowId run = f.finished(artifact, "", {{"perplexity", 20.0}});
    f.log.addSamples(run, "nll", std::vector<double>{1, 2});
    f.finished(artifact, "pi", {{"tokenMsP50", 33.0}});
    const RowId running = f.log.startRun(RunKind::Evaluate, artifact, "", nullptr);
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.deleteExperiment(artifact, ""));
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.deleteRun(running));
    QCOMPARE(f.log.runs().size(), size_t{3});
    f.log.finishRun(running, RunStatus::Cancelled);

    f.log.deleteExperiment(artifact, "");
    QCOMPARE(f.log.experiments().size(), size_t{1});
    QVERIFY(f.log.samples(run, "nll").empty());
    QVERIFY(f.log.artifact(artifact));
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.deleteExperiment(artifact, ""));
    f.log.deleteRun(f.log.runs()[0].id);
    QVERIFY(!f.log.artifact(artifact));
    QVERIFY(f.log.runs().empty());
  }

  void impossibleRowsAreRefused() {
    Fixture f;
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.startRun(RunKind::Evaluate, 999, "", nullptr));
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.addMetric(999, "perplexity", 1, ""));
    QVERIFY_THROWS_EXCEPTION(base::Error, f.log.finishRun(999, RunStatus::Finished));
    const RowId run = f.log.startRun(RunKind::Evaluate, f.quantized("a1", kGptq), "", nullptr);
    try {
      f.log.addMetric(run, "perplexity", std::nan(""), "");
      QFAIL("a NaN was taken");
    } catch (const base::Error& error) {
      QVERIFY(error.code() == base::ErrorCode::Numerical);
      QVERIFY(std::string(error.what()).find("perplexity") != std::string::npos);
    }
  }
};

NIB_TEST(ExperimentLogTest)
#include "experiment_log_test.moc"
