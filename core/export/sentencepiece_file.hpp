// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <string>

namespace nibblesmith::exporting {

/// Returns the bytes of a sentencepiece tokenizer.model for a vocabulary with scores: BPE for "llama",
/// unigram for "t5"; byte fallback if there are byte tokens; the vocabulary's replacements, space handling
/// and dummy prefix. Throws base::Error{NotSupported} if there is no unknown token. Source:
/// sentencepiece_model.proto of google/sentencepiece.
std::string sentencePieceModel(const tokenizer::Vocabulary& vocabulary);

} // namespace nibblesmith::exporting
