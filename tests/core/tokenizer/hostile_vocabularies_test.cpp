// SPDX-License-Identifier: Apache-2.0
#include "gguf_file.hpp"
#include "hostile_files.hpp"
#include "nib_test.hpp"
#include "sentencepiece_file.hpp"
#include "tokenizer/limits.hpp"

#include <QtTest>

using namespace nibblesmith;
using base::ErrorCode;
using base::Json;
using test::CharsMapTable;
using test::GgufFile;
using test::SentencepieceFile;
using test::smallBpe;
using tokenizer::TokenId;
using Ids = std::vector<TokenId>;
namespace fs = std::filesystem;
namespace limits = tokenizer::limits;

/// Vocabularies with false content: tables that point outside themselves, invalid pieces and ids. Each is
/// rejected with its name, the field, the expected and the actual value.
class HostileVocabulariesTest : public QObject {
  Q_OBJECT

private:
  test::HostileFiles m_files;

private slots:
  void tablesOfReplacements_data() {
    QTest::addColumn<QByteArray>("table");
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("word");
    const auto row = [](const char* name, const CharsMapTable& table, ErrorCode code, const char* word) {
      QTest::newRow(name) << QByteArray::fromStdString(table.bytes()) << static_cast<int>(code) << word;
    };
    const auto changed = [](const std::function<void(CharsMapTable&)>& change) {
      CharsMapTable table = CharsMapTable::valid();
      change(table);
      return table;
    };
    constexpr ErrorCode kCorrupt = ErrorCode::Corrupt;
    constexpr ErrorCode kTooMuch = ErrorCode::NotSupported;
    constexpr uint32_t kA = 1 ^ 'A';
    row("claims more units", changed([](auto& t) { t.claimed = 0x7FFFFFFC; }), kCorrupt, "2147483644");
    row("claims all", changed([](auto& t) { t.claimed = 0xFFFFFFFC; }), kCorrupt, "4294967292");
    row("half a unit", changed([](auto& t) { t.claimed = 7; }), kCorrupt, "7 bytes");
    row("value behind the units", changed([](auto& t) {
          t.units[kA] = 'A' | CharsMapTable::kHasValue | CharsMapTable::offset(0x1FFFFF);
        }),
        kCorrupt, "within 512 units");
    row("value far behind the units", changed([](auto& t) {
          t.units[kA] = 'A' | CharsMapTable::kHasValue | 1u << 9 | CharsMapTable::offset(0x1FFFFF);
        }),
        kCorrupt, "within 512 units");
    row("replacement outside", changed([](auto& t) { t.units[kA ^ 2] = CharsMapTable::kValue | 0x7FFFFFF0; }),
        kCorrupt, "within 2 bytes");
    row("replacement at the end", changed([](auto& t) { t.units[kA ^ 2] = CharsMapTable::kValue | 2; }),
        kCorrupt, "within 2 bytes");
    row("no end", changed([](auto& t) { t.replacements = "bbbb"; }), kCorrupt, "zero byte");
    row("no replacements", changed([](auto& t) { t.replacements.clear(); }), kCorrupt, "within 0 bytes");
    row("circle", changed([](auto& t) {
          // The children of "B" below "A" are around the same unit again.
          t.units[kA] = 'A' | CharsMapTable::offset(kA ^ 1);
        }),
        kCorrupt, "circle");
    row("megabytes for a character",
        changed([](auto& t) { t.replacements = std::string(6'000'000, 'b') + std::string(1, '\0'); }),
        kTooMuch, "at most 4194304 bytes");
    row("a thousand bytes for a character",
        changed([](auto& t) { t.replacements = std::string(1000, 'b') + std::string(1, '\0'); }), kTooMuch,
        "at most 256 bytes in a replacement");
    row("long entries", changed([](auto& t) {
          // "AAAA...": each unit's children are around the next block of 256.
          t.units.assign(256 * 200, 0);
          uint32_t place = 0;
          for (uint32_t block = 1; block < 200; ++block) {
            t.units[place] |= (place ^ 256 * block) << 10;
            place = 256 * block ^ 'A';
            t.units[place] = 'A';
          }
        }),
        kTooMuch, "at most 128 bytes in an entry");
  }
  // Errors that sentencepiece's library does not detect, in all three kinds of files that contain a table.
  void tablesOfReplacements() {
    QFETCH(QByteArray, table);
    QFETCH(int, code);
    QFETCH(QString, word);
    const auto expected = static_cast<ErrorCode>(code);
    for (const uint64_t model : {SentencepieceFile::kBpe, SentencepieceFile::kUnigram}) {
      SentencepieceFile file = SentencepieceFile::valid(model);
      file.normalizer.text(2, table.toStdString());
      const std::string wrong =
          m_files.refused(m_files.write("tokenizer.model", file.bytes()), expected,
                          {"tokenizer.model: normalizer_spec: precompiled_charsmap", word.toStdString()});
      QVERIFY2(wrong.empty(), wrong.c_str());
    }
    Json json = smallBpe();
    json["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", table.toBase64().toStdString()}};
    std::string wrong =
        m_files.refused(m_files.write("tokenizer.json", json.dump()), expected,
                        {"tokenizer.json: normalizer: precompiled_charsmap", word.toStdString()});
    QVERIFY2(wrong.empty(), wrong.c_str());
    GgufFile gguf = test::scoreVocabulary();
    gguf.keys.front() =
        GgufFile::text("tokenizer.ggml.model") + GgufFile::number(GgufFile::kString) + GgufFile::text("t5");
    gguf.key("tokenizer.ggml.precompiled_charsmap", GgufFile::kArray,
             GgufFile::numbers(0, std::vector<uint8_t>(table.begin(), table.end())));
    const fs::path path = m_files.write("vocab.gguf", gguf.bytes()) / "vocab.gguf";
    wrong = test::check(test::refusalOf([&] { tokenizer::loadTokenizer(*checkpoint::openCheckpoint(path)); }),
                        expected, {"vocab.gguf: 'tokenizer.ggml.precompiled_charsmap'", word.toStdString()});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void undamagedTableIsRead() {
    SentencepieceFile file = SentencepieceFile::valid();
    file.normalizer.text(2, CharsMapTable::valid().bytes());
    const auto tokenizer = test::loadTokenizerIn(m_files.write("tokenizer.model", file.bytes()));
    QCOMPARE(tokenizer->encode("A", false), tokenizer->encode("b", false));
    QCOMPARE(tokenizer->encode("A", false), (Ids{3, 5}));
  }

