// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/bpe_tokenizer.hpp"

#include <set>

namespace nibblesmith::tokenizer {

/// Collects tokens by id, in any order, with ids from files checked before anything is allocated for them.
class VocabularyBuilder {
public:
  explicit VocabularyBuilder(std::string origin) : m_origin(std::move(origin)) {}

  /// A token set twice keeps its last text and type. Throws base::Error{Corrupt} on an id out of 0 .. 2^22
  /// - 1.
  void set(int64_t id, std::string token, TokenType type);
  /// Fills tokens and types; ids that nothing was set for become unused tokens "[PAD<id>]".
  void fill(Vocabulary& vocabulary) const;

private:
  std::string m_origin;
  std::map<int64_t, std::pair<std::string, TokenType>> m_tokens;
};

/// Token text to id, of all tokens; the lowest id where a text appears twice. Views into the vocabulary.
using TokenIndex = std::unordered_map<std::string_view, TokenId>;
TokenIndex indexTokens(const Vocabulary& vocabulary);

/// Sets byteTokens from the vocabulary: of the byte symbols (byte-level) or of "<0x0A>".
void setByteTokens(const TokenIndex& index, BpeModel& model);
/// Sets characterTokens: every normal token that is one character; and cutBlanks.
void setCharacterTokens(BpeModel& model);
/// Sets wholeWords: every normal token, by its bytes where the vocabulary is byte-level.
void setWholeWords(BpeModel& model);
/// Every control or user-defined token becomes an added token, but for those that are looked for in
/// normalized text.
void addSpecialTokens(BpeModel& model, const std::set<TokenId>& normalized = {});

/// Adds "left right" as a merge of the given rank. Throws base::Error{Corrupt} naming `origin` where one of
/// the three tokens is not in the vocabulary.
void addMerge(std::string_view left, std::string_view right, uint32_t rank, const TokenIndex& index,
              const std::string& origin, Merges& merges);

/// Merges of a vocabulary with scores: every way to put a token together from two shorter ones, ranked by the
/// token's score, the highest first. What sentencepiece's BPE does, as a table.
/// Source: google/sentencepiece, bpe_model.cc, SampleEncode.
void addMergesFromScores(BpeModel& model);
/// The reverse: scores that give the order of the merges; tokens that no merge makes get 0.
void setScoresFromMerges(const std::vector<std::pair<TokenId, uint32_t>>& ranks, Vocabulary& vocabulary);

} // namespace nibblesmith::tokenizer
