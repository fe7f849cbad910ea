// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "benchmark/benchmark.hpp"

#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTest>

#include <cmath>
#include <functional>

using namespace nibblesmith;
using benchmark::BenchmarkOptions;
using benchmark::BenchmarkResult;

namespace {

BenchmarkResult example() {
  BenchmarkResult result;
  result.options = {16, 2, 1, 3};
  result.promptMs = {10.5, 11.0, 9.25};
  result.tokenMs = {1.0, 1.5, 1.25, 2.0, 1.0, 1.0};
  result.loadMs = 120.5;
  result.peakRssBytes = 1234567890123;
  result.weightBytes = 1000000;
  result.kvCacheBytes = 65536;
  result.kvCache = "int4";
  result.context = {{"cpu", "test"}, {"threads", 2}};
  return result;
}

bool near(double a, double b) { return std::abs(a - b) < 1e-9; }

std::string errorOf(const std::function<void()>& action, base::ErrorCode code) {
  try {
    action();
  } catch (const base::Error& error) {
    return error.code() == code ? error.what() : "another code: " + std::string(error.what());
  }
  return {};
}

} // namespace

Q_DECLARE_METATYPE(std::function<void(base::Json&)>)

class BenchmarkTest : public QObject {
  Q_OBJECT

private slots:
  /// Compares with numpy's mean, std(ddof=1) and percentile of the same ten numbers.
  void summariesMatchNumpy() {
    const std::vector<double> samples{3.5, 1.25, 9, 2, 2, 7.75, 4, 100, 0.5, 6};
    const benchmark::Summary summary = benchmark::summarize(samples);
    QVERIFY(near(summary.mean, 13.6));
    QVERIFY(near(summary.standardDeviation, 30.487747994526885));
    QVERIFY(near(summary.minimum, 0.5) && near(summary.maximum, 100));
    QVERIFY(near(summary.p50, 3.75));
    QVERIFY(near(summary.p90, 18.1));
    QVERIFY(near(summary.p99, 91.81));
    QVERIFY(!near(benchmark::summarize(std::span(samples).first(9)).p90, 18.1)); // negative control
    QVERIFY(near(benchmark::summarize(std::vector<double>{7}).p99, 7));
    QVERIFY(near(benchmark::summarize({}).mean, 0));
  }

  void rates() {
    const BenchmarkResult result = example();
    QVERIFY(near(result.promptTokensPerSecond(), 1000.0 * 48 / 30.75));
    QVERIFY(near(result.tokensPerSecond(), 1000.0 * 6 / 7.75));
    QVERIFY(near(BenchmarkResult().tokensPerSecond(), 0));
  }

  void jsonComesBack() {
    const BenchmarkResult result = example();
    const std::string text = benchmark::toJson(result).dump();
    const BenchmarkResult again = benchmark::benchmarkFromJson(base::parseJson(text, "test"), "test");
    QCOMPARE(again.promptMs, result.promptMs);
    QCOMPARE(again.tokenMs, result.tokenMs);
    QCOMPARE(again.loadMs, result.loadMs);
    QCOMPARE(again.peakRssBytes, result.peakRssBytes);
    QCOMPARE(again.weightBytes, result.weightBytes);
    QCOMPARE(again.kvCacheBytes, result.kvCacheBytes);
    QCOMPARE(again.kvCache, result.kvCache);
    QCOMPARE(again.options.promptTokens, result.options.promptTokens);
    QCOMPARE(again.options.repetitions, result.options.repetitions);
    QVERIFY(again.context == result.context);
    QCOMPARE(benchmark::toJson(again).dump(), text);
    // Results of runners without the KV cache fields are accepted.
    base::Json old = benchmark::toJson(result);
    old.erase("kvCacheBytes");
    old.erase("kvCache");
    QCOMPARE(benchmark::benchmarkFromJson(old, "test").kvCacheBytes, uint64_t{0});
  }

