// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "benchmark/footprint.hpp"
#include "nib_test.hpp"
#include "runtime/kv_cache.hpp"

#include <QTest>

#include <cmath>

using namespace nibblesmith;

namespace {

model::ModelConfig smallConfig() {
  model::ModelConfig config;
  config.family = "llama";
  config.hiddenSize = 64;
  config.intermediateSize = 160;
  config.numLayers = 3;
  config.numHeads = 4;
  config.numKeyValueHeads = 2;
  config.headDim = 32;
  config.vocabularySize = 1000;
  config.maxPositions = 4096;
  return config;
}

} // namespace

class FootprintTest : public QObject {
  Q_OBJECT

private slots:
  void cacheIsWhatTheRuntimeTakes_data() {
    QTest::addColumn<QByteArray>("scheme");
    for (const char* scheme : {R"("f32")", R"("f16")", R"("int8")", R"("int4")",
                               R"({"use": "int4", "keys": "token", "groupSize": 32, "residual": 0})"})
      QTest::newRow(scheme) << QByteArray(scheme);
  }
  void cacheIsWhatTheRuntimeTakes() {
    QFETCH(QByteArray, scheme);
    model::ModelConfig config = smallConfig();
    config.kvCache = model::kvCacheSchemeFromJson(base::parseJson(scheme.toStdString(), "test"), "test");
    for (const int64_t context : {1, 100, 1024, 2048, 3000, 4096}) {
      const auto real = static_cast<double>(runtime::KvCache(config, context).bytes());
      const auto computed = static_cast<double>(benchmark::footprint(config, 0, 0, context, 1).kvCacheBytes);
      // The last group of tokens may be incomplete.
      QVERIFY2(std::abs(computed - real) <= 0.02 * real,
               qPrintable(QStringLiteral("%1: %2, %3").arg(context).arg(computed).arg(real)));
    }
  }
  /// In layers with a sliding window, stored tokens take memory and visible tokens are read.
  void windowsBoundTheCache() {
    model::ModelConfig config = smallConfig();
    config.maxPositions = 32768;
    const auto of = [&](int64_t context) { return benchmark::footprint(config, 0, 0, context, 1); };
    const uint64_t perToken = of(1024).kvCacheBytes / 3 / 1024; // per layer
    config.attention.push_back({.window = 300, .rotary = {}});
    config.attentionOfLayer = {1, 0, 1};
    for (const int64_t context : {100, 300, 700, 2048, 32768}) {
      const auto real = static_cast<double>(runtime::KvCache(config, context).bytes());
      const auto computed = static_cast<double>(of(context).kvCacheBytes);
      QVERIFY2(std::abs(computed - real) <= 0.02 * real,
               qPrintable(QStringLiteral("%1: %2, %3").arg(context).arg(computed).arg(real)));
      const int64_t seen = context + 2 * std::min<int64_t>(context, 300);
      QCOMPARE(of(context).bytesPerToken, perToken * static_cast<uint64_t>(seen));
    }
  }
  void addsUp() {
    model::ModelConfig config = smallConfig();
    config.tiedEmbeddings = true;
    const auto tied = benchmark::footprint(config, 1'000'000, 200'000, 512, 2);
    QCOMPARE(tied.totalBytes(), tied.weightBytes + tied.kvCacheBytes + tied.workingBytes);
    QCOMPARE(tied.bytesPerToken, 1'000'000 + tied.kvCacheBytes);
    config.tiedEmbeddings = false;
    // One row of an untied embedding is read per token.
    QCOMPARE(benchmark::footprint(config, 1'000'000, 200'000, 512, 2).bytesPerToken,
             800'000 + tied.kvCacheBytes);
    QVERIFY(benchmark::footprint(config, 1'000'000, 200'000, 4096, 2).workingBytes > tied.workingBytes);
    QVERIFY_THROWS_EXCEPTION(base::Error, benchmark::footprint(config, 1, 1, 0, 1));
  }
  void bandwidthIsThatOfAMachine() {
    // Between the bandwidths of a slow board and of any accelerator.
    const double bandwidth = benchmark::measuredBandwidth(2);
    QVERIFY2(bandwidth > 1e8 && bandwidth < 1e13, qPrintable(QString::number(bandwidth)));
  }
};

NIB_TEST(FootprintTest)
#include "footprint_test.moc"
