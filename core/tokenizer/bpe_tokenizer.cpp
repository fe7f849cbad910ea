// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/bpe_tokenizer.hpp"

#include "tokenizer/limits.hpp"
#include "tokenizer/pieces.hpp"
#include "tokenizer/utf8.hpp"

#include <deque>

namespace nibblesmith::tokenizer {

namespace {

// Longer words are rare and would only fill the cache.
constexpr size_t kMaxCachedWord = 48;
constexpr size_t kBytesPerCachedWord = 64; // key, position and map overhead
constexpr std::string_view kField = "words";

} // namespace

/// State of one encode() call.
class BpeTokenizer::Scratch {
public:
  Scratch(const std::string& origin, size_t textBytes, const std::stop_token& stop)
      : budget(origin, encodingLimits(textBytes), stop) {}

  base::Budget budget;
  std::vector<TokenId> out;
  std::vector<TokenId> symbols;
  std::deque<std::string> texts; ///< normalized parts; the keys of `seen` are views into them
  std::unordered_map<std::string_view, std::pair<size_t, size_t>> seen; ///< word to its position in `out`
  bool isFirst = true;

  void add(TokenId id) {
    out.push_back(id);
    isFirst = false;
  }
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
  void remember(std::string_view word, size_t begin) {
    if (word.size() > kMaxCachedWord)
      return;
    budget.hold(kBytesPerCachedWord, kField);
    seen.emplace(word, std::pair(begin, out.size() - begin));
  }
};

std::vector<TokenId> BpeTokenizer::encode(std::string_view text, bool addSpecial, bool parseSpecial,
                                          const std::stop_token& stop) const {
  Scratch scratch(m_model.origin, text.size(), stop);
  if (addSpecial)
    scratch.out = m_model.prefix;
  m_model.added.split(
      text, parseSpecial, scratch.budget,
      [&](std::string_view stretch) { encodeText(stretch, parseSpecial, scratch); },
      [&](TokenId id) { scratch.add(id); });
  if (addSpecial)
    scratch.out.insert(scratch.out.end(), m_model.suffix.begin(), m_model.suffix.end());
  return withoutCharacters(std::move(scratch.out));
}

/// Replaces characters without a token that remain after merging by bytes, or by the unknown token.
std::vector<TokenId> BpeTokenizer::withoutCharacters(std::vector<TokenId> ids) const {
  const auto limit = static_cast<TokenId>(m_model.vocabulary.tokens.size());
  if (std::none_of(ids.begin(), ids.end(), [&](TokenId id) { return id >= limit; }))
    return ids;
  std::unordered_map<TokenId, std::string_view> characters;
  for (const auto& [character, id] : m_model.characterTokens)
    if (id >= limit)
      characters.emplace(id, character);
  const TokenId unknown = m_model.vocabulary.unknown;
  std::vector<TokenId> result;
  for (const TokenId id : ids) {
    const bool fused = m_model.fuseUnknown && id == unknown && !result.empty() && result.back() == unknown;
    if (id >= limit)
      appendUnknown(characters.at(id), result);
    else if (!fused)
      result.push_back(id);
  }
  return result;
}

void BpeTokenizer::encodeText(std::string_view text, bool parseSpecial, Scratch& scratch) const {
  if (!m_model.normalizer.empty())
    text = scratch.keep(m_model.normalizer.apply(text, scratch.isFirst, scratch.budget));
  if (m_model.addedNormalized.empty()) {
    encodeNormalized(text, scratch);
    return;
  }
  m_model.addedNormalized.split(
      text, parseSpecial, scratch.budget,
      [&](std::string_view stretch) { encodeNormalized(stretch, scratch); },
      [&](TokenId id) { scratch.add(id); });
}

void BpeTokenizer::encodeNormalized(std::string_view text, Scratch& scratch) const {
  if (!m_model.preparation.empty())
    text = scratch.keep(m_model.preparation.apply(text, scratch.isFirst, scratch.budget));
  scratch.isFirst = false;
  m_model.preTokenizer.split(text, scratch.budget, [&](std::string_view word) {
    if (!m_model.cutBlanks) {
      encodeWord(word, scratch);
      return;
    }
    const std::vector<std::string_view> parts = splitBeforeSpaces(word);
    base::BudgetHold memory(scratch.budget);
    memory.add(parts.size() * sizeof(std::string_view), kField);
    for (const std::string_view part : parts)
      encodeWord(part, scratch);
  });
}

void BpeTokenizer::encodeWord(std::string_view word, Scratch& scratch) const {
  std::vector<TokenId>& out = scratch.out;
  const size_t begin = out.size();
  scratch.budget.step(16 + word.size(), kField);
  if (const auto found = scratch.seen.find(word); found != scratch.seen.end()) {
    const auto [first, count] = found->second;
    for (size_t i = 0; i < count; ++i)
      out.push_back(out[first + i]);
    scratch.budget.hold(count * sizeof(TokenId), kField);
    return;
  }
  const auto whole = m_model.ignoreMergesWords.empty() ? m_model.ignoreMergesWords.end()
                                                       : m_model.ignoreMergesWords.find(std::string(word));
  if (whole != m_model.ignoreMergesWords.end()) {
    out.push_back(whole->second);
  } else if (m_model.unigram) {
    cutWord(word, scratch);
  } else {
    scratch.symbols.clear();
    appendSymbols(word, scratch);
    m_model.merges.apply(scratch.symbols, scratch.budget, out);
  }
  scratch.budget.hold((out.size() - begin) * sizeof(TokenId), kField);
  scratch.remember(word, begin);
}

void BpeTokenizer::cutWord(std::string_view word, Scratch& scratch) const {
  std::vector<TokenId>& symbols = scratch.symbols;
  symbols.clear();
  m_model.unigram->cut(word, scratch.budget, [&](const Unigram::Cut& cut) {
    if (cut.id >= 0)
      symbols.push_back(cut.id);
    else
      appendUnknown(cut.text, symbols);
  });
  scratch.out.insert(scratch.out.end(), symbols.begin(), symbols.end());
}

void BpeTokenizer::appendSymbols(std::string_view word, Scratch& scratch) const {
  std::vector<TokenId>& symbols = scratch.symbols;
  for (size_t at = 0; at < word.size();) {
    scratch.budget.step(4, kField);
    if (m_model.byteLevel) {
      const TokenId id = m_model.byteTokens[static_cast<uint8_t>(word[at++])];
      if (id >= 0)
        symbols.push_back(id);
      else if (m_model.vocabulary.unknown >= 0)
        symbols.push_back(m_model.vocabulary.unknown);
      continue;
    }
    const size_t length = characterOrByte(word, at);
    const std::string character(word.substr(at, length));
    at += length;
    if (const auto found = m_model.characterTokens.find(character); found != m_model.characterTokens.end())
      symbols.push_back(found->second);
    else
      appendUnknown(character, symbols);
  }
}

void BpeTokenizer::appendUnknown(std::string_view character, std::vector<TokenId>& symbols) const {
  const auto hasToken = [&](char byte) { return m_model.byteTokens[static_cast<uint8_t>(byte)] >= 0; };
  if (std::all_of(character.begin(), character.end(), hasToken)) {
    for (const char byte : character)
      symbols.push_back(m_model.byteTokens[static_cast<uint8_t>(byte)]);
    return;
  }
  const TokenId unknown = m_model.vocabulary.unknown;
  const bool fused = m_model.fuseUnknown && !symbols.empty() && symbols.back() == unknown;
  if (unknown >= 0 && !fused)
    symbols.push_back(unknown);
}

std::string BpeTokenizer::tokenBytes(TokenId id) const {
  return tokenizer::tokenBytes(m_model.vocabulary, id);
}

std::string BpeTokenizer::decode(std::span<const TokenId> ids, bool skipSpecial) const {
  return tokenizer::decode(m_model.vocabulary, ids, skipSpecial);
}

} // namespace nibblesmith::tokenizer
