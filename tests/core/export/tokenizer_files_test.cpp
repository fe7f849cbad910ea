// SPDX-License-Identifier: Apache-2.0
#include "export/tokenizer_files.hpp"

#include "family_tokenizers.hpp"
#include "nib_test.hpp"
#include "plenty.hpp"
#include "relabelled_tokenizer.hpp"
#include "tiny_model.hpp"
#include "tokenizer/gguf_vocabulary.hpp"

#include <QTemporaryDir>
#include <QtTest>

using namespace nibblesmith;
using exporting::TextKind;
using tokenizer::TokenId;
using tokenizer::TokenType;
using tokenizer::Vocabulary;
namespace fs = std::filesystem;

namespace {

/// Returns a checkpoint with GGUF metadata, without a file.
checkpoint::Checkpoint ggufOf(const Vocabulary& vocabulary, const std::string& name = "some model") {
  checkpoint::Checkpoint file;
  file.format = checkpoint::Format::Gguf;
  file.path = "vocabulary.gguf";
  std::vector<int32_t> types;
  for (const TokenType type : vocabulary.types)
    types.push_back(static_cast<int32_t>(type));
  const std::string prefix = "tokenizer.ggml.";
  file.config = {{"general.name", name},
                 {prefix + "model", tokenizer::ggufName(vocabulary.model)},
                 {prefix + "tokens", vocabulary.tokens},
                 {prefix + "scores", vocabulary.scores},
                 {prefix + "token_type", types},
                 {prefix + "add_bos_token", vocabulary.addBos},
                 {prefix + "add_eos_token", vocabulary.addEos},
                 {prefix + "add_space_prefix", vocabulary.addSpacePrefix},
                 {prefix + "remove_extra_whitespaces", vocabulary.collapseSpaces}};
  for (const auto& [key, id] :
       {std::pair("bos", vocabulary.bos), std::pair("eos", vocabulary.eos),
        std::pair("unknown", vocabulary.unknown), std::pair("padding", vocabulary.padding)})
    file.config[prefix + key + "_token_id"] = id < 0 ? uint32_t{UINT32_MAX} : static_cast<uint32_t>(id);
  return file;
}

std::shared_ptr<const tokenizer::Tokenizer> tokenizerOf(const Vocabulary& vocabulary) {
  base::Budget budget = test::plenty();
  return tokenizer::makeScoreTokenizer(vocabulary, "test", budget);
}

Vocabulary pieces() {
  Vocabulary vocabulary = test::goldenPieces();
  vocabulary.addBos = true;
  return vocabulary;
}

} // namespace

/// Writes files for GGUF vocabularies, reopens them, and compares the result with the vocabulary.
class TokenizerFilesTest : public QObject {
  Q_OBJECT

private:
  std::unique_ptr<QTemporaryDir> m_directory;
  fs::path at(const char* name) const { return fs::path(m_directory->path().toStdString()) / name; }

  void writeFiles(const checkpoint::Checkpoint& source, const char* name) {
    fs::remove_all(at(name));
    exporting::OutputDirectory output(at(name), {});
    exporting::writeTokenizerFiles(source, output, {});
    output.commit();
  }
  exporting::TokenizerDifferences writeAndCompare(const checkpoint::Checkpoint& source) {
    writeFiles(source, "files");
    return compare(*tokenizer::loadTokenizer(source), *tokenizer::openTokenizer(at("files")));
  }
  static exporting::TokenizerDifferences compare(const tokenizer::Tokenizer& expected,
                                                 const tokenizer::Tokenizer& found) {
    return exporting::compareTokenizers(expected, found, {}, {});
  }

  /// Returns the message of checkTokenizerWritable(), or an empty text. Checks that nothing is left behind.
  std::string refusal(const checkpoint::Checkpoint& source) {
    std::string message;
    try {
      exporting::OutputDirectory trial(at("trial"), {});
      exporting::checkTokenizerWritable(source, trial, {});
    } catch (const base::Error& error) {
      message = error.code() == base::ErrorCode::NotSupported ? error.what() : "another code";
    }
    for (const auto& entry : fs::directory_iterator(at("")))
      if (entry.path().filename().string().starts_with("trial"))
        message += "left behind: " + entry.path().string();
    return message;
  }

private slots:
  void init() {
    m_directory = std::make_unique<QTemporaryDir>();
    QVERIFY(m_directory->isValid());
  }

