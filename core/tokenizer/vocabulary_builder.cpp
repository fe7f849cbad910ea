// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/vocabulary_builder.hpp"

#include "tokenizer/limits.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/utf8.hpp"

#include <algorithm>

namespace nibblesmith::tokenizer {

namespace {

using base::Error;
using base::ErrorCode;

} // namespace

void TokenCheck::check(int64_t id, std::string_view token) {
  const auto name = [&] { return m_where + ": token " + std::to_string(id); };
  if (token.size() > limits::kTokenBytes)
    base::throwOverLimit(name(), limits::kTokenBytes, "bytes", std::to_string(token.size()));
  m_bytes += token.size();
  base::checkLimit(m_bytes, limits::kVocabularyBytes, "bytes of tokens", m_where);
  if (!isUtf8(token))
    throw Error(ErrorCode::Corrupt, name() + ": expected UTF-8, found other bytes");
}

void VocabularyBuilder::set(int64_t id, std::string_view token, TokenType type) {
  m_check.check(id, token);
  if (id < 0 || id >= static_cast<int64_t>(limits::kTokens))
    throw Error(ErrorCode::Corrupt, m_where + ": token '" + std::string(token.substr(0, 80)) +
                                        "': expected an id of 0 to " + std::to_string(limits::kTokens - 1) +
                                        ", found " + std::to_string(id));
  m_tokens[id] = {std::string(token), type};
}

void VocabularyBuilder::fill(Vocabulary& vocabulary) const {
  if (m_tokens.empty())
    throw Error(ErrorCode::Corrupt, m_where + ": expected tokens, found none");
  const auto count = static_cast<size_t>(m_tokens.rbegin()->first) + 1;
  base::checkLimit(count - m_tokens.size(), limits::kUnsetIds, "ids without a token", m_where);
  vocabulary.tokens.reserve(count);
  vocabulary.types.reserve(count);
  for (const auto& [id, token] : m_tokens) {
    for (size_t unset = vocabulary.tokens.size(); unset < static_cast<size_t>(id); ++unset) {
      vocabulary.tokens.push_back("[PAD" + std::to_string(unset) + "]");
      vocabulary.types.push_back(TokenType::Unused);
    }
    vocabulary.tokens.push_back(token.first);
    vocabulary.types.push_back(token.second);
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
    const TokenType type = vocabulary.types[id];
    if ((type == TokenType::Normal || type == TokenType::Unused) && !token.empty() &&
        characterOrByte(token, 0) == token.size())
      model.characterTokens.emplace(token, static_cast<TokenId>(id));
  }
  model.cutBlanks = model.characterTokens.contains(std::string(kBlankSymbol)) && blanksOnlyBegin(vocabulary);
}

void setWholeWords(BpeModel& model) {
  const Vocabulary& vocabulary = model.vocabulary;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (vocabulary.types[id] == TokenType::Normal)
      model.ignoreMergesWords.emplace(model.byteLevel ? tokenBytes(vocabulary, static_cast<TokenId>(id))
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
    token.stripRight = std::ranges::binary_search(vocabulary.rstripTokens, token.id);
    model.added.add(token, model.origin);
  }
}

TokenId addMerge(std::string_view left, std::string_view right, uint32_t rank, const TokenIndex& index,
                 const std::string& where, Merges& merges) {
  const auto idOf = [&](std::string_view token) {
    const auto found = index.find(token);
    if (found == index.end())
      throw Error(ErrorCode::Corrupt, where + ": merge " + std::to_string(rank) + " '" +
                                          std::string(left.substr(0, 80)) + " " +
                                          std::string(right.substr(0, 80)) + "': '" +
                                          std::string(token.substr(0, 80)) + "' is not in the vocabulary");
    return found->second;
  };
  const TokenId leftId = idOf(left);
  const TokenId rightId = idOf(right);
  const TokenId id = idOf(std::string(left) + std::string(right));
  merges.add(leftId, rightId, {rank, id});
  return id;
}

void addMergesFromScores(BpeModel& model, base::Budget& budget) {
  const Vocabulary& vocabulary = model.vocabulary;
  std::vector<size_t> order;
  TokenIndex index;
  index.reserve(vocabulary.tokens.size());
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const TokenType type = vocabulary.types[id];
    if ((type == TokenType::Normal || type == TokenType::Unused) &&
        index.emplace(vocabulary.tokens[id], static_cast<TokenId>(id)).second)
      order.push_back(id);
    if (type == TokenType::Unused)
      model.merges.setUnused(static_cast<TokenId>(id));
  }
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
    // Equal scores get equal ranks, so the leftmost pair merges first.
    if (i > 0 && vocabulary.scores[order[i]] < vocabulary.scores[order[i - 1]])
      ++rank;
    const std::string_view token = vocabulary.tokens[order[i]];
    for (size_t cut = characterOrByte(token, 0); cut < token.size(); cut += characterOrByte(token, cut)) {
      budget.step(16 + token.size(), "merges from scores");
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
