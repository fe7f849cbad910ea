// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "byte_tokenizer.hpp"
#include "calibration/calibration_set.hpp"
#include "calibration/token_source.hpp"
#include "nib_test.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace nibblesmith;
using calibration::CalibrationOptions;
using calibration::ChatTemplateUse;
using calibration::Packing;
using calibration::Sampling;
using tokenizer::TokenId;
namespace fs = std::filesystem;

namespace {

std::vector<TokenId> ids(const std::string& text) {
  std::vector<TokenId> result;
  for (const char c : text)
    result.push_back(c == '^' ? 1 : static_cast<uint8_t>(c));
  return result;
}

} // namespace

class CalibrationSetTest : public QObject {
  Q_OBJECT
private slots:
  void packsPrompts();
  void leavesPromptsAlone();
  void appliesTheChatTemplate();
  void cutsText();
  void readsTokenIds();
  void tokenizingHearsTheStopToken();
  void sampling();
  void hashNamesTheSequences();
  void warnsInWords();
  void badFiles_data();
  void badFiles();
  void badOptions();
  void namesOfChoices();
  void unknownNames();

private:
  fs::path write(const std::string& name, const std::string& content) {
    const fs::path path = fs::path(m_directory.path().toStdString()) / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  calibration::CalibrationSet load(const fs::path& path, int64_t samples, int64_t length, Sampling sampling) {
    return load(path, CalibrationOptions{samples, length, sampling, 1});
  }
  calibration::CalibrationSet load(const fs::path& path, const CalibrationOptions& options) {
    base::NoProgress progress;
    return calibration::loadCalibration(path, m_model, options, m_pool, {}, progress);
  }

  QTemporaryDir m_directory;
  base::ThreadPool m_pool{1};
  calibration::ModelContext m_model{
      std::make_shared<test::ByteTokenizer>(), nullptr, {}, "the model has no chat template"};
};

void CalibrationSetTest::packsPrompts() {
  // The prompt that crosses the end of a sequence is cut; the next sequence starts with the next prompt.
  const auto json = write(
      "p.json",
      R"([{"prompt":"abc"},{"prompt":"  "},{"text":"defgh"},{"prompt":"ijklmnopqrst"},{"prompt":"u","extra":1}])");
  const auto set = load(json, 10, 8, Sampling::First);
  QCOMPARE(set.sequences.size(), size_t{3});
  QCOMPARE(set.sequences[0], ids("^abc^def"));
  QCOMPARE(set.sequences[1], ids("^ijklmno"));
  QCOMPARE(set.sequences[2], ids("^u"));
  const auto lines = write(
      "p.jsonl",
      "{\"prompt\":\"abc\"}\n\n{\"text\":\"defgh\"}\r\n{\"prompt\":\"ijklmnopqrst\"}\n{\"prompt\":\"u\"}");
  QCOMPARE(load(lines, 10, 8, Sampling::First).hash, set.hash);
  QCOMPARE(load(json, 1, 8, Sampling::First).sequences.size(), size_t{1});
  const auto all = load(json, 4, 100, Sampling::Random).sequences;
  QCOMPARE(all.size(), size_t{1});
  QCOMPARE(all[0].size(), size_t{4 + 6 + 13 + 2});
}

void CalibrationSetTest::leavesPromptsAlone() {
  const auto path =
      write("n.jsonl", "{\"text\":\"abc\"}\n{\"text\":\"defghijkl\"}\n{\"text\":\" \"}\n{\"text\":\"m\"}");
  const auto set = load(path, {10, 6, Sampling::First, 1, Packing::None});
  QCOMPARE(set.sequences, (std::vector<std::vector<TokenId>>{ids("^abc"), ids("^defgh"), ids("^m")}));
  QCOMPARE(set.findings.size(), size_t{1}); // few samples; short ones are expected without packing
  QCOMPARE(load(path, {2, 6, Sampling::First, 1, Packing::None}).sequences.size(), size_t{2});
  const auto shuffled = load(path, {3, 6, Sampling::Random, 3, Packing::None}).sequences;
  QVERIFY(std::is_permutation(shuffled.begin(), shuffled.end(), set.sequences.begin(), set.sequences.end()));
}

void CalibrationSetTest::appliesTheChatTemplate() {
  const auto chats =
      write("c.json", R"([{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}]},
                                         {"prompt":"P"}])");
  CalibrationOptions options{2, 64, Sampling::First, 1, Packing::None, ChatTemplateUse::Chats};
  try {
    load(chats, options);
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY(error.code() == base::ErrorCode::NotSupported);
    const std::string message = error.what();
    QVERIFY2(message.find("'chatTemplate': entry 0") != std::string::npos, error.what());
    QVERIFY2(message.find("the model has no chat template") != std::string::npos, error.what());
  }
  options.chatTemplate = ChatTemplateUse::None;
  QCOMPARE(load(chats, options).sequences, (std::vector<std::vector<TokenId>>{ids("^Q\n\nA"), ids("^P")}));
  const std::string zephyr = "<|user|>\n <|assistant|> eos_token";
  m_model.chat.emplace(zephyr, m_model.tokenizer->vocabulary(), "test");
  options.chatTemplate = ChatTemplateUse::Chats;
  // Special tokens are recognized, and the tokenizer's BOS comes first although this template does not write
  // it.
  auto expected = ids("^<|user|>\nQ$\n<|assistant|>\nA$\n");
  std::replace(expected.begin(), expected.end(), TokenId{'$'}, TokenId{2});
  QCOMPARE(load(chats, options).sequences, (std::vector<std::vector<TokenId>>{expected, ids("^P")}));
  options.chatTemplate = ChatTemplateUse::All;
  auto prompt = ids("^<|user|>\nP$\n<|assistant|>\n");
  std::replace(prompt.begin(), prompt.end(), TokenId{'$'}, TokenId{2});
  QCOMPARE(load(chats, options).sequences[1], prompt);
  m_model.chat.reset();
}

