// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::exporting {

/// tokenizer.json of a byte-level BPE vocabulary ("gpt2"), as Hugging Face's tokenizers reads it.
/// Throws base::Error{NotSupported} where the pre-tokenizer is not known.
base::Json tokenizerJson(const tokenizer::Vocabulary& vocabulary);

/// tokenizer_config.json: special tokens, BOS and EOS, the chat template where not empty; for a vocabulary
/// with scores, which is written as tokenizer.model, its special and user-defined tokens, too.
base::Json tokenizerConfigJson(const tokenizer::Vocabulary& vocabulary, const std::string& chatTemplate);

} // namespace nibblesmith::exporting
