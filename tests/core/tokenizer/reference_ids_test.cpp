// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/checkpoint.hpp"
#include "test_data.hpp"
#include "tokenizer/tokenizer.hpp"

#include "base/file.hpp"
#include "nib_test.hpp"

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
using base::Json;
using tokenizer::TokenId;

namespace {

using Ids = std::vector<TokenId>;

std::shared_ptr<const tokenizer::Tokenizer> loadDirectory(const std::filesystem::path& directory) {
  checkpoint::Checkpoint files;
  files.path = directory;
  files.config = Json::object();
  return tokenizer::loadTokenizer(files);
}

QString show(const std::string& text, const Ids& actual, const Ids& expected) {
  return QString::fromStdString(Json(text).dump() + ": " + Json(actual).dump() + " instead of " +
                                Json(expected).dump());
}

std::string readText(const std::filesystem::path& path) { return base::readTextFile(path); }

// Copies a published file into a directory, for tests that need other files next to it.
void copyInto(const QTemporaryDir& directory, const std::filesystem::path& file, const std::string& name) {
  std::filesystem::copy_file(file, std::filesystem::path(directory.path().toStdString()) / name);
}

void writeInto(const QTemporaryDir& directory, const std::string& name, const std::string& text) {
  base::writeFileAtomically(std::filesystem::path(directory.path().toStdString()) / name, text);
}

/// Splits llama.cpp's test vectors: texts in .inp, one line of ids for each in .out.
std::vector<std::pair<std::string, Ids>> readVectors(const std::filesystem::path& gguf) {
  const std::string separator = "\n__ggml_vocab_test__\n";
  const std::string texts = readText(gguf.string() + ".inp");
  std::istringstream lines(readText(gguf.string() + ".out"));
  std::vector<std::pair<std::string, Ids>> vectors;
  for (size_t at = 0; at <= texts.size();) {
    const size_t end = std::min(texts.find(separator, at), texts.size());
    std::string line;
    if (!std::getline(lines, line))
      break;
    std::istringstream numbers(line);
    Ids ids;
    for (TokenId id = 0; numbers >> id;)
      ids.push_back(id);
    vectors.emplace_back(texts.substr(at, end - at), ids);
    at = end + separator.size();
  }
  return vectors;
}

} // namespace

/// Compares ids with the reference implementations on real vocabularies.
class ReferenceIdsTest : public QObject {
  Q_OBJECT

private:
  void compareAll(const tokenizer::Tokenizer& tokenizer, const std::string& key, bool roundTrip) {
    const Json reference =
        base::readJsonFile(test::sharedData("tokenizers/reference_ids/reference_ids.json"));
    const auto texts = reference.at("texts").get<std::vector<std::string>>();
    const auto ids = reference.at("ids").at(key).get<std::vector<Ids>>();
    QCOMPARE(ids.size(), texts.size());
    QVERIFY(texts.size() > 100);
    for (size_t i = 0; i < texts.size(); ++i) {
      const Ids actual = tokenizer.encode(texts[i], false);
      QVERIFY2(actual == ids[i], qPrintable(show(texts[i], actual, ids[i])));
      if (roundTrip)
        QCOMPARE(tokenizer.decode(actual), texts[i]);
    }
  }

private slots:
  void tokenizerFiles_data() {
    QTest::addColumn<QString>("source");
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("key");
    QTest::newRow("Llama 2, tokenizer.model") << "llama2/tokenizer.model"
                                              << "tokenizer.model"
                                              << "llama2";
    QTest::newRow("Llama 2, tokenizer.json") << "llama2/tokenizer.json"
                                             << "tokenizer.json"
                                             << "llama2";
    QTest::newRow("Mistral") << "mistral-v1/tokenizer.model.v1"
                             << "tokenizer.model"
                             << "mistral_v1";
    QTest::newRow("Phi-2") << "phi-2/tokenizer.json"
                           << "tokenizer.json"
                           << "phi-2_codegen";
    QTest::newRow("Phi-3") << "phi-3/tokenizer.json"
                           << "tokenizer.json"
                           << "phi-3";
    QTest::newRow("Qwen 3") << "qwen3/tokenizer.json"
                            << "tokenizer.json"
                            << "qwen2";
  }
  void tokenizerFiles() {
    QFETCH(QString, source);
    QFETCH(QString, name);
    QFETCH(QString, key);
    const auto file = test::sharedData("tokenizers/" + source.toStdString());
    NIB_REQUIRE_DATA(file);
    QTemporaryDir directory;
    copyInto(directory, file, name.toStdString());
    compareAll(*loadDirectory(directory.path().toStdString()), key.toStdString(), true);
  }

  void vocabAndMerges_data() {
    QTest::addColumn<QString>("source");
    QTest::addColumn<QString>("config");
    QTest::addColumn<QString>("key");
    QTest::newRow("GPT-2") << "gpt2"
                           << ""
                           << "gpt2";
    QTest::newRow("Qwen 2") << "qwen2"
                            << R"({"tokenizer_class": "Qwen2Tokenizer"})"
                            << "qwen2";
  }
  void vocabAndMerges() {
    QFETCH(QString, source);
    QFETCH(QString, config);
    QFETCH(QString, key);
    const auto folder = test::sharedData("tokenizers/" + source.toStdString());
    NIB_REQUIRE_DATA(folder);
    QTemporaryDir directory;
    copyInto(directory, folder / "vocab.json", "vocab.json");
    copyInto(directory, folder / "merges.txt", "merges.txt");
    if (!config.isEmpty())
      writeInto(directory, "tokenizer_config.json", config.toStdString());
    compareAll(*loadDirectory(directory.path().toStdString()), key.toStdString(), true);
  }

