// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/kv_cache_scheme.hpp"
#include "model/rotary.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace nibblesmith::model {

/// All norms of a model. Rms: (offset + w) x / sqrt(mean(x^2) + epsilon). Layer: (offset + w) (x - mean(x)) /
/// sqrt(var(x) + epsilon) + b.
struct Norm {
  enum class Kind { Rms, Layer };
  Kind kind = Kind::Rms;
  float epsilon = 1e-5f;
  float offset = 0.0f; ///< 1 where the weights are differences from 1 (Gemma)
  bool operator==(const Norm&) const = default;
};

/// What the attention of a layer sees, and how.
struct AttentionKind {
  int64_t window = 0; ///< the newest tokens that are seen, the own one included; 0: all
  Rotary rotary;
  bool operator==(const AttentionKind&) const = default;
};

/// Gelu: x Phi(x), by erf; GeluTanh: its approximation 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), also
/// called gelu_new, gelu_fast and gelu_pytorch_tanh. Source: Hendrycks and Gimpel 2016 (arXiv 1606.08415),
/// section 2.
enum class Activation { Silu, Gelu, GeluTanh };

/// The rows of a fused query-key-value linear: all queries, all keys, all values; or query, key and value of
/// one head after the other (GPT-NeoX).
enum class QueryKeyValueOrder { Blocks, Heads };

/// What the decoder needs to know of a model, whatever its family and file format. Which linears and norms a
/// block has is seen from its BlockWeights.
struct ModelConfig {
  std::string family; ///< "llama", ...
  int64_t hiddenSize = 0;
  int64_t intermediateSize = 0;
  int64_t numLayers = 0;
  int64_t numHeads = 0;
  int64_t numKeyValueHeads = 0;
  int64_t headDim = 0;
  int64_t vocabularySize = 0;
  int64_t maxPositions = 0;
  Norm norm;
  std::vector<AttentionKind> attention{1}; ///< the kinds of layers there are: one, or global and local
  std::vector<uint8_t> attentionOfLayer;   ///< [numLayers], which of them; empty: the first
  float attentionScale = 0.0f;             ///< of the products of queries and keys; 0: 1 / sqrt(headDim)
  float attentionSoftCap = 0.0f;           ///< scaled products s become cap tanh(s / cap); 0: they stay
  float finalSoftCap = 0.0f;               ///< the same of the logits
  /// Queries at positions p from here on are multiplied by log(p + 1) / log(this), so that attention stays as
  /// sharp among more keys (Qwen 1); 0: none are.
  int64_t logScaledFrom = 0;
  Activation activation = Activation::Silu;
  QueryKeyValueOrder queryKeyValueOrder = QueryKeyValueOrder::Blocks;
  bool parallelBranches = false; ///< attention and MLP both read the block's input
  float embeddingScale = 1.0f;   ///< of the token embeddings
  bool tiedEmbeddings = false;
  int32_t bos = -1;
  std::vector<int32_t> eos; ///< any of them ends a generation
  KvCacheScheme kvCache;    ///< as the recipe chose it; f16 where none did

  size_t attentionIndex(int64_t layer) const {
    return attentionOfLayer.empty() ? 0 : attentionOfLayer[static_cast<size_t>(layer)];
  }
  const AttentionKind& attentionKind(int64_t layer) const { return attention[attentionIndex(layer)]; }
  /// Up to how many tokens a sequence's length changes nothing: rotary frequencies and queries are as in any
  /// shorter one.
  int64_t plainPositions() const {
    int64_t positions = logScaledFrom > 0 ? std::min(maxPositions, logScaledFrom) : maxPositions;
    for (const AttentionKind& kind : attention)
      positions = std::min(positions, kind.rotary.plainPositions().value_or(positions));
    return positions;
  }
  /// Of the layers that see everything.
  const Rotary& rotary() const { return attention.front().rotary; }
  float scoreScale() const {
    return attentionScale > 0.0f ? attentionScale : 1.0f / std::sqrt(static_cast<float>(headDim));
  }
};

} // namespace nibblesmith::model
