// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"
#include "gguf_file.hpp"
#include "nib_test.hpp"
#include "plenty.hpp"
#include "test_data.hpp"
#include "tokenizer/base64.hpp"
#include "tokenizer/gguf_vocabulary.hpp"
#include "tokenizer/tokenizer.hpp"

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
using base::Json;
using tokenizer::TokenId;
using Ids = std::vector<TokenId>;
namespace fs = std::filesystem;

namespace {

const fs::path kGolden = test::projectFile("tests/golden/tokenizer");

std::shared_ptr<const tokenizer::Tokenizer> load(const fs::path& directory) {
  checkpoint::Checkpoint files;
  files.path = directory;
  files.config = Json::object();
  return tokenizer::loadTokenizer(files);
}

QString show(const std::string& text, const Ids& actual, const Ids& expected) {
  return QString::fromStdString(Json(text).dump() + ": " + Json(actual).dump() + " instead of " +
                                Json(expected).dump());
}

std::shared_ptr<const tokenizer::Tokenizer> rebuild(const tokenizer::Vocabulary& vocabulary) {
  base::Budget budget = test::plenty();
  return tokenizer::makeScoreTokenizer(vocabulary, "test", budget);
}

/// Copy of a golden directory that a test may change.
class Copy {
public:
  explicit Copy(const std::string& name) { fs::copy(kGolden / name, path(), fs::copy_options::recursive); }
  fs::path path() const { return fs::path(m_directory.path().toStdString()) / "copy"; }
  void write(const char* name, const std::string& text) const {
    base::writeFileAtomically(path() / name, text);
  }

private:
  QTemporaryDir m_directory;
};

} // namespace

/// Small vocabularies trained by tests/golden/tokenizer/make_golden.py, with the ids of their own libraries.
class GoldenTest : public QObject {
  Q_OBJECT

private slots:
  void tokenizerJson_data() {
    QTest::addColumn<QString>("name");
    QTest::newRow("byte-level") << "byte_level";
    QTest::newRow("characters") << "characters";
  }
  void tokenizerJson() {
    QFETCH(QString, name);
    const auto tokenizer = load(kGolden / name.toStdString());
    for (const Json& row : base::readJsonFile(kGolden / name.toStdString() / "ids.json")) {
      const auto text = row.at("text").get<std::string>();
      const auto ids = row.at("ids").get<Ids>();
      const Ids actual = tokenizer->encode(text, false, true);
      QVERIFY2(actual == ids, qPrintable(show(text, actual, ids)));
      QCOMPARE(tokenizer->encode(text, true, true), row.at("withSpecial").get<Ids>());
    }
  }

  void sentencepiece_data() {
    QTest::addColumn<QString>("name");
    QTest::newRow("identity") << "sentencepiece";
    QTest::newRow("NFKC and blanks removed") << "sentencepiece_nfkc";
    QTest::newRow("unigram") << "sentencepiece_unigram";
    QTest::newRow("unigram, replacements and blanks removed") << "sentencepiece_unigram_rules";
  }
  void sentencepiece() {
    QFETCH(QString, name);
    const auto tokenizer = load(kGolden / name.toStdString());
    const Json golden = base::readJsonFile(kGolden / name.toStdString() / "ids.json");
    QCOMPARE(tokenizer->vocabulary().tokens, golden.at("pieces").get<std::vector<std::string>>());
    for (const Json& row : golden.at("rows")) {
      const auto text = row.at("text").get<std::string>();
      const Ids expected = row.at("ids").get<Ids>();
      const Ids actual = tokenizer->encode(text, false);
      QVERIFY2(actual == expected, qPrintable(show(text, actual, expected)));
      // The library decodes unknown tokens to a question mark of its own; here, as in transformers, they are
      // omitted.
      if (std::ranges::find(expected, tokenizer->vocabulary().unknown) == expected.end())
        QCOMPARE(tokenizer->decode(actual), row.at("decoded").get<std::string>());
      QCOMPARE(tokenizer->encode(text, true).front(), tokenizer->bos());
    }
  }

