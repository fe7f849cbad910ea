// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/gguf.hpp"
#include "export/gguf_writer.hpp"

namespace nibblesmith::exporting {

/// The vocabulary as the file holds it: one token per row of the embedding, the missing ones as unused
/// "[PAD<id>]". Throws base::Error{InvalidArgument} where there are more tokens than rows, {Corrupt} where a token
/// occurs twice, which llama.cpp does not survive.
tokenizer::Vocabulary paddedVocabulary(const tokenizer::Vocabulary& vocabulary, int64_t rows);

/// general.*, llama.* and tokenizer.ggml.* as stock llama.cpp reads them. Throws base::Error{NotSupported} for a
/// family that has no llama.cpp counterpart here.
void addMetadata(GgufWriter& writer, const model::Model& model, const tokenizer::Vocabulary& vocabulary, GgufType type);

} // namespace nibblesmith::exporting