  /// The unknown token is identified by its id, independent of type and position.
  void unknownTokenIsWhatItsIdSays_data() {
    QTest::addColumn<int>("id");
    QTest::addColumn<int>("type");
    QTest::newRow("unknown") << 0 << 2;
    QTest::newRow("control") << 0 << 3;
    QTest::newRow("control, fourth") << 3 << 3;
    QTest::newRow("none named, one typed") << -1 << 2;
  }
  void unknownTokenIsWhatItsIdSays() {
    QFETCH(int, id);
    QFETCH(int, type);
    Vocabulary vocabulary = pieces();
    if (id == 3) {
      vocabulary.types[0] = TokenType::Control;
      vocabulary.tokens[0] = "<pad>";
      test::insertPiece(vocabulary, 3, "<unk>", static_cast<TokenType>(type));
    } else {
      vocabulary.types[0] = static_cast<TokenType>(type);
    }
    vocabulary.unknown = id;
    const checkpoint::Checkpoint source = ggufOf(vocabulary);
    QCOMPARE(refusal(source), std::string());
    const auto found = writeAndCompare(source);
    QVERIFY2(found.failure.empty() && found.tolerated.empty(), found.failure.c_str());
    const auto written = tokenizer::openTokenizer(at("files"));
    QCOMPARE(written->vocabulary().unknown, std::max(0, id));
  }

  void vocabulariesThatNoFileHoldsAreRefused() {
    Vocabulary nothingUnknown = pieces();
    nothingUnknown.types[0] = TokenType::Control;
    nothingUnknown.unknown = -1;
    QVERIFY2(refusal(ggufOf(nothingUnknown)).find("unknown characters") != std::string::npos,
             refusal(ggufOf(nothingUnknown)).c_str());
    // sentencepiece requires all byte tokens or none.
    Vocabulary byteMissing = pieces();
    byteMissing.types[3] = TokenType::Unused;
    const std::string text = refusal(ggufOf(byteMissing));
    QVERIFY2(text.find("pieces for 256 bytes") != std::string::npos, text.c_str());
    QVERIFY2(text.find("'vocabulary.gguf'") != std::string::npos &&
                 text.find("found tokenizer.model") != std::string::npos,
             text.c_str());
    Vocabulary twice = pieces();
    twice.tokens[300] = twice.tokens[301];
    QVERIFY(refusal(ggufOf(twice)).find("a unique piece") != std::string::npos);
    Vocabulary notText = pieces();
    notText.types[1] = TokenType::Control;
    notText.tokens[1] = "<\xFF>";
    QVERIFY(refusal(ggufOf(notText)).find("UTF-8") != std::string::npos);
    checkpoint::Checkpoint templated = ggufOf(pieces());
    templated.config["tokenizer.chat_template"] = "<\xFF>";
    QVERIFY(refusal(templated).find("a chat template in UTF-8") != std::string::npos);
    checkpoint::Checkpoint none;
    none.format = checkpoint::Format::Gguf;
    none.path = "vocabulary.gguf";
    none.config = base::Json::object();
    QVERIFY(refusal(none).find("no vocabulary") != std::string::npos);
  }

  /// Token names are written where the library and other programs look for them.
  void namesOfSpecialTokensAreWritten() {
    test::FamilyTokenizer gemma;
    fs::create_directories(at("gemma"));
    gemma = test::writeGemmaTokenizer(at("gemma"));
    Vocabulary vocabulary = tokenizer::openTokenizer(at("gemma"))->vocabulary();
    for (TokenType& type : vocabulary.types)
      if (type == TokenType::Unknown)
        type = TokenType::Control;
    for (std::string& token : vocabulary.tokens)
      if (token == "▁▁" || token == "▁▁▁")
        token.replace(0, std::string::npos, token.size() / 3, ' ');
    const auto found = writeAndCompare(ggufOf(vocabulary));
    QVERIFY2(found.failure.empty(), found.failure.c_str());
    const base::Json config = base::readJsonFile(at("files") / "tokenizer_config.json");
    QCOMPARE(config["unk_token"].get<std::string>(), std::string("<unk>"));
    QCOMPARE(config["added_tokens_decoder"]["6"]["content"].get<std::string>(),
             std::string("<start_of_turn>"));
    QVERIFY(config["added_tokens_decoder"]["6"]["special"].get<bool>());
    QCOMPARE(config["added_tokens_decoder"]["10"]["content"].get<std::string>(), std::string("▁▁"));
    const auto written = tokenizer::openTokenizer(at("files"));
    QCOMPARE(written->decode(written->encode("a  b   c\n\nd", false)), std::string("a  b   c\n\nd"));
    QCOMPARE(written->encode("  ", false), std::vector<TokenId>{10});
  }

