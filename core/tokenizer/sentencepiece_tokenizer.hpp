// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// The tokenizer of a tokenizer.model file: BPE or unigram, with sentencepiece's own normalization. BOS and
/// EOS as tokenizer_config.json beside it says (default: BOS), tokens added after training
/// (added_tokens.json, tokenizer_config.json) included. Throws base::Error{NotFound, Corrupt, NotSupported}.
/// Source: google/sentencepiece, bpe_model.cc, unigram_model.cc, normalizer.cc.
std::shared_ptr<const Tokenizer> readSentencepiece(const std::filesystem::path& path,
                                                   const base::Json& config, base::Budget& budget);

} // namespace nibblesmith::tokenizer
