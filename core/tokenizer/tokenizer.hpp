// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::tokenizer {

using TokenId = int32_t;

/// Type of a token, with the values of tokenizer.ggml.token_type in GGUF files.
enum class TokenType : int32_t {
  Normal = 1,
  Unknown = 2,
  Control = 3,
  UserDefined = 4,
  Unused = 5,
  Byte = 6
};

/// Algorithm of a tokenizer, as "tokenizer.ggml.model" of GGUF files distinguishes them.
enum class TokenizerModel {
  SentencePieceBpe, ///< "llama": BPE by scores, as sentencepiece has it
  ByteLevelBpe,     ///< "gpt2": BPE by merges over bytes
  Unigram           ///< "t5": the segmentation with the highest sum of scores
};
/// Returns the name in GGUF files.
std::string_view ggufName(TokenizerModel model);

/// Data that other programs need to tokenize identically; the content of a GGUF file.
struct Vocabulary {
  TokenizerModel model = TokenizerModel::SentencePieceBpe;
  std::string pre; ///< GGUF tokenizer.ggml.pre: "default", "gpt-2", "smollm", "llama-bpe", "qwen2", ...
  std::vector<std::string> tokens; ///< in the vocabulary's notation ("▁the", "<0x0A>", "Ġthe")
  std::vector<float> scores;       ///< not used by ByteLevelBpe
  std::vector<TokenType> types;
  std::vector<std::string> merges; ///< only used by ByteLevelBpe: "left right"
  TokenId bos = -1, eos = -1, unknown = -1, padding = -1;
  bool addBos = false;
  bool addEos = false;
  bool addSpacePrefix = true;  ///< not used by ByteLevelBpe
  std::string charsMap;        ///< sentencepiece's text replacements (chars_map.hpp)
  bool collapseSpaces = false; ///< collapse runs of spaces and strip both ends; sentencepiece only
  /// First normalization step of Unigram that the fields above cannot represent; empty: none.
  std::string unsupportedNormalization;
  /// Special tokens that remove the white space after them, ascending.
  std::vector<TokenId> rstripTokens;
};

/// Converter between text and token ids. Immutable; safe for concurrent use.
class Tokenizer {
public:
  virtual ~Tokenizer() = default;

  /// Encodes a text. addSpecial: adds BOS and EOS if the model's files ask for them. parseSpecial: special
  /// tokens written in the text ("<|im_start|>") become their ids. Throws base::Error{NotSupported} naming
  /// the file if it needs more work or memory than allowed for a text of this length (limits.hpp);
  /// base::Cancelled.
  virtual std::vector<TokenId> encode(std::string_view text, bool addSpecial, bool parseSpecial = false,
                                      const std::stop_token& stop = {}) const = 0;
  /// Returns the bytes of one token, before the clean-up of decode(). They may end inside a character.
  virtual std::string tokenBytes(TokenId id) const = 0;
  /// Decodes ids. skipSpecial: omits control tokens.
  virtual std::string decode(std::span<const TokenId> ids, bool skipSpecial = true) const = 0;
  virtual const Vocabulary& vocabulary() const = 0;

  int32_t vocabularySize() const { return static_cast<int32_t>(vocabulary().tokens.size()); }
  TokenId bos() const { return vocabulary().bos; }
  TokenId eos() const { return vocabulary().eos; }
};

/// Loads a model's tokenizer: tokenizer.model (sentencepiece), tokenizer.json (BPE or unigram), vocab.json
/// with merges.txt, qwen.tiktoken, or the vocabulary in a GGUF file. Throws base::Error{NotFound, Corrupt},
/// {NotSupported} (also above the limits in limits.hpp); base::Cancelled.
std::shared_ptr<const Tokenizer> loadTokenizer(const checkpoint::Checkpoint& checkpoint,
                                               const std::stop_token& stop = {});

/// Opens the tokenizer of a GGUF file, or of a directory that need not contain a model. Throws like
/// loadTokenizer() and checkpoint::openCheckpoint().
std::shared_ptr<const Tokenizer> openTokenizer(const std::filesystem::path& path,
                                               const std::stop_token& stop = {});

} // namespace nibblesmith::tokenizer
