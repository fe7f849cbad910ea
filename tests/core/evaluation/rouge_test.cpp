// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"
#include "base/json.hpp"
#include "evaluation/porter_stemmer.hpp"
#include "evaluation/rouge.hpp"

#include "nib_test.hpp"
#include "test_data.hpp"

#include <QTest>

#include <cmath>
#include <sstream>

using namespace nibblesmith;
using evaluation::Score;

namespace {

constexpr double kTolerance = 1e-9;

bool equals(const Score& score, const base::Json& expected) {
  return std::abs(score.precision - expected.at(0).get<double>()) < kTolerance &&
         std::abs(score.recall - expected.at(1).get<double>()) < kTolerance &&
         std::abs(score.f1 - expected.at(2).get<double>()) < kTolerance;
}

bool equals(const evaluation::RougeScores& scores, const base::Json& expected) {
  return equals(scores.rouge1, expected.at("rouge1")) && equals(scores.rouge2, expected.at("rouge2")) &&
         equals(scores.rougeL, expected.at("rougeL")) && equals(scores.rougeLsum, expected.at("rougeLsum"));
}

struct Names {
  const char *prediction, *reference, *plain, *stemmed;
};

void compareCases(const base::Json& cases, const Names& names, bool nested) {
  for (const auto& entry : cases) {
    const auto prediction = entry.at(names.prediction).get<std::string>();
    const auto reference = entry.at(names.reference).get<std::string>();
    const base::Json& scores = nested ? entry.at("rouge") : entry;
    const bool plain = equals(evaluation::rouge(reference, prediction, false), scores.at(names.plain));
    const bool stemmed = equals(evaluation::rouge(reference, prediction, true), scores.at(names.stemmed));
    QVERIFY2(plain && stemmed, (prediction + " <> " + reference).c_str());
  }
}

} // namespace

class RougeTest : public QObject {
  Q_OBJECT

private slots:
  void stemsAsNltk() {
    std::istringstream lines(
        base::readTextFile(test::projectFile("tests/golden/evaluation/porter_stems.txt")));
    std::string word, expected;
    int words = 0, changed = 0;
    while (lines >> word >> expected) {
      QCOMPARE(evaluation::porterStem(word), expected);
      ++words;
      changed += word != expected ? 1 : 0;
    }
    QVERIFY(words > 3000);
    QVERIFY(changed > 1000);
  }

  void scoresAsRougeScore() {
    const base::Json golden = base::readJsonFile(test::projectFile("tests/golden/evaluation/metrics.json"));
    QVERIFY(golden.at("cases").size() > 100);
    compareCases(golden.at("cases"), {"prediction", "reference", "plain", "stem"}, false);
  }

  void scoresAsRougeScoreOnRealSummaries() {
    const auto path = test::sharedData("metrics/rouge_bleu_reference/rouge_bleu_reference_120.json");
    NIB_REQUIRE_DATA(path);
    const base::Json golden = base::readJsonFile(path);
    QCOMPARE(golden.at("cases").size(), size_t{120});
    compareCases(golden.at("cases"), {"hyp", "ref", "nostem", "stem"}, true);
  }

  void corpusMeansAsRougeScore() {
    const auto path = test::sharedData("metrics/rouge_bleu_reference/rouge_bleu_reference_120.json");
    NIB_REQUIRE_DATA(path);
    const base::Json golden = base::readJsonFile(path);
    double rouge1 = 0, rougeLsum = 0;
    for (const auto& entry : golden.at("cases")) {
      const auto scores =
          evaluation::rouge(entry.at("ref").get<std::string>(), entry.at("hyp").get<std::string>(), true);
      rouge1 += scores.rouge1.f1 / 120;
      rougeLsum += scores.rougeLsum.f1 / 120;
    }
    const base::Json& means = golden.at("corpus").at("rouge_mean_f1").at("stem");
    QVERIFY(std::abs(rouge1 - means.at("rouge1").get<double>()) < kTolerance);
    QVERIFY(std::abs(rougeLsum - means.at("rougeLsum").get<double>()) < kTolerance);
  }

  /// Expected values of rouge_score's own tests on its large texts.
  void scoresOfTheReferenceTests() {
    const auto folder = test::sharedData("metrics/rouge_score_tests/testdata");
    NIB_REQUIRE_DATA(folder);
    std::istringstream targets(base::readTextFile(folder / "target_large.txt"));
    std::istringstream predictions(base::readTextFile(folder / "prediction_large.txt"));
    std::string target, prediction;
    double rouge1 = 0, rouge2 = 0;
    int pairs = 0;
    while (std::getline(targets, target) && std::getline(predictions, prediction)) {
      const auto scores = evaluation::rouge(target, prediction, false);
      rouge1 += scores.rouge1.f1;
      rouge2 += scores.rouge2.f1;
      ++pairs;
    }
    QVERIFY(pairs > 100);
    // Published as the mean of a bootstrap, so equal within its sampling noise.
    QVERIFY(std::abs(100 * rouge1 / pairs - 38.5175) < 0.2);
    QVERIFY(std::abs(100 * rouge2 / pairs - 22.1524) < 0.2);
  }

  /// Example of Lin 2004, section 3.1, which shows the effect of word order.
  void orderCounts() {
    const auto inOrder = evaluation::rouge("police killed the gunman", "police kill the gunman", false);
    const auto swapped = evaluation::rouge("police killed the gunman", "the gunman kill police", false);
    QCOMPARE(inOrder.rougeL.f1, 0.75);
    QCOMPARE(swapped.rougeL.f1, 0.5);
    QCOMPARE(inOrder.rouge1.f1, swapped.rouge1.f1);
  }

  /// Negative control: the comparison detects a disabled stemmer and one changed word.
  void noticesAWrongScore() {
    const base::Json golden = base::readJsonFile(test::projectFile("tests/golden/evaluation/metrics.json"));
    int unlikeStemmed = 0, unlikeChanged = 0;
    for (const auto& entry : golden.at("cases")) {
      const auto prediction = entry.at("prediction").get<std::string>();
      const auto reference = entry.at("reference").get<std::string>();
      unlikeStemmed += equals(evaluation::rouge(reference, prediction, false), entry.at("stem")) ? 0 : 1;
      unlikeChanged +=
          equals(evaluation::rouge(reference, prediction + " zebra", false), entry.at("plain")) ? 0 : 1;
    }
    QVERIFY(unlikeStemmed > 20);
    QVERIFY(unlikeChanged > 60);
  }

  void longTextsNeedLittleMemory() {
    std::string reference, prediction;
    for (int i = 0; i < 6000; ++i) {
      reference += "w" + std::to_string(i % 97) + ' ';
      prediction += "w" + std::to_string(i % 89) + ' ';
    }
    const auto scores = evaluation::rouge(reference, prediction, false);
    QVERIFY(scores.rougeL.f1 > 0.1 && scores.rougeL.f1 <= scores.rouge1.f1);
    QCOMPARE(scores.rougeLsum.f1, scores.rougeL.f1); // one line each
  }

  void brokenUtf8IsText() {
    const auto scores = evaluation::rouge("ab \xff\xfe\xC4", "ab \xE2\x84", false);
    QCOMPARE(scores.rouge1.f1, 1.0);
  }
};

NIB_TEST(RougeTest)
#include "rouge_test.moc"
