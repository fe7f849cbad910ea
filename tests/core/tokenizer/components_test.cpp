// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"
#include "tokenizer/text_stream.hpp"
#include "tokenizer/tokenizer.hpp"
#include "write_bytes.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <random>

using namespace nibblesmith;
using base::Json;
using tokenizer::TokenId;
using Ids = std::vector<TokenId>;
namespace fs = std::filesystem;

namespace {

std::shared_ptr<const tokenizer::Tokenizer> load(const fs::path& directory) {
  checkpoint::Checkpoint files;
  files.path = directory;
  files.config = Json::object();
  return tokenizer::loadTokenizer(files);
}

const Json& golden() {
  static const Json kGolden = base::readJsonFile(test::projectFile("tests/golden/tokenizer/components.json"));
  return kGolden;
}

QByteArray show(const Json& text, const Json& actual, const Json& expected) {
  const auto dump = [](const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  return QByteArray::fromStdString(dump(text) + ": " + dump(actual) + " instead of " + dump(expected));
}

/// Returns random bytes: letters, spaces, partial and complete characters.
std::string randomBytes(std::mt19937& random) {
  constexpr std::string_view kParts[] = {
      " ",         "\n", "a", "The", "'ll", "12", "\xC3\xA9", "\xE2\x96\x81", "\xF0\x9F\x99\x82",
      "e\xCC\x81", "<",  "|>"};
  std::string text;
  for (size_t i = random() % 60; i > 0; --i) {
    if (random() % 3 == 0)
      text += static_cast<char>(static_cast<uint8_t>(random() & 0xFF));
    else
      text += kParts[random() % std::size(kParts)];
  }
  return text;
}

} // namespace

/// Compares components of tokenizer.json with huggingface/tokenizers, see
/// tests/golden/tokenizer/make_components.py.
class ComponentsTest : public QObject {
  Q_OBJECT

private slots:
  void equalsTheReference_data() {
    QTest::addColumn<int>("which");
    int which = 0;
    for (const Json& entry : golden().at("cases"))
      QTest::newRow(entry.at("name").get<std::string>().c_str()) << which++;
  }
  void equalsTheReference() {
    QFETCH(int, which);
    const Json& entry = golden().at("cases")[static_cast<size_t>(which)];
    const QTemporaryDir directory;
    const fs::path path = directory.path().toStdString();
    test::writeBytes(path / "tokenizer.json", entry.at("tokenizer").dump());
    const auto tokenizer = load(path);
    QVERIFY(tokenizer->vocabulary().unsupportedNormalization.empty());
    for (size_t i = 0; i < golden().at("texts").size(); ++i) {
      const Json& text = golden().at("texts")[i];
      const Ids actual = tokenizer->encode(text.get<std::string>(), false, true);
      const Json& expected = entry.at("ids")[i];
      QVERIFY2(actual == expected.get<Ids>(), show(text, actual, expected));
      const Ids special = tokenizer->encode(text.get<std::string>(), true, true);
      QVERIFY2(special == entry.at("withSpecial")[i].get<Ids>(),
               show(text, special, entry.at("withSpecial")[i]));
      const std::string decoded = tokenizer->decode(actual, false);
      QVERIFY2(decoded == entry.at("decoded")[i].get<std::string>(),
               show(text, decoded, entry.at("decoded")[i]));
    }
  }

