// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// What a tokenizer.model file says about its pieces, read from the protobuf itself: the library's interface
/// does not give a piece's type or the model's. Fills model, pre, tokens, scores, types, the special ids and
/// addSpacePrefix. Throws base::Error{Corrupt}, and {NotSupported} where the model is not BPE.
/// Source: google/sentencepiece, src/sentencepiece_model.proto.
Vocabulary readSentencepieceVocabulary(std::span<const std::byte> file, const std::string& origin);

} // namespace nibblesmith::tokenizer