void CalibrationSetTest::cutsText() {
  const auto text = write("t.txt", "abcdefghijk");
  const auto set = load(text, 5, 4, Sampling::First);
  QCOMPARE(set.sequences, (std::vector<std::vector<TokenId>>{ids("abcd"), ids("efgh")}));
  QCOMPARE(load(text, 2, 20, Sampling::First).sequences.front(), ids("abcdefghijk"));
}

void CalibrationSetTest::readsTokenIds() {
  std::string bytes;
  for (int i = 0; i < 10; ++i)
    bytes += std::string{static_cast<char>(i * 20), 0, 0, 0};
  const auto path = write("t.i32", bytes);
  const auto set = load(path, 5, 3, Sampling::First);
  QCOMPARE(set.sequences, (std::vector<std::vector<TokenId>>{{0, 20, 40}, {60, 80, 100}, {120, 140, 160}}));
  QCOMPARE(calibration::readTokens(path, *m_model.tokenizer, {}).size(), size_t{10});
  QCOMPARE(calibration::readTokens(write("r.txt", "ab"), *m_model.tokenizer, {}), ids("ab"));
  try {
    calibration::readTokenIds(path, 120);
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY2(std::string(error.what()).find("token 6") != std::string::npos, error.what());
  }
}

// A text is encoded as a whole, and a prompt may be long: the tokenizer itself has to hear of a cancel.
void CalibrationSetTest::tokenizingHearsTheStopToken() {
  std::stop_source source;
  source.request_stop();
  QVERIFY_THROWS_EXCEPTION(
      base::Cancelled, calibration::readTokens(write("s.txt", "ab"), *m_model.tokenizer, source.get_token()));
  QVERIFY_THROWS_EXCEPTION(base::Cancelled,
                           calibration::encodePrompt({"ab", {}, "entry 1"}, m_model, {}, source.get_token()));
}

void CalibrationSetTest::sampling() {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += std::string(4, static_cast<char>('!' + i % 90));
  const auto path = write("s.txt", text);
  const auto one = load(path, 10, 4, Sampling::Random);
  QCOMPARE(load(path, 10, 4, Sampling::Random).sequences, one.sequences);
  QVERIFY(load(path, {10, 4, Sampling::Random, 2}).sequences != one.sequences);
  QVERIFY(load(path, 10, 4, Sampling::First).sequences != one.sequences);
  QCOMPARE(one.sequences.size(), size_t{10});
  QVERIFY(one.findings.empty());
}

