// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/gguf.hpp"
#include "export/gguf_writer.hpp"
#include "model/family.hpp"

namespace nibblesmith::exporting {

/// The vocabulary as the file holds it: one token per row of the embedding, the missing ones as unused
/// "[PAD<id>]"; user-defined tokens with blanks in the place of their symbols, as llama.cpp looks for them in
/// texts. Throws base::Error{InvalidArgument} where there are more tokens than rows, {Corrupt} where a
/// token occurs twice, which llama.cpp does not survive.
tokenizer::Vocabulary vocabularyInGguf(const tokenizer::Vocabulary& vocabulary, int64_t rows);

/// Whether a text's length changes the rotary base or the queries, which GGUF files cannot say.
bool changesInLongTexts(const model::ModelConfig& config);

/// The configuration as the file can say it: GELU is ggml's, by tanh; without windows where llama.cpp's
/// architecture has none, and without a rotary base or queries that change with a text's length. Then it is
/// no longer than the shortest window or the plain positions, up to where the model computes the same.
model::ModelConfig ggufRepresentableConfig(const model::Model& model);

/// Divisors of the rotary frequencies that are written as tensors: "rope_freqs.weight", or longrope's two.
std::vector<std::pair<const char*, std::vector<float>>> frequencyTensors(const model::ModelConfig& config);

/// The family's names in GGUF files, within a block.
const char* ggufName(const model::Family& family, model::LinearRole role);
const char* ggufName(const model::Family& family, model::NormRole role);

/// general.*, <architecture>.* and tokenizer.ggml.* as stock llama.cpp reads them. Throws
/// base::Error{NotSupported} for what has no llama.cpp counterpart.
void addMetadata(GgufWriter& writer, const model::Model& model, const tokenizer::Vocabulary& vocabulary,
                 GgufType type);

} // namespace nibblesmith::exporting
