// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"
#include "base/thread_pool.hpp"
#include "evaluation/bleu.hpp"
#include "evaluation/pairs.hpp"
#include "model/model.hpp"

#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <fstream>

using namespace nibblesmith;
using evaluation::Pair;

namespace {

struct Fixture {
  explicit Fixture(int threads = 1) : pool(threads) {}
  base::ThreadPool pool;
  std::shared_ptr<const model::Model> model = model::openModel(test::sharedData("stories260K/hf"));
  runtime::Decoder decoder{model, runtime::WeightStorage::Float32, pool};
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer = tokenizer::loadTokenizer(model->checkpoint());

  evaluation::PairsResult evaluate(const std::vector<Pair>& pairs, int64_t maxTokens = 200,
                                   const std::stop_token& stop = {}) {
    base::NoProgress progress;
    return evaluation::evaluatePairs(decoder, *tokenizer, pairs, maxTokens, stop, progress);
  }
};

/// Splits the first line of the published greedy text at a space.
Pair publishedPair(size_t promptLength) {
  const std::string text = base::readTextFile(test::sharedData("stories260K/expected_greedy_200.txt"));
  const std::string line = text.substr(0, text.find('\n'));
  return {line.substr(0, promptLength), line.substr(promptLength + 1)};
}

} // namespace

class PairsTest : public QObject {
  Q_OBJECT

  QTemporaryDir m_directory;
  std::filesystem::path write(const QByteArray& content) const {
    const std::filesystem::path path =
        std::filesystem::path(m_directory.path().toStdString()) / "pairs.jsonl";
    std::ofstream(path, std::ios::binary).write(content.data(), content.size());
    return path;
  }

private slots:
  void linesAreRead() {
    const auto pairs =
        evaluation::readPairs(write("{\"prompt\": \"a\\nb\", \"reference\": \"c\", \"source\": 1}\r\n"
                                    "\n   \n{\"reference\":\"\\u00e9\",\"prompt\":\"\"}"));
    QCOMPARE(pairs.size(), size_t{2});
    QCOMPARE(pairs[0].prompt, std::string("a\nb"));
    QCOMPARE(pairs[0].reference, std::string("c"));
    QCOMPARE(pairs[1].reference, std::string("\u00e9"));
  }

  void wrongLinesAreNamed_data() {
    QTest::addColumn<QByteArray>("content");
    QTest::addColumn<QByteArray>("names");
    const QByteArray good = "{\"prompt\":\"a\",\"reference\":\"b\"}\n";
    QTest::newRow("no JSON") << good + "prompt,reference\n" << QByteArray("line 2");
    QTest::newRow("cut") << good + good + "{\"prompt\":\"a\"," << QByteArray("line 3");
    QTest::newRow("no reference") << QByteArray("\n{\"prompt\":\"a\"}") << QByteArray("reference");
    QTest::newRow("number") << QByteArray("{\"prompt\":1,\"reference\":\"b\"}") << QByteArray("prompt");
    QTest::newRow("list") << QByteArray("[\"a\",\"b\"]") << QByteArray("line 1");
    QTest::newRow("empty") << QByteArray() << QByteArray("none");
    QTest::newRow("not UTF-8") << QByteArray("{\"prompt\":\"\xff\xfe\",\"reference\":\"b\"}")
                               << QByteArray("line 1");
    QTest::newRow("nested") << QByteArray("[").repeated(100000) << QByteArray("line 1");
  }
  void wrongLinesAreNamed() {
    QFETCH(QByteArray, content);
    QFETCH(QByteArray, names);
    try {
      (void)evaluation::readPairs(write(content));
      QFAIL("was read");
    } catch (const base::Error& error) {
      QVERIFY2(error.code() == base::ErrorCode::Corrupt, error.what());
      QVERIFY2(QByteArray(error.what()).contains(names), error.what());
      QVERIFY2(QByteArray(error.what()).contains("pairs.jsonl"), error.what());
    }
  }

  void aMissingFileIsNamed() {
    QVERIFY_THROWS_EXCEPTION(base::Error, evaluation::readPairs("/nowhere/pairs.jsonl"));
  }

