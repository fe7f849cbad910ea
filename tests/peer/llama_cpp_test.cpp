// SPDX-License-Identifier: Apache-2.0
#include "export/gguf.hpp"

#include "golden_models.hpp"
#include "nib_test.hpp"
#include "peers.hpp"
#include "tiny_model.hpp"

#include <QRegularExpression>
#include <QtTest>

#include <algorithm>
#include <cmath>

using namespace nibblesmith;
namespace fs = std::filesystem;

namespace {

struct Perplexity {
  double value = 0;
  double standardError = 0;
};

} // namespace

/// Compatibility with llama.cpp: an unmodified build opens our GGUF files and computes the same perplexity.
class LlamaCppTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_directory;
  fs::path at(const std::string& name) const { return fs::path(m_directory.path().toStdString()) / name; }

  fs::path modelPath(const QString& name) const {
    if (name == QStringLiteral("stories260K"))
      return test::sharedData("stories260K/hf");
    if (name == QStringLiteral("demo"))
      return test::projectFile("resources/demo/model");
    return test::smolLm2();
  }

  /// Returns a slice of text with a few chunks of `context` for the model.
  fs::path textFor(const QString& name) const {
    const fs::path slice = at("text-" + name.toStdString() + ".txt");
    if (name == QStringLiteral("demo"))
      test::writeSlice(test::projectFile("resources/demo/heldout.txt"), slice, 40'000);
    else
      test::writeSlice(test::sharedData("text/wikitext-2-raw/wiki.test.raw"), slice, 16'000);
    return slice;
  }

  void exportModel(const fs::path& from, const QString& type, const fs::path& out) {
    const auto result =
        test::runNsmith(m_directory, {QStringLiteral("export"), test::text(from), QStringLiteral("--type"),
                                      type, QStringLiteral("--out"), test::text(out)});
    QVERIFY2(result.exitCode == 0, result.errors.constData());
  }

  Perplexity theirs(const fs::path& file, const fs::path& text, int context) {
    // Uses one thread: llama.cpp's threads spin, which is slow on a busy machine. Its last log lines may be
    // lost at exit, because a separate thread writes them; the run is then repeated once.
    const QStringList arguments{QStringLiteral("-m"), test::text(file),     QStringLiteral("-f"),
                                test::text(text),     QStringLiteral("-c"), QString::number(context),
                                QStringLiteral("-t"), QStringLiteral("1")};
    static const QRegularExpression kFinal(QStringLiteral("Final estimate: PPL = ([0-9.]+) \\+/- ([0-9.]+)"));
    QString output;
    for (int attempt = 0; attempt < 4; ++attempt) {
      output = test::runPeer(test::llamaCppTool("llama-perplexity"), arguments).output;
      if (const auto match = kFinal.match(output); match.hasMatch())
        return {match.captured(1).toDouble(), match.captured(2).toDouble()};
    }
    qWarning().noquote() << output.right(2000);
    return {};
  }

  Perplexity ours(const fs::path& file, const fs::path& text, int context) {
    const auto result = test::runNsmith(
        m_directory, {QStringLiteral("eval"), test::text(file), QStringLiteral("--text"), test::text(text),
                      QStringLiteral("--context"), QString::number(context), QStringLiteral("--json")});
    if (result.exitCode != 0) {
      qWarning() << result.errors;
      return {};
    }
    const base::Json perplexity = result.json().at("perplexity");
    return {perplexity.at("value"), perplexity.at("standardError")};
  }

  void modelRows() {
    QTest::addColumn<QString>("model");
    QTest::addColumn<QString>("type");
    QTest::addColumn<int>("context");
    for (const char* type : {"F16", "Q8_0", "Q4_0", "Q4_1"}) {
      QTest::addRow("stories260K %s", type)
          << QStringLiteral("stories260K") << QString::fromLatin1(type) << 256;
      QTest::addRow("demo %s", type) << QStringLiteral("demo") << QString::fromLatin1(type) << 512;
      QTest::addRow("SmolLM2 %s", type) << QStringLiteral("SmolLM2") << QString::fromLatin1(type) << 512;
    }
  }

private slots:
  void initTestCase() {
    for (const char* tool : {"llama-perplexity", "llama-quantize", "llama-tokenize"})
      if (!fs::exists(test::llamaCppTool(tool)))
        QSKIP(test::kPeersAbsent);
  }

  void perplexityAgrees_data() { modelRows(); }
  void perplexityAgrees() {
    QFETCH(QString, model);
    QFETCH(QString, type);
    QFETCH(int, context);
    const fs::path from = modelPath(model);
    if (from.empty() || !fs::exists(from))
      QSKIP("the model is not here");
    NIB_REQUIRE_DATA(test::sharedData("text/wikitext-2-raw/wiki.test.raw"));
    const fs::path text = textFor(model), file = at("model.gguf");
    exportModel(from, type, file);
    const Perplexity reference = theirs(file, text, context), found = ours(file, text, context);
    qInfo().noquote() << model << type << "llama.cpp" << reference.value << "+/-" << reference.standardError
                      << "ours" << found.value << "+/-" << found.standardError;
    QVERIFY(reference.standardError > 0);
    QVERIFY(std::fabs(found.value - reference.value) <= reference.standardError);
    // llama.cpp rounds activations to 8 bits for block types; with f16 weights, the same tokens give the same
    // perplexity.
    if (type == QStringLiteral("F16"))
      QVERIFY(std::fabs(found.value / reference.value - 1) < 1e-3);
    // The standard errors are computed in the same way, from the same number of predictions.
    QVERIFY(std::fabs(found.standardError / reference.standardError - 1) < 0.05);
  }

  /// Tests tiny random models of every family, exported as F16: the perplexity is the same, and differs with
  /// another theta (GPT-NeoX: larger rotated part; GPT-2: another number of heads). Sliding windows that
  /// llama.cpp's architecture does not support are switched off; attention scales are those of the published
  /// models.
  void familiesAgree_data() {
    QTest::addColumn<QString>("family");
    for (const char* family : {"llama3", "llama_linear", "llama_yarn", "llama_dynamic", "qwen2", "qwen3",
                               "gemma", "gemma2", "gemma3", "gemma3_pictures", "phi3", "phi3_longrope",
                               "phi2", "gpt_neox", "gpt_neox_sequential", "gpt2", "qwen1"})
      QTest::newRow(family) << family;
  }
  void familiesAgree() {
    QFETCH(QString, family);
    const auto changeMore = [&](base::Json& whole) {
      test::asLlamaCppComputes(whole);
      base::Json& config = whole.contains("text_config") ? whole["text_config"] : whole;
      if (config.at("model_type") == "gpt2") {
        config["n_head"] = 2;
        return;
      }
      if (config.at("model_type") == "qwen") {
        config["rotary_emb_base"] = 1000.0;
        return;
      }
      base::Json& parameters = config["rope_parameters"];
      if (config.at("model_type") == "gpt_neox")
        parameters["partial_rotary_factor"] = 1.0;
      (parameters.contains("full_attention") ? parameters["sliding_attention"] : parameters)["rope_theta"] =
          1000.0;
    };
    base::writeFileAtomically(at("characters.txt"), test::goldenText(1200));
    test::writeGoldenModel(family.toStdString(), at("golden"), test::asLlamaCppComputes);
    test::writeGoldenModel(family.toStdString(), at("changed"), changeMore);
    exportModel(at("golden"), QStringLiteral("F16"), at("golden.gguf"));
    const Perplexity reference = theirs(at("golden.gguf"), at("characters.txt"), 64);
    const Perplexity found = ours(at("golden"), at("characters.txt"), 64),
                     again = ours(at("golden.gguf"), at("characters.txt"), 64);
    const Perplexity other = ours(at("changed"), at("characters.txt"), 64);
    qInfo().noquote() << family << "llama.cpp" << reference.value << "ours" << found.value << again.value
                      << "with another theta" << other.value;
    QVERIFY(reference.standardError > 0);
    QVERIFY(std::fabs(found.value / reference.value - 1) < 1e-3);
    QVERIFY(std::fabs(again.value / reference.value - 1) < 1e-3);
    QVERIFY(std::fabs(other.value / reference.value - 1) > 2e-3);
  }

  /// Tests a context that exceeds the original one, which selects longrope's long factors; the short factors
  /// give another perplexity.
  void longropeAgreesInLongTexts() {
    const auto of = [&](const char* name, int64_t original) {
      test::writeGoldenModel("phi3_longrope", at(name), [&](base::Json& config) {
        config["sliding_window"] = nullptr;
        config["max_position_embeddings"] = 1024;
        config["original_max_position_embeddings"] = original;
        config["rope_parameters"]["original_max_position_embeddings"] = original;
        config["rope_parameters"]["attention_factor"] = 1.2; // independent of the original context length
      });
    };
    base::writeFileAtomically(at("characters.txt"), test::goldenText(1200));
    of("golden", 64);
    of("short", 256);
    exportModel(at("golden"), QStringLiteral("F16"), at("golden.gguf"));
    const Perplexity reference = theirs(at("golden.gguf"), at("characters.txt"), 256);
    const Perplexity found = ours(at("golden"), at("characters.txt"), 256),
                     again = ours(at("golden.gguf"), at("characters.txt"), 256);
    const Perplexity other = ours(at("short"), at("characters.txt"), 256);
    qInfo().noquote() << "llama.cpp" << reference.value << "ours" << found.value << again.value
                      << "with the short factors" << other.value;
    QVERIFY(reference.standardError > 0);
    QVERIFY(std::fabs(found.value / reference.value - 1) < 1e-3);
    QVERIFY(std::fabs(again.value / reference.value - 1) < 1e-3);
    QVERIFY(std::fabs(other.value / reference.value - 1) > 2e-3);
  }

  /// Returns llama.cpp's token ids of a text, without special tokens.
  std::optional<std::vector<tokenizer::TokenId>> theirIds(const fs::path& file, const std::string& text) {
    base::writeFileAtomically(at("text.txt"), text);
    const auto result = test::runPeer(
        test::llamaCppTool("llama-tokenize"),
        {QStringLiteral("-m"), test::text(file), QStringLiteral("-f"), test::text(at("text.txt")),
         QStringLiteral("--ids"), QStringLiteral("--no-bos"), QStringLiteral("--no-escape"),
         QStringLiteral("--no-parse-special"), QStringLiteral("--log-disable")});
    static const QRegularExpression kIds(QStringLiteral("\\[[0-9, ]*\\]"));
    const auto match = kIds.match(result.output);
    if (result.exitCode != 0 || !match.hasMatch())
      return std::nullopt;
    return base::Json::parse(match.captured().toStdString()).get<std::vector<tokenizer::TokenId>>();
  }

  /// Tests the ids of unigram vocabularies, which are those of sentencepiece. Excludes byte fallback, which
  /// llama.cpp lacks here, and texts that consist of spaces only, to which it adds no space.
  void unigramIdsAgree_data() {
    QTest::addColumn<QString>("golden");
    QTest::addColumn<int>("atLeast"); // number of texts
    QTest::newRow("plain") << "sentencepiece_unigram" << 12;
    QTest::newRow("replacements, blanks removed") << "sentencepiece_unigram_rules" << 24;
  }
  void unigramIdsAgree() {
    QFETCH(QString, golden);
    QFETCH(int, atLeast);
    const fs::path tokenizers = test::projectFile("tests/golden/tokenizer") / golden.toStdString();
    test::TinyShape shape;
    shape.vocabulary = 450;
    test::writeTinyModel(at("unigram"), shape);
    fs::copy_file(tokenizers / "tokenizer.model", at("unigram") / "tokenizer.model",
                  fs::copy_options::overwrite_existing);
    exportModel(at("unigram"), QStringLiteral("F16"), at("unigram.gguf"));
    const auto vocabulary =
        tokenizer::loadTokenizer(*checkpoint::openCheckpoint(at("unigram.gguf")))->vocabulary();
    const auto isByte = [&](tokenizer::TokenId id) {
      return vocabulary.types[static_cast<size_t>(id)] == tokenizer::TokenType::Byte;
    };
    int compared = 0;
    const base::Json rows = base::readJsonFile(tokenizers / "ids.json").at("rows");
    for (const base::Json& row : rows) {
      const auto text = row.at("text").get<std::string>();
      const auto expected = row.at("ids").get<std::vector<tokenizer::TokenId>>();
      if (std::ranges::any_of(expected, isByte) || text.find_first_not_of(' ') == std::string::npos)
        continue;
      const auto found = theirIds(at("unigram.gguf"), text);
      QVERIFY2(found == std::optional(expected),
               (base::Json(text).dump() + ": " + base::Json(found.value_or(expected)).dump()).c_str());
      ++compared;
    }
    QVERIFY2(compared >= atLeast, std::to_string(compared).c_str());
  }

  /// Negative control: a file that differs from the evaluated one gives another perplexity.
  void damagedFileDisagrees() {
    const fs::path from = modelPath(QStringLiteral("stories260K"));
    NIB_REQUIRE_DATA(from);
    const fs::path text = textFor(QStringLiteral("stories260K")), file = at("model.gguf"),
                   damaged = at("damaged.gguf");
    exportModel(from, QStringLiteral("F16"), file);
    std::string bytes = base::readTextFile(file);
    // Swaps two ranges in the middle of the weights.
    const size_t size = 16384, middle = bytes.size() / 2;
    std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(middle),
                     bytes.begin() + static_cast<std::ptrdiff_t>(middle + size),
                     bytes.begin() + static_cast<std::ptrdiff_t>(middle + 3 * size));
    base::writeFileAtomically(damaged, bytes);
    const Perplexity reference = theirs(damaged, text, 256), found = ours(file, text, 256);
    QVERIFY(reference.standardError > 0);
    QVERIFY(std::fabs(found.value - reference.value) > 2 * reference.standardError);
  }

  void blocksEqualLlamaQuantize_data() {
    QTest::addColumn<QString>("type");
    QTest::newRow("Q8_0") << QStringLiteral("Q8_0");
    QTest::newRow("Q4_0") << QStringLiteral("Q4_0");
    QTest::newRow("Q4_1") << QStringLiteral("Q4_1");
  }
  void blocksEqualLlamaQuantize() {
    QFETCH(QString, type);
    const fs::path source = test::projectFile("resources/demo/model/config.json").parent_path();
    if (!fs::exists(source / "model.safetensors"))
      QSKIP("the demo model is not here");
    const fs::path f16 = at("f16.gguf"), quantized = at("ours.gguf"), reference = at("theirs.gguf");
    exportModel(source, QStringLiteral("F16"), f16);
    exportModel(source, type, quantized);
    const auto result = test::runPeer(test::llamaCppTool("llama-quantize"),
                                      {QStringLiteral("--pure"), QStringLiteral("--token-embedding-type"),
                                       QStringLiteral("q8_0"), test::text(f16), test::text(reference), type});
    QVERIFY2(result.exitCode == 0, qPrintable(result.output.right(2000)));
    const auto expected = checkpoint::openCheckpoint(reference),
               found = checkpoint::openCheckpoint(quantized);
    QCOMPARE(found->tensors.size(), expected->tensors.size());
    for (const auto& [name, tensor] : expected->tensors) {
      QCOMPARE(found->tensor(name).describe(), tensor.describe());
      QVERIFY2(std::ranges::equal(found->tensor(name).bytes, tensor.bytes), name.c_str());
    }
  }

  /// Tests types that are read but not written: our perplexity of a file by llama-quantize equals
  /// llama.cpp's.
  void readsItsTypes_data() {
    QTest::addColumn<QString>("model");
    QTest::addColumn<QString>("type");
    for (const char* type : {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M",
                             "Q6_K", "IQ4_NL", "IQ4_XS"})
      for (const char* model : {"demo", "SmolLM2"})
        QTest::addRow("%s %s", model, type) << QString::fromLatin1(model) << QString::fromLatin1(type);
  }
  void readsItsTypes() {
    QFETCH(QString, model);
    QFETCH(QString, type);
    const fs::path source = modelPath(model);
    if (source.empty() || !fs::exists(source))
      QSKIP("the model is not here");
    NIB_REQUIRE_DATA(test::sharedData("text/wikitext-2-raw/wiki.test.raw"));
    const fs::path f16 = at("f16.gguf"), file = at("theirs.gguf"), text = textFor(model);
    exportModel(source, QStringLiteral("F16"), f16);
    const auto result =
        test::runPeer(test::llamaCppTool("llama-quantize"), {test::text(f16), test::text(file), type});
    QVERIFY2(result.exitCode == 0, qPrintable(result.output.right(2000)));
    const auto blocks = static_cast<int>(
        std::ranges::count_if(checkpoint::openCheckpoint(file)->tensors, [](const auto& tensor) {
          return tensor::isBlockQuantized(tensor.second.dtype);
        }));
    QVERIFY(blocks > 10);
    const Perplexity reference = theirs(file, text, 512), found = ours(file, text, 512);
    qInfo().noquote() << model << type << "llama.cpp" << reference.value << "+/-" << reference.standardError
                      << "ours" << found.value;
    QVERIFY(reference.standardError > 0);
    QVERIFY(std::fabs(found.value - reference.value) <= reference.standardError);
  }

  /// Tests that a symmetric 4-bit artifact is exported to Q4_0 without loss: llama.cpp computes the
  /// perplexity of the artifact.
  void artifactBecomesQ4_0WithoutLoss() {
    const fs::path source = test::projectFile("resources/demo/model");
    if (!fs::exists(source / "model.safetensors"))
      QSKIP("the demo model is not here");
    base::writeFileAtomically(at("recipe.json"), R"({"schema": 1, "name": "peer", "rounding": {"use": "rtn"},
        "grid": {"use": "affine", "bits": 4, "granularity": "group", "groupSize": 128, "symmetric": true}})");
    const auto made = test::runNsmith(m_directory, {QStringLiteral("quantize"), test::text(source),
                                                    QStringLiteral("--recipe"), test::text(at("recipe.json")),
                                                    QStringLiteral("--out"), test::text(at("artifact"))});
    QVERIFY2(made.exitCode == 0, made.errors.constData());
    QVERIFY(exporting::losslessGgufType(*model::openModel(at("artifact"))) ==
            std::optional(exporting::GgufType::Q4_0));
    exportModel(at("artifact"), QStringLiteral("Q4_0"), at("artifact.gguf"));
    const auto artifact = model::openModel(at("artifact")), file = model::openModel(at("artifact.gguf"));
    for (int64_t index = 0; index < artifact->config().numLayers; ++index)
      for (size_t role = 0; role < artifact->block(index).linears.size(); ++role)
        QVERIFY(model::toMatrix(artifact->block(index).linears[role].weight) ==
                model::toMatrix(file->block(index).linears[role].weight));
    const fs::path text = textFor(QStringLiteral("demo"));
    const Perplexity reference = theirs(at("artifact.gguf"), text, 512),
                     found = ours(at("artifact"), text, 512);
    qInfo() << "llama.cpp on Q4_0" << reference.value << "+/-" << reference.standardError << "artifact"
            << found.value;
    QVERIFY(reference.standardError > 0);
    QVERIFY(std::fabs(found.value - reference.value) <= reference.standardError);
  }
};

NIB_TEST(LlamaCppTest)
#include "llama_cpp_test.moc"
