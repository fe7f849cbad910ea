// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/family.hpp"

#include <functional>

namespace nibblesmith::model {

/// Keys of config.json for the fields that all families have, and their defaults.
struct HuggingFaceKeys {
  const char* hiddenSize = "hidden_size";
  const char* intermediateSize = "intermediate_size";
  const char* numLayers = "num_hidden_layers";
  const char* numHeads = "num_attention_heads";
  const char* maxPositions = "max_position_embeddings";
  const char* epsilon = "rms_norm_eps";
  const char* activation = "hidden_act";
  const char* theta = "rope_theta"; ///< read inside "rope_parameters" too, like rotaryFraction
  const char* rotaryFraction = "partial_rotary_factor";
  double defaultEpsilon = 1e-6;
  int64_t defaultHeads = 0;         ///< 0: required
  int64_t defaultKeyValueHeads = 0; ///< 0: same as the number of heads
  int64_t defaultHeadDim = 0;       ///< 0: hidden size / heads
  int64_t defaultVocabulary = 0;    ///< 0: required
  int64_t defaultPositions = 2048;
  double defaultTheta = 10000.0;
  /// Fraction of headDim if `rotaryFraction` is absent; 0: no rotary embedding.
  double defaultRotaryFraction = 1.0;
  /// Multiple of the hidden size used if the intermediate size is null or absent; 0: required.
  int64_t defaultIntermediate = 0;
  bool tiedByDefault = false;
  const char* defaultActivation = "silu";
};

/// Reads config.json, and generation_config.json beside it: sizes, norm epsilon, activation, token ids,
/// rotary embedding with scaling, and the KV cache scheme ("kv_cache", an extension of this program in the
/// recipe's format). Families read sliding windows themselves. Throws base::Error{Corrupt, NotSupported} with
/// file and field.
ModelConfig huggingFaceConfig(const checkpoint::Checkpoint& checkpoint, const char* family,
                              const HuggingFaceKeys& keys = {});

/// Reads the same fields from GGUF keys that begin with the architecture ("llama.block_count"), rope factors
/// from the tensor "rope_freqs.weight", and the KV cache scheme from "nibblesmith.kv_cache". epsilon: last
/// part of the key of the norm epsilon. Throws like huggingFaceConfig().
ModelConfig ggufConfig(const checkpoint::Checkpoint& checkpoint, const char* family,
                       const char* epsilon = "layer_norm_rms_epsilon");

/// Reads a number from a GGUF key without its architecture prefix: ggufNumber(checkpoint,
/// "attention.sliding_window", 0).
double ggufNumber(const checkpoint::Checkpoint& checkpoint, const std::string& key, double fallback);

/// Reads a value of any type from a GGUF key without its architecture prefix; null if it is absent.
base::Json ggufValue(const checkpoint::Checkpoint& checkpoint, const std::string& key);

/// Gives `window` to the layers that "layer_types", or isLocal(layer) if that is absent, marks as
/// "sliding_attention". If layers differ, the config gets two attention variants: global and local. Throws
/// base::Error{Corrupt, NotSupported} with `origin` and the field.
void applyWindow(const base::Json& config, int64_t window, const std::function<bool(int64_t layer)>& isLocal,
                 const std::string& origin, ModelConfig& c);

/// Throws base::Error{NotSupported} with the message "<origin>: <what>".
[[noreturn]] void notSupported(const std::string& origin, const std::string& what);

} // namespace nibblesmith::model