void CalibrationSetTest::hashNamesTheSequences() {
  const auto hashOf = [&](const std::string& text, int64_t length) {
    return load(write("h.txt", text), 4, length, Sampling::First).hash;
  };
  QCOMPARE(hashOf("abcdefgh", 4).size(), size_t{64});
  QCOMPARE(hashOf("abcdefgh", 4), hashOf("abcdefgh", 4));
  QVERIFY(hashOf("abcdefgh", 4) != hashOf("abcdefgh", 8));
  QVERIFY(hashOf("abcdefgh", 4) != hashOf("abcdefgi", 4));
}

void CalibrationSetTest::warnsInWords() {
  const auto set = load(write("w.txt", "abcdefghijk"), 5, 4, Sampling::First);
  QCOMPARE(set.findings.size(), size_t{1});
  QCOMPARE(set.findings[0].check, std::string("few samples"));
  QCOMPARE(set.findings[0].message, std::string("'w.txt' gives 2 of the 5 samples asked for"));
  QCOMPARE(set.findings[0].count, int64_t{3});
  const auto brief = load(write("b.txt", "abc"), 1, 4, Sampling::First);
  QCOMPARE(brief.findings.size(), size_t{1});
  QCOMPARE(brief.findings[0].message, std::string("1 sample is shorter than 4 tokens (shortest: 3)"));
  QCOMPARE(brief.findings[0].examples, std::vector<std::string>{"sample 0"});
  QVERIFY(calibration::toJson(brief.findings)[0]["check"] == "short samples");
}

void CalibrationSetTest::badFiles_data() {
  QTest::addColumn<QString>("name");
  QTest::addColumn<QByteArray>("content");
  QTest::addColumn<QString>("expected");
  QTest::newRow("no JSON") << "a.json" << QByteArray("just text") << "not valid JSON";
  QTest::newRow("an object") << "a.json" << QByteArray("{\"prompt\":\"x\"}") << "expected an array";
  QTest::newRow("no prompt") << "a.json" << QByteArray("[{\"prompt\":\"x\"},{\"question\":\"y\"}]")
                             << "entry 1";
  QTest::newRow("a number") << "a.json" << QByteArray("[{\"prompt\":7}]")
                            << "'prompt': expected a string, found 7";
  QTest::newRow("no prompts") << "a.json" << QByteArray("[]") << "no usable prompt";
  QTest::newRow("blank prompts") << "a.json" << QByteArray("[{\"prompt\":\" \\n\"}]") << "no usable prompt";
  QTest::newRow("no messages") << "a.json" << QByteArray("[{\"messages\":[]}]") << "entry 0: 'messages'";
  QTest::newRow("messages of text") << "a.json" << QByteArray("[{\"messages\":\"hi\"}]")
                                    << "'messages': expected an array, found \"hi\"";
  QTest::newRow("a role")
      << "a.jsonl"
      << QByteArray(
             "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"tool\",\"content\":\"b\"}]}")
      << "line 1, message 2: 'role': expected system, user or assistant, found \"tool\"";
  QTest::newRow("no content") << "a.json"
                              << QByteArray("[{\"messages\":[{\"role\":\"user\",\"content\":null}]}]")
                              << "message 1: 'content'";
  QTest::newRow("bad line") << "a.jsonl" << QByteArray("{\"prompt\":\"x\"}\n{\"prompt\"") << "line 2";
  QTest::newRow("binary text") << "a.txt" << QByteArray("ab\0cd", 5) << "offset 2";
  QTest::newRow("not UTF-8") << "a.txt" << QByteArray("ab\xC3(") << "byte 195 at offset 2";
  QTest::newRow("overlong UTF-8") << "a.txt" << QByteArray("\xC0\x80") << "offset 0";
  QTest::newRow("surrogate") << "a.txt" << QByteArray("\xED\xA0\x80") << "offset 0";
  QTest::newRow("cut UTF-8") << "a.txt" << QByteArray("a\xE2\x82") << "offset 1";
  QTest::newRow("empty") << "a.txt" << QByteArray("") << "no usable prompt";
  QTest::newRow("odd size") << "a.i32" << QByteArray("abcde") << "multiple of 4";
  QTest::newRow("negative id") << "a.i32" << QByteArray("\xff\xff\xff\xff") << "found -1";
  QTest::newRow("id too large") << "a.i32" << QByteArray("\0\1\0\0", 4) << "found 256";
}

