// SPDX-License-Identifier: Apache-2.0
#include "gguf_file.hpp"
#include "nib_test.hpp"
#include "plenty.hpp"
#include "tokenizer/added_tokens.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/utf8.hpp"

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
using namespace nibblesmith::tokenizer;
using test::GgufFile;
using Ids = std::vector<TokenId>;

namespace {

std::string splitText(const AddedTokens& tokens, const std::string& text, bool parseSpecial) {
  base::Budget budget = test::plenty();
  std::string parts;
  tokens.split(
      text, parseSpecial, budget,
      [&](std::string_view stretch) { parts += "(" + std::string(stretch) + ")"; },
      [&](TokenId id) { parts += "[" + std::to_string(id) + "]"; });
  return parts;
}

AddedToken makeToken(TokenId id, const std::string& content, bool special) {
  AddedToken token;
  token.id = id;
  token.content = content;
  token.special = special;
  return token;
}

} // namespace

class VocabularyTest : public QObject {
  Q_OBJECT

private:
  QTemporaryDir m_root;

  std::shared_ptr<const Tokenizer> load(const GgufFile& file) {
    const auto path = std::filesystem::path(m_root.path().toStdString()) / "vocab.gguf";
    test::writeBytes(path, file.bytes());
    return loadTokenizer(*checkpoint::openCheckpoint(path));
  }

private slots:
  void addedTokensTheLeftmostThenTheLongest() {
    AddedTokens tokens;
    tokens.add(makeToken(1, "<a>", true), "test");
    tokens.add(makeToken(2, "<a><b>", true), "test");
    tokens.add(makeToken(3, "  ", false), "test");
    tokens.add(makeToken(4, "    ", false), "test");
    tokens.add(makeToken(9, "", true), "test");
    QCOMPARE(splitText(tokens, "x<a>y<a><b>", true), std::string("(x)[1](y)[2]"));
    QCOMPARE(splitText(tokens, "x<a>", false), std::string("(x<a>)"));
    QCOMPARE(splitText(tokens, "a       b", false), std::string("(a)[4][3]( b)"));
    QCOMPARE(splitText(tokens, "<a", true), std::string("(<a)"));
    QCOMPARE(splitText(tokens, "", true), std::string());
  }

  void addedTokensAndTheBlanksAroundThem() {
    AddedTokens tokens;
    AddedToken token = makeToken(1, "<m>", false);
    token.stripLeft = true;
    token.stripRight = true;
    tokens.add(token, "test");
    AddedToken word = makeToken(2, "cat", false);
    word.singleWord = true;
    tokens.add(word, "test");
    QCOMPARE(splitText(tokens, "a \t<m>\n b", false), std::string("(a)[1](b)"));
    QCOMPARE(splitText(tokens, "<m> <m>", false), std::string("[1][1]"));
    QCOMPARE(splitText(tokens, "cat concat cats cat.", false), std::string("[2]( concat cats )[2](.)"));
  }

  void utf8() {
    QCOMPARE(characterBytes("a", 0), size_t{1});
    QCOMPARE(characterBytes("é", 0), size_t{2});
    QCOMPARE(characterBytes("é", 1), size_t{0});
    QCOMPARE(characterBytes("€", 0), size_t{3});
    QCOMPARE(characterBytes("🙂", 0), size_t{4});
    QCOMPARE(characterBytes("", 0), size_t{0});
    QCOMPARE(characterBytes("\xe2\x82", 0), size_t{0});         // truncated
    QCOMPARE(characterBytes("\xc0\x80", 0), size_t{0});         // overlong
    QCOMPARE(characterBytes("\xed\xa0\x80", 0), size_t{0});     // surrogate
    QCOMPARE(characterBytes("\xf4\x90\x80\x80", 0), size_t{0}); // above U+10FFFF
    for (const char32_t character :
         {U'\x7f', U'\x80', U'\x7ff', U'\x800', U'\xffff', U'\x10000', U'\x10ffff'}) {
      std::string text;
      appendUtf8(character, text);
      QCOMPARE(characterBytes(text, 0), text.size());
      QVERIFY(characterAt(text, 0) == character);
    }
  }

  void byteNames() {
    QCOMPARE(byteSymbols()[' '], std::string("Ġ"));
    QCOMPARE(byteSymbols()['\n'], std::string("Ċ"));
    QCOMPARE(byteSymbols()['a'], std::string("a"));
    QCOMPARE(byteSymbols()[0xad], std::string("Ń"));
    for (int byte = 0; byte < 256; ++byte)
      QCOMPARE(byteOfToken(tokenOfByte(static_cast<uint8_t>(byte))), byte);
    QCOMPARE(byteOfToken("<0xZZ>"), -1);
    QCOMPARE(byteOfToken("<0x0A"), -1);
  }

