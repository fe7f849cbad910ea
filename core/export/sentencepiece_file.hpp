// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

#include <string>

namespace nibblesmith::exporting {

/// The bytes of a sentencepiece tokenizer.model for a "llama" vocabulary: BPE with byte fallback, dummy
/// prefix as addSpacePrefix says, no normalization. Source: sentencepiece_model.proto of
/// google/sentencepiece.
std::string sentencePieceModel(const tokenizer::Vocabulary& vocabulary);

} // namespace nibblesmith::exporting