  void unigramsBecomeFiles_data() {
    QTest::addColumn<QString>("golden");
    QTest::newRow("bytes") << "sentencepiece_unigram";
    QTest::newRow("replacements, blanks removed") << "sentencepiece_unigram_rules";
  }
  void unigramsBecomeFiles() {
    QFETCH(QString, golden);
    fs::create_directories(at("golden"));
    fs::copy_file(test::projectFile("tests/golden/tokenizer") / golden.toStdString() / "tokenizer.model",
                  at("golden") / "tokenizer.model");
    const Vocabulary vocabulary = tokenizer::openTokenizer(at("golden"))->vocabulary();
    checkpoint::Checkpoint source = ggufOf(vocabulary);
    if (!vocabulary.charsMap.empty()) {
      base::Json& map = source.config["tokenizer.ggml.precompiled_charsmap"] = base::Json::array();
      for (const char byte : vocabulary.charsMap)
        map.push_back(static_cast<uint8_t>(byte));
    }
    QCOMPARE(refusal(source), std::string());
    const auto found = writeAndCompare(source);
    QVERIFY(found.tolerated.empty());
    // llama.cpp adds no space before a text of only spaces.
    const bool removes = golden.endsWith(QStringLiteral("rules"));
    QVERIFY2(removes ? found.failure.empty() : found.failure.starts_with("blanks alone"),
             found.failure.c_str());
    constexpr TextKind kRare[] = {TextKind::Rare};
    const auto tolerant = exporting::compareTokenizers(*tokenizer::loadTokenizer(source),
                                                       *tokenizer::openTokenizer(at("files")), kRare, {});
    QVERIFY2(tolerant.failure.empty(), tolerant.failure.c_str());
    QCOMPARE(tolerant.tolerated, std::string(removes ? "" : "blanks alone"));
  }

  /// llama.cpp recognizes Phi-3 by its name; the files state what its tokens do.
  void tokensOfPhi3RemoveBlanks() {
    Vocabulary vocabulary = pieces();
    for (const char* token : {"<|end|>", "<|user|>"})
      test::insertPiece(vocabulary, vocabulary.tokens.size(), token, TokenType::Control);
    for (const auto& [name, strips] :
         {std::pair("Phi-3 mini", true), std::pair("my-PHI3", true), std::pair("Phi 3", false)}) {
      const checkpoint::Checkpoint source = ggufOf(vocabulary, name);
      const auto read = tokenizer::loadTokenizer(source);
      const TokenId end = read->vocabularySize() - 2;
      QCOMPARE(read->encode("<|end|>\n <|user|>\n", false, true) == (std::vector<TokenId>{end, end + 1}),
               strips);
      const auto found = writeAndCompare(source);
      QVERIFY2(found.failure.empty(), found.failure.c_str());
      QCOMPARE(tokenizer::openTokenizer(at("files"))->vocabulary().rstripTokens,
               read->vocabulary().rstripTokens);
    }
  }

  void filesOfEveryReaderAreCopied() {
    checkpoint::Checkpoint source;
    source.path = at("source");
    const char* names[] = {"tokenizer.model", "qwen.tiktoken", "tekken.json", "vocab.json",
                           "chat_template.jinja"};
    for (const char* name : names)
      base::writeFileAtomically(at("source") / name, name);
    base::writeFileAtomically(at("source") / "secret.key", "private");
    writeFiles(source, "copy");
    for (const char* name : names)
      QCOMPARE(base::readTextFile(at("copy") / name), std::string(name));
    QVERIFY(!fs::exists(at("copy") / "secret.key"));
  }

