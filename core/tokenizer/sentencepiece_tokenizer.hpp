// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/budget.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// Reads the tokenizer of a tokenizer.model file: BPE or unigram, with sentencepiece's normalization. BOS and
/// EOS are added according to tokenizer_config.json (default: BOS). Includes tokens added after training
/// (added_tokens.json, tokenizer_config.json). Throws base::Error{NotFound, Corrupt, NotSupported}. Source:
/// google/sentencepiece, bpe_model.cc, unigram_model.cc, normalizer.cc.
std::shared_ptr<const Tokenizer> readSentencepiece(const std::filesystem::path& path,
                                                   const base::Json& config, base::Budget& budget);

} // namespace nibblesmith::tokenizer
