// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// Content of a tokenizer.model file.
struct SentencepieceModel {
  Vocabulary vocabulary; ///< addBos and addEos are not set, since the file does not define them
  bool byteFallback = false;
  bool escapeBlanks = true;
  bool spaceAsSuffix = false; ///< treat_whitespace_as_suffix
};

/// Reads the protocol buffer message. Throws base::Error{Corrupt} if it is damaged, a piece appears twice,
/// the number of unknown pieces is not one, byte_fallback is set but byte pieces are missing, or a special id
/// is out of range; {NotSupported} if the model is neither BPE nor unigram, and above the limits in
/// limits.hpp. Source: google/sentencepiece, sentencepiece_model.proto, model_interface.cc.
SentencepieceModel readSentencepieceModel(std::string_view file, const std::string& origin);

} // namespace nibblesmith::tokenizer
