// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "runtime/decoder.hpp"
#include "test_data.hpp"
#include "test_weights.hpp"

#include "../model/memory_checkpoint.hpp"
#include "nib_test.hpp"

#include <QTest>

#include <cmath>
#include <limits>
#include <random>

using namespace nibblesmith;
using namespace nibblesmith::runtime;
using base::Json;
using model::KvCacheScheme;
using tensor::Matrix;
using test::TinyLlama;
using tokenizer::TokenId;

namespace {

KvCacheScheme schemeOf(const Json& json) { return model::kvCacheSchemeFromJson(json, "test"); }

Json golden() { return base::readJsonFile(test::projectFile("tests/golden/runtime/kv_cache.json")); }

Matrix matrixOf(const Json& values, int64_t columns) {
  Matrix matrix(std::ssize(values) / columns, columns);
  for (int64_t i = 0; i < matrix.size(); ++i)
    matrix.data()[i] = values[static_cast<size_t>(i)].get<float>();
  return matrix;
}

/// Reads `count` tokens from `from` on, head by head.
Matrix readBack(const KvRows& rows, int64_t heads, int64_t headDim, int64_t count, int64_t from = 0) {
  Matrix all(count, heads * headDim);
  std::vector<float> scratch;
  for (int64_t h = 0; h < heads; ++h) {
    const HeadRows head = rows.head(h, from, count, scratch);
    for (int64_t t = 0; t < count; ++t)
      for (int64_t i = 0; i < headDim; ++i)
        all(t, h * headDim + i) = head.data[t * head.stride + i];
  }
  return all;
}

/// Writes like the cache does: in steps that end where rows must be quantized.
void writeAll(KvRows& rows, const KvCacheScheme& scheme, const Matrix& input, int64_t step) {
  for (int64_t at = 0; at < input.rows();) {
    int64_t part = std::min(step, input.rows() - at);
    if (scheme.residual > 0)
      part = std::min(part, scheme.residual - at % scheme.residual);
    rows.write(at, input.middleRows(at, part));
    at += part;
    if (scheme.residual > 0 && at % scheme.residual == 0)
      rows.pack();
  }
}

model::ModelConfig withCache(model::ModelConfig config, const Json& scheme) {
  config.kvCache = schemeOf(scheme);
  return config;
}

std::vector<TokenId> someTokens(int64_t count) {
  std::vector<TokenId> tokens;
  for (int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<TokenId>((i * i * 7 + i) % 40));
  return tokens;
}

Matrix logitsThrough(const Decoder& decoder, KvCache& cache, const std::vector<TokenId>& tokens,
                     size_t step) {
  Matrix all(std::ssize(tokens), decoder.config().vocabularySize);
  for (size_t at = 0; at < tokens.size(); at += step) {
    const auto part = std::span(tokens).subspan(at, std::min(step, tokens.size() - at));
    all.middleRows(static_cast<int64_t>(at), std::ssize(part)) =
        decoder.forward(part, cache, LogitsFor::AllTokens);
  }
  return all;
}

Matrix logitsThrough(const Decoder& decoder, const Json& scheme, const std::vector<TokenId>& tokens,
                     size_t step) {
  KvCache cache(withCache(decoder.config(), scheme), std::ssize(tokens));
  return logitsThrough(decoder, cache, tokens, step);
}

/// Returns a configuration whose cache keeps all positions, whatever the windows of the decoder's layers.
model::ModelConfig withoutWindows(model::ModelConfig config) {
  for (model::AttentionKind& kind : config.attention)
    kind.window = 0;
  return config;
}

constexpr int64_t kLongText = 1300; // longer than a window and two steps

/// Returns a model in which every layer has a sliding window.
std::shared_ptr<const model::Model> mistral(int64_t window) {
  const auto made = TinyLlama{}.huggingFace();
  made->config["model_type"] = "mistral";
  made->config["sliding_window"] = window;
  made->config["max_position_embeddings"] = kLongText;
  return model::openModel(made);
}

/// Returns a model with a sliding window in five layers and global attention in one.
std::shared_ptr<const model::Model> gemma() {
  checkpoint::Checkpoint opened = *checkpoint::openCheckpoint(test::projectFile("tests/golden/model/gemma3"));
  opened.config["max_position_embeddings"] = kLongText;
  return model::openModel(std::make_shared<const checkpoint::Checkpoint>(std::move(opened)));
}

const std::vector<Json> kAllSchemes = {
    "f32",
    "f16",
    "int8",
    "int4",
    {{"use", "int4"}, {"groupSize", 8}, {"residual", 16}},
    {{"use", "int4"}, {"keys", "token"}, {"groupSize", 8}, {"residual", 0}},
    {{"use", "int8"}, {"keys", "channel"}, {"groupSize", 16}, {"residual", 1024}}};

} // namespace

