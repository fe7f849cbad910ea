// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/bpe_tokenizer.hpp"

#include <set>

namespace nibblesmith::tokenizer {

/// Checks the tokens of a file, one after the other, against the limits in limits.hpp.
class TokenCheck {
public:
  /// Starts a check. where: file and field, for messages.
  explicit TokenCheck(std::string where) : m_where(std::move(where)) {}
  /// Throws base::Error{NotSupported} if this token or all tokens together are too long, {Corrupt} if it is
  /// not valid UTF-8.
  void check(int64_t id, std::string_view token);

private:
  std::string m_where;
  uint64_t m_bytes = 0;
};

/// Collects tokens by id in any order. Ids and texts are validated before memory is allocated for them.
class VocabularyBuilder {
public:
  /// Creates an empty builder. where: file and field, for messages.
  explicit VocabularyBuilder(const std::string& where) : m_where(where), m_check(where) {}

  /// Sets a token; a later text and type replace an earlier one. Throws base::Error{Corrupt, NotSupported} on
  /// an invalid id or text.
  void set(int64_t id, std::string_view token, TokenType type);
  /// Fills tokens and types; ids without a token become unused tokens "[PAD<id>]". Throws
  /// base::Error{Corrupt} if there are no tokens, {NotSupported} if too many ids have none.
  void fill(Vocabulary& vocabulary) const;

private:
  std::string m_where;
  TokenCheck m_check;
  std::map<int64_t, std::pair<std::string, TokenType>> m_tokens;
};

/// Map from token text to id; the lowest id if a text is repeated. Keys are views into the vocabulary.
using TokenIndex = std::unordered_map<std::string_view, TokenId>;
TokenIndex indexTokens(const Vocabulary& vocabulary);

/// Sets byteTokens from the byte symbols (byte-level) or tokens such as "<0x0A>".
void setByteTokens(const TokenIndex& index, BpeModel& model);
/// Sets characterTokens to all normal or unused tokens of one character, and sets cutBlanks.
void setCharacterTokens(BpeModel& model);
/// Sets ignoreMergesWords to all normal tokens; keys are bytes if the vocabulary is byte-level.
void setWholeWords(BpeModel& model);
/// Adds every control, unknown or user-defined token as an added token, except those that are matched in
/// normalized text.
void addSpecialTokens(BpeModel& model, const std::set<TokenId>& normalized = {});

/// Adds the merge of `left` and `right` with this rank, and returns the merged token. Throws
/// base::Error{Corrupt} naming `where` (file and field) if one of the three tokens is not in the vocabulary.
TokenId addMerge(std::string_view left, std::string_view right, uint32_t rank, const TokenIndex& index,
                 const std::string& where, Merges& merges);

/// Derives merges from scores: every split of a token into two shorter ones, ranked by descending score of
/// the token. Equals sentencepiece's BPE; merging may pass through unused tokens. Throws like
/// base::Budget::step(). Source: google/sentencepiece, bpe_model.cc, SampleEncode.
void addMergesFromScores(BpeModel& model, base::Budget& budget);
/// Sets scores that reproduce the order of the merges; tokens without a merge get 0.
void setScoresFromMerges(const std::vector<std::pair<TokenId, uint32_t>>& ranks, Vocabulary& vocabulary);

} // namespace nibblesmith::tokenizer
