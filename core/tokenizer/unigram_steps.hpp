// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::tokenizer {

/// Translates "normalizer" and "pre_tokenizer" of a unigram tokenizer.json into the fields of a sentencepiece
/// model: sets charsMap and collapseSpaces, and unsupportedNormalization to the first step that has no
/// such field. Recognizes the steps that transformers generates for sentencepiece models: Precompiled; Strip;
/// Replace of several spaces by one; Prepend or Metaspace with U+2581; WhitespaceSplit. Throws
/// base::Error{Corrupt}. Source: huggingface/transformers, convert_slow_tokenizer.py (SpmConverter).
void readUnigramSteps(const base::Json& normalizer, const base::Json& preTokenizer, const std::string& origin,
                      Vocabulary& vocabulary);

} // namespace nibblesmith::tokenizer