  void cutsBeforeBlanks() {
    const std::string text = "\xE2\x96\x81"
                             "a\xE2\x96\x81\xE2\x96\x81"
                             "b";
    QCOMPARE(splitBeforeSpaces(text), (std::vector<std::string_view>{"\xE2\x96\x81"
                                                                     "a",
                                                                     "\xE2\x96\x81\xE2\x96\x81"
                                                                     "b"}));
    Vocabulary vocabulary;
    vocabulary.tokens = {"\xE2\x96\x81\xE2\x96\x81",
                         "\xE2\x96\x81"
                         "a",
                         "b"};
    vocabulary.types.assign(3, TokenType::Normal);
    QVERIFY(blanksOnlyBegin(vocabulary));
    vocabulary.tokens[2] = "   ";
    QVERIFY(blanksOnlyBegin(vocabulary));
    vocabulary.tokens[2] = "b c";
    QVERIFY(!blanksOnlyBegin(vocabulary));
    vocabulary.tokens[2] = "b\xE2\x96\x81"
                           "c";
    QVERIFY(!blanksOnlyBegin(vocabulary));
  }

  // Ids: 259 "▁", 260 a, 261 b, 262 c, 263 "ab", 264 "▁a", 265 "▁ab", 266 "bc"; lower ids have better scores.
  void scoresInGguf() {
    const auto tokenizer = load(test::scoreVocabulary());
    QCOMPARE(tokenizer->encode("ab", true), (Ids{1, 265}));
    QCOMPARE(tokenizer->encode("abc", false), (Ids{265, 262}));
    QCOMPARE(tokenizer->encode("abc abc", false), (Ids{265, 262, 265, 262}));
    QCOMPARE(tokenizer->encode("\n", false), (Ids{259, 3 + 10}));
    QCOMPARE(tokenizer->encode("é", false), (Ids{259, 3 + 0xc3, 3 + 0xa9}));
    QCOMPARE(tokenizer->encode("", true), Ids{1});
    QCOMPARE(tokenizer->decode(Ids{1, 265, 262, 13}), std::string("abc\n"));
    QCOMPARE(tokenizer->tokenBytes(265), std::string(" ab"));
    QVERIFY(tokenizer->vocabulary().addBos); // the default of "llama"
  }

  void flagsInGguf() {
    GgufFile file = test::scoreVocabulary();
    file.key("tokenizer.ggml.add_bos_token", GgufFile::kBool, std::string(1, '\0'))
        .key("tokenizer.ggml.add_eos_token", GgufFile::kBool, std::string(1, '\1'))
        .key("tokenizer.ggml.add_space_prefix", GgufFile::kBool, std::string(1, '\0'))
        .key("tokenizer.ggml.eos_token_id", GgufFile::kU32, GgufFile::number<uint32_t>(1));
    const auto tokenizer = load(file);
    QCOMPARE(tokenizer->encode("ab", true), (Ids{263, 1}));
    QCOMPARE(tokenizer->decode(Ids{265}), std::string(" ab"));
  }

  // A character that only occurs inside longer tokens still takes part in merging.
  void characterWithoutItsOwnToken() {
    GgufFile file;
    file.key("tokenizer.ggml.model", GgufFile::kString, GgufFile::text("llama"))
        .key("tokenizer.ggml.tokens", GgufFile::kArray, GgufFile::texts({"<unk>", "<s>", "</s>", "a", "xa"}))
        .key("tokenizer.ggml.scores", GgufFile::kArray,
             GgufFile::numbers<float>(GgufFile::kF32, {0, 0, 0, -1, -2}))
        .key("tokenizer.ggml.token_type", GgufFile::kArray,
             GgufFile::numbers<int32_t>(GgufFile::kI32, {2, 3, 3, 1, 1}))
        .key("tokenizer.ggml.add_space_prefix", GgufFile::kBool, std::string(1, '\0'));
    const auto tokenizer = load(file);
    QCOMPARE(tokenizer->encode("xaa", false), (Ids{4, 3}));
    QCOMPARE(tokenizer->encode("xax", false), (Ids{4, 0}));
    // sentencepiece encodes a run of unknown characters as one token.
    QCOMPARE(tokenizer->encode("xx", false), Ids{0});
  }
};

NIB_TEST(VocabularyTest)
#include "vocabulary_test.moc"
