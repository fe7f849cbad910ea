// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/bpe_tokenizer.hpp"

#include "tokenizer/pieces.hpp"
#include "tokenizer/utf8.hpp"

#include <deque>

namespace nibblesmith::tokenizer {

namespace {

// Longer words are rare, and would only fill the memory.
constexpr size_t kMaxCachedWord = 48;

} // namespace

/// What one call of encode() works with.
struct BpeTokenizer::Scratch {
  std::vector<TokenId> out;
  std::vector<TokenId> symbols;
  std::deque<std::string> texts; ///< normalized stretches; the keys of `seen` are views into them
  std::unordered_map<std::string_view, std::pair<size_t, size_t>> seen; ///< word to its place in `out`
  bool isFirst = true;
};

std::vector<TokenId> BpeTokenizer::encode(std::string_view text, bool addSpecial, bool parseSpecial) const {
  Scratch scratch;
  if (addSpecial)
    scratch.out = m_model.prefix;
  m_model.added.split(
      text, parseSpecial, [&](std::string_view stretch) { encodeText(stretch, parseSpecial, scratch); },
      [&](TokenId id) {
        scratch.out.push_back(id);
        scratch.isFirst = false;
      });
  if (addSpecial)
    scratch.out.insert(scratch.out.end(), m_model.suffix.begin(), m_model.suffix.end());
  // Characters that are in no token of their own were left by merging: as bytes, or unknown.
  const auto limit = static_cast<TokenId>(m_model.vocabulary.tokens.size());
  if (std::none_of(scratch.out.begin(), scratch.out.end(), [&](TokenId id) { return id >= limit; }))
    return std::move(scratch.out);
  std::unordered_map<TokenId, std::string> characters;
  for (const auto& [character, id] : m_model.characterTokens)
    if (id >= limit)
      characters.emplace(id, character);
  std::vector<TokenId> ids;
  for (const TokenId id : scratch.out) {
    if (id < limit)
      ids.push_back(id);
    else
      appendUnknown(characters.at(id), ids);
  }
  return ids;
}

void BpeTokenizer::encodeText(std::string_view text, bool parseSpecial, Scratch& scratch) const {
  if (!m_model.normalizer.empty()) {
    scratch.texts.push_back(m_model.normalizer.apply(std::string(text), scratch.isFirst));
    text = scratch.texts.back();
  }
  if (m_model.addedNormalized.empty()) {
    encodeNormalized(text, scratch);
    return;
  }
  m_model.addedNormalized.split(
      text, parseSpecial, [&](std::string_view stretch) { encodeNormalized(stretch, scratch); },
      [&](TokenId id) {
        scratch.out.push_back(id);
        scratch.isFirst = false;
      });
}

void BpeTokenizer::encodeNormalized(std::string_view text, Scratch& scratch) const {
  if (!m_model.preparation.empty()) {
    scratch.texts.push_back(m_model.preparation.apply(std::string(text), scratch.isFirst));
    text = scratch.texts.back();
  }
  scratch.isFirst = false;
  for (const std::string_view word : m_model.preTokenizer.split(text)) {
    if (!m_model.cutBlanks) {
      encodeWord(word, scratch);
      continue;
    }
    for (const std::string_view part : cutBeforeBlanks(word))
      encodeWord(part, scratch);
  }
}

void BpeTokenizer::encodeWord(std::string_view word, Scratch& scratch) const {
  std::vector<TokenId>& out = scratch.out;
  if (const auto found = scratch.seen.find(word); found != scratch.seen.end()) {
    const auto [begin, count] = found->second;
    for (size_t i = 0; i < count; ++i)
      out.push_back(out[begin + i]);
    return;
  }
  const size_t begin = out.size();
  const auto whole =
      m_model.wholeWords.empty() ? m_model.wholeWords.end() : m_model.wholeWords.find(std::string(word));
  if (whole != m_model.wholeWords.end()) {
    out.push_back(whole->second);
  } else if (m_model.unigram) {
    cutWord(word, out);
  } else {
    scratch.symbols.clear();
    appendSymbols(word, scratch.symbols);
    m_model.merges.apply(scratch.symbols, out);
  }
  if (word.size() <= kMaxCachedWord)
    scratch.seen.emplace(word, std::pair(begin, out.size() - begin));
}

void BpeTokenizer::cutWord(std::string_view word, std::vector<TokenId>& out) const {
  for (const Unigram::Cut& cut : m_model.unigram->cut(word)) {
    if (cut.id >= 0)
      out.push_back(cut.id);
    else
      appendUnknown(cut.text, out);
  }
}

void BpeTokenizer::appendSymbols(std::string_view word, std::vector<TokenId>& symbols) const {
  for (size_t at = 0; at < word.size();) {
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
