// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "gguf_file.hpp"
#include "refusal.hpp"
#include "test_data.hpp"
#include "tokenizer/tokenizer.hpp"

#include "base/file.hpp"
#include "nib_test.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <random>

using namespace nibblesmith;
using base::ErrorCode;
using base::Json;
using test::GgufFile;
namespace fs = std::filesystem;

namespace {

const fs::path kGolden = test::projectFile("tests/golden/tokenizer");

void load(const fs::path& directory) {
  checkpoint::Checkpoint files;
  files.path = directory;
  files.config = Json::object();
  tokenizer::loadTokenizer(files)->encode("The board \xff", true);
}

} // namespace

/// Vocabularies with one defect each.
class CorruptVocabulariesTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_root;
  int m_next = 0;
  fs::path newDirectory() {
    const fs::path path = fs::path(m_root.path().toStdString()) / std::to_string(m_next++);
    fs::create_directories(path);
    return path;
  }

private slots:
  void tokenizerJson_data() {
    QTest::addColumn<QString>("pointer");
    QTest::addColumn<QString>("value");
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("word");
    const auto row = [](const char* pointer, const char* value, ErrorCode code, const char* word) {
      QTest::newRow((std::string(pointer) + " " + value).substr(0, 90).c_str())
          << pointer << value << static_cast<int>(code) << word;
    };
    constexpr ErrorCode kCorrupt = ErrorCode::Corrupt;
    constexpr ErrorCode kNotSupported = ErrorCode::NotSupported;
    row("/model", "3", kCorrupt, "object");
    row("/model/type", "\"WordPiece\"", kNotSupported, "WordPiece");
    row("/model/type", "\"Unigram\"", kCorrupt, "vocab");
    row("/model", "{\"type\": \"Unigram\", \"vocab\": []}", kNotSupported, "ByteLevel");
    row("/model/dropout", "0.1", kNotSupported, "dropout");
    row("/decoder", "{\"type\": \"WordPiece\"}", kNotSupported, "WordPiece");
    row("/decoder", "{\"type\": \"Sequence\", \"decoders\": 3}", kCorrupt, "decoders");
    row("/model/vocab", "[]", kCorrupt, "vocabulary");
    row("/model/vocab", "{}", kCorrupt, "merge");
    row("/model/vocab/a", "\"x\"", kCorrupt, "'a'");
    row("/model/vocab/a", "-1", kCorrupt, "-1");
    row("/model/vocab/a", "4000000000", kCorrupt, "4000000000");
    row("/model/vocab/a", "1e300", kCorrupt, "'a'");
    row("/model/merges", "{}", kCorrupt, "merges");
    row("/model/merges/0", "\"abc\"", kCorrupt, "abc");
    row("/model/merges/0", "[\"a\"]", kCorrupt, "merges");
    row("/model/merges/0", "[\"a\", \"no such\"]", kCorrupt, "no such");
    row("/model/continuing_subword_prefix", "\"##\"", kNotSupported, "##");
    row("/model/ignore_merges", "1", kCorrupt, "ignore_merges");
    row("/added_tokens", "{}", kCorrupt, "added_tokens");
    row("/added_tokens/0", "{}", kCorrupt, "added token");
    row("/added_tokens/0/id", "-5", kCorrupt, "-5");
    row("/added_tokens/0/id", "99999999999", kCorrupt, "99999999999");
    row("/added_tokens/0/special", "\"yes\"", kCorrupt, "special");
    row("/normalizer", "{}", kCorrupt, "type");
    row("/normalizer", "{\"type\": \"BertNormalizer\"}", kNotSupported, "BertNormalizer");
    row("/normalizer", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"A*\"}", kCorrupt, "base64");
    row("/normalizer", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"/////w==\"}", kCorrupt,
        "4294967295");
    row("/normalizer", "{\"type\": \"Sequence\"}", kCorrupt, "normalizers");
    row("/normalizer", "{\"type\": \"Replace\", \"content\": \"\"}", kCorrupt, "pattern");
    row("/pre_tokenizer", "{\"type\": \"BertPreTokenizer\"}", kNotSupported, "BertPreTokenizer");
    row("/pre_tokenizer",
        "{\"type\": \"Split\", \"behavior\": \"Isolated\", \"pattern\": {\"Regex\": \"((\"}}", kCorrupt,
        "((");
    row("/pre_tokenizer", "{\"type\": \"Split\", \"behavior\": \"Chopped\", \"pattern\": {\"Regex\": \"a\"}}",
        kCorrupt, "Chopped");
    row("/post_processor", "{\"type\": \"PairProcessing\"}", kNotSupported, "PairProcessing");
    row("/post_processor", "{\"type\": \"BertProcessing\", \"cls\": 3}", kCorrupt, "cls");
    row("/post_processor", "{\"type\": \"BertProcessing\", \"cls\": [\"<no>\", 1]}", kCorrupt, "<no>");
    row("/post_processor", "{\"type\": \"TemplateProcessing\", \"single\": [3]}", kCorrupt, "single");
    row("/post_processor",
        "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"<no>\"}}]}", kCorrupt,
        "<no>");
  }
  void tokenizerJson() {
    QFETCH(QString, pointer);
    QFETCH(QString, value);
    QFETCH(int, code);
    QFETCH(QString, word);
    Json json = base::readJsonFile(kGolden / "byte_level/tokenizer.json");
    json[Json::json_pointer(pointer.toStdString())] = Json::parse(value.toStdString());
    const fs::path directory = newDirectory();
    test::writeBytes(directory / "tokenizer.json", json.dump());
    const std::string wrong =
        test::check(test::refusalOf([&] { load(directory); }), static_cast<ErrorCode>(code),
                    {word.toStdString(), "tokenizer.json"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void nestedDeeply() {
    const fs::path directory = newDirectory();
    test::writeBytes(directory / "tokenizer.json", "{\"model\": " + std::string(100000, '['));
    const std::string wrong = test::check(test::refusalOf([&] { load(directory); }), ErrorCode::Corrupt,
                                          {"nested", "tokenizer.json"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void noTokenizer() {
    const std::string wrong = test::check(test::refusalOf([&] { load(newDirectory()); }), ErrorCode::NotFound,
                                          {"tokenizer.model", "tokenizer.json", "merges.txt"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void gguf_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("word");
    const auto row = [](const char* name, const GgufFile& file, ErrorCode code, const char* word) {
      QTest::newRow(name) << QByteArray::fromStdString(file.bytes()) << static_cast<int>(code) << word;
    };
    const auto with = [](const std::string& key, uint32_t type, const std::string& value) {
      GgufFile file = test::scoreVocabulary();
      std::erase_if(file.keys,
                    [&](const std::string& entry) { return entry.starts_with(GgufFile::text(key)); });
      return file.key(key, type, value);
    };
    const auto text = [](const char* value) { return GgufFile::text(value); };
    row("no vocabulary", GgufFile(), ErrorCode::NotFound, "tokenizer.ggml.model");
    row("unknown model", with("tokenizer.ggml.model", 8, text("bert")), ErrorCode::NotSupported, "bert");
    row("model that is a number", with("tokenizer.ggml.model", 4, "xxxx"), ErrorCode::Corrupt,
        "tokenizer.ggml.model");
    row("tokens that are numbers", with("tokenizer.ggml.tokens", 9, GgufFile::numbers<int32_t>(5, {1})),
        ErrorCode::Corrupt, "tokenizer.ggml.tokens");
    row("no tokens", with("tokenizer.ggml.tokens", 9, GgufFile::texts({})), ErrorCode::Corrupt,
        "tokenizer.ggml.tokens");
    row("scores too few", with("tokenizer.ggml.scores", 9, GgufFile::numbers<float>(6, {1})),
        ErrorCode::Corrupt, "267");
    row("scores NaN",
        with("tokenizer.ggml.scores", 9, GgufFile::numbers(6, std::vector<float>(267, std::nanf("")))),
        ErrorCode::Corrupt, "tokenizer.ggml.scores");
    row("type out of range",
        with("tokenizer.ggml.token_type", 9, GgufFile::numbers(5, std::vector<int32_t>(267, 7))),
        ErrorCode::Corrupt, "token_type");
    row("BOS out of range", with("tokenizer.ggml.bos_token_id", 4, GgufFile::number<uint32_t>(4000)),
        ErrorCode::Corrupt, "4000");
    row("byte-level without merges", with("tokenizer.ggml.model", 8, text("gpt2")), ErrorCode::Corrupt,
        "merges");
    row("unknown pre-tokenizer",
        with("tokenizer.ggml.model", 8, text("gpt2")).key("tokenizer.ggml.pre", 8, text("martian")),
        ErrorCode::NotSupported, "martian");
    row("merge of one",
        with("tokenizer.ggml.model", 8, text("gpt2"))
            .key("tokenizer.ggml.merges", 9, GgufFile::texts({"ab"})),
        ErrorCode::Corrupt, "ab");
    row("merge of strangers",
        with("tokenizer.ggml.model", 8, text("gpt2"))
            .key("tokenizer.ggml.merges", 9, GgufFile::texts({"a q"})),
        ErrorCode::Corrupt, "'q'");
  }
  void gguf() {
    QFETCH(QByteArray, bytes);
    QFETCH(int, code);
    QFETCH(QString, word);
    const fs::path path = newDirectory() / "vocab.gguf";
    test::writeBytes(path, bytes.toStdString());
    const std::string wrong =
        test::check(test::refusalOf([&] { tokenizer::loadTokenizer(*checkpoint::openCheckpoint(path)); }),
                    static_cast<ErrorCode>(code), {word.toStdString(), "vocab.gguf"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  // A truncated or changed tokenizer.model is read or rejected, without a crash.
  void damagedSentencepiece() {
    const std::string good = base::readTextFile(kGolden / "sentencepiece/tokenizer.model");
    const fs::path directory = newDirectory();
    std::mt19937 random(3);
    int refused = 0;
    for (int round = 0; round < 300; ++round) {
      std::string bytes = good;
      if (round % 3 == 0)
        bytes.resize(random() % good.size());
      else
        bytes[random() % bytes.size()] = static_cast<char>(static_cast<uint8_t>(random() & 0xff));
      test::writeBytes(directory / "tokenizer.model", bytes);
      refused += test::refusalOf([&] { load(directory); }).has_value();
    }
    QVERIFY(refused > 90);
    QVERIFY(refused < 300);
    test::writeBytes(directory / "tokenizer.model", "not a model");
    const std::string wrong = test::check(test::refusalOf([&] { load(directory); }), ErrorCode::Corrupt,
                                          {"sentencepiece", "tokenizer.model"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void wordsAreNotSupported() {
    // trainer_spec { model_type: WORD } and one piece "a".
    const std::string bytes = std::string("\x0a\x03\x0a\x01") + "a" + std::string("\x12\x02\x18\x03", 4);
    const fs::path directory = newDirectory();
    test::writeBytes(directory / "tokenizer.model", bytes);
    const std::string wrong = test::check(test::refusalOf([&] { load(directory); }), ErrorCode::NotSupported,
                                          {"type 3", "tokenizer.model"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void pieceOfZeroBytes() {
    const fs::path directory = newDirectory();
    fs::copy_file(test::projectFile("tests/fuzz/corpus/sentencepiece/piece_of_zero_bytes"),
                  directory / "tokenizer.model");
    const std::string wrong = test::check(test::refusalOf([&] { load(directory); }), ErrorCode::Corrupt,
                                          {"piece 1", "zero bytes", "tokenizer.model"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void undamagedVocabulariesLoad() {
    for (const char* name : {"byte_level", "characters", "sentencepiece"})
      load(kGolden / name);
    const fs::path path = newDirectory() / "vocab.gguf";
    test::writeBytes(path, test::scoreVocabulary().bytes());
    QCOMPARE(tokenizer::loadTokenizer(*checkpoint::openCheckpoint(path))->vocabularySize(), 267);
  }
};

NIB_TEST(CorruptVocabulariesTest)
#include "corrupt_vocabularies_test.moc"
