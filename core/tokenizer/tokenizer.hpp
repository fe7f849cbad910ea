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

/// As ggml's tokenizer.ggml.token_type; written to GGUF files.
enum class TokenType : int32_t {
  Normal = 1,
  Unknown = 2,
  Control = 3,
  UserDefined = 4,
  Unused = 5,
  Byte = 6
};

/// Everything another program needs to tokenize alike; what a GGUF file carries.
struct Vocabulary {
  std::string model; ///< "llama" (sentencepiece-like BPE by scores), "t5" (unigram by scores) or "gpt2"
                     ///< (byte-level BPE)
  std::string pre;   ///< GGUF tokenizer.ggml.pre: "default", "gpt-2", "smollm", "llama-bpe", "qwen2", ...
  std::vector<std::string> tokens; ///< as written in the vocabulary ("▁the", "<0x0A>", "Ġthe")
  std::vector<float> scores;       ///< not of "gpt2"
  std::vector<TokenType> types;
  std::vector<std::string> merges; ///< "gpt2" only: "left right"
  TokenId bos = -1, eos = -1, unknown = -1, padding = -1;
  bool addBos = false;
  bool addEos = false;
  bool addSpacePrefix = true; ///< not of "gpt2"
  std::string charsMap; ///< replacements in texts before all else (chars_map.hpp); of sentencepiece models
  bool removeExtraBlanks =
      false; ///< of several blanks, one stays, and none around a text; of sentencepiece models
  std::string unsupportedNormalization; ///< of "t5": what of the way to treat texts is said by nothing above;
                                        ///< empty: nothing
  std::vector<TokenId> strippingRight;  ///< special tokens that remove the white space behind them, ascending
};

/// Text to ids and back. Immutable, any thread.
class Tokenizer {
public:
  virtual ~Tokenizer() = default;

  /// addSpecial: put BOS (and EOS) where the model's files ask for it. With parseSpecial, special tokens
  /// written in the text ("<|im_start|>") become their ids. Throws base::Error{NotSupported} naming the file
  /// where it asks for more work or memory than a text of this length may take (limits.hpp); base::Cancelled.
  virtual std::vector<TokenId> encode(std::string_view text, bool addSpecial, bool parseSpecial = false,
                                      const std::stop_token& stop = {}) const = 0;
  /// The bytes one token stands for, before the text-level clean-up of decode(); may be half a character.
  virtual std::string tokenBytes(TokenId id) const = 0;
  /// Text of ids; control tokens are left out when skipSpecial.
  virtual std::string decode(std::span<const TokenId> ids, bool skipSpecial = true) const = 0;
  virtual const Vocabulary& vocabulary() const = 0;

  int32_t vocabularySize() const { return static_cast<int32_t>(vocabulary().tokens.size()); }
  TokenId bos() const { return vocabulary().bos; }
  TokenId eos() const { return vocabulary().eos; }
};

/// The tokenizer that lies beside a model: tokenizer.model (sentencepiece), tokenizer.json (BPE or unigram),
/// vocab.json with merges.txt, qwen.tiktoken, or the vocabulary in a GGUF. Throws base::Error{NotFound,
/// Corrupt, NotSupported}, the last also above the limits of limits.hpp; base::Cancelled.
std::shared_ptr<const Tokenizer> loadTokenizer(const checkpoint::Checkpoint& checkpoint,
                                               const std::stop_token& stop = {});

/// The tokenizer of a GGUF file or of a directory, which need not hold a model beside the tokenizer's files.
/// Throws as loadTokenizer() and checkpoint::openCheckpoint().
std::shared_ptr<const Tokenizer> openTokenizer(const std::filesystem::path& path,
                                               const std::stop_token& stop = {});

} // namespace nibblesmith::tokenizer
