// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tokenizer/vocabulary_builder.hpp"

namespace nibblesmith::tokenizer {

/// The steps before and after the BPE model in a tokenizer.json.

/// Reads "pre_tokenizer" (null, Sequence, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, ByteLevel,
/// Metaspace) into the model's pre-tokenizer and, for what it changes in the text, its preparation. Returns
/// whether it is byte-level. Throws base::Error{Corrupt, NotSupported}.
bool readPreTokenizer(const base::Json& json, const std::string& origin, BpeModel& model);

/// Reads "post_processor" (null, Sequence, TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel)
/// into the model's prefix and suffix. Throws base::Error{Corrupt, NotSupported}.
void readPostProcessor(const base::Json& json, const TokenIndex& index, const std::string& origin,
                       BpeModel& model);

/// Ids become text by what the vocabulary is; a "decoder" that asks for something else is refused by name.
/// Throws base::Error{Corrupt, NotSupported}.
void checkDecoder(const base::Json& json, const std::string& origin);

} // namespace nibblesmith::tokenizer
