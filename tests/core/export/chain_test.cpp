// SPDX-License-Identifier: Apache-2.0
#include "base/hash.hpp"
#include "export/artifact.hpp"
#include "export/gguf.hpp"
#include "family_quantization.hpp"
#include "family_tokenizers.hpp"
#include "golden_models.hpp"
#include "nib_test.hpp"
#include "relabelled_tokenizer.hpp"
#include "tiny_model.hpp"
#include "tokenizer/chat_template.hpp"

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
namespace fs = std::filesystem;
using Ids = std::vector<tokenizer::TokenId>;

namespace {

using WriteTokenizer = test::FamilyTokenizer (*)(const fs::path&);

struct Row {
  const char* name;
  const char* family; ///< in tests/golden/model
  WriteTokenizer writeTokenizer;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows = {
      {"Llama 2", "llama_linear", [](const fs::path& at) { return test::writeLlama2Tokenizer(at, false); }},
      {"Llama 3", "llama_dynamic", [](const fs::path& at) { return test::writeLlama3Tokenizer(at); }},
      {"Mistral", "mistral", [](const fs::path& at) { return test::writeLlama2Tokenizer(at, true); }},
      {"Qwen 1", "qwen1", [](const fs::path& at) { return test::writeQwen1Tokenizer(at); }},
      {"Qwen 2", "qwen2", [](const fs::path& at) { return test::writeQwenTokenizer(at, false); }},
      {"Qwen 3", "qwen3", [](const fs::path& at) { return test::writeQwenTokenizer(at, true); }},
      {"Gemma", "gemma", [](const fs::path& at) { return test::writeGemmaTokenizer(at); }},
      {"Gemma 2", "gemma2", [](const fs::path& at) { return test::writeGemmaTokenizer(at); }},
      {"Gemma 3", "gemma3", [](const fs::path& at) { return test::writeGemmaTokenizer(at); }},
      {"Phi-2", "phi2", [](const fs::path& at) { return test::writePhi2Tokenizer(at); }},
      {"Phi-3", "phi3", [](const fs::path& at) { return test::writePhi3Tokenizer(at, true); }},
      {"Phi-3, tokenizer.model", "phi3_longrope",
       [](const fs::path& at) { return test::writePhi3Tokenizer(at, false); }},
      {"GPT-2", "gpt2", [](const fs::path& at) { return test::writeGpt2Tokenizer(at); }},
      {"GPT-NeoX", "gpt_neox", [](const fs::path& at) { return test::writeNeoxTokenizer(at); }},
      {"GPT-NeoX, sequential", "gpt_neox_sequential",
       [](const fs::path& at) { return test::writeNeoxTokenizer(at); }},
      {"unigrams", "llama_yarn", [](const fs::path& at) { return test::writeUnigramModel(at); }},
      {"unigrams, tokenizer.json", "llama_linear",
       [](const fs::path& at) { return test::writeUnigramJson(at); }},
  };
  return kRows;
}

const Row& rowNamed(const QString& name) {
  return *std::ranges::find_if(rows(), [&](const Row& row) { return name == QLatin1String(row.name); });
}

/// Sets types like convert_hf_to_gguf.py: the unknown token is special in tokenizer_config.json and gets the
/// type of control tokens, so only its id identifies it.
void asConverted(tokenizer::Vocabulary& vocabulary) {
  for (tokenizer::TokenType& type : vocabulary.types)
    if (type == tokenizer::TokenType::Unknown)
      type = tokenizer::TokenType::Control;
}

/// Returns ordinary texts, and one with every special token of the vocabulary.
std::vector<std::string> textsFor(const tokenizer::Tokenizer& tokenizer) {
  std::vector<std::string> texts = {"The board measures 12 kg, 3,5 m and 512 megabytes.",
                                    "Größe und Länge; naïve café. It's we've",
                                    "🙂🙃 emoji 🚀🚀",
                                    "two  blanks   three\n\n  indented\tcode",
                                    "Скорость 数字 123 と",
                                    "<s>a<unk>b<|user|>c",
                                    "x"};
  const tokenizer::Vocabulary& vocabulary = tokenizer.vocabulary();
  std::string special;
  for (tokenizer::TokenId id = 0; id < tokenizer.vocabularySize(); ++id)
    if (const auto type = vocabulary.types[static_cast<size_t>(id)];
        type == tokenizer::TokenType::Control || type == tokenizer::TokenType::UserDefined)
      special += tokenizer.tokenBytes(id) + "\nThe board";
  texts.push_back(special);
  return texts;
}

/// Returns a description of the first text with different ids; empty: none.
std::string differenceOf(const tokenizer::Tokenizer& expected, const tokenizer::Tokenizer& found) {
  const auto show = [](const Ids& ids) { return base::Json(ids).dump(); };
  for (const std::string& text : textsFor(expected))
    for (const bool parseSpecial : {false, true}) {
      const Ids wanted = expected.encode(text, true, parseSpecial);
      const Ids got = found.encode(text, true, parseSpecial);
      if (wanted != got)
        return text + ": expected " + show(wanted) + ", found " + show(got);
      if (expected.decode(wanted) != found.decode(got))
        return text + ": expected '" + expected.decode(wanted) + "', found '" + found.decode(got) + "'";
    }
  return {};
}

} // namespace