class KvCacheTest : public QObject {
  Q_OBJECT

private slots:
  void agreesWithNumpy() {
    const Json file = golden();
    const auto heads = file["heads"].get<int64_t>();
    const auto headDim = file["headDim"].get<int64_t>();
    const Matrix input = matrixOf(file["input"], heads * headDim);
    for (const Json& row : file["cases"]) {
      const KvCacheScheme scheme = schemeOf(row["scheme"]);
      for (const bool keys : {true, false}) {
        const Matrix expected = matrixOf(row[keys ? "keys" : "values"], heads * headDim);
        for (const int64_t step : {int64_t{1}, int64_t{5}, input.rows()}) {
          const auto rows = makeKvRows(scheme, keys, {heads, headDim, input.rows()}, "layer 0");
          writeAll(*rows, scheme, input, step);
          // The last bits depend on whether the multiplication and addition are fused.
          const Matrix found = readBack(*rows, heads, headDim, input.rows());
          const float error = ((found - expected).array().abs() / (1.0f + expected.array().abs())).maxCoeff();
          QVERIFY2(error < 2e-6f, row["scheme"].dump().c_str());
          // Writes again into the same memory: nothing of the first sequence remains.
          rows->clear();
          writeAll(*rows, scheme, input, step);
          QCOMPARE(readBack(*rows, heads, headDim, input.rows()), found);
        }
      }
    }
    // Negative control: another group size gives other values.
    Json other = file["cases"][4]["scheme"];
    QCOMPARE(other["use"].get<std::string>(), std::string("int4"));
    other["groupSize"] = 16; // by token, quantized at once
    const auto rows = makeKvRows(schemeOf(other), false, {heads, headDim, input.rows()}, "layer 0");
    writeAll(*rows, schemeOf(other), input, 5);
    QVERIFY(!readBack(*rows, heads, headDim, input.rows())
                 .isApprox(matrixOf(file["cases"][4]["values"], heads * headDim), 1e-3f));
  }

  void edges() {
    for (const char* use : {"f16", "int8", "int4"}) {
      const KvCacheScheme scheme = schemeOf(use);
      for (const int64_t capacity : {1, 127, 128, 129, 300}) {
        const auto rows = makeKvRows(scheme, true, {1, 8, capacity}, "layer 4, keys");
        Matrix input = Matrix::Zero(capacity, 8); // zero, constant, one outlier
        input.col(1).setConstant(-2.5f);
        input(capacity / 2, 2) = 1024;
        writeAll(*rows, scheme, input, 50);
        const Matrix found = readBack(*rows, 1, 8, capacity);
        QVERIFY(found.allFinite());
        QVERIFY((found.col(0).array() == 0.0f).all() || scheme.keys == KvCacheScheme::Keys::Token);
        QVERIFY((found - input).cwiseAbs().maxCoeff() <=
                (use == std::string("f16") ? 0.0f : 1027.0f / 15 / 2 + 1));
        // A value outside the f16 range is reported.
        rows->clear();
        for (const float bad :
             {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e6f}) {
          Matrix broken = Matrix::Zero(1, 8);
          broken(0, 3) = bad;
          try {
            rows->write(0, broken);
            QFAIL("expected an error");
          } catch (const base::Error& error) {
            QVERIFY(error.code() == base::ErrorCode::Numerical);
            const std::string message = error.what();
            QVERIFY2(message.find("layer 4, keys: position 0, channel 3") != std::string::npos, error.what());
          }
        }
      }
    }
  }

  void memoryFalls() {
    const model::ModelConfig base = model::openModel(TinyLlama{}.huggingFace())->config();
    model::ModelConfig config = base;
    config.headDim = 64;
    const auto bytes = [&](const Json& scheme) {
      return static_cast<double>(KvCache(withCache(config, scheme), 4096).bytes());
    };
    const double f32 = bytes("f32");
    QCOMPARE(f32, static_cast<double>(2 * config.numLayers * 4096 * config.numKeyValueHeads * 64 * 4));
    QCOMPARE(bytes("f16") / f32, 0.5);
    // Codes, and 32 bits per group of 32.
    QCOMPARE(bytes("int8") / f32, 9.0 / 32);
    QCOMPARE(bytes({{"use", "int4"}, {"keys", "token"}, {"residual", 0}}) / f32, 5.0 / 32);
    // Keys by channel, plus 128 of 4096 tokens in f16.
    QCOMPARE(bytes("int4") / f32, 5.0 / 32 + 0.5 * 128 / 4096);
  }

