// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

#include <span>
#include <string_view>

namespace nibblesmith::model {

/// How one family of architectures is opened. One file per family; family.cpp lists them.
struct Family {
  std::string_view name;
  std::span<const std::string_view> huggingFaceTypes; ///< "model_type" of config.json
  std::span<const std::string_view> ggufTypes;        ///< "general.architecture"
  std::shared_ptr<const Model> (*open)(std::shared_ptr<const checkpoint::Checkpoint>);
};

extern const Family kLlamaFamily;

/// What error messages call the place of the configuration: "<directory>/config.json" or the GGUF file.
std::string configOrigin(const checkpoint::Checkpoint& checkpoint);

/// Refuses configurations that no decoder could run: sizes that are not positive, beyond any model's, that do
/// not divide, or whose products overflow. Throws base::Error{Corrupt} naming `origin`, field, expected,
/// found.
void checkConfig(const ModelConfig& config, const std::string& origin);

/// The Llama configuration of a checkpoint: config.json (and generation_config.json beside it), or the
/// "llama.*" keys of a GGUF. Throws base::Error{Corrupt} on missing or wrong fields, {NotSupported} on
/// features of the architecture that the decoder does not have (rope scaling, sliding windows, experts, other
/// activations).
///
/// The key-value cache is this program's own addition: "kv_cache" of config.json, as in a recipe, or the same as text in
/// "nibblesmith.kv_cache" of a GGUF.
ModelConfig readLlamaConfig(const checkpoint::Checkpoint& checkpoint);

/// Rows of a query or key projection (or its bias, one column) from ggml's interleaved rotary order to
/// Hugging Face's half-split order: row h*d + s*d/2 + i comes from row h*d + 2*i + s, for heads of d =
/// headDim rows. Works on block-quantized rows too. Source: llama.cpp, convert_hf_to_gguf.py,
/// LlamaModel.permute.
tensor::TensorView toHalfSplitRows(const tensor::TensorView& weight, int64_t headDim);

} // namespace nibblesmith::model