  void sentencepieceFiles_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("word");
    const auto row = [](const char* name, const SentencepieceFile& file, ErrorCode code, const char* word) {
      QTest::newRow(name) << QByteArray::fromStdString(file.bytes()) << static_cast<int>(code) << word;
    };
    const auto changed = [](const std::function<void(SentencepieceFile&)>& change) {
      SentencepieceFile file = SentencepieceFile::valid();
      change(file);
      return file;
    };
    constexpr ErrorCode kCorrupt = ErrorCode::Corrupt;
    row("piece twice", changed([](auto& f) { f.piece("ab"); }), kCorrupt, "piece 7: expected a unique piece");
    row("control piece twice", changed([](auto& f) { f.piece("<s>", 0, SentencepieceFile::kControl); }),
        kCorrupt, "piece 7: expected a unique piece");
    row("two unknown pieces", changed([](auto& f) { f.piece("<u>", 0, SentencepieceFile::kUnknown); }),
        kCorrupt, "one piece of type 2 (unknown), found 2");
    SentencepieceFile none;
    none.trainer.number(3, 2);
    none.piece("a");
    row("no unknown piece", none, kCorrupt, "one piece of type 2 (unknown), found 0");
    row("byte without byte_fallback",
        changed([](auto& f) { f.piece("<0x41>", 0, SentencepieceFile::kByte); }), kCorrupt,
        "piece 7: expected no bytes");
    row("byte that is none", changed([](auto& f) {
          f.trainer.number(35, 1);
          f.piece("<0xZZ>", 0, SentencepieceFile::kByte);
        }),
        kCorrupt, "piece 7: expected a byte");
    row("bytes without pieces", changed([](auto& f) { f.trainer.number(35, 1); }), kCorrupt, "found 0");
    row("type of no kind", changed([](auto& f) { f.piece("c", 0, 7); }), kCorrupt,
        "a type of 1 to 6, found 7");
    row("score without end", changed([](auto& f) { f.piece("c", std::numeric_limits<float>::infinity()); }),
        kCorrupt, "piece 7, before byte");
    row("no UTF-8", changed([](auto& f) { f.piece("\xff\xfe"); }), kCorrupt,
        "pieces: token 7: expected UTF-8");
    row("long piece", changed([](auto& f) { f.piece(std::string(2'000, 'x')); }), ErrorCode::NotSupported,
        "pieces: token 7: expected at most 1024 bytes, found 2000");
    row("EOS behind the pieces", changed([](auto& f) { f.trainer.number(42, 7); }), kCorrupt,
        "eos_id: expected an id below 7");
    row("BOS of 33 bits", changed([](auto& f) { f.trainer.number(41, (uint64_t{1} << 32) + 1); }), kCorrupt,
        "bos_id: expected an id below 7");
    row("unknown below none", changed([](auto& f) { f.trainer.number(40, uint64_t(-2)); }), kCorrupt,
        "unk_id: expected an id below 7");
  }
  void sentencepieceFiles() {
    QFETCH(QByteArray, bytes);
    QFETCH(int, code);
    QFETCH(QString, word);
    const std::string wrong =
        m_files.refused(m_files.write("tokenizer.model", bytes.toStdString()), static_cast<ErrorCode>(code),
                        {"tokenizer.model: ", word.toStdString()});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void manyPieces() {
    SentencepieceFile file = SentencepieceFile::valid();
    for (uint64_t i = 7; i <= limits::kTokens; ++i)
      file.piece("x");
    const std::string wrong =
        m_files.refused(m_files.write("tokenizer.model", file.bytes()), ErrorCode::NotSupported,
                        {"tokenizer.model: ", "at most 1048576 pieces", "found 1048577"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void ggufFiles_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("code");
    QTest::addColumn<QString>("word");
    const auto row = [](const char* name, const std::string& key, const std::string& value, ErrorCode code,
                        const char* word) {
      GgufFile file = test::scoreVocabulary();
      std::erase_if(file.keys,
                    [&](const std::string& entry) { return entry.starts_with(GgufFile::text(key)); });
      file.key(key, GgufFile::kArray, value);
      QTest::newRow(name) << QByteArray::fromStdString(file.bytes()) << static_cast<int>(code) << word;
    };
    constexpr ErrorCode kCorrupt = ErrorCode::Corrupt;
    const std::vector<std::string> texts(267, "\xff");
    // The JSON library throws type_error.316 when such a text is written into a message.
    row("scores that are bytes", "tokenizer.ggml.scores", GgufFile::texts(texts), kCorrupt,
        "'tokenizer.ggml.scores': token 0");
    row("types that are bytes", "tokenizer.ggml.token_type", GgufFile::texts(texts), kCorrupt,
        "'tokenizer.ggml.token_type': token 0");
    row("tokens that are bytes", "tokenizer.ggml.tokens", GgufFile::texts(texts), kCorrupt,
        "'tokenizer.ggml.tokens': token 0: expected UTF-8");
    row("long token", "tokenizer.ggml.tokens", GgufFile::texts({std::string(5'000, 'x')}),
        ErrorCode::NotSupported, "'tokenizer.ggml.tokens': token 0: expected at most 1024 bytes, found 5000");
  }
  void ggufFiles() {
    QFETCH(QByteArray, bytes);
    QFETCH(int, code);
    QFETCH(QString, word);
    const fs::path path = m_files.write("vocab.gguf", bytes.toStdString()) / "vocab.gguf";
    const std::string wrong =
        test::check(test::refusalOf([&] { tokenizer::loadTokenizer(*checkpoint::openCheckpoint(path)); }),
                    static_cast<ErrorCode>(code), {"vocab.gguf: ", word.toStdString()});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void idsBeyondTheVocabulary_data() {
    QTest::addColumn<QByteArray>("config");
    QTest::addColumn<QString>("word");
    QTest::newRow("EOS") << QByteArray(R"({"eos_token_id": 3})") << "'eos_token_id': expected an id below 3";
    QTest::newRow("one of several") << QByteArray(R"({"eos_token_id": [1, 4000]})") << "found 4000";
    QTest::newRow("BOS") << QByteArray(R"({"bos_token_id": 99999999999})") << "'bos_token_id'";
    QTest::newRow("negative") << QByteArray(R"({"eos_token_id": -7})") << "found -7";
    QTest::newRow("text") << QByteArray(R"({"eos_token_id": "two"})") << R"(found "two")";
    QTest::newRow("fraction") << QByteArray(R"({"unk_token_id": 0.5})") << "'unk_token_id'";
  }
  void idsBeyondTheVocabulary() {
    QFETCH(QByteArray, config);
    QFETCH(QString, word);
    const fs::path directory = m_files.write("tokenizer.json", smallBpe().dump());
    const std::string wrong = test::check(
        test::refusalOf([&] { test::loadTokenizerIn(directory, Json::parse(config.toStdString())); }),
        ErrorCode::Corrupt, {"config.json: ", word.toStdString()});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void idsThatMayBe() {
    const fs::path directory = m_files.write("tokenizer.json", smallBpe().dump());
    QCOMPARE(test::loadTokenizerIn(directory, {{"eos_token_id", {2, 1}}})->eos(), 2);
    QCOMPARE(test::loadTokenizerIn(directory, {{"eos_token_id", -1}})->eos(), -1);
    QCOMPARE(
        test::loadTokenizerIn(directory, {{"eos_token_id", nullptr}, {"bos_token_id", Json::array()}})->eos(),
        -1);
    // A padding token added to the model later, which is not used.
    QCOMPARE(test::loadTokenizerIn(directory, {{"pad_token_id", 3}})->vocabulary().padding, -1);
  }
};

NIB_TEST(HostileVocabulariesTest)
#include "hostile_vocabularies_test.moc"
