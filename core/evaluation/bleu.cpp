// SPDX-License-Identifier: Apache-2.0
#include "evaluation/bleu.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace nibblesmith::evaluation {
namespace {

/// Sufficient statistics of BLEU, additive over sentences.
struct Counts {
  std::array<int64_t, kBleuOrder> correct{};
  std::array<int64_t, kBleuOrder> total{};
  int64_t predictionLength = 0;
  int64_t referenceLength = 0;
};

/// Counts the n-grams of one order. Words contain no white space, so joining them with a space is
/// unambiguous.
std::unordered_map<std::string, int64_t> countNgrams(std::span<const std::string> words, size_t order) {
  std::unordered_map<std::string, int64_t> counts;
  for (size_t i = 0; i + order <= words.size(); ++i) {
    std::string ngram = words[i];
    for (size_t j = 1; j < order; ++j)
      ngram.append(" ").append(words[i + j]);
    ++counts[ngram];
  }
  return counts;
}

void addCounts(const std::string& prediction, const std::string& reference, Counts& counts) {
  const std::vector<std::string> found = tokenize13a(prediction);
  const std::vector<std::string> expected = tokenize13a(reference);
  counts.predictionLength += std::ssize(found);
  counts.referenceLength += std::ssize(expected);
  for (size_t order = 1; order <= kBleuOrder; ++order) {
    const auto expectedCounts = countNgrams(expected, order);
    for (const auto& [ngram, times] : countNgrams(found, order)) {
      counts.total[order - 1] += times;
      if (const auto match = expectedCounts.find(ngram); match != expectedCounts.end())
        counts.correct[order - 1] += std::min(times, match->second);
    }
  }
}

BleuScore score(const Counts& counts, bool effectiveOrder) {
  BleuScore result;
  result.predictionLength = counts.predictionLength;
  result.referenceLength = counts.referenceLength;
  if (counts.predictionLength < counts.referenceLength)
    result.brevityPenalty = counts.predictionLength == 0
                                ? 0.0
                                : std::exp(1 - static_cast<double>(counts.referenceLength) /
                                                   static_cast<double>(counts.predictionLength));
  if (std::all_of(counts.correct.begin(), counts.correct.end(), [](int64_t n) { return n == 0; }))
    return result;

  double smoothing = 1;
  size_t usedOrders = kBleuOrder;
  for (size_t n = 0; n < kBleuOrder && counts.total[n] > 0; ++n) {
    if (effectiveOrder)
      usedOrders = n + 1;
    const auto total = static_cast<double>(counts.total[n]);
    if (counts.correct[n] == 0)
      result.precisions[n] = 100.0 / ((smoothing *= 2) * total);
    else
      result.precisions[n] = 100.0 * static_cast<double>(counts.correct[n]) / total;
  }
  double logarithms = 0;
  for (size_t n = 0; n < usedOrders; ++n) {
    if (result.precisions[n] == 0)
      return result; // an order without n-grams makes the geometric mean 0
    logarithms += std::log(result.precisions[n]);
  }
  result.score = result.brevityPenalty * std::exp(logarithms / static_cast<double>(usedOrders));
  return result;
}

} // namespace

BleuScore corpusBleuScore(std::span<const std::string> predictions, std::span<const std::string> references) {
  if (predictions.size() != references.size())
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "BLEU: expected one reference for each prediction, found " +
                          std::to_string(references.size()) + " for " + std::to_string(predictions.size()));
  Counts counts;
  for (size_t i = 0; i < predictions.size(); ++i)
    addCounts(predictions[i], references[i], counts);
  return score(counts, false);
}

double corpusBleu(std::span<const std::string> predictions, std::span<const std::string> references) {
  return corpusBleuScore(predictions, references).score;
}

double sentenceBleu(const std::string& prediction, const std::string& reference) {
  Counts counts;
  addCounts(prediction, reference, counts);
  return score(counts, true).score;
}

std::string bleuSignature(bool effectiveOrder) {
  return std::string("nrefs:1|case:mixed|eff:") + (effectiveOrder ? "yes" : "no") +
         "|tok:13a|smooth:exp|version:2.6.0";
}

} // namespace nibblesmith::evaluation
