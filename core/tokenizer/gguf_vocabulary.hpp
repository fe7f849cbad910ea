// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// The tokenizer in a GGUF file's metadata: tokenizer.ggml.model "llama" (scores, byte fallback, space
/// prefix), "t5" (unigram) or "gpt2" (byte-level BPE, cut as tokenizer.ggml.pre says). Throws
/// base::Error{NotFound, Corrupt, NotSupported}. Source: ggml-org/llama.cpp, src/llama-vocab.cpp.
std::shared_ptr<const Tokenizer> readGgufVocabulary(const checkpoint::Checkpoint& checkpoint,
                                                    base::Budget& budget);

/// The tokenizer of a vocabulary with scores, as llama.cpp's "llama" model. Throws as base::Budget::step().
std::shared_ptr<const Tokenizer> makeScoreTokenizer(Vocabulary vocabulary, const std::string& origin,
                                                    base::Budget& budget);

/// Returns whether llama.cpp treats a model with this general.name as Phi-3, whose special tokens remove the
/// white space behind them. No other field of a GGUF file has this information.
bool isNamedPhi3(std::string_view generalName);
/// Returns the tokens that do so in a model of that name, ascending: all special and user-defined ones except
/// <unk>, <s> and <|endoftext|>.
std::vector<TokenId> strippingTokensOfPhi3(const Vocabulary& vocabulary);

} // namespace nibblesmith::tokenizer