  void doesNotDependOnTheSteps() {
    const auto model = model::openModel(TinyLlama{}.huggingFace());
    const auto tokens = someTokens(90);
    for (const Json& scheme :
         {Json("f32"), Json("f16"), Json("int8"), Json{{"use", "int4"}, {"groupSize", 8}, {"residual", 16}},
          Json{{"use", "int8"}, {"keys", "channel"}, {"groupSize", 16}, {"residual", 32}}}) {
      base::ThreadPool pool(1);
      const Decoder decoder(model, WeightStorage::AsStored, pool);
      const Matrix whole = logitsThrough(decoder, scheme, tokens, tokens.size());
      const float scale = whole.cwiseAbs().maxCoeff();
      for (const size_t step : {size_t{1}, size_t{7}, size_t{40}}) {
        const float difference = (logitsThrough(decoder, scheme, tokens, step) - whole).cwiseAbs().maxCoeff();
        // A value close to a rounding boundary may get the next code; that is rare and small.
        QVERIFY2(difference < (scheme.is_string() && scheme == "f32" ? 1e-4f : 2e-2f) * scale,
                 scheme.dump().c_str());
      }
      for (const int threads : {2, 5}) {
        base::ThreadPool others(threads);
        const Decoder threaded(model, WeightStorage::AsStored, others);
        QCOMPARE(logitsThrough(threaded, scheme, tokens, 7), logitsThrough(decoder, scheme, tokens, 7));
      }
    }
  }

  /// Rows inside the window equal those of a cache that keeps everything.
  void windowsKeepVisibleRows() {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    Matrix input(3500, 16);
    for (int64_t i = 0; i < input.size(); ++i)
      input.data()[i] = normal(random);
    for (const Json& json : kAllSchemes) {
      const KvCacheScheme scheme = schemeOf(json);
      for (const int64_t window : {1, 30, 129, 700})
        for (const int64_t step : {1, 7, 300, 512}) {
          const bool keys = step != 7;
          const auto all = makeKvRows(scheme, keys, {2, 8, input.rows()}, "all");
          const int64_t capacity = storedTokens(scheme, window, input.rows());
          const auto kept = makeKvRows(scheme, keys, {2, 8, capacity, window}, "kept");
          QVERIFY(capacity < input.rows() && kept->bytes() < all->bytes());
          for (const bool again : {false, true}) {
            for (int64_t at = 0, part = 0; at < input.rows(); at += part) {
              part = std::min(step, input.rows() - at);
              if (scheme.residual > 0)
                part = std::min(part, scheme.residual - at % scheme.residual);
              for (KvRows* rows : {all.get(), kept.get()})
                rows->write(at, input.middleRows(at, part));
              const int64_t from = std::max<int64_t>(0, at + 1 - window), count = at + part - from;
              if (at / 97 != (at + part) / 97) // only from time to time
                QVERIFY2(readBack(*kept, 2, 8, count, from) ==
                             readBack(*all, 2, 8, at + part).bottomRows(count),
                         qPrintable(QStringLiteral("%1, window %2, steps of %3, position %4")
                                        .arg(json.dump().c_str())
                                        .arg(window)
                                        .arg(step)
                                        .arg(at)));
              if (scheme.residual > 0 && (at + part) % scheme.residual == 0)
                for (KvRows* rows : {all.get(), kept.get()})
                  rows->pack();
            }
            all->clear();
            kept->clear();
            if (!again)
              input = input.colwise().reverse().eval(); // nothing of the first sequence remains
          }
        }
    }
  }

  void windowsChangeNoLogit() {
    base::ThreadPool pool(1);
    const auto tokens = someTokens(kLongText);
    for (const auto& model : {mistral(50), mistral(600), gemma()}) {
      const Decoder decoder(model, WeightStorage::AsStored, pool);
      for (const Json& scheme : kAllSchemes)
        for (const size_t step :
             {size_t{model->config().numLayers == 2 ? 1u : 5u}, size_t{90}, tokens.size()}) {
          const model::ModelConfig config = withCache(decoder.config(), scheme);
          KvCache all(withoutWindows(config), kLongText), kept(config, kLongText);
          QVERIFY(kept.bytes() <= all.bytes());
          QVERIFY2(logitsThrough(decoder, kept, tokens, step) == logitsThrough(decoder, all, tokens, step),
                   scheme.dump().c_str());
        }
    }
    // Negative control: without the window in its attention, the decoder gives other logits.
    const auto logits = [&](const std::shared_ptr<const model::Model>& model) {
      return logitsThrough(Decoder(model, WeightStorage::AsStored, pool), "f16", tokens, 90);
    };
    QVERIFY(!logits(mistral(50)).isApprox(logits(mistral(51)), 1e-4f));
  }

