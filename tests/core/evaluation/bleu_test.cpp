// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/json.hpp"
#include "evaluation/bleu.hpp"

#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTest>

#include <cmath>

using namespace nibblesmith;

namespace {

constexpr double kTolerance = 1e-9;

struct Corpus {
  std::vector<std::string> predictions, references;
};

Corpus corpusOf(const base::Json& cases, const char* prediction, const char* reference) {
  Corpus corpus;
  for (const auto& entry : cases) {
    corpus.predictions.push_back(entry.at(prediction).get<std::string>());
    corpus.references.push_back(entry.at(reference).get<std::string>());
  }
  return corpus;
}

bool near(double a, double b) { return std::abs(a - b) < kTolerance; }

} // namespace

class BleuTest : public QObject {
  Q_OBJECT

private slots:
  void tokenizesAsSacrebleu() {
    const base::Json golden = base::readJsonFile(test::projectFile("tests/golden/evaluation/metrics.json"));
    for (const auto& entry : golden.at("cases")) {
      const auto text = entry.at("prediction").get<std::string>();
      QVERIFY2(evaluation::tokenize13a(text) == entry.at("tokens").get<std::vector<std::string>>(),
               text.c_str());
    }
  }

  void scoresAsSacrebleu() {
    const base::Json golden = base::readJsonFile(test::projectFile("tests/golden/evaluation/metrics.json"));
    int positive = 0;
    for (const auto& entry : golden.at("cases")) {
      const auto prediction = entry.at("prediction").get<std::string>();
      const double score = evaluation::sentenceBleu(prediction, entry.at("reference").get<std::string>());
      QVERIFY2(near(score, entry.at("bleu").get<double>()), prediction.c_str());
      positive += score > 0 ? 1 : 0;
    }
    QVERIFY(positive > 50);
    const Corpus corpus = corpusOf(golden.at("cases"), "prediction", "reference");
    const auto score = evaluation::corpusBleuScore(corpus.predictions, corpus.references);
    const base::Json& expected = golden.at("corpus");
    QVERIFY(near(score.score, expected.at("bleu").get<double>()));
    QVERIFY(near(score.brevityPenalty, expected.at("bp").get<double>()));
    QCOMPARE(score.predictionLength, expected.at("sysLen").get<int64_t>());
    QCOMPARE(score.referenceLength, expected.at("refLen").get<int64_t>());
    QCOMPARE(evaluation::bleuSignature(false), golden.at("signatures").at(0).get<std::string>());
    QCOMPARE(evaluation::bleuSignature(true), golden.at("signatures").at(1).get<std::string>());
  }

  void scoresAsSacrebleuOnRealSummaries() {
    const auto path = test::sharedData("metrics/rouge_bleu_reference/rouge_bleu_reference_120.json");
    NIB_REQUIRE_DATA(path);
    const base::Json golden = base::readJsonFile(path);
    for (const auto& entry : golden.at("cases"))
      QVERIFY(near(
          evaluation::sentenceBleu(entry.at("hyp").get<std::string>(), entry.at("ref").get<std::string>()),
          entry.at("sacrebleu_sentence").get<double>()));
    const Corpus corpus = corpusOf(golden.at("cases"), "hyp", "ref");
    const auto score = evaluation::corpusBleuScore(corpus.predictions, corpus.references);
    const base::Json& expected = golden.at("corpus");
    QVERIFY(near(score.score, expected.at("bleu").get<double>()));
    for (size_t n = 0; n < evaluation::kBleuOrder; ++n)
      QVERIFY(near(score.precisions[n], expected.at("precisions").at(n).get<double>()));
    QVERIFY(near(score.brevityPenalty, expected.at("bp").get<double>()));
    QCOMPARE(score.predictionLength, expected.at("sys_len").get<int64_t>());
    QCOMPARE(score.referenceLength, expected.at("ref_len").get<int64_t>());
    QCOMPARE(evaluation::bleuSignature(false), golden.at("sacrebleu_signature").get<std::string>());
  }

  /// Negative control: with one word more, neither the sentence score nor the corpus score matches.
  void noticesAWrongScore() {
    const base::Json golden = base::readJsonFile(test::projectFile("tests/golden/evaluation/metrics.json"));
    Corpus corpus = corpusOf(golden.at("cases"), "prediction", "reference");
    corpus.predictions.back() += " zebra";
    QVERIFY(!near(evaluation::corpusBleu(corpus.predictions, corpus.references),
                  golden.at("corpus").at("bleu").get<double>()));
    QVERIFY(near(evaluation::sentenceBleu("the cat sat on the mat", "the cat sat on the mat"), 100));
    QVERIFY(evaluation::sentenceBleu("the cat sat on the mat zebra", "the cat sat on the mat") < 90);
  }

  void listsMustMatch() {
    const std::vector<std::string> one{"a"}, two{"a", "b"};
    QVERIFY_THROWS_EXCEPTION(base::Error, evaluation::corpusBleu(one, two));
    QCOMPARE(evaluation::corpusBleu({}, {}), 0.0);
  }
};

NIB_TEST(BleuTest)
#include "bleu_test.moc"
