// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "export/artifact.hpp"
#include "golden_models.hpp"
#include "nib_test.hpp"
#include "peers.hpp"
#include "runtime/decoder.hpp"

#include <QtTest>

#include <cmath>

using namespace nibblesmith;
namespace fs = std::filesystem;

/// Compatibility with transformers: it opens our artifacts, in the layouts of compressed-tensors and
/// bitsandbytes, and computes the same token ids and logits.
class TransformersTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_directory;
  fs::path at(const std::string& name) const { return fs::path(m_directory.path().toStdString()) / name; }

  static const std::vector<std::string>& texts() {
    static const std::vector<std::string> kTexts = {
        "The capital of Italy is", "Once upon a time, there was a little girl named Lily.",
        // No text starts with a space: transformers would then omit the prefix that sentencepiece adds before
        // every text.
        "Two  blanks, 1234 numbers; naïve café — 東京 🙂\n\nnew line\ttab", "don't you'll WE'RE"};
    return kTexts;
  }

  void quantize(const fs::path& source, const base::Json& grid, const base::Json& overrides,
                const base::Json& activations, const fs::path& out) {
    base::Json recipe = {{"schema", 1}, {"name", "peer"}, {"rounding", {{"use", "rtn"}}}, {"grid", grid}};
    if (!grid.contains("use"))
      recipe["grid"]["use"] = "affine";
    recipe["activations"] = activations;
    recipe["calibration"] = {{"samples", 8}, {"length", 64}};
    recipe["policy"] = {{"keep", {"lm_head", "embed_tokens"}}, {"overrides", overrides}};
    base::writeFileAtomically(at("recipe.json"), recipe.dump());
    const auto result = test::runNsmith(
        m_directory, {QStringLiteral("quantize"), test::text(source), QStringLiteral("--recipe"),
                      test::text(at("recipe.json")), QStringLiteral("--calibration"),
                      test::text(test::projectFile("resources/demo/calibration.json")),
                      QStringLiteral("--out"), test::text(out)});
    QVERIFY2(result.exitCode == 0, result.errors.constData());
  }

  /// Returns sqrt(mean((ours - theirs)^2)) over all logits.
  static double rootMeanSquare(const tensor::Matrix& ours, const base::Json& theirs) {
    double sum = 0;
    for (int64_t t = 0; t < ours.rows(); ++t) {
      const auto row = theirs.at(static_cast<size_t>(t)).get<std::vector<float>>();
      for (int64_t v = 0; v < ours.cols(); ++v)
        sum += std::pow(static_cast<double>(ours(t, v) - row.at(static_cast<size_t>(v))), 2);
    }
    return std::sqrt(sum / static_cast<double>(ours.size()));
  }

  static tensor::Matrix logitsOf(std::shared_ptr<const model::Model> model, runtime::WeightStorage storage,
                                 const std::vector<tokenizer::TokenId>& ids) {
    base::ThreadPool pool(2);
    model::ModelConfig config = model->config();
    config.kvCache.type = model::KvCacheScheme::Type::F32; // as in transformers
    const runtime::Decoder decoder(std::move(model), storage, pool);
    runtime::KvCache cache(config, static_cast<int64_t>(ids.size()));
    return decoder.forward(ids, cache, runtime::LogitsFor::AllTokens);
  }

  /// Returns the largest absolute difference between our and their logits, over all positions.
  static double largestDifference(const tensor::Matrix& ours, const base::Json& theirs) {
    double largest = 0;
    for (int64_t t = 0; t < ours.rows(); ++t) {
      const auto row = theirs.at(static_cast<size_t>(t)).get<std::vector<float>>();
      if (static_cast<int64_t>(row.size()) != ours.cols())
        return std::numeric_limits<double>::infinity();
      for (int64_t v = 0; v < ours.cols(); ++v)
        largest = std::max(largest, static_cast<double>(std::fabs(ours(t, v) - row[static_cast<size_t>(v)])));
    }
    return largest;
  }

