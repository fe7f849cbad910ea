// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/pre_tokenizer.hpp"

#include "tokenizer/limits.hpp"
#include "tokenizer/utf8.hpp"

namespace nibblesmith::tokenizer {

const std::string kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

constexpr std::string_view kField = "pre_tokenizer";

/// Part of the text: a match of the pattern, or the text between two matches.
struct Stretch {
  std::string_view text;
  bool isMatch;
};

std::vector<Stretch> findStretches(const checkpoint::Regex& pattern, std::string_view text, bool invert,
                                   base::Budget& budget, base::BudgetHold& memory) {
  std::vector<Stretch> stretches;
  size_t done = 0;
  for (size_t from = 0; from < text.size();) {
    const auto match = pattern.find(text, from, budget);
    if (!match)
      break;
    if (match->first == match->second) {
      from = match->second + (match->second < text.size() ? characterOrByte(text, match->second) : 1);
      continue;
    }
    memory.add(2 * sizeof(Stretch), kField);
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
  const std::string where = origin + ": " + std::string(kField);
  m_patternBytes += stage.pattern.size();
  base::checkLimit(m_stages.size() + 1, limits::kSteps, "steps", where);
  base::checkLimit(m_patternBytes, limits::kPatternBytes, "bytes of patterns", where);
  m_patterns.emplace_back(stage.pattern, origin, std::string(kField));
  m_stages.push_back(std::move(stage));
}

void PreTokenizer::applyStage(size_t stage, std::string_view text, base::Budget& budget, Words& out) const {
  base::BudgetHold memory(budget);
  emit(findStretches(m_patterns[stage], text, m_stages[stage].invert, budget, memory),
       m_stages[stage].behavior, out);
}

void PreTokenizer::split(std::string_view text, base::Budget& budget,
                         const std::function<void(std::string_view)>& onWord) const {
  if (m_stages.empty() && !text.empty())
    return onWord(text);
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (const size_t length = characterBytes(text, end))
      end += length;
    budget.step(end - at, kField);
    if (end > at)
      splitUtf8(text.substr(at, end - at), budget, onWord);
    while (end < text.size() && characterBytes(text, end) == 0)
      onWord(text.substr(end++, 1));
    at = end;
  }
}

void PreTokenizer::splitUtf8(std::string_view text, base::Budget& budget,
                             const std::function<void(std::string_view)>& onWord) const {
  Words words = {text};
  auto memory = std::make_unique<base::BudgetHold>(budget);
  for (size_t stage = 0; stage < m_stages.size(); ++stage) {
    Words cut;
    for (const std::string_view word : words)
      applyStage(stage, word, budget, cut);
    auto cutMemory = std::make_unique<base::BudgetHold>(budget);
    cutMemory->add(cut.size() * sizeof(std::string_view), kField);
    words = std::move(cut);
    memory = std::move(cutMemory);
  }
  for (const std::string_view word : words)
    onWord(word);
}

} // namespace nibblesmith::tokenizer
