// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// What a tokenizer.model file says.
struct SentencepieceModel {
  Vocabulary vocabulary; ///< without addBos and addEos, which the file does not decide
  bool byteFallback = false;
  bool escapeBlanks = true;
  bool blankAtEnd = false; ///< treat_whitespace_as_suffix
};

/// Reads the protocol buffer message. Throws base::Error{Corrupt} where it is damaged, where a piece appears
/// twice, where there is not one unknown piece, where bytes have no piece although byte_fallback is set, or
/// where an id is none of the pieces'; {NotSupported} where the model is neither BPE nor unigram, and above
/// the limits of limits.hpp. Source: google/sentencepiece, sentencepiece_model.proto, model_interface.cc.
SentencepieceModel readSentencepieceModel(std::string_view file, const std::string& origin);

} // namespace nibblesmith::tokenizer