private slots:
  void initTestCase() {
    const auto probe =
        fs::exists(test::peerPython())
            ? test::runPeer(test::peerPython(),
                            {QStringLiteral("-c"), QStringLiteral("import transformers, compressed_tensors")})
            : test::ProcessResult();
    if (probe.exitCode != 0)
      QSKIP(test::kPeersAbsent);
  }

  /// Tests tiny random models of every family on a 4-bit grid.
  void familiesAgree_data() {
    QTest::addColumn<QString>("family");
    for (const char* family :
         {"llama3", "llama_yarn", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "gemma3_pictures",
          "phi3", "phi2", "gpt_neox", "gpt_neox_sequential"})
      QTest::newRow(family) << family;
  }
  void familiesAgree() {
    QFETCH(QString, family);
    test::writeGoldenModel(family.toStdString(), at("golden"));
    const fs::path artifact = at("artifact-" + family.toStdString());
    const int groupSize = family == QStringLiteral("phi2") ? 8 : 16; // divides rows of 40
    quantize(at("golden"),
             {{"bits", 4}, {"granularity", "group"}, {"groupSize", groupSize}, {"symmetric", true}},
             base::Json::array(), {{"use", "none"}}, artifact);
    const auto opened = model::openModel(artifact);
    std::vector<tokenizer::TokenId> ids;
    for (int i = 0; i < 40; ++i)
      ids.push_back(i * 13 % 61 + 3);
    base::writeFileAtomically(at("request.json"),
                              base::Json{{"ids", ids}, {"texts", base::Json::array()}}.dump());
    const auto peer =
        test::runPeer(test::peerPython(),
                      {test::text(test::projectFile("tests/peer/artifact_logits.py")), test::text(artifact),
                       test::text(at("request.json")), test::text(at("answer.json"))});
    QVERIFY2(peer.exitCode == 0, qPrintable(peer.output.right(3000)));
    const base::Json answer = base::readJsonFile(at("answer.json"));
    const double difference =
        largestDifference(logitsOf(opened, runtime::WeightStorage::Float32, ids), answer.at("logits"));
    const double cost = largestDifference(
        logitsOf(model::openModel(at("golden")), runtime::WeightStorage::Float32, ids), answer.at("logits"));
    qInfo() << "largest difference of logits" << difference << "of an unquantized model" << cost;
    QVERIFY(difference < 1e-3 && cost > 1e-2);
  }

  void logitsAgree_data() {
    QTest::addColumn<QString>("model");
    QTest::addColumn<QString>("grid");
    QTest::addColumn<QString>("overrides");
    QTest::addColumn<QString>("activations");
    const auto row = [](const char* name, const char* model, const char* grid, const char* overrides = "[]",
                        const char* activations = R"({"use": "none"})") {
      QTest::newRow(name) << QString::fromLatin1(model) << QString::fromLatin1(grid)
                          << QString::fromLatin1(overrides) << QString::fromLatin1(activations);
    };
    row("stories260K 4-bit per channel", "stories260K",
        R"({"bits": 4, "granularity": "channel", "symmetric": true})");
    row("stories260K 3-bit asymmetric", "stories260K",
        R"({"bits": 3, "granularity": "channel", "symmetric": false})");
    row("demo 4-bit groups", "demo",
        R"({"bits": 4, "granularity": "group", "groupSize": 128, "symmetric": true})");
    row("demo 5-bit asymmetric with overrides", "demo",
        R"({"bits": 5, "granularity": "group", "groupSize": 64, "symmetric": false})",
        R"([{"match": "layers.0.mlp.*", "grid": {"bits": 8}}, {"match": "layers.2.*", "grid": {"bits": 2}}])");
    row("demo NF4", "demo", R"({"use": "nf4"})");
    row("demo FP4, double quantization, kept layers", "demo",
        R"({"use": "fp4", "groupSize": 32, "doubleQuant": true})",
        R"([{"match": "layers.1.*", "grid": {"groupSize": 64, "doubleQuant": false}}])");
    row("demo learned code books", "demo", R"({"use": "learned", "bits": 3})");
    row("SmolLM2 from GGUF, 4-bit tail groups", "SmolLM2",
        R"({"bits": 4, "granularity": "group", "groupSize": 128, "symmetric": true})");
    const char* bytes = R"({"bits": 8, "granularity": "channel", "symmetric": true})";
    row("demo W8A8 per token", "demo", bytes, "[]", R"({"use": "int8"})");
    row("demo W8A8 per token asymmetric", "demo", bytes, "[]", R"({"use": "int8", "symmetric": false})");
    row("demo W8A8 per tensor", "demo", bytes, "[]", R"({"use": "int8", "granularity": "tensor"})");
    row("demo W8A8 static", "demo", bytes, "[]", R"({"use": "int8", "mode": "static"})");
    row("demo W8A8 static asymmetric", "demo", bytes, "[]",
        R"({"use": "int8", "mode": "static", "symmetric": false})");
    row("demo W4A8 groups with overrides", "demo", R"({"bits": 4, "granularity": "group", "groupSize": 64})",
        R"([{"match": "layers.0.mlp.*", "grid": {"bits": 8}}])", R"({"use": "int8"})");
    // The threshold is too low for any rounding of activations: this row compares the weights. The outlier
    // split has its own golden values.
    row("demo LLM.int8", "demo", bytes, "[]", R"({"use": "llm.int8", "threshold": 0.01})");
  }
  void logitsAgree() {
    QFETCH(QString, model);
    QFETCH(QString, grid);
    QFETCH(QString, overrides);
    QFETCH(QString, activations);
    const fs::path source = model == QStringLiteral("stories260K") ? test::sharedData("stories260K/hf")
                            : model == QStringLiteral("demo")      ? test::projectFile("resources/demo/model")
                                                                   : test::smolLm2();
    if (source.empty() || !fs::exists(source))
      QSKIP("the model is not here");
    if (grid.contains(QStringLiteral("nf4")) || grid.contains(QStringLiteral("fp4")) ||
        activations.contains(QStringLiteral("llm.int8")))
      if (test::runPeer(test::peerPython(),
                        {QStringLiteral("-c"), QStringLiteral("import bitsandbytes, accelerate")})
              .exitCode != 0)
        QSKIP("bitsandbytes is not here: packaging/peers.sh python brings it");
    const fs::path artifact = at("artifact-" + std::string(QTest::currentDataTag()));
    quantize(source, base::Json::parse(grid.toStdString()), base::Json::parse(overrides.toStdString()),
             base::Json::parse(activations.toStdString()), artifact);

    const auto opened = model::openModel(artifact);
    const auto tokenizer = tokenizer::loadTokenizer(opened->checkpoint());
    const std::vector<tokenizer::TokenId> ids = tokenizer->encode(texts()[1], true);
    base::writeFileAtomically(at("request.json"), base::Json{{"ids", ids}, {"texts", texts()}}.dump());
    const auto peer =
        test::runPeer(test::peerPython(),
                      {test::text(test::projectFile("tests/peer/artifact_logits.py")), test::text(artifact),
                       test::text(at("request.json")), test::text(at("answer.json"))});
    QVERIFY2(peer.exitCode == 0, qPrintable(peer.output.right(3000)));
    const base::Json answer = base::readJsonFile(at("answer.json"));
    for (size_t i = 0; i < texts().size(); ++i) {
      QCOMPARE(tokenizer->encode(texts()[i], false),
               answer.at("texts").at(i).get<std::vector<tokenizer::TokenId>>());
      QCOMPARE(tokenizer->encode(texts()[i], true),
               answer.at("special").at(i).get<std::vector<tokenizer::TokenId>>());
    }

    const tensor::Matrix logits = logitsOf(opened, runtime::WeightStorage::Float32, ids);
    const double difference = largestDifference(logits, answer.at("logits"));
    qInfo() << "largest difference of logits" << difference << "among values up to"
            << logits.cwiseAbs().maxCoeff();
    if (activations.contains(QStringLiteral("none")) || activations.contains(QStringLiteral("static")) ||
        activations.contains(QStringLiteral("llm.int8"))) {
      QVERIFY(difference < 1e-3);
    } else {
      // The last bits of a dynamic scale decide how the token's largest value is rounded, which lies half-way
      // between two codes. A different order of summation, as in our integer products, changes it by a whole
      // code. The tolerance is therefore a fraction of the error that quantization causes.
      const double distance = rootMeanSquare(logits, answer.at("logits"));
      const double cost = rootMeanSquare(
          logitsOf(model::openModel(source), runtime::WeightStorage::Float32, ids), answer.at("logits"));
      const double ours =
          rootMeanSquare(logitsOf(opened, runtime::WeightStorage::AsStored, ids), answer.at("logits"));
      qInfo() << "root mean square: f32" << distance << "integers" << ours << "of an unquantized model"
              << cost;
      QVERIFY(distance < 0.6 * cost && ours < 0.6 * cost);
    }
    // Negative control: a different text has different logits.
    std::vector<tokenizer::TokenId> other = ids;
    other[1] = other[1] == 100 ? 101 : 100;
    QVERIFY(largestDifference(logitsOf(opened, runtime::WeightStorage::Float32, other), answer.at("logits")) >
            1e-2);
  }
};

NIB_TEST(TransformersTest)
#include "transformers_test.moc"
