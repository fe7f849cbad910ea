// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <string>

namespace nibblesmith::exporting {

/// The bytes of a sentencepiece tokenizer.model for a vocabulary with scores: BPE for "llama", unigram for
/// "t5"; byte fallback where there are byte tokens; the vocabulary's replacements, blanks and dummy prefix.
/// Throws base::Error{NotSupported} where no token stands for unknown characters.
/// Source: sentencepiece_model.proto of google/sentencepiece.
std::string sentencePieceModel(const tokenizer::Vocabulary& vocabulary);

} // namespace nibblesmith::exporting
