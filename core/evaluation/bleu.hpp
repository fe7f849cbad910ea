// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::evaluation {

inline constexpr size_t kBleuOrder = 4;

struct BleuScore {
  double score = 0;                            ///< 0..100
  std::array<double, kBleuOrder> precisions{}; ///< 0..100, of n-grams of order 1..4
  double brevityPenalty = 1;
  int64_t predictionLength = 0; ///< tokens
  int64_t referenceLength = 0;  ///< tokens
};

/// BLEU (Papineni et al. 2002) as sacrebleu 2.6.0: tokenizer 13a, exponential smoothing, one reference each.
/// Throws base::Error{InvalidArgument} where the two lists differ in length.
BleuScore corpusBleuScore(std::span<const std::string> predictions, std::span<const std::string> references);
double corpusBleu(std::span<const std::string> predictions, std::span<const std::string> references);
/// The same of one pair, with effective order.
double sentenceBleu(const std::string& prediction, const std::string& reference);

/// What sacrebleu would print beside the figure, so that others can compare:
/// "nrefs:1|case:mixed|eff:no|tok:13a|...".
std::string bleuSignature(bool effectiveOrder);

/// Words of a line as mteval-v13a cuts them (sacrebleu's "13a").
std::vector<std::string> tokenize13a(std::string_view text);

} // namespace nibblesmith::evaluation
