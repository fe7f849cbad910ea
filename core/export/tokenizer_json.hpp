// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::exporting {

/// Returns the tokenizer.json of a byte-level BPE vocabulary ("gpt2"), for Hugging Face's tokenizers. Throws
/// base::Error{NotSupported} if the pre-tokenizer is unknown.
base::Json tokenizerJson(const tokenizer::Vocabulary& vocabulary);

/// Returns tokenizer_config.json: special tokens, BOS and EOS, and the chat template if not empty. A
/// vocabulary with scores, which is written as tokenizer.model, also gets its special and user-defined
/// tokens.
base::Json tokenizerConfigJson(const tokenizer::Vocabulary& vocabulary, const std::string& chatTemplate);

} // namespace nibblesmith::exporting