  void lyingJsonIsRefused_data() {
    using Change = std::function<void(base::Json&)>;
    QTest::addColumn<Change>("change");
    QTest::addColumn<QByteArray>("names");
    const auto row = [](const char* name, const Change& change) {
      QTest::newRow(name) << change << QByteArray(name).split(':').first();
    };
    row("schema:newer", [](base::Json& j) { j["schema"] = 2; });
    row("schema:missing", [](base::Json& j) { j.erase("schema"); });
    row("options:a list", [](base::Json& j) { j["options"] = base::Json::array(); });
    row("repetitions:more than times", [](base::Json& j) { j["options"]["repetitions"] = 4; });
    row("repetitions:huge", [](base::Json& j) { j["options"]["repetitions"] = 1e300; });
    row("generatedTokens:negative", [](base::Json& j) { j["options"]["generatedTokens"] = -1; });
    row("generatedTokens:half", [](base::Json& j) { j["options"]["generatedTokens"] = 2.5; });
    row("promptTokens:text", [](base::Json& j) { j["options"]["promptTokens"] = "16"; });
    row("tokenMs:short", [](base::Json& j) { j["tokenMs"].erase(0); });
    row("tokenMs:text inside", [](base::Json& j) { j["tokenMs"][1] = "fast"; });
    row("promptMs:negative", [](base::Json& j) { j["promptMs"][1] = -1; });
    row("promptMs:null for infinity", [](base::Json& j) { j["promptMs"][1] = nullptr; });
    row("loadMs:missing", [](base::Json& j) { j.erase("loadMs"); });
    row("peakRssBytes:negative", [](base::Json& j) { j["peakRssBytes"] = -5; });
    row("kvCacheBytes:negative", [](base::Json& j) { j["kvCacheBytes"] = -5; });
    row("weightBytes:too large", [](base::Json& j) { j["weightBytes"] = 1e30; });
    row("context:text", [](base::Json& j) { j["context"] = "cpu"; });
    row("context:too long", [](base::Json& j) { j["context"]["cpu"] = std::string(100'000, 'x'); });
  }
  void lyingJsonIsRefused() {
    QFETCH(std::function<void(base::Json&)>, change);
    QFETCH(QByteArray, names);
    base::Json json = benchmark::toJson(example());
    change(json);
    const std::string error =
        errorOf([&] { (void)benchmark::benchmarkFromJson(json, "device pi"); }, base::ErrorCode::Corrupt);
    // A count that does not match its list is reported with the list.
    const QByteArray told =
        names == "repetitions" && json["options"]["repetitions"] == 4 ? "promptMs" : names;
    QVERIFY2(QByteArray::fromStdString(error).contains(told), error.c_str());
    QVERIFY2(QByteArray::fromStdString(error).startsWith("device pi"), error.c_str());
  }

  void noObjectIsRefused() {
    for (const char* text : {"[]", "null", "3", "\"x\""})
      QVERIFY(!errorOf([&] { (void)benchmark::benchmarkFromJson(base::parseJson(text, "t"), "t"); },
                       base::ErrorCode::Corrupt)
                   .empty());
  }

  void aRealModelIsMeasured() {
    const auto model = test::sharedData("stories260K/hf");
    NIB_REQUIRE_DATA(model);
    base::ThreadPool pool(2);
    base::NoProgress progress;
    const BenchmarkResult result = benchmark::runBenchmark(model, {32, 8, 1, 3}, pool, {}, progress);
    QCOMPARE(result.promptMs.size(), size_t{3});
    QCOMPARE(result.tokenMs.size(), size_t{24});
    for (const double ms : result.tokenMs)
      QVERIFY(ms > 0);
    QVERIFY(result.loadMs > 0);
    QVERIFY(result.weightBytes > 900'000 && result.weightBytes < 1'500'000); // 260,000 parameters in f32
    QVERIFY(result.peakRssBytes > result.weightBytes);
    QCOMPARE(result.kvCache, std::string("f16"));
    QVERIFY(result.kvCacheBytes > 0);
    QCOMPARE(result.context.at("threads").get<int>(), 2);
    QVERIFY(!result.context.at("kernels").get<std::string>().empty());
    QVERIFY(!result.context.at("kernel").get<std::string>().empty());
    QVERIFY(result.context.contains("loadAverage"));
    const BenchmarkResult again = benchmark::benchmarkFromJson(benchmark::toJson(result), "test");
    QCOMPARE(again.tokenMs, result.tokenMs);
  }

  void impossibleOptionsAreRefused_data() {
    QTest::addColumn<int>("prompt");
    QTest::addColumn<int>("generated");
    QTest::addColumn<int>("warmup");
    QTest::addColumn<int>("repetitions");
    QTest::newRow("no prompt") << 0 << 8 << 1 << 1;
    QTest::newRow("too long a prompt") << 513 << 0 << 1 << 1;
    QTest::newRow("too long together") << 500 << 13 << 1 << 1;
    QTest::newRow("negative") << 16 << -1 << 1 << 1;
    QTest::newRow("no repetition") << 16 << 8 << 1 << 0;
    QTest::newRow("negative warm-up") << 16 << 8 << -1 << 1;
  }
  void impossibleOptionsAreRefused() {
    const auto model = test::sharedData("stories260K/hf");
    NIB_REQUIRE_DATA(model);
    QFETCH(int, prompt);
    QFETCH(int, generated);
    QFETCH(int, warmup);
    QFETCH(int, repetitions);
    base::ThreadPool pool(1);
    base::NoProgress progress;
    const BenchmarkOptions options{prompt, generated, warmup, repetitions};
    const std::string error = errorOf([&] { benchmark::runBenchmark(model, options, pool, {}, progress); },
                                      base::ErrorCode::InvalidArgument);
    QVERIFY2(error.find("expected") != std::string::npos, error.c_str());
  }

  void stops() {
    const auto model = test::sharedData("stories260K/hf");
    NIB_REQUIRE_DATA(model);
    base::ThreadPool pool(1);
    base::NoProgress progress;
    std::stop_source stop;
    stop.request_stop();
    QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                             benchmark::runBenchmark(model, {32, 8, 1, 3}, pool, stop.get_token(), progress));
  }
};

NIB_TEST(BenchmarkTest)
#include "benchmark_test.moc"
