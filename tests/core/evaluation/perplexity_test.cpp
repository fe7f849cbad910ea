// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "evaluation/perplexity.hpp"
#include "model/model.hpp"

#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <functional>

using namespace nibblesmith;
using evaluation::PerplexityStyle;
using tokenizer::TokenId;

namespace {

constexpr double kTolerance = 1e-4; // f32 logits compared with PyTorch

const auto kModel = [] { return test::sharedData("stories260K/hf"); };

/// Returns the model with an f32 KV cache, as in PyTorch.
std::shared_ptr<const model::Model> exactModel() {
  auto checkpoint = std::make_shared<checkpoint::Checkpoint>(*checkpoint::openCheckpoint(kModel()));
  checkpoint->config["kv_cache"] = "f32";
  return model::openModel(std::move(checkpoint));
}

struct Fixture {
  explicit Fixture(int threads = 1) : pool(threads) {}
  base::ThreadPool pool;
  runtime::Decoder decoder{exactModel(), runtime::WeightStorage::Float32, pool};
  base::Json golden = base::readJsonFile(test::projectFile("tests/golden/evaluation/perplexity.json"));
  std::vector<TokenId> tokens = golden.at("tokens").get<std::vector<TokenId>>();
  int64_t context = golden.at("context").get<int64_t>();

  evaluation::PerplexityResult measure(PerplexityStyle style, bool addBos) {
    base::NoProgress progress;
    return evaluation::perplexity(decoder, tokens, style, context, addBos, {}, progress);
  }
};

double largestDifference(const std::vector<float>& values, const base::Json& expected) {
  if (values.size() != expected.size())
    return INFINITY;
  double largest = 0;
  for (size_t i = 0; i < values.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(values[i]) - expected.at(i).get<double>()));
  return largest;
}

bool isRefused(const std::function<void()>& action, const std::string& word) {
  try {
    action();
  } catch (const base::Error& error) {
    return error.code() == base::ErrorCode::InvalidArgument &&
           std::string(error.what()).find(word) != std::string::npos;
  }
  return false;
}

/// Progress that records its reports.
class Recorder final : public base::Progress {
public:
  void report(double fraction, std::string_view stage) override {
    monotonic = monotonic && fraction >= last;
    last = fraction;
    words = stage;
  }
  bool monotonic = true;
  double last = 0;
  std::string words;
};

} // namespace

class PerplexityTest : public QObject {
  Q_OBJECT

private slots:
  void isTransformersPerplexity_data() {
    QTest::addColumn<bool>("llamaCpp");
    QTest::newRow("llama.cpp") << true;
    QTest::newRow("windows") << false;
  }
  void isTransformersPerplexity() {
    NIB_REQUIRE_DATA(kModel());
    QFETCH(bool, llamaCpp);
    Fixture f;
    const base::Json& expected = f.golden.at(llamaCpp ? "llamaCpp" : "windows");
    const auto result = f.measure(llamaCpp ? PerplexityStyle::LlamaCpp : PerplexityStyle::Windows, llamaCpp);
    QVERIFY(largestDifference(result.nll, expected.at("nll")) < kTolerance);
    QVERIFY(std::abs(result.perplexity / expected.at("perplexity").get<double>() - 1) < kTolerance);
    QVERIFY(std::abs(result.standardError / expected.at("standardError").get<double>() - 1) < kTolerance);
    QCOMPARE(result.predictions, std::ssize(result.nll));
    const int64_t windows = std::ssize(f.tokens) / f.context;
    QVERIFY(windows >= 2);
    QCOMPARE(std::ssize(result.windowNll), windows);
    QCOMPARE(result.predictions, windows * (f.context - 1 - (llamaCpp ? f.context / 2 : 0)));
    double mean = 0;
    for (const float value : result.windowNll)
      mean += static_cast<double>(value) / static_cast<double>(windows);
    QVERIFY(std::abs(std::exp(mean) / result.perplexity - 1) < 1e-6);
  }

  /// Negative controls: one position further, or no BOS, clearly misses the golden values.
  void noticesAWrongDefinition() {
    NIB_REQUIRE_DATA(kModel());
    Fixture f;
    const base::Json& expected = f.golden.at("llamaCpp");
    const auto withoutBos = f.measure(PerplexityStyle::LlamaCpp, false);
    QVERIFY(largestDifference(withoutBos.nll, expected.at("nll")) > 10 * kTolerance);
    f.tokens.erase(f.tokens.begin());
    const auto shifted = f.measure(PerplexityStyle::LlamaCpp, true);
    QVERIFY(largestDifference(shifted.nll, expected.at("nll")) > 10 * kTolerance);
  }