  // SmolLM2 splits digits one by one: its tokenizer.json is assembled from the published parts.
  void smolLm2() {
    const auto folder = test::sharedData("tokenizers/smollm2");
    NIB_REQUIRE_DATA(folder);
    Json json = {{"model", {{"type", "BPE"}, {"vocab", base::readJsonFile(folder / "vocab.json")}}},
                 {"pre_tokenizer",
                  {{"type", "Sequence"},
                   {"pretokenizers",
                    {{{"type", "Digits"}, {"individual_digits", true}},
                     {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}}}}}};
    Json merges = Json::array();
    std::istringstream lines(readText(folder / "merges.txt"));
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with("#version"))
        merges.push_back(line);
    json["model"]["merges"] = merges;
    QTemporaryDir directory;
    writeInto(directory, "tokenizer.json", json.dump());
    const auto tokenizer = loadDirectory(directory.path().toStdString());
    QCOMPARE(tokenizer->vocabulary().pre, std::string("smollm"));
    compareAll(*tokenizer, "smollm2", true);
  }

  void ggufVectors_data() {
    QTest::addColumn<QString>("file");
    QTest::addColumn<QString>("key"); // key in reference_ids.json for the same vocabulary
    QTest::newRow("GPT-2") << "ggml-vocab-gpt-2.gguf"
                           << "gpt2";
    QTest::newRow("Llama 3") << "ggml-vocab-llama-bpe.gguf"
                             << "";
    QTest::newRow("Llama 2") << "ggml-vocab-llama-spm.gguf"
                             << "llama2";
    QTest::newRow("Phi-3") << "ggml-vocab-phi-3.gguf"
                           << "phi-3";
    QTest::newRow("Qwen 2") << "ggml-vocab-qwen2.gguf"
                            << "qwen2";
  }
  void ggufVectors() {
    QFETCH(QString, file);
    QFETCH(QString, key);
    const auto path = test::sharedData("tokenizers/ggml-vocab/" + file.toStdString());
    NIB_REQUIRE_DATA(path);
    const auto tokenizer = tokenizer::loadTokenizer(*checkpoint::openCheckpoint(path));
    const auto vectors = readVectors(path);
    QCOMPARE(vectors.size(), size_t{46});
    for (const auto& [text, ids] : vectors) {
      const Ids actual = tokenizer->encode(text, false);
      QVERIFY2(actual == ids, qPrintable(show(text, actual, ids)));
    }
    if (!key.isEmpty())
      compareAll(*tokenizer, key.toStdString(), true);
  }

  void stories260K_data() {
    QTest::addColumn<QString>("path");
    QTest::newRow("tokenizer.json") << "stories260K/hf";
    QTest::newRow("GGUF") << "stories260K/stories260K.f32.gguf";
  }
  void stories260K() {
    QFETCH(QString, path);
    NIB_REQUIRE_DATA(test::sharedData(path.toStdString()));
    const auto tokenizer =
        tokenizer::loadTokenizer(*checkpoint::openCheckpoint(test::sharedData(path.toStdString())));
    QCOMPARE(tokenizer->vocabularySize(), 512);
    const Json reference = base::readJsonFile(test::sharedData("stories260K/tok512_reference_ids.json"));
    QVERIFY(reference.size() >= 5);
    for (const Json& row : reference) {
      const auto text = row.at("text").get<std::string>();
      const auto expected = row.at("ids").get<Ids>();
      const Ids actual = tokenizer->encode(text, true);
      QVERIFY2(actual == expected, qPrintable(show(text, actual, expected)));
      QCOMPARE(tokenizer->decode(actual), text);
    }
  }

  // Negative control: shuffled merges give other ids.
  void shuffledMergesGiveOtherIds() {
    const auto folder = test::sharedData("tokenizers/gpt2");
    NIB_REQUIRE_DATA(folder);
    std::istringstream lines(readText(folder / "merges.txt"));
    std::vector<std::string> merges;
    for (std::string line; std::getline(lines, line);)
      merges.push_back(line);
    std::reverse(merges.begin() + 1, merges.end());
    std::string text;
    for (const std::string& line : merges)
      text += line + "\n";
    QTemporaryDir directory;
    copyInto(directory, folder / "vocab.json", "vocab.json");
    writeInto(directory, "merges.txt", text);
    const auto tokenizer = loadDirectory(directory.path().toStdString());
    const Json reference =
        base::readJsonFile(test::sharedData("tokenizers/reference_ids/reference_ids.json"));
    int different = 0;
    for (size_t i = 0; i < reference.at("texts").size(); ++i)
      different += tokenizer->encode(reference.at("texts")[i].get<std::string>(), false) !=
                   reference.at("ids").at("gpt2")[i].get<Ids>();
    QVERIFY(different > 20);
  }
};

NIB_TEST(ReferenceIdsTest)
#include "reference_ids_test.moc"