  // Steps that equal fields of a sentencepiece model are recognized; others are named.
  void stepsOfUnigrams_data() {
    QTest::addColumn<QString>("normalizer");
    QTest::addColumn<QString>("preTokenizer");
    QTest::addColumn<bool>("removes");
    QTest::addColumn<QString>("unsupported"); // a word in it
    const auto replaces = [](const char* kind, const char* pattern, const char* content) {
      return Json{{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
    };
    const auto sequence = [](const char* key, const std::vector<Json>& steps) {
      return Json{{"type", "Sequence"}, {key, steps}};
    };
    const auto add = [](const char* name, const Json& normalizer, const Json& preTokenizer, bool removes,
                        const char* unsupported) {
      QTest::newRow(name) << QString::fromStdString(normalizer.dump())
                          << QString::fromStdString(preTokenizer.dump()) << removes << unsupported;
    };
    const Json metaspace = {{"type", "Metaspace"}, {"replacement", "▁"}};
    const Json merges = replaces("Regex", " {2,}", "▁"), symbols = replaces("String", " ", "▁");
    const Json strip = {{"type", "Strip"}, {"strip_left", false}}, split = {{"type", "WhitespaceSplit"}};
    const Json prefix = {{"type", "Prepend"}, {"prepend", "▁"}};
    add("nothing", nullptr, metaspace, false, "");
    add("merges blanks", merges, metaspace, true, "");
    add("as transformers converts", sequence("normalizers", {strip, merges}), metaspace, true, "");
    add("splits at blanks", nullptr, sequence("pretokenizers", {split, metaspace}), true, "");
    add("symbols by the normalizer", sequence("normalizers", {prefix, symbols}), nullptr, false, "");
    add("another prefix", {{"type", "Prepend"}, {"prepend", "x"}}, metaspace, false, "Prepend");
    add("another replacement", replaces("String", "a", "b"), metaspace, false, "Replace");
    add("Unicode form", {{"type", "NFKC"}}, metaspace, false, "NFKC");
    add("digits one by one", nullptr,
        sequence("pretokenizers", {metaspace, {{"type", "Digits"}, {"individual_digits", true}}}), false,
        "Digits");
    add("another symbol", nullptr, {{"type", "Metaspace"}, {"replacement", "_"}}, false, "Metaspace");
  }
  void stepsOfUnigrams() {
    QFETCH(QString, normalizer);
    QFETCH(QString, preTokenizer);
    QFETCH(bool, removes);
    QFETCH(QString, unsupported);
    const QTemporaryDir directory;
    const fs::path path = directory.path().toStdString();
    Json json = {{"normalizer", Json::parse(normalizer.toStdString())},
                 {"pre_tokenizer", Json::parse(preTokenizer.toStdString())},
                 {"model", {{"type", "Unigram"}, {"unk_id", 0}}}};
    json["model"]["vocab"] = Json::array({Json::array({"<unk>", 0.0}), Json::array({"a", -1.0})});
    test::writeBytes(path / "tokenizer.json", json.dump());
    const tokenizer::Vocabulary vocabulary = load(path)->vocabulary();
    QCOMPARE(vocabulary.collapseSpaces, removes);
    const std::string& found = vocabulary.unsupportedNormalization;
    QCOMPARE(found.empty(), unsupported.isEmpty());
    QVERIFY2(found.find(unsupported.toStdString()) != std::string::npos, found.c_str());
  }

  void tableOfUnigramsIsKept() {
    const QTemporaryDir directory;
    const fs::path path = directory.path().toStdString();
    for (const Json& entry : golden().at("cases")) {
      test::writeBytes(path / "tokenizer.json", entry.at("tokenizer").dump());
      const bool hasTable = entry.at("name") == "unigram, table";
      QCOMPARE(!load(path)->vocabulary().charsMap.empty(), hasTable);
    }
  }

  void specialPiecesOfUnigramsAreText() {
    const QTemporaryDir directory;
    const fs::path path = directory.path().toStdString();
    int unigrams = 0;
    for (const Json& entry : golden().at("cases")) {
      if (entry.at("tokenizer").at("model").at("type") != "Unigram")
        continue;
      ++unigrams;
      test::writeBytes(path / "tokenizer.json", entry.at("tokenizer").dump());
      const auto tokenizer = load(path);
      const Ids plain = tokenizer->encode("a</s>", false, false);
      QVERIFY(std::ranges::count(plain, tokenizer->eos()) == 0 && std::ranges::count(plain, 2) == 0);
      QCOMPARE(tokenizer->encode("a</s>", false, true).back(), 2);
    }
    QCOMPARE(unigrams, 2);
  }

  // Negative control: an omitted component changes the result.
  void partsMatter() {
    const QTemporaryDir directory;
    const fs::path path = directory.path().toStdString();
    for (const Json& entry : golden().at("cases")) {
      const auto name = entry.at("name").get<std::string>();
      Json changed = entry.at("tokenizer");
      const char* part = changed.at("normalizer").is_null() ? "pre_tokenizer" : "normalizer";
      changed[part] = nullptr;
      if (name == "byte-level, prefix")
        changed["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
      test::writeBytes(path / "tokenizer.json", changed.dump());
      const auto tokenizer = load(path);
      int different = 0;
      for (size_t i = 0; i < golden().at("texts").size(); ++i)
        different += tokenizer->encode(golden().at("texts")[i].get<std::string>(), false, true) !=
                     entry.at("ids")[i].get<Ids>();
      QVERIFY2(different > 0, name.c_str());
    }
  }

  // Uses ranks from a file, see tests/golden/tokenizer/make_tiktoken.py.
  void tiktoken() {
    const fs::path directory = test::projectFile("tests/golden/tokenizer/tiktoken");
    const auto tokenizer = load(directory);
    QCOMPARE(tokenizer->vocabulary().pre, std::string("qwen2"));
    QCOMPARE(tokenizer->vocabularySize(), 458 + 208);
    QCOMPARE(tokenizer->vocabulary().tokens[static_cast<size_t>(tokenizer->eos())],
             std::string("<|endoftext|>"));
    for (const Json& row : base::readJsonFile(directory / "ids.json")) {
      const Ids actual = tokenizer->encode(row.at("text").get<std::string>(), true, true);
      QVERIFY2(actual == row.at("ids").get<Ids>(), show(row.at("text"), actual, row.at("ids")));
    }
    // One merge per token of at least two bytes, for formats that store merges.
    QCOMPARE(tokenizer->vocabulary().merges.size(), size_t{458 - 256});
  }

  void tiktokenDefects_data() {
    QTest::addColumn<std::string>("text");
    QTest::addColumn<std::string>("word");
    QTest::newRow("no rank") << std::string("IQ==\n") << std::string("line 1");
    QTest::newRow("rank left out") << std::string("IQ== 0\nIg== 2\n") << std::string("line 2");
    QTest::newRow("no base64") << std::string("I*== 0\n") << std::string("base64");
    QTest::newRow("empty token") << std::string("= 0\n") << std::string("line 1");
    QTest::newRow("bytes missing") << std::string("IQ== 0\n") << std::string("byte 0");
  }
  void tiktokenDefects() {
    QFETCH(std::string, text);
    QFETCH(std::string, word);
    const QTemporaryDir directory;
    const fs::path path = directory.path().toStdString();
    test::writeBytes(path / "qwen.tiktoken", text);
    try {
      load(path);
      QFAIL("was accepted");
    } catch (const base::Error& error) {
      const std::string message = error.what();
      QVERIFY2(message.find("qwen.tiktoken") != std::string::npos && message.find(word) != std::string::npos,
               error.what());
    }
  }

  // Byte-level vocabularies reproduce arbitrary bytes, and streams never split a character.
  void arbitraryBytesComeBack_data() {
    QTest::addColumn<QString>("folder");
    QTest::addColumn<bool>("shared");
    QTest::newRow("trained") << "tests/golden/tokenizer/byte_level" << false;
    QTest::newRow("Phi-2") << "tokenizers/phi-2" << true;
    QTest::newRow("GPT-2") << "tokenizers/gpt2" << true;
    QTest::newRow("SmolLM2") << "tokenizers/smollm2" << true;
    QTest::newRow("GPT-NeoX") << "tokenizers/gpt-neox-pythia" << true;
    QTest::newRow("Qwen 2, GGUF") << "tokenizers/ggml-vocab/ggml-vocab-qwen2.gguf" << true;
    QTest::newRow("Llama 3, GGUF") << "tokenizers/ggml-vocab/ggml-vocab-llama-bpe.gguf" << true;
    QTest::newRow("GPT-NeoX, GGUF") << "tokenizers/ggml-vocab/ggml-vocab-gpt-neox.gguf" << true;
    QTest::newRow("GPT-2, GGUF") << "tokenizers/ggml-vocab/ggml-vocab-gpt-2.gguf" << true;
  }
  void arbitraryBytesComeBack() {
    QFETCH(QString, folder);
    QFETCH(bool, shared);
    const fs::path path =
        shared ? test::sharedData(folder.toStdString()) : test::projectFile(folder.toStdString());
    NIB_REQUIRE_DATA(path);
    const auto tokenizer =
        fs::is_directory(path) ? load(path) : tokenizer::loadTokenizer(*checkpoint::openCheckpoint(path));
    QVERIFY(tokenizer->vocabulary().model == tokenizer::TokenizerModel::ByteLevelBpe);
    // Some published vocabularies lack tokens for bytes that valid text never has; every program loses those.
    std::string missing;
    for (int byte = 0; byte < 256; ++byte)
      if (const std::string one(1, static_cast<char>(static_cast<uint8_t>(byte)));
          tokenizer->decode(tokenizer->encode(one, false)) != one)
        missing += one;
    QVERIFY2(missing.size() <= (folder.contains("neox") || folder.contains("smollm2") ? 40u : 0u),
             qPrintable(QString::number(missing.size())));
    std::mt19937 random(20240504);
    for (int i = 0; i < 2000; ++i) {
      std::string text = randomBytes(random);
      std::erase_if(text, [&](char byte) { return missing.find(byte) != std::string::npos; });
      const Ids ids = tokenizer->encode(text, false);
      const std::string decoded = tokenizer->decode(ids);
      QVERIFY2(decoded == text, show(text, decoded, text));
    }
    // A stream emits complete characters for each token, wherever tokens split them.
    const std::string text = "na\xC3\xAFve \xF0\x9F\x99\x82\xE2\x9C\x93 \xE0\xA4\xB9\xE0\xA4\xBF";
    const Ids ids = tokenizer->encode(text, false);
    tokenizer::TextStream stream(*tokenizer, std::span(ids).first(1));
    std::string streamed;
    bool wasEmpty = false;
    for (const TokenId id : std::span(ids).subspan(1)) {
      const std::string part = stream.add(id);
      wasEmpty = wasEmpty || part.empty();
      QVERIFY(QString::fromUtf8(QByteArray::fromStdString(part)).toUtf8().toStdString() == part);
      streamed += part;
    }
    QVERIFY(wasEmpty ||
            !folder.startsWith("tests")); // the small vocabulary has no token with several of these bytes
    QCOMPARE(streamed + stream.finish(),
             tokenizer->decode(ids).substr(tokenizer->decode(Ids{ids[0]}).size()));
    QCOMPARE(stream.text(), streamed);
  }
};

NIB_TEST(ComponentsTest)
#include "components_test.moc"