/// Chain of conversions: source, artifact, GGUF file, reopened. At every step texts have the ids of the
/// source, and the model its logits.
class ChainTest : public QObject {
  Q_OBJECT

private:
  std::unique_ptr<QTemporaryDir> m_directory;
  test::FamilyMethods m_methods;
  base::NoProgress m_silent;

  fs::path at(const char* name) const { return fs::path(m_directory->path().toStdString()) / name; }

  /// Writes a Hugging Face directory. The embedding has a few more rows than tokens, like published ones.
  void writeSource(const Row& row) {
    fs::create_directories(at("source"));
    const test::FamilyTokenizer tokenizer = row.writeTokenizer(at("source"));
    const int64_t size = (tokenizer.size / 32 + 1) * 32;
    test::writeGoldenWeights(row.family, size, at("source"));
    base::Json config =
        base::readJsonFile(test::projectFile("tests/golden/model") / row.family / "config.json");
    test::asLlamaCppComputes(config);
    config["vocab_size"] = size;
    config["bos_token_id"] = tokenizer.bos < 0 ? base::Json() : base::Json(tokenizer.bos);
    config["eos_token_id"] = tokenizer.ends;
    config["pad_token_id"] = nullptr;
    base::writeFileAtomically(at("source") / "config.json", config.dump());
  }

  /// Writes the source as a GGUF file, with the token types of the reference converter.
  void writeGgufSource() {
    const auto model = model::openModel(at("source"));
    const test::Relabelled tokenizer(tokenizer::loadTokenizer(model->checkpoint()), asConverted);
    const auto audit = exporting::exportGguf(*model, tokenizer, exporting::GgufType::F16,
                                             test::replacing(at("source.gguf")), {}, m_silent);
    QVERIFY2(audit.passed, audit.detail.c_str());
  }

  quantization::QuantizedModel quantize(const std::shared_ptr<const model::Model>& model, bool onCodeBooks) {
    const auto calibration = test::testCalibration();
    test::Job job;
    job.model = model;
    job.recipe = test::gptqRecipe();
    job.recipe.rounding.use = "rtn";
    job.recipe.grid.parameters["bits"] = 8;
    if (onCodeBooks)
      job.recipe.grid = {"learned", {{"bits", 4}}};
    job.calibration = &calibration;
    job.methods = &m_methods;
    job.workDirectory = at("work");
    base::ThreadPool pool(2);
    auto quantized = quantization::quantizeModel(job, pool, {}, m_silent);
    return quantized;
  }

