// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/family.hpp"

#include <functional>

namespace nibblesmith::model {

/// What config.json calls what all families have.
struct HuggingFaceKeys {
  const char* hiddenSize = "hidden_size";
  const char* intermediateSize = "intermediate_size";
  const char* numLayers = "num_hidden_layers";
  const char* numHeads = "num_attention_heads";
  const char* maxPositions = "max_position_embeddings";
  const char* epsilon = "rms_norm_eps";
  const char* activation = "hidden_act";
  const char* theta = "rope_theta"; ///< beside "rope_parameters", as the next
  const char* rotaryFraction = "partial_rotary_factor";
  double defaultEpsilon = 1e-6;
  int64_t defaultHeads = 0;         ///< 0: have to be there
  int64_t defaultKeyValueHeads = 0; ///< 0: as many as heads
  int64_t defaultHeadDim = 0;       ///< 0: hidden size / heads
  int64_t defaultVocabulary = 0;    ///< 0: has to be there
  int64_t defaultPositions = 2048;
  double defaultTheta = 10000.0;
  double defaultRotaryFraction =
      1.0; ///< of headDim, where `rotaryFraction` does not say; 0: no rotary embedding
  /// For null and absent intermediate sizes: so many times the hidden size; 0: has to be there.
  int64_t defaultIntermediate = 0;
  bool tiedByDefault = false;
  const char* defaultActivation = "silu";
};

/// config.json, and generation_config.json beside it: sizes, norms' epsilon, activation, tokens, rotary
/// embedding with its scaling, and the key-value cache, which is this program's own addition ("kv_cache", as
/// in a recipe). Windows are the family's matter. Throws base::Error{Corrupt, NotSupported} naming file and
/// field.
ModelConfig huggingFaceConfig(const checkpoint::Checkpoint& checkpoint, const char* family,
                              const HuggingFaceKeys& keys = {});

/// The same from the keys of a GGUF file that begin with its architecture ("llama.block_count"), and the
/// scaling that "rope_freqs.weight" holds; the cache from "nibblesmith.kv_cache". `epsilon`: the last part of
/// that key's name.
ModelConfig ggufConfig(const checkpoint::Checkpoint& checkpoint, const char* family,
                       const char* epsilon = "layer_norm_rms_epsilon");

/// A number under the architecture's own key: ggufNumber(checkpoint, "attention.sliding_window", 0).
double ggufNumber(const checkpoint::Checkpoint& checkpoint, const std::string& key, double fallback);

/// The value of any type under the architecture's own key; null where there is none.
base::Json ggufValue(const checkpoint::Checkpoint& checkpoint, const std::string& key);

/// The layers' window where "layer_types" or, without it, isLocal(layer) says "sliding_attention". Layers
/// that differ become two kinds, global and local.
void applyWindow(const base::Json& config, int64_t window, const std::function<bool(int64_t layer)>& isLocal,
                 const std::string& origin, ModelConfig& c);

/// Throws base::Error{NotSupported}: "<origin>: <what>".
[[noreturn]] void notSupported(const std::string& origin, const std::string& what);

} // namespace nibblesmith::model
