// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::evaluation {

struct Score {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

struct RougeScores {
  Score rouge1;
  Score rouge2;
  Score rougeL;
  Score rougeLsum; ///< sentences are lines, as in rouge_score
};

/// ROUGE (Lin 2004) as rouge_score 0.1.2 computes it; with useStemmer, words over 3 letters are
/// Porter-stemmed as NLTK does.
RougeScores rouge(std::string_view reference, std::string_view prediction, bool useStemmer);

} // namespace nibblesmith::evaluation