  void memoryIsBoundedByTheWindow() {
    for (const Json& scheme : kAllSchemes) {
      const auto bytes = [&](model::ModelConfig config, int64_t capacity) {
        return KvCache(withCache(std::move(config), scheme), capacity).bytes();
      };
      const model::ModelConfig local = mistral(50)->config();
      QCOMPARE(bytes(local, 100'000), bytes(local, 10'000));
      const int64_t together = std::max<int64_t>(1, schemeOf(scheme).residual);
      QVERIFY(bytes(local, 100'000) <= bytes(withoutWindows(local), 50 + kMaxChunk + together));
      QCOMPARE(bytes(local, 50), bytes(withoutWindows(local), 50));
      const model::ModelConfig mixed = gemma()->config(); // one of six layers has global attention
      const auto growth = static_cast<double>(bytes(mixed, 50 * 1024) - bytes(mixed, 10 * 1024));
      const auto whole = static_cast<double>(bytes(withoutWindows(mixed), 50 * 1024) -
                                             bytes(withoutWindows(mixed), 10 * 1024));
      QCOMPARE(growth, whole / 6);
    }
  }

  void worseWithFewerBits() {
    const auto model = model::openModel(TinyLlama{}.huggingFace());
    const auto tokens = someTokens(90);
    base::ThreadPool pool(1);
    const Decoder decoder(model, WeightStorage::AsStored, pool);
    const Matrix exact = logitsThrough(decoder, "f32", tokens, 90);
    const auto error = [&](const Json& scheme) {
      return (logitsThrough(decoder, scheme, tokens, 90) - exact).norm() / exact.norm();
    };
    const float f16 = error("f16"), int8 = error("int8");
    const float int4 = error({{"use", "int4"}, {"groupSize", 8}, {"residual", 16}});
    QVERIFY2(f16 > 0 && f16 < int8 && int8 < int4,
             qPrintable(QStringLiteral("%1 %2 %3").arg(f16).arg(int8).arg(int4)));
    QVERIFY2(f16 < 1e-3f && int8 < 2e-2f && int4 < 0.3f,
             qPrintable(QStringLiteral("%1 %2 %3").arg(f16).arg(int8).arg(int4)));
  }

  void refusesUnknownSchemes_data() {
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char* json, const char* expected) {
      QTest::newRow(json) << QByteArray(json) << QByteArray(expected);
    };
    row(R"("int3")", "'use': expected f32, f16, int8 or int4, found \"int3\"");
    row(R"({"use": "fp8"})", "'use'");
    row("7", "expected a name");
    row("{}", "'use'");
    row(R"({"use": "int4", "keys": "head"})", "'keys': expected \"token\" or \"channel\"");
    row(R"({"use": "int4", "groupSize": 0})", "'groupSize'");
    row(R"({"use": "int4", "groupSize": 12})", "'groupSize'");
    row(R"({"use": "int4", "groupSize": 512})", "'groupSize'");
    row(R"({"use": "int4", "residual": 100})", "'residual': expected a multiple of the group size 32");
    row(R"({"use": "int4", "residual": -32})", "'residual'");
    row(R"({"use": "int4", "residual": 4096})", "'residual'");
    row(R"({"use": "int4", "residual": 0})", "because keys by channel");
    row(R"({"use": "int4", "residual": "many"})", "'residual'");
    row(R"({"use": "int4", "window": 3})", "unknown field 'window'");
    row(R"({"use": "f16", "groupSize": 32})", "unknown field 'groupSize'");
  }
  void refusesUnknownSchemes() {
    QFETCH(QByteArray, json);
    QFETCH(QByteArray, expected);
    try {
      model::kvCacheSchemeFromJson(Json::parse(json.toStdString()), "recipe");
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      const QByteArray message = error.what();
      QVERIFY2(message.startsWith("recipe: ") && message.contains(expected), error.what());
    }
  }

  void namesAndRoundTrips() {
    for (const char* name : {"f32", "f16", "int8", "int4"})
      QVERIFY(model::kvCacheSchemeFromJson(model::toJson(schemeOf(name)), "test") == schemeOf(name));
    QVERIFY(schemeOf("int4").keys == KvCacheScheme::Keys::Channel);
    QCOMPARE(model::describe(schemeOf("f16")), std::string("f16"));
    QCOMPARE(model::describe(schemeOf("int4")),
             std::string("int4, keys by channel, groups of 32, 128 tokens in f16"));
  }
};

NIB_TEST(KvCacheTest)
#include "kv_cache_test.moc"