  // User-defined, unused and equal pieces, replacements, spaces at all positions, and invalid UTF-8, see
  // tests/golden/tokenizer/make_sentencepiece.py.
  void handMadeSentencepiece() {
    const Json models = base::readJsonFile(kGolden / "sentencepiece.json");
    QCOMPARE(models.size(), size_t{24});
    size_t rows = 0, different = 0;
    for (const Json& model : models) {
      const QTemporaryDir directory;
      const fs::path path = directory.path().toStdString();
      const std::string file = tokenizer::fromBase64(model.at("model").get<std::string>(), "golden");
      test::writeBytes(path / "tokenizer.model", file);
      const auto tokenizer = load(path);
      // The same file without its normalizer rules, which come last.
      test::writeBytes(path / "tokenizer.model", file.substr(0, file.rfind('\x1a', file.rfind("golden"))));
      const auto bare = load(path);
      for (const Json& row : model.at("rows")) {
        const std::string text = tokenizer::fromBase64(row[0].get<std::string>(), "golden");
        const auto expected = row[1].get<Ids>();
        const Ids actual = tokenizer->encode(text, false);
        QVERIFY2(actual == expected, qPrintable(show(row[0].get<std::string>(), actual, expected)));
        different += bare->encode(text, false) != expected;
        ++rows;
      }
    }
    QCOMPARE(rows, size_t{960});
    QVERIFY(different > 100);
  }

  // The data that a GGUF file contains reproduces the library's ids: scores, types, space prefix, special
  // tokens.
  void vocabularyWithScoresIsEnough_data() {
    QTest::addColumn<QString>("name");
    QTest::newRow("sentencepiece") << "sentencepiece";
    QTest::newRow("tokenizer.json") << "characters";
  }
  void vocabularyWithScoresIsEnough() {
    QFETCH(QString, name);
    const auto original = load(kGolden / name.toStdString());
    QVERIFY(original->vocabulary().model == tokenizer::TokenizerModel::SentencePieceBpe);
    const auto rebuilt = rebuild(original->vocabulary());
    const Json golden = base::readJsonFile(kGolden / name.toStdString() / "ids.json");
    // Negative control: scores determine the order of merges, so other scores give other ids.
    tokenizer::Vocabulary reversed = original->vocabulary();
    for (float& score : reversed.scores)
      score = -score;
    const auto wrong = rebuild(reversed);
    int different = 0;
    for (const Json& row : golden.is_array() ? golden : golden.at("rows")) {
      const auto text = row.at("text").get<std::string>();
      const Ids expected = original->encode(text, true);
      const Ids actual = rebuilt->encode(text, true);
      QVERIFY2(actual == expected, qPrintable(show(text, actual, expected)));
      QCOMPARE(rebuilt->decode(actual), original->decode(expected));
      different += wrong->encode(text, true) != expected;
    }
    QVERIFY(different > 0);
  }

  // The vocabulary of a unigram model in a GGUF file reproduces the library's ids.
  void unigramInGguf() {
    const auto original = load(kGolden / "sentencepiece_unigram");
    const tokenizer::Vocabulary& vocabulary = original->vocabulary();
    QVERIFY(vocabulary.model == tokenizer::TokenizerModel::Unigram);
    std::vector<int32_t> types;
    for (const tokenizer::TokenType type : vocabulary.types)
      types.push_back(static_cast<int32_t>(type));
    using test::GgufFile;
    GgufFile file;
    file.key("tokenizer.ggml.model", GgufFile::kString, GgufFile::text("t5"))
        .key("tokenizer.ggml.tokens", GgufFile::kArray, GgufFile::texts(vocabulary.tokens))
        .key("tokenizer.ggml.scores", GgufFile::kArray, GgufFile::numbers(GgufFile::kF32, vocabulary.scores))
        .key("tokenizer.ggml.token_type", GgufFile::kArray, GgufFile::numbers(GgufFile::kI32, types))
        .key("tokenizer.ggml.eos_token_id", GgufFile::kU32, GgufFile::number<uint32_t>(2))
        .key("tokenizer.ggml.unknown_token_id", GgufFile::kU32, GgufFile::number<uint32_t>(0));
    const QTemporaryDir directory;
    const fs::path path = fs::path(directory.path().toStdString()) / "vocabulary.gguf";
    test::writeBytes(path, file.bytes());
    const auto rebuilt = tokenizer::loadTokenizer(*checkpoint::openCheckpoint(path));
    const Json rows = base::readJsonFile(kGolden / "sentencepiece_unigram/ids.json").at("rows");
    QVERIFY(rows.size() > 20);
    int blank = 0;
    for (const Json& row : rows) {
      const auto text = row.at("text").get<std::string>();
      Ids expected = row.at("ids").get<Ids>();
      const Ids actual = rebuilt->encode(text, false);
      // llama.cpp adds no space before a text of only spaces.
      const bool isBlank = !text.empty() && text.find_first_not_of(' ') == std::string::npos;
      if (isBlank)
        expected.erase(expected.begin());
      blank += isBlank;
      QVERIFY2(actual == expected, qPrintable(show(text, actual, expected)));
      if (!isBlank)
        QCOMPARE(rebuilt->decode(actual), row.at("decoded").get<std::string>());
      QCOMPARE(rebuilt->encode(text, true).back(), 2);
    }
    QVERIFY(blank > 0);
  }

