// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

namespace nibblesmith::evaluation {

/// BLEU (Papineni et al. 2002) as sacrebleu 2.6.0: tokenizer 13a, exponential smoothing. 0..100.
double corpusBleu(std::span<const std::string> predictions, std::span<const std::string> references);
/// The same of one pair, with effective order.
double sentenceBleu(const std::string& prediction, const std::string& reference);

} // namespace nibblesmith::evaluation
