// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/vocabulary_builder.hpp"

namespace nibblesmith::tokenizer {

/// The steps before and after the BPE model in a tokenizer.json.

/// Reads "pre_tokenizer" (null, Sequence, Split, Digits, Punctuation, ByteLevel, Metaspace) into the model's
/// pre-tokenizer and, for what it puts in front, normalizer. Returns whether it is byte-level.
/// Throws base::Error{Corrupt, NotSupported}.
bool readPreTokenizer(const base::Json& json, const std::string& origin, BpeModel& model);

/// Reads "post_processor" (null, Sequence, TemplateProcessing, ByteLevel) into the model's prefix and suffix.
/// Throws base::Error{Corrupt, NotSupported}.
void readPostProcessor(const base::Json& json, const TokenIndex& index, const std::string& origin,
                       BpeModel& model);

} // namespace nibblesmith::tokenizer