  // Normalization that GGUF can represent is read, and other normalization is named.
  void treatmentOfTextsIsRead() {
    const tokenizer::Vocabulary plain = load(kGolden / "sentencepiece_unigram")->vocabulary();
    QVERIFY(plain.charsMap.empty() && !plain.collapseSpaces && plain.addSpacePrefix &&
            plain.unsupportedNormalization.empty());
    const tokenizer::Vocabulary rules = load(kGolden / "sentencepiece_unigram_rules")->vocabulary();
    QVERIFY(!rules.charsMap.empty() && rules.collapseSpaces && rules.addSpacePrefix &&
            rules.unsupportedNormalization.empty());
    // Repeated messages of the proto are merged.
    for (const std::string& more :
         {std::string("\x12\x03\xC0\x01\x01", 5), std::string("\x1A\x02\x28\x00", 4)}) {
      const Copy copy("sentencepiece_unigram_rules");
      copy.write("tokenizer.model",
                 base::readTextFile(kGolden / "sentencepiece_unigram_rules/tokenizer.model") + more);
      QVERIFY(!load(copy.path())->vocabulary().unsupportedNormalization.empty());
    }
  }

  void tokenTypesOfSentencepiece() {
    const auto tokenizer = load(kGolden / "sentencepiece");
    const tokenizer::Vocabulary& vocabulary = tokenizer->vocabulary();
    using tokenizer::TokenType;
    const auto typeOf = [&](const std::string& token) {
      const auto found = std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), token);
      return vocabulary.types[static_cast<size_t>(found - vocabulary.tokens.begin())];
    };
    QVERIFY(typeOf("<unk>") == TokenType::Unknown);
    QVERIFY(typeOf("<s>") == TokenType::Control);
    QVERIFY(typeOf("<sep>") == TokenType::UserDefined);
    QVERIFY(typeOf("<0x0A>") == TokenType::Byte);
    QVERIFY(typeOf("\xE2\x96\x81t") == TokenType::Normal);
    QCOMPARE(vocabulary.bos, 1);
    QCOMPARE(vocabulary.eos, 2);
    QCOMPARE(vocabulary.unknown, 0);
    QVERIFY(vocabulary.addBos && !vocabulary.addEos && vocabulary.addSpacePrefix);
  }

  void specialTokensAreTextUnlessAskedFor() {
    for (const char* name : {"byte_level", "characters", "sentencepiece"}) {
      const auto tokenizer = load(kGolden / name);
      const Ids plain = tokenizer->encode("<s>The", false);
      QVERIFY2(std::find(plain.begin(), plain.end(), tokenizer->bos()) == plain.end(), name);
      QCOMPARE(tokenizer->decode(plain), std::string("<s>The"));
      const Ids parsed = tokenizer->encode("<s>The", false, true);
      QVERIFY2(parsed.front() == tokenizer->bos(), name);
      QCOMPARE(tokenizer->decode(parsed), std::string("The"));
      QVERIFY(QString::fromStdString(tokenizer->decode(parsed, false)).startsWith("<s>"));
    }
  }

  // Byte-level vocabularies reproduce arbitrary bytes.
  void everyByteComesBack() {
    const auto tokenizer = load(kGolden / "byte_level");
    std::string text;
    for (int first = 0; first < 256; ++first)
      for (int second = 0; second < 256; ++second)
        text +=
            {static_cast<char>(static_cast<uint8_t>(first)), static_cast<char>(static_cast<uint8_t>(second))};
    QCOMPARE(tokenizer->decode(tokenizer->encode(text, true)), text);
    std::string bytes;
    for (const TokenId id : tokenizer->encode(text, false))
      bytes += tokenizer->tokenBytes(id);
    QCOMPARE(bytes, text);
    QVERIFY_EXCEPTION_THROWN(tokenizer->tokenBytes(tokenizer->vocabularySize()), base::Error);
    QVERIFY_EXCEPTION_THROWN(tokenizer->decode(Ids{-1}), base::Error);
  }

  void configRulesBosAndEos_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("config");
    QTest::addColumn<bool>("bos");
    QTest::addColumn<bool>("eos");
    const QString tokens = R"("bos_token": "<s>", "eos_token": {"content": "</s>"})";
    QTest::newRow("template: both") << "byte_level"
                                    << "{" + tokens + "}" << true << true;
    QTest::newRow("template overruled")
        << "byte_level"
        << "{" + tokens + R"(, "add_bos_token": false, "add_eos_token": false})" << false << false;
    QTest::newRow("template: BOS") << "characters"
                                   << "{" + tokens + "}" << true << false;
    QTest::newRow("EOS asked for") << "characters"
                                   << "{" + tokens + R"(, "add_eos_token": true})" << true << true;
    QTest::newRow("sentencepiece: default") << "sentencepiece"
                                            << "{" + tokens + "}" << true << false;
    QTest::newRow("sentencepiece: overruled")
        << "sentencepiece"
        << "{" + tokens + R"(, "add_bos_token": false, "add_eos_token": true})" << false << true;
  }
  void configRulesBosAndEos() {
    QFETCH(QString, name);
    QFETCH(QString, config);
    QFETCH(bool, bos);
    QFETCH(bool, eos);
    const Copy copy(name.toStdString());
    copy.write("tokenizer_config.json", config.toStdString());
    const auto tokenizer = load(copy.path());
    Ids expected = tokenizer->encode("The board", false);
    if (bos)
      expected.insert(expected.begin(), tokenizer->bos());
    if (eos)
      expected.push_back(tokenizer->eos());
    QCOMPARE(tokenizer->encode("The board", true), expected);
    QCOMPARE(tokenizer->vocabulary().addBos, bos);
    QCOMPARE(tokenizer->vocabulary().addEos, eos);
  }

  // Tokens added after training come after the pieces of tokenizer.model.
  void addedTokensOfSentencepiece() {
    const Copy copy("sentencepiece");
    const int32_t size = load(copy.path())->vocabularySize();
    copy.write("added_tokens.json", "{\"<|user|>\": " + std::to_string(size) + "}");
    const auto tokenizer = load(copy.path());
    QCOMPARE(tokenizer->vocabularySize(), size + 1);
    QCOMPARE(tokenizer->encode("<|user|>", false, true), Ids{size});
    QCOMPARE(tokenizer->decode(Ids{size}, false), std::string("<|user|>"));
    copy.write("added_tokens.json", "{\"<|user|>\": 100000}");
    QVERIFY_EXCEPTION_THROWN(load(copy.path()), base::Error);
  }

  void tokenizerModelBeforeTokenizerJson() {
    const Copy copy("sentencepiece");
    fs::copy_file(kGolden / "byte_level/tokenizer.json", copy.path() / "tokenizer.json");
    QVERIFY(load(copy.path())->vocabulary().model == tokenizer::TokenizerModel::SentencePieceBpe);
    fs::remove(copy.path() / "tokenizer.model");
    QVERIFY(load(copy.path())->vocabulary().model == tokenizer::TokenizerModel::ByteLevelBpe);
    QCOMPARE(load(copy.path())->vocabulary().pre,
             std::string("dbrx")); // Llama 3's pattern, merges not ignored
  }
};

NIB_TEST(GoldenTest)
#include "golden_test.moc"
