// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "byte_tokenizer.hpp"
#include "calibration/lint.hpp"
#include "calibration/words.hpp"
#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace nibblesmith;
using calibration::CalibrationOptions;
using calibration::CalibrationReport;
using calibration::ChatTemplateUse;
using calibration::Finding;
using calibration::Packing;
using calibration::Sampling;
namespace fs = std::filesystem;

class LintTest : public QObject {
  Q_OBJECT
private slots:
  void noFindings();
  void duplicates();
  void shortPrompts();
  void missingBos();
  void templates();
  void overlap();
  void overlapOfOtherFiles();
  void normalizesWords();
  void takesADiverseSample();

private:
  fs::path write(const std::string& name, const std::string& content) {
    const fs::path path = fs::path(m_directory.path().toStdString()) / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  fs::path prompts(const std::vector<std::string>& texts) {
    base::Json json = base::Json::array();
    for (const std::string& text : texts)
      json.push_back({{"prompt", text}});
    return write("p.json", json.dump());
  }
  CalibrationReport lint(const fs::path& path, const fs::path& evaluation = {},
                         ChatTemplateUse chatTemplate = ChatTemplateUse::Chats) {
    base::NoProgress progress;
    return calibration::lint(path, evaluation, m_model,
                             CalibrationOptions{1, 16, Sampling::First, 1, Packing::Sequence, chatTemplate},
                             m_pool, {}, progress);
  }
  static const Finding* find(const CalibrationReport& report, const std::string& check) {
    for (const Finding& finding : report.findings)
      if (finding.check == check)
        return &finding;
    return nullptr;
  }
  void setTemplate(const char* jinja) {
    m_model.chat.emplace(jinja, m_model.tokenizer->vocabulary(), "test");
  }

  QTemporaryDir m_directory;
  base::ThreadPool m_pool{1};
  calibration::ModelContext m_model{std::make_shared<test::ByteTokenizer>(), nullptr, {}, "none"};
};

void LintTest::noFindings() {
  const auto report = lint(prompts({"The first prompt of all.", "Another one, which differs."}));
  QVERIFY(report.findings.empty());
  QCOMPARE(report.kind, std::string("prompts"));
  QCOMPARE(report.entries, int64_t{2});
  QCOMPARE(report.tokens, int64_t{16});
  QCOMPARE(report.set.sequences.size(), size_t{1});
}

void LintTest::duplicates() {
  const auto report = lint(
      prompts({"The same text, twice.", "the SAME text\ntwice", "The same text, twice.", "The other text."}));
  const Finding* exact = find(report, "duplicates");
  QVERIFY(exact);
  QCOMPARE(exact->count, int64_t{1});
  QCOMPARE(exact->examples, std::vector<std::string>{"entry 2"});
  QCOMPARE(exact->message, std::string("1 of 4 prompts repeat an earlier one"));
  const Finding* near = find(report, "near duplicates");
  QVERIFY(near);
  QCOMPARE(near->examples, std::vector<std::string>{"entry 1"});
}

void LintTest::shortPrompts() {
  const auto report = lint(prompts({"1234567", "12345678", "Long enough to be one."}));
  const Finding* finding = find(report, "short prompts");
  QVERIFY(finding);
  QCOMPARE(finding->count, int64_t{1});
  QCOMPARE(finding->examples, std::vector<std::string>{"entry 0"});
}

void LintTest::missingBos() {
  const auto text = write("t.txt", "Running text, cut into windows.");
  const auto report = lint(text);
  QCOMPARE(report.kind, std::string("text"));
  const Finding* finding = find(report, "missing BOS");
  QVERIFY(finding);
  QCOMPARE(finding->count, int64_t{1});
  QVERIFY(!find(lint(prompts({"A prompt gets its BOS."})), "missing BOS"));
  m_model.tokenizer = std::make_shared<test::ByteTokenizer>(false);
  QVERIFY(!find(lint(text), "missing BOS"));
  m_model.tokenizer = std::make_shared<test::ByteTokenizer>();
}

void LintTest::templates() {
  const auto plain = prompts({"A plain prompt, nothing more."});
  const auto marked = prompts({"<|im_start|>user\nHi there<|im_end|>"});
  QVERIFY(!find(lint(plain), "no template"));
  QVERIFY(find(lint(marked), "template mismatch"));
  setTemplate("<|im_start|> <|im_end|>");
  const Finding* finding = find(lint(marked), "markers as text");
  QVERIFY(finding && !find(lint(marked), "template mismatch"));
  const auto report = lint(plain);
  QVERIFY(find(report, "no template"));
  QCOMPARE(report.chatTemplate, std::string("ChatML"));
  QVERIFY(!find(lint(plain, {}, ChatTemplateUse::All), "no template"));
  const auto foreign = lint(prompts({"[INST] Do it [/INST]", "### Instruction:\nDo it"}));
  QCOMPARE(find(foreign, "template mismatch")->count, int64_t{2});
  QVERIFY(find(foreign, "template mismatch")->message.find("the model has ChatML") != std::string::npos);
  const auto chats = write("c.jsonl", R"({"messages":[{"role":"user","content":"What is this about?"}]})");
  QVERIFY(lint(chats).findings.empty());
  QCOMPARE(lint(chats).kind, std::string("chats"));
  QVERIFY(find(lint(chats, {}, ChatTemplateUse::None), "no template"));
  m_model.chat.reset();
}

void LintTest::overlap() {
  const std::string thirteen = "one two three four five six seven eight nine ten eleven twelve thirteen";
  const auto evaluation = write(
      "e.txt", "Before. One two three, four five six seven eight nine ten eleven TWELVE thirteen; after.");
  const auto found = [&](const std::string& prompt) {
    const CalibrationReport report = lint(prompts({prompt}), evaluation);
    return find(report, "evaluation overlap") != nullptr;
  };
  QVERIFY(found("zero " + thirteen + " fourteen"));
  // Twelve shared words within a longer prompt, or within short prompts, are no overlap.
  QVERIFY(!found("zero one two three four five six seven eight nine ten eleven twelve fourteen"));
  QVERIFY(found("three four five six seven eight nine ten"));
  QVERIFY(!found("three four five six seven eight nine"));
  QVERIFY(!found("three four five six seven eight ten nine"));
  QVERIFY(!find(lint(prompts({thirteen})), "evaluation overlap"));
}

void LintTest::overlapOfOtherFiles() {
  const std::string text = "a small board with four cores and little memory runs the model well enough";
  const auto asPrompts = write("e.jsonl", base::Json{{"prompt", text}, {"reference", "yes"}}.dump());
  std::string bytes;
  for (const char c : text)
    bytes += std::string{c, 0, 0, 0};
  const auto asIds = write("e.i32", bytes);
  const auto file =
      prompts({"They said: A small board, with four cores and little memory, runs the model well enough!"});
  QVERIFY(find(lint(file, asPrompts), "evaluation overlap"));
  QVERIFY(find(lint(file, asIds), "evaluation overlap"));
  QVERIFY_THROWS_EXCEPTION(base::Error, lint(file, "/does/not/exist.txt"));
}

void LintTest::normalizesWords() {
  using namespace calibration;
  QCOMPARE(normalizedText("  It's  ONE,\n(two)\t— größer. "), std::string("its one two — größer"));
  QCOMPARE(normalizedText(" ... "), std::string());
  QCOMPARE(wordHashes("a b c").size(), size_t{3});
  QVERIFY(wordHashes("").empty());
  QCOMPARE(ngramHashes(wordHashes("a b c"), 2).size(), size_t{2});
  QVERIFY(ngramHashes(wordHashes("a b c"), 4).empty());
  QVERIFY(ngramHashes(wordHashes("a b"), 2) != ngramHashes(wordHashes("b a"), 2));
}

void LintTest::takesADiverseSample() {
  const auto context =
      calibration::contextOf(model::openModel(test::projectFile("resources/demo/model")), {});
  const auto file = test::projectFile("resources/demo/calibration.json");
  const auto load = [&](int threads, Sampling sampling, uint64_t seed, Packing packing) {
    base::ThreadPool pool(threads);
    base::NoProgress progress;
    return calibration::loadCalibration(file, context, {16, 64, sampling, seed, packing}, pool, {}, progress);
  };
  const auto one = load(1, Sampling::Diverse, 1, Packing::None);
  QCOMPARE(one.sequences.size(), size_t{16});
  QCOMPARE(load(2, Sampling::Diverse, 1, Packing::None).hash, one.hash);
  QCOMPARE(load(5, Sampling::Diverse, 1, Packing::None).hash, one.hash);
  QVERIFY(load(2, Sampling::Diverse, 2, Packing::None).hash != one.hash);
  QVERIFY(load(2, Sampling::Random, 1, Packing::None).hash != one.hash);
  QVERIFY(one.findings.empty());
  const auto packed = load(2, Sampling::Diverse, 1, Packing::Sequence);
  QCOMPARE(packed.sequences.size(), size_t{16});
  QCOMPARE(packed.sequences[0], one.sequences[0]); // the first prompt fills the first sequence
}

NIB_TEST(LintTest)
#include "lint_test.moc"
