// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/bpe_tokenizer.hpp"

#include <set>

namespace nibblesmith::tokenizer {

/// Holds the tokens of a file against the limits of limits.hpp, one after the other.
class TokenCheck {
public:
  /// where: file and field, for messages.
  explicit TokenCheck(std::string where) : m_where(std::move(where)) {}
  /// Throws base::Error{NotSupported} where the token or all of them together are too long, {Corrupt} where
  /// it is no UTF-8.
  void check(int64_t id, std::string_view token);

private:
  std::string m_where;
  uint64_t m_bytes = 0;
};

/// Collects tokens by id, in any order, with ids and texts from files checked before anything is allocated
/// for them.
class VocabularyBuilder {
public:
  /// where: file and field, for messages.
  explicit VocabularyBuilder(const std::string& where) : m_where(where), m_check(where) {}

  /// A token set twice keeps its last text and type. Throws base::Error{Corrupt, NotSupported} on an id or a
  /// text that cannot be.
  void set(int64_t id, std::string_view token, TokenType type);
  /// Fills tokens and types; ids that nothing was set for become unused tokens "[PAD<id>]". Throws
  /// base::Error{Corrupt} where there are no tokens, {NotSupported} where many ids have none.
  void fill(Vocabulary& vocabulary) const;

private:
  std::string m_where;
  TokenCheck m_check;
  std::map<int64_t, std::pair<std::string, TokenType>> m_tokens;
};

/// Token text to id, of all tokens; the lowest id where a text appears twice. Views into the vocabulary.
using TokenIndex = std::unordered_map<std::string_view, TokenId>;
TokenIndex indexTokens(const Vocabulary& vocabulary);

/// Sets byteTokens from the vocabulary: of the byte symbols (byte-level) or of "<0x0A>".
void setByteTokens(const TokenIndex& index, BpeModel& model);
/// Sets characterTokens: every normal or unused token that is one character; and cutBlanks.
void setCharacterTokens(BpeModel& model);
/// Sets wholeWords: every normal token, by its bytes where the vocabulary is byte-level.
void setWholeWords(BpeModel& model);
/// Every control or user-defined token becomes an added token, but for those that are looked for in
/// normalized text.
void addSpecialTokens(BpeModel& model, const std::set<TokenId>& normalized = {});

/// Adds "left right" as a merge of the given rank and returns what it makes. Throws base::Error{Corrupt}
/// naming `where`, file and field, where one of the three tokens is not in the vocabulary.
TokenId addMerge(std::string_view left, std::string_view right, uint32_t rank, const TokenIndex& index,
                 const std::string& where, Merges& merges);

/// Merges of a vocabulary with scores: every way to put a token together from two shorter ones, ranked by the
/// token's score, the highest first. What sentencepiece's BPE does, as a table: joining leads through unused
/// tokens. Throws as base::Budget::step(). Source: google/sentencepiece, bpe_model.cc, SampleEncode.
void addMergesFromScores(BpeModel& model, base::Budget& budget);
/// The reverse: scores that give the order of the merges; tokens that no merge makes get 0.
void setScoresFromMerges(const std::vector<std::pair<TokenId, uint32_t>>& ranks, Vocabulary& vocabulary);

} // namespace nibblesmith::tokenizer