  /// Compares texts and logits of the reopened model with those before the step.
  void compare(const std::shared_ptr<const model::Model>& before, const tokenizer::Tokenizer& tokenizer,
               const std::shared_ptr<const model::Model>& after, double atLeast, double atMost) {
    const auto reopened = tokenizer::loadTokenizer(after->checkpoint());
    const std::string difference = differenceOf(tokenizer, *reopened);
    QVERIFY2(difference.empty(), difference.c_str());
    QCOMPARE(reopened->bos(), tokenizer.bos());
    QCOMPARE(reopened->eos(), tokenizer.eos());
    QVERIFY(tokenizer::readChatTemplate(after->checkpoint()) ==
            tokenizer::readChatTemplate(before->checkpoint()));
    std::set<int32_t> ends(before->config().eos.begin(), before->config().eos.end());
    QVERIFY(ends == std::set<int32_t>(after->config().eos.begin(), after->config().eos.end()));
    Ids ids = tokenizer.encode("Größe: 12 kg. The board has 4 bits and 512 megabytes 🙂", true);
    ids.resize(std::min<size_t>(ids.size(), 40));
    const double error = test::relativeDifference(test::logitsOf(after, ids), test::logitsOf(before, ids));
    QVERIFY2(error >= atLeast && error <= atMost, qPrintable(QString::number(error)));
  }

private slots:
  void init() {
    m_directory = std::make_unique<QTemporaryDir>();
    QVERIFY(m_directory->isValid());
  }

