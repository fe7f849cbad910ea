// SPDX-License-Identifier: Apache-2.0
#include "hostile_files.hpp"
#include "nib_test.hpp"
#include "sentencepiece_file.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/limits.hpp"

#include <QtTest>

using namespace nibblesmith;
using base::ErrorCode;
using base::Json;
using test::SentencepieceFile;
using test::smallBpe;
using tokenizer::TokenId;
using Ids = std::vector<TokenId>;
namespace fs = std::filesystem;
namespace limits = tokenizer::limits;

namespace {

Json replacing(const std::string& from, const std::string& to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

Json sequence(const Json& step, int count) {
  Json steps = Json::array();
  for (int i = 0; i < count; ++i)
    steps.push_back(step);
  return {{"type", "Sequence"}, {"normalizers", steps}};
}

Json splitting(const std::string& pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}};
}

Json addedToken(int64_t id, const std::string& content) {
  return {{"id", id}, {"content", content}, {"special", false}};
}

} // namespace

/// Malicious files, which would take hours or all memory or cause reads out of bounds. Each is rejected with
/// its name, the field, the limit and the actual value, in a process limited to one more gigabyte.
class HostileFilesTest : public QObject {
  Q_OBJECT

private:
  test::HostileFiles m_files;

private slots:
  void normalizers_data() {
    QTest::addColumn<QByteArray>("normalizer");
    QTest::addColumn<QStringList>("words");
    const auto row = [](const char* name, const Json& normalizer, const QStringList& words) {
      QTest::newRow(name) << QByteArray::fromStdString(normalizer.dump()) << words;
    };
    row("doubling", sequence(replacing("a", "aa"), 40), {"normalizer: step ", "bytes of memory"});
    row("growing by a pattern",
        sequence({{"type", "Replace"}, {"pattern", {{"Regex", "a"}}}, {"content", "aaaa"}}, 30),
        {"normalizer: step ", "bytes of memory"});
    row("growing to a character of eighteen",
        {{"type", "Sequence"},
         {"normalizers",
          {replacing("a", std::string(1000, 'a')),
           replacing("a", std::string(1000, 'a')),
           replacing("a", "\xEF\xB7\xBA"),
           {{"type", "NFKC"}}}}},
        {"normalizer: step ", "bytes of memory"});
    row("many steps", sequence({{"type", "NFC"}}, 65), {"normalizer", "at most 64 steps", "found 65"});
    row("long prefix", {{"type", "Prepend"}, {"prepend", std::string(200'000, 'x')}},
        {"normalizer: step 1", "at most 1024 bytes", "200000"});
    row("long replacement", replacing("a", std::string(200'000, 'x')),
        {"normalizer: step 1", "at most 1024 bytes", "200000"});
    row("long text to look for", replacing(std::string(200'000, 'x'), "a"),
        {"normalizer: step 1", "at most 1024 bytes", "200000"});
    row("long pattern",
        {{"type", "Replace"}, {"pattern", {{"Regex", std::string(200'000, 'x')}}}, {"content", "a"}},
        {"normalizer: expected at most 16384 bytes of patterns", "200000"});
    row("long patterns together",
        sequence({{"type", "Replace"}, {"pattern", {{"Regex", std::string(4'000, 'x')}}}, {"content", "a"}},
                 5),
        {"normalizer: expected at most 16384 bytes of patterns", "20000"});
    row("catastrophic pattern",
        sequence({{"type", "Replace"}, {"pattern", {{"Regex", "(a?){60}a{60}$"}}}, {"content", "a"}}, 1),
        {"normalizer: pattern '(a?){60}a{60}$'", "steps of work"});
  }
  void normalizers() {
    QFETCH(QByteArray, normalizer);
    QFETCH(QStringList, words);
    Json json = smallBpe();
    json["normalizer"] = Json::parse(normalizer.toStdString());
    std::vector<std::string> all = {"tokenizer.json: "};
    for (const QString& word : words)
      all.push_back(word.toStdString());
    const std::string wrong =
        m_files.refused(m_files.write("tokenizer.json", json.dump()), ErrorCode::NotSupported, all,
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void preTokenizers_data() {
    QTest::addColumn<QByteArray>("preTokenizer");
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QStringList>("words");
    const auto row = [](const char* name, const Json& json, const QByteArray& text,
                        const QStringList& words) {
      QTest::newRow(name) << QByteArray::fromStdString(json.dump()) << text << words;
    };
    Json many = Json::array();
    for (int i = 0; i < 65; ++i)
      many.push_back(splitting("x"));
    row("many steps", {{"type", "Sequence"}, {"pretokenizers", many}}, "ab",
        {"pre_tokenizer", "at most 64 steps", "found 65"});
    row("long pattern", splitting(std::string(5'000, 'x')), "ab",
        {"pre_tokenizer: pattern 'xxx", "at most 4096 bytes", "5000"});
    row("catastrophic", splitting("(a+)+$"), QByteArray(64, 'a') + "b",
        {"pre_tokenizer: pattern '(a+)+$'", "steps of work"});
    row("a little too much at each place", splitting("a(?=a*+b?+c)|a"), QByteArray(60'000, 'a') + "b",
        {"pre_tokenizer: pattern", "steps of work"});
    row("long symbol", {{"type", "Metaspace"}, {"replacement", std::string(200'000, '_')}}, "a b",
        {"pre_tokenizer: step 1", "at most 1024 bytes", "200000"});
  }
  void preTokenizers() {
    QFETCH(QByteArray, preTokenizer);
    QFETCH(QByteArray, text);
    QFETCH(QStringList, words);
    Json json = smallBpe();
    json["pre_tokenizer"] = Json::parse(preTokenizer.toStdString());
    std::vector<std::string> all = {"tokenizer.json: "};
    for (const QString& word : words)
      all.push_back(word.toStdString());
    const std::string wrong = m_files.refused(m_files.write("tokenizer.json", json.dump()),
                                              ErrorCode::NotSupported, all, text.toStdString());
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void addedTokens() {
    Json one = smallBpe();
    one["added_tokens"].push_back(addedToken(3, std::string(200'000, 'x')));
    std::string wrong = m_files.refused(m_files.write("tokenizer.json", one.dump()), ErrorCode::NotSupported,
                                        {"tokenizer.json: ", "token 3", "at most 1024 bytes", "200000"});
    QVERIFY2(wrong.empty(), wrong.c_str());
    Json many = smallBpe();
    for (int i = 0; i < 5000; ++i)
      many["added_tokens"].push_back(addedToken(3 + i, std::to_string(i) + std::string(1000, 'x')));
    wrong = m_files.refused(m_files.write("tokenizer.json", many.dump()), ErrorCode::NotSupported,
                            {"tokenizer.json: added tokens", "at most 4194304 bytes"});
    QVERIFY2(wrong.empty(), wrong.c_str());
    Json beside = smallBpe();
    const fs::path directory = m_files.write("tokenizer.model", SentencepieceFile::valid().bytes());
    test::writeBytes(directory / "added_tokens.json", Json{{std::string(200'000, 'x'), 7}}.dump());
    wrong = m_files.refused(directory, ErrorCode::NotSupported,
                            {"tokenizer.model: added tokens: token 7", "at most 1024 bytes", "200000"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void vocabularies_data() {
    QTest::addColumn<QByteArray>("vocab");
    QTest::addColumn<QStringList>("words");
    const auto row = [](const char* name, const Json& vocab, const QStringList& words) {
      QTest::newRow(name) << QByteArray::fromStdString(vocab.dump()) << words;
    };
    row("long token", {{"u", 0}, {"a", 1}, {"aa", 2}, {std::string(2000, 'x'), 3}},
        {"the vocabulary: token 3", "at most 1024 bytes", "found 2000"});
    row("ids without tokens", {{"u", 0}, {"a", 1}, {"aa", 100'000}},
        {"the vocabulary", "at most 65536 ids without a token", "found 99998"});
    Json large = {{"u", 0}, {"a", 1}, {"aa", 2}};
    for (int i = 3; i < 18'000; ++i)
      large[std::to_string(i) + std::string(1000, 'x')] = i;
    row("much text", large, {"the vocabulary", "at most 16777216 bytes of tokens"});
  }
  void vocabularies() {
    QFETCH(QByteArray, vocab);
    QFETCH(QStringList, words);
    Json json = smallBpe();
    json["model"]["vocab"] = Json::parse(vocab.toStdString());
    std::vector<std::string> all = {"tokenizer.json: "};
    for (const QString& word : words)
      all.push_back(word.toStdString());
    const std::string wrong =
        m_files.refused(m_files.write("tokenizer.json", json.dump()), ErrorCode::NotSupported, all);
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void manyMerges() {
    const fs::path directory = m_files.write("vocab.json", Json{{"a", 0}, {"aa", 1}}.dump());
    std::string merges;
    for (uint64_t i = 0; i <= limits::kMerges; ++i)
      merges += "a a\n";
    test::writeBytes(directory / "merges.txt", merges);
    const std::string wrong = m_files.refused(directory, ErrorCode::NotSupported, {"merges.txt: ", "merges"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  // A thousand pieces begin at every position of the text.
  void longPiecesOfUnigram() {
    Json vocab = Json::array({Json::array({"u", 0.0})});
    for (size_t length = 1; length <= limits::kTokenBytes; ++length)
      vocab.push_back(Json::array({std::string(length, 'a'), -1.0 - static_cast<double>(length)}));
    Json json = smallBpe();
    json["model"] = {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", vocab}};
    const fs::path directory = m_files.write("tokenizer.json", json.dump());
    QCOMPARE(test::loadTokenizerIn(directory)->encode(std::string(5000, 'a'), false).size(), size_t{5});
    const std::string wrong =
        m_files.refused(directory, ErrorCode::NotSupported,
                        {"tokenizer.json: unigram pieces", "steps of work"}, std::string(200'000, 'a'));
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void tokensAroundATextAreFew() {
    Json single = Json::array();
    for (int i = 0; i < 100; ++i)
      single.push_back({{"SpecialToken", {{"id", "a"}}}});
    Json json = smallBpe();
    json["post_processor"] = {{"type", "TemplateProcessing"}, {"single", single}};
    const std::string wrong =
        m_files.refused(m_files.write("tokenizer.json", json.dump()), ErrorCode::NotSupported,
                        {"tokenizer.json: post_processor", "at most 32 tokens"});
    QVERIFY2(wrong.empty(), wrong.c_str());
  }

  void chatTemplates() {
    const tokenizer::Vocabulary vocabulary;
    const auto refusal = [&](const std::string& jinja) {
      return test::refusalOf([&] { tokenizer::ChatTemplate(jinja, vocabulary, "model"); });
    };
    const std::string begin = "{{ '<|im_start|>system\n";
    const std::string end = "<|im_end|>' }}";
    std::string wrong = test::check(refusal(begin + std::string(500'000, 'x') + end), ErrorCode::NotSupported,
                                    {"model: chat template", "at most 131072 bytes", "500"});
    QVERIFY2(wrong.empty(), wrong.c_str());
    wrong =
        test::check(refusal(begin + std::string(100'000, 'x') + end), ErrorCode::NotSupported,
                    {"model: chat template: default system message", "at most 8192 bytes", "found 100000"});
    QVERIFY2(wrong.empty(), wrong.c_str());
    // Fifty kilobytes each of begin markers without an end, and of empty blocks.
    std::string beginnings, empties;
    while (beginnings.size() < 50'000)
      beginnings += "<|im_start|>system";
    while (empties.size() < 50'000)
      empties += "<|im_start|>system<|im_end|>";
    for (const std::string& text : {beginnings, beginnings + "'", empties, empties + "'" + beginnings}) {
      const tokenizer::ChatTemplate chat(text + "'<|im_end|>", vocabulary, "model");
      const std::vector<tokenizer::ChatMessage> messages = {{"user", "x"}};
      QVERIFY(chat.render(messages, true).size() < 100);
    }
  }

  void everyTokenizerHearsTheStopToken() {
    std::stop_source source;
    source.request_stop();
    Json unigram = smallBpe();
    unigram["model"] = {
        {"type", "Unigram"}, {"unk_id", 0}, {"vocab", Json::parse(R"([["u", 0], ["a", -1]])")}};
    Json normalized = smallBpe();
    normalized["normalizer"] = {{"type", "NFC"}};
    for (const fs::path& directory :
         {m_files.write("tokenizer.json", smallBpe().dump()), m_files.write("tokenizer.json", unigram.dump()),
          m_files.write("tokenizer.json", normalized.dump()),
          m_files.write("tokenizer.model", SentencepieceFile::valid().bytes()),
          m_files.write("tokenizer.model", SentencepieceFile::valid(SentencepieceFile::kUnigram).bytes())}) {
      const auto tokenizer = test::loadTokenizerIn(directory);
      QVERIFY(!tokenizer->encode("aab", false).empty());
      QVERIFY_EXCEPTION_THROWN(tokenizer->encode("aab", false, false, source.get_token()), base::Cancelled);
      checkpoint::Checkpoint files;
      files.path = directory;
      files.config = Json::object();
      QVERIFY_EXCEPTION_THROWN(tokenizer::loadTokenizer(files, source.get_token()), base::Cancelled);
    }
  }

  // Valid large files are read within the same memory: 256,000 pieces, and megabytes of one word.
  void largeAndHonest_data() {
    QTest::addColumn<int>("model");
    QTest::newRow("BPE") << static_cast<int>(SentencepieceFile::kBpe);
    QTest::newRow("unigram") << static_cast<int>(SentencepieceFile::kUnigram);
  }
  void largeAndHonest() {
    QFETCH(int, model);
    SentencepieceFile file = SentencepieceFile::valid(static_cast<uint64_t>(model));
    for (int i = 0; i < 255'993; ++i)
      file.piece("\xE2\x96\x81w" + std::to_string(i), -2.0f - static_cast<float>(i) * 1e-3f);
    for (int digit = 0; digit < 10; ++digit)
      file.piece(std::to_string(digit), -1000.0f);
    const auto tokenizer = test::loadTokenizerIn(m_files.write("tokenizer.model", file.bytes()));
    QCOMPARE(tokenizer->vocabularySize(), 7 + 255'993 + 10);
    QCOMPARE(tokenizer->encode("ab", false), (Ids{3, 6}));
    QCOMPARE(tokenizer->encode(std::string(2'000'000, 'a'), false).size(), size_t{2'000'001});
  }
};

NIB_TEST(HostileFilesTest)
#include "hostile_files_test.moc"
