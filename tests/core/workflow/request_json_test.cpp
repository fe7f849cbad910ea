// SPDX-License-Identifier: Apache-2.0
#include "workflow/request_json.hpp"

#include "nib_test.hpp"
#include "workflow/benchmark.hpp"
#include "workflow/deploy.hpp"
#include "workflow/evaluate.hpp"
#include "workflow/export.hpp"
#include "workflow/quantize.hpp"
#include "workflow/sensitivity.hpp"

#include <QtTest>

using namespace nibblesmith;

/// Converts requests to JSON and back: nothing is lost, and missing keys are named.
class RequestJsonTest : public QObject {
  Q_OBJECT

private:
  /// Converts through file text, like the stored queue.
  template <typename Request>
  static base::Json kept(const Request& request) {
    return base::parseJson(workflow::toJson(request).dump(), "test");
  }

  /// Checks that every key is required: reading without it names it.
  template <typename Read>
  static void verifyKeysAreNeeded(const base::Json& json, const Read& read) {
    for (const auto& [key, value] : json.items()) {
      if (value.is_null())
        continue;
      for (const base::Json& wrong : {base::Json(), base::Json::array({base::Json::array()})}) {
        base::Json damaged = json;
        damaged[key] = wrong;
        try {
          read(damaged);
          QFAIL(("expected an error for " + key).c_str());
        } catch (const base::Error& error) {
          const QByteArray told = error.what();
          QVERIFY2(told.contains("the job") && told.contains(key.c_str()), told.constData());
        }
      }
    }
  }

private slots:
  void quantization() {
    workflow::QuantizeRequest request;
    request.model = "/models/a b";
    request.recipe.name = "mine";
    request.recipe.rounding = {"gptq", base::Json{{"blockSize", 64}}};
    request.recipe.policy.overrides = {{"layers.0.*", base::Json{{"bits", 8}}}};
    request.recipe.calibration.samples = 7;
    request.calibrationFile = "/data/prompts.json";
    request.out = "/artifacts/one";
    request.evaluation = "/data/text.txt";
    request.memoryLimit = 1234567890123;
    const base::Json json = kept(request);
    const workflow::QuantizeRequest again = workflow::quantizeRequestFromJson(json, "the job");
    QVERIFY(again.recipe == request.recipe);
    QVERIFY(again.model == request.model && again.out == request.out);
    QVERIFY(again.calibrationFile == request.calibrationFile && again.evaluation == request.evaluation);
    QCOMPARE(again.memoryLimit, request.memoryLimit);
    verifyKeysAreNeeded(json, [](const base::Json& damaged) {
      return workflow::quantizeRequestFromJson(damaged, "the job: 'recipe'");
    });
  }

  void sensitivity() {
    workflow::SensitivityRequest request;
    request.model = "/models/a";
    request.recipe.name = "mine";
    request.calibrationFile = "/data/prompts.json";
    request.sequences = 5;
    request.tokens = 6;
    request.options = {{3, 5}, quantization::SensitivityMeasure::OutputError};
    const base::Json json = kept(request);
    const workflow::SensitivityRequest again = workflow::sensitivityRequestFromJson(json, "the job");
    QVERIFY(again.model == request.model && again.calibrationFile == request.calibrationFile);
    QVERIFY(again.recipe == request.recipe);
    QVERIFY(again.sequences == 5 && again.tokens == 6);
    QCOMPARE(again.options.bits, request.options.bits);
    QVERIFY(again.options.measure == request.options.measure);
    verifyKeysAreNeeded(json, [](const base::Json& damaged) {
      return workflow::sensitivityRequestFromJson(damaged, "the job: 'recipe'");
    });
  }

  void evaluation() {
    workflow::EvaluateRequest request;
    request.artifact = "/artifacts/one";
    request.text = "/data/text.txt";
    request.style = evaluation::PerplexityStyle::Windows;
    request.context = 99;
    request.pairs = {"/data/a.jsonl", "/data/b.jsonl"};
    request.maxTokens = 3;
    request.limit = 4;
    const base::Json json = kept(request);
    const workflow::EvaluateRequest again = workflow::evaluateRequestFromJson(json, "the job");
    QVERIFY(again.artifact == request.artifact && again.text == request.text);
    QVERIFY(again.style == request.style && again.pairs == request.pairs);
    QVERIFY(again.context == 99 && again.maxTokens == 3 && again.limit == 4);
    verifyKeysAreNeeded(json, [](const base::Json& damaged) {
      return workflow::evaluateRequestFromJson(damaged, "the job");
    });
  }

  void benchmarks() {
    const workflow::BenchmarkRequest request{"/artifacts/one", {11, 12, 13, 14}};
    const base::Json json = kept(request);
    const workflow::BenchmarkRequest again = workflow::benchmarkRequestFromJson(json, "the job");
    QVERIFY(again.artifact == request.artifact);
    QVERIFY(again.options.promptTokens == 11 && again.options.generatedTokens == 12);
    QVERIFY(again.options.warmupRuns == 13 && again.options.repetitions == 14);
    base::Json damaged = json;
    damaged["options"].erase("warmupRuns");
    QVERIFY_THROWS_EXCEPTION(base::Error, workflow::benchmarkRequestFromJson(damaged, "the job"));
  }

  void exports() {
    const workflow::ExportRequest request{"/artifacts/one", exporting::GgufType::Q4_1, "/out/one.gguf"};
    const base::Json json = kept(request);
    const workflow::ExportRequest again = workflow::exportRequestFromJson(json, "the job");
    QVERIFY(again.artifact == request.artifact && again.type == request.type && again.out == request.out);
    base::Json damaged = json;
    damaged["type"] = "Q9_9";
    QVERIFY_THROWS_EXCEPTION(base::Error, workflow::exportRequestFromJson(damaged, "the job"));
  }

  void deployments_data() {
    QTest::addColumn<bool>("hasType");
    QTest::newRow("proposed type") << false;
    QTest::newRow("chosen type") << true;
  }

  void deployments() {
    QFETCH(bool, hasType);
    workflow::DeployRequest request;
    request.artifact = "/artifacts/one";
    if (hasType)
      request.type = exporting::GgufType::Q8_0;
    request.access.device.name = "board";
    request.access.device.host = "192.0.2.7";
    request.benchmark = false;
    request.options = {11, 12, 13, 14};
    const base::Json json = kept(request);
    QVERIFY(json.dump().find("192.0.2.7") == std::string::npos);
    const workflow::DeployRequest again = workflow::deployRequestFromJson(json, "the job");
    QVERIFY(again.artifact == request.artifact && again.type == request.type);
    QCOMPARE(again.access.device.name, std::string("board"));
    QVERIFY(!again.benchmark && again.options.repetitions == 14);
  }

  /// A path with invalid UTF-8 must not prevent writing the queue.
  void pathsOfAnyBytes() {
    workflow::BenchmarkRequest request{"/artifacts/\xff", {}};
    const base::Json json = workflow::toJson(request);
    QVERIFY(!json.dump(-1, ' ', false, base::Json::error_handler_t::replace).empty());
  }
};

NIB_TEST(RequestJsonTest)
#include "request_json_test.moc"