  void everyStepKeepsTextsAndLogits_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<bool>("fromGguf");
    for (const Row& row : rows())
      for (const bool fromGguf : {false, true})
        QTest::addRow("%s from %s", row.name, fromGguf ? "GGUF" : "Hugging Face")
            << QString::fromLatin1(row.name) << fromGguf;
  }
  void everyStepKeepsTextsAndLogits() {
    QFETCH(QString, name);
    QFETCH(bool, fromGguf);
    const Row& row = rowNamed(name);
    writeSource(row);
    if (fromGguf)
      writeGgufSource();
    if (QTest::currentTestFailed())
      return;
    const auto source = model::openModel(at(fromGguf ? "source.gguf" : "source"));
    const auto tokenizer = tokenizer::loadTokenizer(source->checkpoint());
    exporting::checkWritable(*source, at("artifact"), {});
    const std::string family = row.family;
    // Code book values are f16, which both formats represent exactly; 8-bit codes times f16 scales are
    // rounded to f16 (2^-11) in GGUF. There, Gemma's norms are stored as f32 values of 1 + weight, and its
    // bf16 embedding as f16, which has a smaller exponent range. ggml's GELU is the tanh approximation.
    const bool isGemma = std::string(row.family).starts_with("gemma");
    const bool isApproximated = source->config().activation == model::Activation::Gelu;
    for (const bool onCodeBooks : {true, false}) {
      fs::remove_all(at("work"));
      const auto quantized = quantize(source, onCodeBooks);
      const auto written = exporting::writeArtifact(quantized, at("artifact"), {}, m_silent);
      QVERIFY2(written.passed, written.detail.c_str());
      const auto artifact = model::openModel(at("artifact"));
      compare(source, *tokenizer, artifact, onCodeBooks ? 1e-3 : 1e-4, onCodeBooks ? 0.5 : 0.05);
      if (QTest::currentTestFailed())
        return;
      const auto again = tokenizer::loadTokenizer(artifact->checkpoint());
      const auto exported = exporting::exportGguf(*artifact, *again, exporting::GgufType::F16,
                                                  test::replacing(at("model.gguf")), {}, m_silent);
      QVERIFY2(exported.passed, exported.detail.c_str());
      const double atMost = isApproximated ? 2e-3 : !onCodeBooks ? 2e-3 : isGemma ? 2e-4 : 1e-6;
      compare(artifact, *tokenizer, model::openModel(at("model.gguf")), 0, atMost);
      if (QTest::currentTestFailed())
        return;
    }
  }

  /// Rejected before the work; if that check is skipped, before the artifact gets its name.
  void artifactsWithoutAWorkingTokenizerAreRefused() {
    writeSource(rowNamed(QStringLiteral("Phi-3")));
    base::Json json = base::readJsonFile(at("source") / "tokenizer.json");
    base::Json& vocab = json["model"]["vocab"];
    vocab["<no byte>"] = vocab["<0xFF>"];
    vocab.erase("<0xFF>");
    base::writeFileAtomically(at("source") / "tokenizer.json", json.dump());
    writeGgufSource();
    if (QTest::currentTestFailed())
      return;
    const auto file = model::openModel(at("source.gguf"));
    try {
      exporting::checkWritable(*file, at("artifact"), {});
      QFAIL("expected an error");
    } catch (const base::Error& error) {
      const QString text = QString::fromUtf8(error.what());
      QVERIFY2(error.code() == base::ErrorCode::NotSupported &&
                   text.contains(QStringLiteral("pieces for 256 bytes")),
               error.what());
    }
    const exporting::Audit audit =
        exporting::writeArtifact(quantize(file, false), at("artifact"), {}, m_silent);
    QVERIFY(!audit.passed);
    QVERIFY2(audit.detail.find("pieces for 256 bytes") != std::string::npos, audit.detail.c_str());
    std::vector<std::string> left;
    for (const auto& entry : fs::directory_iterator(m_directory->path().toStdString()))
      left.push_back(entry.path().filename().string());
    std::ranges::sort(left);
    QCOMPARE(left, (std::vector<std::string>{"source", "source.gguf", "work"}));
  }

  /// Tokenizer files with correct digests but different results.
  void auditReadsTexts_data() {
    QTest::addColumn<QString>("file");
    QTest::addColumn<QString>("change"); // a JSON merge patch
    QTest::addColumn<QString>("says");
    QTest::newRow("nothing") << "tokenizer_config.json"
                             << "{}"
                             << "";
    QTest::newRow("BOS") << "tokenizer_config.json"
                         << R"({"add_bos_token": false})"
                         << "BOS before a text: expected 1, found 0";
    QTest::newRow("special tokens") << "tokenizer_config.json"
                                    << R"({"added_tokens_decoder": {"6": {"rstrip": true}}})"
                                    << "words beside special tokens";
    QTest::newRow("chat template") << "tokenizer_config.json"
                                   << R"({"chat_template": "{{ messages }}"})"
                                   << "chat template";
    QTest::newRow("end of a turn") << "config.json"
                                   << R"({"eos_token_id": 1})"
                                   << "tokens that begin and end a text";
  }
  void auditReadsTexts() {
    QFETCH(QString, file);
    QFETCH(QString, change);
    QFETCH(QString, says);
    writeSource(rowNamed(QStringLiteral("Gemma")));
    writeGgufSource();
    const auto quantized = quantize(model::openModel(at("source.gguf")), false);
    QVERIFY(exporting::writeArtifact(quantized, at("artifact"), {}, m_silent).passed);
    const fs::path changed = at("artifact") / file.toStdString(), log = at("artifact") / "nibblesmith.json";
    base::Json json = base::readJsonFile(changed);
    json.merge_patch(base::Json::parse(change.toStdString()));
    base::writeFileAtomically(changed, json.dump());
    json = base::readJsonFile(log);
    json["files"][file.toStdString()] = base::sha256OfPath(changed);
    base::writeFileAtomically(log, json.dump());
    const exporting::Audit audit = exporting::auditArtifact(quantized, at("artifact"), {});
    QCOMPARE(audit.passed, says.isEmpty());
    QVERIFY2(audit.detail.find(says.toStdString()) != std::string::npos, audit.detail.c_str());
  }

  /// Files that only other programs support are copied, and the audit reports that they were not tested.
  void tokenizersOfOtherProgramsAreCopied() {
    const Row& row = rowNamed(QStringLiteral("Qwen 3"));
    for (const bool isThere : {true, false}) {
      writeSource(row);
      fs::remove(at("source") / "tokenizer.json");
      if (isThere)
        base::writeFileAtomically(at("source") / "tokenizer.json", R"({"model": {"type": "WordPiece"}})");
      const auto source = model::openModel(at("source"));
      exporting::checkWritable(*source, at("artifact"), {});
      fs::remove_all(at("work"));
      const exporting::Audit audit =
          exporting::writeArtifact(quantize(source, false), at("artifact"), {}, m_silent);
      QVERIFY2(audit.passed, audit.detail.c_str());
      QVERIFY2(audit.detail.find("tokenizer was not tried") != std::string::npos, audit.detail.c_str());
      QVERIFY2(audit.detail.find(isThere ? "WordPiece" : "no tokenizer in") != std::string::npos,
               audit.detail.c_str());
      QCOMPARE(fs::exists(at("artifact") / "tokenizer.json"), isThere);
    }
  }
};

NIB_TEST(ChainTest)
#include "chain_test.moc"
