// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/added_tokens.hpp"
#include "tokenizer/merges.hpp"
#include "tokenizer/pre_tokenizer.hpp"
#include "tokenizer/unigram.hpp"

#include <array>
#include <unordered_map>

namespace nibblesmith::tokenizer {

/// Components of a BPE or unigram tokenizer, read from tokenizer.json, vocab.json + merges.txt, qwen.tiktoken
/// or GGUF.
struct BpeModel {
  std::string origin; ///< name of the file, for messages
  Vocabulary vocabulary;
  Merges merges;
  std::shared_ptr<const Unigram> unigram; ///< replaces the merges if set
  /// True if symbols are bytes. Otherwise symbols are characters, looked up by their text; ids from
  /// vocabulary.tokens.size() on stand for characters that only occur inside longer tokens.
  bool byteLevel = true;
  std::array<TokenId, 256> byteTokens{}; ///< -1: not in the vocabulary
  std::unordered_map<std::string, TokenId> characterTokens;
  bool cutBlanks = false;   ///< splitBeforeSpaces() may be applied
  bool fuseUnknown = false; ///< a run of unknown characters becomes one token
  std::unordered_map<std::string, TokenId>
      ignoreMergesWords; ///< words that become one token without merging (ignore_merges), by their bytes
  Normalizer normalizer;
  /// Normalization of the text between added tokens, before it is split into words.
  Normalizer preparation{"pre_tokenizer"};
  PreTokenizer preTokenizer;
  AddedTokens added;
  AddedTokens addedNormalized; ///< matched after normalization
  std::vector<TokenId> prefix; ///< added with addSpecial
  std::vector<TokenId> suffix;
};

/// BPE tokenizer: byte-level (GPT-2, Qwen, Llama 3, …) or over characters with byte fallback (Llama 2); or
/// unigram tokenizer with byte fallback. Source: Sennrich et al. 2016, section 3.2; huggingface/tokenizers,
/// models/bpe.
class BpeTokenizer final : public Tokenizer {
public:
  explicit BpeTokenizer(BpeModel model) : m_model(std::move(model)) {}

  std::vector<TokenId> encode(std::string_view text, bool addSpecial, bool parseSpecial = false,
                              const std::stop_token& stop = {}) const override;
  std::string tokenBytes(TokenId id) const override;
  std::string decode(std::span<const TokenId> ids, bool skipSpecial = true) const override;
  const Vocabulary& vocabulary() const override { return m_model.vocabulary; }

private:
  class Scratch;
  void encodeText(std::string_view text, bool parseSpecial, Scratch& scratch) const;
  void encodeNormalized(std::string_view text, Scratch& scratch) const;
  void encodeWord(std::string_view word, Scratch& scratch) const;
  void cutWord(std::string_view word, Scratch& scratch) const;
  std::vector<TokenId> withoutCharacters(std::vector<TokenId> ids) const;
  void appendSymbols(std::string_view word, Scratch& scratch) const;
  void appendUnknown(std::string_view character, std::vector<TokenId>& symbols) const;

  BpeModel m_model;
};

} // namespace nibblesmith::tokenizer