  void answersDoNotDependOnTheNumberOfThreads() {
    NIB_REQUIRE_DATA(test::sharedData("stories260K/hf"));
    std::vector<Pair> pairs;
    for (size_t length = 10; length < 60; length += 5)
      pairs.push_back(publishedPair(length));
    Fixture one(1), three(3);
    const auto expected = one.evaluate(pairs, 40);
    const auto found = three.evaluate(pairs, 40);
    QCOMPARE(found.pairs.size(), pairs.size());
    for (size_t i = 0; i < pairs.size(); ++i)
      QCOMPARE(found.pairs[i].prediction, expected.pairs[i].prediction);
    QVERIFY(found.pairs[0].prediction != found.pairs[3].prediction); // each pair has its own answer
    QCOMPARE(found.corpusBleu, expected.corpusBleu);
  }

  void theFirstPairThatFailsIsNamedAtAnyNumberOfThreads() {
    NIB_REQUIRE_DATA(test::sharedData("stories260K/hf"));
    Fixture f(3);
    std::vector<Pair> pairs(12, publishedPair(17));
    for (const size_t tooLong : {size_t{5}, size_t{6}, size_t{9}})
      pairs[tooLong].prompt = QByteArray("once upon a time ").repeated(400).toStdString();
    for (int round = 0; round < 5; ++round)
      try {
        (void)f.evaluate(pairs, 5);
        QFAIL("was evaluated");
      } catch (const base::Error& error) {
        QVERIFY2(QByteArray(error.what()).startsWith("pair 6: "), error.what());
      }
  }

  void answersAreThePublishedGreedyText() {
    NIB_REQUIRE_DATA(test::sharedData("stories260K/hf"));
    Fixture f;
    const std::vector<Pair> pairs = {publishedPair(17), publishedPair(53)};
    const auto result = f.evaluate(pairs);
    QCOMPARE(result.pairs.size(), size_t{2});
    for (size_t i = 0; i < pairs.size(); ++i) {
      QCOMPARE(result.pairs[i].prediction, pairs[i].reference); // cut at the end of the line
      QCOMPARE(result.pairs[i].rouge.rougeLsum.f1, 1.0);
      QVERIFY(std::abs(result.pairs[i].bleu - 100) < 1e-9);
    }
    QVERIFY(std::abs(result.corpusBleu - 100) < 1e-9);
    QCOMPARE(result.meanRouge.rouge1.f1, 1.0);
  }

  /// Negative control: other references lower the scores; the means are those of the pairs.
  void otherReferencesScoreLess() {
    NIB_REQUIRE_DATA(test::sharedData("stories260K/hf"));
    Fixture f;
    Pair wrong = publishedPair(17);
    wrong.reference = "a report about the motors of a pump station";
    const auto result = f.evaluate({publishedPair(17), wrong});
    QVERIFY(result.pairs[1].rouge.rougeL.f1 < 0.3);
    QVERIFY(result.pairs[1].bleu < 20);
    QVERIFY(result.corpusBleu < 90);
    QVERIFY(std::abs(result.meanRouge.rougeL.f1 -
                     (result.pairs[0].rouge.rougeL.f1 + result.pairs[1].rouge.rougeL.f1) / 2) < 1e-12);
    const std::vector<std::string> predictions{result.pairs[0].prediction, result.pairs[1].prediction};
    const std::vector<std::string> references{publishedPair(17).reference, wrong.reference};
    QCOMPARE(result.corpusBleu, evaluation::corpusBleu(predictions, references));
  }

  void answersEndAtTheLimit() {
    NIB_REQUIRE_DATA(test::sharedData("stories260K/hf"));
    Fixture f;
    const auto result = f.evaluate({publishedPair(17)}, 5);
    QVERIFY(!result.pairs[0].prediction.empty());
    QVERIFY(publishedPair(17).reference.starts_with(result.pairs[0].prediction));
    QVERIFY(result.pairs[0].prediction.size() < 30);
  }

  void tooLongAPromptIsNamed() {
    NIB_REQUIRE_DATA(test::sharedData("stories260K/hf"));
    Fixture f;
    std::string longPrompt;
    for (int i = 0; i < 600; ++i)
      longPrompt += "dog ";
    try {
      f.evaluate({publishedPair(17), {longPrompt, "x"}}, 2);
      QFAIL("was evaluated");
    } catch (const base::Error& error) {
      QVERIFY2(QByteArray(error.what()).contains("pair 2"), error.what());
    }
  }

  void stops() {
    NIB_REQUIRE_DATA(test::sharedData("stories260K/hf"));
    Fixture f;
    std::stop_source stop;
    stop.request_stop();
    QVERIFY_THROWS_EXCEPTION(base::Cancelled, f.evaluate({publishedPair(17)}, 5, stop.get_token()));
  }
};

NIB_TEST(PairsTest)
#include "pairs_test.moc"