void CalibrationSetTest::badFiles() {
  QFETCH(QString, name);
  QFETCH(QByteArray, content);
  QFETCH(QString, expected);
  const auto path = write(name.toStdString(), content.toStdString());
  try {
    load(path, 4, 8, Sampling::Random);
    QFAIL("expected an error");
  } catch (const base::Error& error) {
    QVERIFY2(QString::fromUtf8(error.what()).contains(expected), error.what());
    QVERIFY2(std::string(error.what()).find(path.string()) != std::string::npos, error.what());
  }
}

void CalibrationSetTest::badOptions() {
  const auto path = write("o.txt", "abcdefgh");
  const auto refused = [&](const CalibrationOptions& options, const std::string& field) {
    try {
      load(path, options);
    } catch (const base::Error& error) {
      return error.code() == base::ErrorCode::InvalidArgument &&
             std::string(error.what()).find(field) != std::string::npos;
    }
    return false;
  };
  QVERIFY(refused({0, 4, Sampling::First, 1}, "'samples'"));
  QVERIFY(refused({4, 1, Sampling::First, 1}, "'length'"));
  QVERIFY(refused({4, 4, Sampling::Diverse, 1}, "'sampling'")); // there is no model here
  // Two windows are less than a quarter of nine.
  QVERIFY(refused({9, 4, Sampling::First, 1}, "'samples': expected at most 8"));
  QCOMPARE(load(path, 8, 4, Sampling::First).sequences.size(), size_t{2});
  QVERIFY_THROWS_EXCEPTION(base::Error, load("/does/not/exist.txt", 4, 4, Sampling::First));
}

/// Recipes, experiment logs and command lines hold these names, so they must never change.
void CalibrationSetTest::namesOfChoices() {
  const auto agrees = [](auto value, const char* name, auto parse) {
    return toString(value) == name && parse(name, "origin") == value;
  };
  QVERIFY(agrees(Sampling::Random, "random", calibration::samplingFrom));
  QVERIFY(agrees(Sampling::First, "first", calibration::samplingFrom));
  QVERIFY(agrees(Sampling::Diverse, "diverse", calibration::samplingFrom));
  QVERIFY(agrees(Packing::Sequence, "sequence", calibration::packingFrom));
  QVERIFY(agrees(Packing::None, "none", calibration::packingFrom));
  QVERIFY(agrees(ChatTemplateUse::Chats, "chats", calibration::chatTemplateUseFrom));
  QVERIFY(agrees(ChatTemplateUse::All, "all", calibration::chatTemplateUseFrom));
  QVERIFY(agrees(ChatTemplateUse::None, "none", calibration::chatTemplateUseFrom));
}

void CalibrationSetTest::unknownNames() {
  const auto messageOf = [](auto parse, const std::string& name) -> std::string {
    try {
      parse(name, "recipe.json");
    } catch (const base::Error& error) {
      return error.code() == base::ErrorCode::InvalidArgument ? error.what() : "another code";
    }
    return "accepted";
  };
  QCOMPARE(messageOf(calibration::samplingFrom, "best"),
           std::string("recipe.json: 'sampling': expected one of \"random\", \"first\", \"diverse\", found "
                       "\"best\""));
  QCOMPARE(messageOf(calibration::packingFrom, "tight"),
           std::string("recipe.json: 'packing': expected one of \"sequence\", \"none\", found \"tight\""));
  QCOMPARE(messageOf(calibration::chatTemplateUseFrom, "some"),
           std::string("recipe.json: 'chatTemplate': expected one of \"chats\", \"all\", \"none\", found "
                       "\"some\""));
  QVERIFY(messageOf(calibration::samplingFrom, std::string(5000, 'x')).size() < 200);
}

NIB_TEST(CalibrationSetTest)
#include "calibration_set_test.moc"