  /// Each change of a vocabulary is detected and named.
  void differencesAreSeen_data() {
    QTest::addColumn<QString>("what");
    QTest::addColumn<QString>("says");
    QTest::newRow("scores") << "scores"
                            << "expected id";
    QTest::newRow("bytes") << "bytes"
                           << "token 4: expected the text";
    QTest::newRow("prefix") << "prefix"
                            << "expected id";
    QTest::newRow("text of a token") << "token"
                                     << "token 300: expected the text";
    QTest::newRow("control as text") << "control"
                                     << "token 2: expected a control token";
    QTest::newRow("text as control") << "normal"
                                     << "token 419: expected a token of texts";
    QTest::newRow("token missing") << "missing"
                                   << "tokens, found";
    QTest::newRow("BOS") << "bos"
                         << "BOS: expected 1, found 2";
    QTest::newRow("BOS before texts") << "addBos"
                                      << "BOS before a text: expected 1, found 0";
    QTest::newRow("EOS behind texts") << "addEos"
                                      << "EOS behind a text: expected 0, found 1";
    QTest::newRow("user-defined") << "user"
                                  << "user-defined token 3: expected its text to become this token";
    QTest::newRow("blanks kept") << "strips"
                                 << "words beside special tokens";
  }
  void differencesAreSeen() {
    QFETCH(QString, what);
    QFETCH(QString, says);
    Vocabulary vocabulary = pieces();
    test::insertPiece(vocabulary, 3, "<sep>", TokenType::UserDefined);
    Vocabulary changed = vocabulary;
    if (what == QStringLiteral("scores"))
      for (float& score : changed.scores)
        score = -score;
    if (what == QStringLiteral("bytes"))
      for (TokenType& type : changed.types)
        type = type == TokenType::Byte ? TokenType::Unused : type;
    if (what == QStringLiteral("prefix"))
      changed.addSpacePrefix = false;
    if (what == QStringLiteral("token"))
      changed.tokens[300] += "?";
    if (what == QStringLiteral("control"))
      changed.types[2] = TokenType::Normal;
    if (what == QStringLiteral("normal"))
      changed.types.back() = TokenType::Control;
    if (what == QStringLiteral("missing"))
      test::erasePieces(changed, std::ssize(changed.tokens) - 1, std::ssize(changed.tokens));
    if (what == QStringLiteral("bos"))
      changed.bos = 2;
    if (what == QStringLiteral("addBos"))
      changed.addBos = false;
    if (what == QStringLiteral("addEos"))
      changed.addEos = true;
    if (what == QStringLiteral("user"))
      changed.types[3] = TokenType::Unused;
    if (what == QStringLiteral("strips"))
      changed.rstripTokens = {1};
    const auto expected = tokenizerOf(vocabulary), found = tokenizerOf(changed);
    QVERIFY(compare(*expected, *expected).failure.empty());
    const std::string failure = compare(*expected, *found).failure;
    QVERIFY2(failure.find(says.toStdString()) != std::string::npos, failure.c_str());
  }

  /// Embedding rows after the last token are no difference; tokens there would be.
  void paddingIsNoDifference() {
    const Vocabulary vocabulary = pieces();
    Vocabulary padded = vocabulary;
    test::insertPiece(padded, padded.tokens.size(), "[PAD419]", TokenType::Unused);
    const auto plain = tokenizerOf(vocabulary), longer = tokenizerOf(padded);
    QVERIFY(compare(*plain, *longer).failure.empty());
    QVERIFY(compare(*longer, *plain).failure.empty());
    padded.types.back() = TokenType::Normal;
    QVERIFY(!compare(*plain, *tokenizerOf(padded)).failure.empty());
  }

  /// Uses llama.cpp's own vocabulary files.
  void publishedVocabulariesBecomeFiles_data() {
    QTest::addColumn<QString>("name");
    for (const char* name : {"gpt-2", "llama-bpe", "llama-spm", "phi-3", "qwen2"})
      QTest::newRow(name) << name;
  }
  void publishedVocabulariesBecomeFiles() {
    QFETCH(QString, name);
    const fs::path file =
        test::sharedData("tokenizers/ggml-vocab/ggml-vocab-" + name.toStdString() + ".gguf");
    NIB_REQUIRE_DATA(file);
    checkpoint::Checkpoint source = *checkpoint::openCheckpoint(file);
    const auto found = writeAndCompare(source);
    QVERIFY2(found.failure.empty() && found.tolerated.empty(), found.failure.c_str());
    if (name != QStringLiteral("llama-spm"))
      return;
    source.config["tokenizer.ggml.token_type"][0] = 3;
    const auto asControl = writeAndCompare(source);
    QVERIFY2(asControl.failure.empty(), asControl.failure.c_str());
  }
};

NIB_TEST(TokenizerFilesTest)
#include "tokenizer_files_test.moc"
