// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/vocabulary_builder.hpp"

#include "tokenizer/pieces.hpp"
#include "tokenizer/utf8.hpp"

#include <algorithm>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;

constexpr int64_t kMaxTokens = int64_t{1} << 22;
// No vocabulary has tokens near this long; it bounds the quadratic work of cutting one in two.
constexpr size_t kMaxSplitToken = 512;

} // namespace

void VocabularyBuilder::set(int64_t id, std::string token, TokenType type) {
  if (id < 0 || id >= kMaxTokens)
    throw Error(ErrorCode::Corrupt, m_origin + ": token '" + token.substr(0, 80) +
                                        "': expected an id of 0 to " + std::to_string(kMaxTokens - 1) +
                                        ", found " + std::to_string(id));
  m_tokens[id] = {std::move(token), type};
}

void VocabularyBuilder::fill(Vocabulary& vocabulary) const {
  if (m_tokens.empty())
    throw Error(ErrorCode::Corrupt, m_origin + ": the vocabulary is empty");
  const auto count = static_cast<size_t>(m_tokens.rbegin()->first) + 1;
  vocabulary.tokens.assign(count, {});
  vocabulary.types.assign(count, TokenType::Unused);
  for (size_t id = 0; id < count; ++id) {
    const auto found = m_tokens.find(static_cast<int64_t>(id));
    vocabulary.tokens[id] = found == m_tokens.end() ? "[PAD" + std::to_string(id) + "]" : found->second.first;
    if (found != m_tokens.end())
      vocabulary.types[id] = found->second.second;
  }
}

TokenIndex indexTokens(const Vocabulary& vocabulary) {
  TokenIndex index;
  index.reserve(vocabulary.tokens.size());
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    index.emplace(vocabulary.tokens[id], static_cast<TokenId>(id));
  return index;
}

void setByteTokens(const TokenIndex& index, BpeModel& model) {
  for (size_t byte = 0; byte < 256; ++byte) {
    const auto found =
        index.find(model.byteLevel ? byteSymbols()[byte] : tokenOfByte(static_cast<uint8_t>(byte)));
    model.byteTokens[byte] = found == index.end() ? -1 : found->second;
  }
}

void setCharacterTokens(BpeModel& model) {
  const Vocabulary& vocabulary = model.vocabulary;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& token = vocabulary.tokens[id];
    if (vocabulary.types[id] == TokenType::Normal && !token.empty() &&
        characterOrByte(token, 0) == token.size())
      model.characterTokens.emplace(token, static_cast<TokenId>(id));
  }
  model.cutBlanks = model.characterTokens.contains(std::string(kBlankSymbol)) && blanksOnlyBegin(vocabulary);
}

void setWholeWords(BpeModel& model) {
  const Vocabulary& vocabulary = model.vocabulary;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::Normal)
      model.wholeWords.emplace(model.byteLevel ? tokenBytes(vocabulary, static_cast<TokenId>(id))
                                               : vocabulary.tokens[id],
                               static_cast<TokenId>(id));
}

void addSpecialTokens(BpeModel& model, const std::set<TokenId>& normalized) {
  const Vocabulary& vocabulary = model.vocabulary;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const bool control =
        vocabulary.types[id] == TokenType::Control || vocabulary.types[id] == TokenType::Unknown;
    if (!control && vocabulary.types[id] != TokenType::UserDefined)
      continue;
    if (normalized.contains(static_cast<TokenId>(id)))
      continue;
    AddedToken token;
    token.id = static_cast<TokenId>(id);
    token.content = vocabulary.tokens[id];
    token.special = control;
    model.added.add(token);
  }
}

void addMerge(std::string_view left, std::string_view right, uint32_t rank, const TokenIndex& index,
              const std::string& origin, Merges& merges) {
  const auto idOf = [&](std::string_view token) {
    const auto found = index.find(token);
    if (found == index.end())
      throw Error(ErrorCode::Corrupt, origin + ": merge " + std::to_string(rank) + " '" +
                                          std::string(left.substr(0, 80)) + " " +
                                          std::string(right.substr(0, 80)) + "': '" +
                                          std::string(token.substr(0, 80)) + "' is not in the vocabulary");
    return found->second;
  };
  const TokenId leftId = idOf(left);
  const TokenId rightId = idOf(right);
  merges.add(leftId, rightId, {rank, idOf(std::string(left) + std::string(right))});
}

void addMergesFromScores(BpeModel& model) {
  const Vocabulary& vocabulary = model.vocabulary;
  std::vector<size_t> order;
  TokenIndex index;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::Normal &&
        index.emplace(vocabulary.tokens[id], static_cast<TokenId>(id)).second)
      order.push_back(id);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return vocabulary.scores[a] > vocabulary.scores[b]; });
  auto nextCharacter = static_cast<TokenId>(vocabulary.tokens.size());
  const auto partOf = [&](std::string_view text) -> TokenId {
    if (const auto found = index.find(text); found != index.end())
      return found->second;
    if (characterOrByte(text, 0) != text.size())
      return -1;
    const auto [entry, isNew] = model.characterTokens.try_emplace(std::string(text), nextCharacter);
    nextCharacter += isNew;
    return entry->second;
  };
  uint32_t rank = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    // Equal scores are equal ranks: the leftmost pair goes first then.
    if (i > 0 && vocabulary.scores[order[i]] < vocabulary.scores[order[i - 1]])
      ++rank;
    const std::string_view token = vocabulary.tokens[order[i]];
    for (size_t cut = characterOrByte(token, 0); cut < std::min(token.size(), kMaxSplitToken);
         cut += characterOrByte(token, cut)) {
      const TokenId left = partOf(token.substr(0, cut));
      const TokenId right = left < 0 ? -1 : partOf(token.substr(cut));
      if (right >= 0)
        model.merges.add(left, right, {rank, static_cast<TokenId>(order[i])});
    }
  }
}

void setScoresFromMerges(const std::vector<std::pair<TokenId, uint32_t>>& ranks, Vocabulary& vocabulary) {
  vocabulary.scores.assign(vocabulary.tokens.size(), 0.0f);
  for (const auto& [id, rank] : ranks) {
    float& score = vocabulary.scores[static_cast<size_t>(id)];
    const float candidate = -1.0f - static_cast<float>(rank);
    score = score == 0.0f ? candidate : std::max(score, candidate);
  }
}

} // namespace nibblesmith::tokenizer
