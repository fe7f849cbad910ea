// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::evaluation {

/// Largest n-gram order.
inline constexpr size_t kBleuOrder = 4;

/// BLEU score with its components.
struct BleuScore {
  double score = 0;                            ///< 0..100
  std::array<double, kBleuOrder> precisions{}; ///< precision of n-grams of order 1..4, 0..100
  double brevityPenalty = 1;
  int64_t predictionLength = 0; ///< tokens
  int64_t referenceLength = 0;  ///< tokens
};

/// Computes BLEU (Papineni et al. 2002) like sacrebleu 2.6.0: tokenizer 13a, exponential smoothing, one
/// reference per prediction. Throws base::Error{InvalidArgument} if the lists differ in length.
BleuScore corpusBleuScore(std::span<const std::string> predictions, std::span<const std::string> references);
/// Returns only the score of corpusBleuScore().
double corpusBleu(std::span<const std::string> predictions, std::span<const std::string> references);
/// Computes BLEU of one pair, with effective order.
double sentenceBleu(const std::string& prediction, const std::string& reference);

/// Returns sacrebleu's signature, so that others can compare the score:
/// "nrefs:1|case:mixed|eff:no|tok:13a|...".
std::string bleuSignature(bool effectiveOrder);

/// Splits a line into words like mteval-v13a (sacrebleu's "13a").
std::vector<std::string> tokenize13a(std::string_view text);

} // namespace nibblesmith::evaluation
