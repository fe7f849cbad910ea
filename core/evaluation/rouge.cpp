// SPDX-License-Identifier: Apache-2.0
#include "evaluation/rouge.hpp"

#include "evaluation/porter_stemmer.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace nibblesmith::evaluation {
namespace {

using WordId = uint32_t;

/// Maps the words of both texts to ids; equal words have equal ids.
class Words {
public:
  WordId id(const std::string& word) {
    return m_ids.try_emplace(word, static_cast<WordId>(m_ids.size())).first->second;
  }
  size_t size() const { return m_ids.size(); }

private:
  std::unordered_map<std::string, WordId> m_ids;
};

/// Returns the next ASCII letter or digit of the lower-cased text, or 0 for anything else. Two characters
/// outside ASCII have an ASCII lower case: U+0130 (an i followed by a dot) and U+212A (the Kelvin sign).
char nextWordCharacter(std::string_view text, size_t& position) {
  const std::string_view rest = text.substr(position);
  if (rest.starts_with("\xC4\xB0")) {
    // The dot is a separate character that ends the word; it is read at the second byte.
    position += 1;
    return 'i';
  }
  if (rest.starts_with("\xE2\x84\xAA")) {
    position += 3;
    return 'k';
  }
  const char c = text[position++];
  if (c >= 'A' && c <= 'Z')
    return static_cast<char>(c - 'A' + 'a');
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '\0';
}

std::vector<WordId> tokenize(std::string_view text, bool useStemmer, Words& words) {
  std::vector<WordId> tokens;
  std::string word;
  const auto flush = [&] {
    if (useStemmer && word.size() > 3)
      word = porterStem(word);
    if (!word.empty())
      tokens.push_back(words.id(word));
    word.clear();
  };
  for (size_t position = 0; position < text.size();) {
    const char c = nextWordCharacter(text, position);
    if (c != '\0')
      word += c;
    else
      flush();
  }
  flush();
  return tokens;
}

/// Tokenizes all non-empty lines.
std::vector<std::vector<WordId>> tokenizeLines(std::string_view text, bool useStemmer, Words& words) {
  std::vector<std::vector<WordId>> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0)
      lines.push_back(tokenize(text.substr(0, end), useStemmer, words));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Score makeScore(int64_t hits, int64_t predicted, int64_t expected) {
  Score score;
  score.precision = static_cast<double>(hits) / static_cast<double>(std::max<int64_t>(predicted, 1));
  score.recall = static_cast<double>(hits) / static_cast<double>(std::max<int64_t>(expected, 1));
  if (score.precision + score.recall > 0)
    score.f1 = 2 * score.precision * score.recall / (score.precision + score.recall);
  return score;
}

/// Packs each n-gram of order 1 or 2 into one number, and sorts them.
std::vector<uint64_t> sortedNgrams(std::span<const WordId> tokens, size_t order) {
  std::vector<uint64_t> ngrams;
  for (size_t i = 0; i + order <= tokens.size(); ++i)
    ngrams.push_back(order == 1 ? tokens[i] : (uint64_t{tokens[i]} << 32) | tokens[i + 1]);
  std::sort(ngrams.begin(), ngrams.end());
  return ngrams;
}

Score ngramScore(std::span<const WordId> reference, std::span<const WordId> prediction, size_t order) {
  const std::vector<uint64_t> expected = sortedNgrams(reference, order);
  const std::vector<uint64_t> found = sortedNgrams(prediction, order);
  // The intersection of sorted ranges counts repeated n-grams min(count, count) times, which is the required
  // clipping.
  std::vector<uint64_t> common;
  std::set_intersection(expected.begin(), expected.end(), found.begin(), found.end(),
                        std::back_inserter(common));
  return makeScore(std::ssize(common), std::ssize(found), std::ssize(expected));
}

/// Length of the longest common subsequence, computed row by row.
int64_t lcsLength(std::span<const WordId> a, std::span<const WordId> b) {
  std::vector<uint32_t> row(b.size() + 1, 0);
  for (const WordId word : a) {
    uint32_t diagonal = 0;
    for (size_t j = 1; j <= b.size(); ++j) {
      const uint32_t above = row[j];
      row[j] = word == b[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

/// Marks the positions of `reference` in one longest common subsequence with `candidate`: the one that
/// rouge_score's backtracking finds. The backtracking only needs to know if left is greater than above, which
/// is one bit per cell.
void markLcs(std::span<const WordId> reference, std::span<const WordId> candidate,
             std::vector<bool>& marked) {
  const size_t columns = candidate.size();
  std::vector<bool> leftIsGreater(reference.size() * columns);
  std::vector<uint32_t> row(columns + 1, 0);
  for (size_t i = 0; i < reference.size(); ++i) {
    uint32_t diagonal = 0;
    for (size_t j = 1; j <= columns; ++j) {
      const uint32_t above = row[j];
      leftIsGreater[i * columns + j - 1] = row[j - 1] > above;
      row[j] = reference[i] == candidate[j - 1] ? diagonal + 1 : std::max(above, row[j - 1]);
      diagonal = above;
    }
  }
  for (size_t i = reference.size(), j = columns; i > 0 && j > 0;) {
    if (reference[i - 1] == candidate[j - 1]) {
      marked[i - 1] = true;
      --i;
      --j;
    } else if (leftIsGreater[(i - 1) * columns + j - 1]) {
      --j;
    } else {
      --i;
    }
  }
}

std::vector<int64_t> countWords(std::span<const std::vector<WordId>> lines, size_t words) {
  std::vector<int64_t> counts(words, 0);
  for (const auto& line : lines)
    for (const WordId word : line)
      ++counts[word];
  return counts;
}

/// Summary-level ROUGE-L (Lin 2004, section 3.2): each reference line against the union of its common
/// subsequences with all lines of the prediction. A word counts at most as often as it occurs in both texts
/// (ROUGE 1.5.5).
Score summaryScore(std::span<const std::vector<WordId>> reference,
                   std::span<const std::vector<WordId>> prediction, size_t words) {
  std::vector<int64_t> leftInReference = countWords(reference, words);
  std::vector<int64_t> leftInPrediction = countWords(prediction, words);
  int64_t hits = 0, expected = 0, predicted = 0;
  for (const auto& line : prediction)
    predicted += std::ssize(line);
  for (const auto& line : reference) {
    expected += std::ssize(line);
    std::vector<bool> marked(line.size(), false);
    for (const auto& candidate : prediction)
      markLcs(line, candidate, marked);
    for (size_t i = 0; i < line.size(); ++i) {
      if (!marked[i] || leftInReference[line[i]] == 0 || leftInPrediction[line[i]] == 0)
        continue;
      ++hits;
      --leftInReference[line[i]];
      --leftInPrediction[line[i]];
    }
  }
  return makeScore(hits, predicted, expected);
}

} // namespace

RougeScores rouge(std::string_view reference, std::string_view prediction, bool useStemmer) {
  Words words;
  const std::vector<WordId> expected = tokenize(reference, useStemmer, words);
  const std::vector<WordId> predicted = tokenize(prediction, useStemmer, words);
  const auto expectedLines = tokenizeLines(reference, useStemmer, words);
  const auto predictedLines = tokenizeLines(prediction, useStemmer, words);

  RougeScores scores;
  scores.rouge1 = ngramScore(expected, predicted, 1);
  scores.rouge2 = ngramScore(expected, predicted, 2);
  scores.rougeL = makeScore(lcsLength(expected, predicted), std::ssize(predicted), std::ssize(expected));
  scores.rougeLsum = summaryScore(expectedLines, predictedLines, words.size());
  return scores;
}

} // namespace nibblesmith::evaluation
