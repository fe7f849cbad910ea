// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pre_tokenizer.hpp"

#include "tokenizer/utf8.hpp"

namespace nibblesmith::tokenizer {

const std::string kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

/// A stretch of text that is a match of the pattern, or lies between two.
struct Stretch {
  std::string_view text;
  bool isMatch;
};

std::vector<Stretch> findStretches(const checkpoint::Regex& pattern, std::string_view text, bool invert) {
  std::vector<Stretch> stretches;
  size_t done = 0;
  for (size_t from = 0; from < text.size();) {
    const auto match = pattern.find(text, from);
    if (!match)
      break;
    if (match->first == match->second) {
      from = match->second + (match->second < text.size() ? characterOrByte(text, match->second) : 1);
      continue;
    }
    if (match->first > done)
      stretches.push_back({text.substr(done, match->first - done), invert});
    stretches.push_back({text.substr(match->first, match->second - match->first), !invert});
    done = from = match->second;
  }
  if (done < text.size())
    stretches.push_back({text.substr(done), invert});
  return stretches;
}

std::string_view join(std::string_view left, std::string_view right) {
  return {left.data(), left.size() + right.size()};
}

void emit(const std::vector<Stretch>& stretches, SplitBehavior behavior, std::vector<std::string_view>& out) {
  const size_t first = out.size();
  bool previousIsMatch = false;
  for (const Stretch& stretch : stretches) {
    const bool hasPrevious = out.size() > first;
    const bool joinsPrevious =
        (behavior == SplitBehavior::MergedWithPrevious && stretch.isMatch && !previousIsMatch) ||
        (behavior == SplitBehavior::MergedWithNext && !stretch.isMatch && previousIsMatch) ||
        (behavior == SplitBehavior::Contiguous && stretch.isMatch == previousIsMatch);
    if (behavior == SplitBehavior::Removed) {
      if (!stretch.isMatch)
        out.push_back(stretch.text);
    } else if (hasPrevious && joinsPrevious) {
      out.back() = join(out.back(), stretch.text);
    } else {
      out.push_back(stretch.text);
    }
    previousIsMatch = stretch.isMatch;
  }
}

} // namespace

void PreTokenizer::add(Stage stage, const std::string& origin) {
  m_patterns.emplace_back(stage.pattern, origin);
  m_stages.push_back(std::move(stage));
}

void PreTokenizer::applyStage(size_t stage, std::string_view text, std::vector<std::string_view>& out) const {
  emit(findStretches(m_patterns[stage], text, m_stages[stage].invert), m_stages[stage].behavior, out);
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  std::vector<std::string_view> pieces;
  if (text.empty())
    return pieces;
  if (m_stages.empty())
    return {text};
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (const size_t length = characterBytes(text, end))
      end += length;
    std::vector<std::string_view> words;
    if (end > at)
      words.push_back(text.substr(at, end - at));
    for (size_t stage = 0; stage < m_stages.size(); ++stage) {
      std::vector<std::string_view> cut;
      for (const std::string_view word : words)
        applyStage(stage, word, cut);
      words = std::move(cut);
    }
    pieces.insert(pieces.end(), words.begin(), words.end());
    while (end < text.size() && characterBytes(text, end) == 0)
      pieces.push_back(text.substr(end++, 1));
    at = end;
  }
  return pieces;
}

} // namespace nibblesmith::tokenizer