  void doesNotDependOnThreads() {
    NIB_REQUIRE_DATA(kModel());
    Fixture one(1), three(3);
    const auto a = one.measure(PerplexityStyle::Windows, false);
    const auto b = three.measure(PerplexityStyle::Windows, false);
    QVERIFY(a.nll == b.nll);
    QVERIFY(a.perplexity == b.perplexity && a.standardError == b.standardError);
  }

  void reportsProgressToTheEnd() {
    NIB_REQUIRE_DATA(kModel());
    Fixture f;
    Recorder progress;
    evaluation::perplexity(f.decoder, f.tokens, PerplexityStyle::LlamaCpp, f.context, true, {}, progress);
    QVERIFY(progress.monotonic);
    QVERIFY(std::abs(progress.last - 1) < 1e-9);
    QVERIFY(progress.words.starts_with("window "));
  }

  void stops() {
    NIB_REQUIRE_DATA(kModel());
    Fixture f;
    std::stop_source stop;
    stop.request_stop();
    base::NoProgress progress;
    QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                             evaluation::perplexity(f.decoder, f.tokens, PerplexityStyle::LlamaCpp, f.context,
                                                    true, stop.get_token(), progress));
  }

  void impossibleArgumentsAreRefused() {
    NIB_REQUIRE_DATA(kModel());
    Fixture f;
    f.context = std::ssize(f.tokens) + 1;
    QVERIFY(isRefused([&] { f.measure(PerplexityStyle::Windows, false); }, "window"));
    f.context = 513;
    QVERIFY(isRefused([&] { f.measure(PerplexityStyle::Windows, false); }, "512"));
    f.context = 2;
    QVERIFY(isRefused([&] { f.measure(PerplexityStyle::LlamaCpp, false); }, "context"));
    QCOMPARE(f.measure(PerplexityStyle::Windows, false).predictions, std::ssize(f.tokens) / 2);
    f.context = 3;
    QCOMPARE(f.measure(PerplexityStyle::LlamaCpp, false).predictions, std::ssize(f.tokens) / 3);
    f.context = 16;
    f.tokens[20] = 512;
    QVERIFY(isRefused([&] { f.measure(PerplexityStyle::Windows, false); }, "512"));
    f.tokens[20] = -1;
    QVERIFY(isRefused([&] { f.measure(PerplexityStyle::Windows, false); }, "-1"));
  }

  void textsGetBosAndIdsStayUnchanged() {
    NIB_REQUIRE_DATA(kModel());
    Fixture fixture(2);
    const auto tokenizer = tokenizer::loadTokenizer(model::openModel(kModel())->checkpoint());
    QVERIFY(tokenizer->vocabulary().addBos);
    const QTemporaryDir directory;
    const std::filesystem::path folder = directory.path().toStdString();
    std::string text;
    for (int i = 0; i < 12; ++i)
      text += "Once upon a time, there was a little girl named Lily. ";
    base::writeFileAtomically(folder / "a.txt", text);
    std::vector<TokenId> ids = tokenizer->encode(text, false);
    base::writeFileAtomically(folder / "a.i32",
                              {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(TokenId)});
    base::NoProgress progress;
    const auto ofFile = [&](const char* name, PerplexityStyle style) {
      return evaluation::perplexityOfFile(fixture.decoder, *tokenizer, folder / name, style, 32, {}, progress)
          .nll;
    };
    const auto ofTokens = [&](PerplexityStyle style, bool addBos) {
      return evaluation::perplexity(fixture.decoder, ids, style, 32, addBos, {}, progress).nll;
    };
    QCOMPARE(ofFile("a.i32", PerplexityStyle::LlamaCpp), ofTokens(PerplexityStyle::LlamaCpp, true));
    QCOMPARE(ofFile("a.txt", PerplexityStyle::Windows), ofTokens(PerplexityStyle::Windows, false));
    const auto found = ofFile("a.txt", PerplexityStyle::LlamaCpp);
    QVERIFY(found != ofTokens(PerplexityStyle::LlamaCpp, true));
    ids.insert(ids.begin(), fixture.decoder.config().bos);
    QCOMPARE(found, ofTokens(PerplexityStyle::LlamaCpp, true));
  }
};

NIB_TEST(PerplexityTest)
#include "perplexity_test.moc"
