// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::evaluation {

/// Precision, recall and F1, each 0..1.
struct Score {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

/// ROUGE scores of one prediction.
struct RougeScores {
  Score rouge1;
  Score rouge2;
  Score rougeL;
  Score rougeLsum; ///< sentences are lines, as in rouge_score
};

/// Computes ROUGE (Lin 2004) like rouge_score 0.1.2. With useStemmer, words of more than 3 letters are
/// stemmed by Porter's algorithm as in NLTK.
RougeScores rouge(std::string_view reference, std::string_view prediction, bool useStemmer);

} // namespace nibblesmith::evaluation
