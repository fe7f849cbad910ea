// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// Reads the tokenizer from a GGUF file's metadata. tokenizer.ggml.model: "llama" (scores, byte fallback,
/// space prefix), "t5" (unigram) or "gpt2" (byte-level BPE, split according to tokenizer.ggml.pre). Throws
/// base::Error{NotFound, Corrupt, NotSupported}. Source: ggml-org/llama.cpp, src/llama-vocab.cpp.
std::shared_ptr<const Tokenizer> readGgufVocabulary(const checkpoint::Checkpoint& checkpoint,
                                                    base::Budget& budget);

/// Creates the tokenizer of a vocabulary with scores, equal to llama.cpp's "llama" model. Throws like
/// base::Budget::step().
std::shared_ptr<const Tokenizer> makeScoreTokenizer(Vocabulary vocabulary, const std::string& origin,
                                                    base::Budget& budget);

/// Returns true if llama.cpp treats a model with this general.name as Phi-3, whose special tokens remove the
/// white space after them. No other field of a GGUF file has this information.
bool isNamedPhi3(std::string_view generalName);
/// Returns the tokens of such a model that remove the white space after them, ascending: all special and
/// user-defined ones except `<unk>`, `<s>` and `<|endoftext|>`.
std::vector<TokenId> rstripTokensOfPhi3(const Vocabulary& vocabulary);

} // namespace nibblesmith::tokenizer
