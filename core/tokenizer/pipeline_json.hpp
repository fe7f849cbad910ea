// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/vocabulary_builder.hpp"

namespace nibblesmith::tokenizer {

/// Readers for the steps before and after the model in a tokenizer.json.

/// Reads "pre_tokenizer" (null, Sequence, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, ByteLevel,
/// Metaspace) into the model's pre-tokenizer, and steps that change the text into its preparation. Returns
/// true if it is byte-level. Throws base::Error{Corrupt, NotSupported}.
bool readPreTokenizer(const base::Json& json, const std::string& origin, BpeModel& model);

/// Reads "post_processor" (null, Sequence, TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel)
/// into the model's prefix and suffix. Throws base::Error{Corrupt, NotSupported}.
void readPostProcessor(const base::Json& json, const TokenIndex& index, const std::string& origin,
                       BpeModel& model);

/// Checks that "decoder" agrees with the decoding that the vocabulary implies. Throws base::Error{Corrupt};
/// {NotSupported} naming a decoder that does not.
void checkDecoder(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::tokenizer
