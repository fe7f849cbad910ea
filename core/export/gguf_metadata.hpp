// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/gguf.hpp"
#include "export/gguf_writer.hpp"
#include "model/family.hpp"

namespace nibblesmith::exporting {

/// Returns the vocabulary for the file: one token per embedding row, missing ones as unused "[PAD<id>]";
/// user-defined tokens have spaces instead of space symbols, since llama.cpp searches for them in texts.
/// Throws base::Error{InvalidArgument} if there are more tokens than rows; {Corrupt} if a token is repeated,
/// which crashes llama.cpp.
tokenizer::Vocabulary vocabularyInGguf(const tokenizer::Vocabulary& vocabulary, int64_t rows);

/// Returns true if the rotary base or the queries depend on the text's length (dynamic NTK, logN attention),
/// which GGUF cannot represent.
bool hasLengthDependentAttention(const model::ModelConfig& config);

/// Returns the part of the configuration that GGUF can represent: tanh GELU; no sliding window if llama.cpp's
/// architecture has none; no length-dependent rotary base or queries. The context length is then limited to
/// the shortest window or the unscaled positions, where the model computes the same.
model::ModelConfig ggufRepresentableConfig(const model::Model& model);

/// Returns the divisors of rotary frequencies that are stored as tensors: "rope_freqs.weight", or LongRoPE's
/// two.
std::vector<std::pair<const char*, std::vector<float>>> frequencyTensors(const model::ModelConfig& config);

/// Returns the family's tensor name in GGUF files, within a block.
const char* ggufName(const model::Family& family, model::LinearRole role);
const char* ggufName(const model::Family& family, model::NormRole role);

/// Adds general.*, ARCHITECTURE.* and tokenizer.ggml.* for stock llama.cpp. Throws
/// base::Error{NotSupported} for properties without a llama.cpp counterpart.
void addMetadata(GgufWriter& writer, const model::Model& model, const tokenizer::Vocabulary& vocabulary,
                 GgufType type);

} // namespace nibblesmith::exporting
