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

/// Normalization of a model; all its norms are of one kind. Rms: (offset + w) x / sqrt(mean(x^2) + epsilon).
/// Layer: (offset + w) (x - mean(x)) / sqrt(var(x) + epsilon) + b.
struct Norm {
  enum class Kind { Rms, Layer };
  Kind kind = Kind::Rms;
  float epsilon = 1e-5f;
  float offset = 0.0f; ///< 1 for Gemma, whose files store w - 1
  bool operator==(const Norm&) const = default;
};

/// Attention variant of a layer: global, or with a sliding window.
struct AttentionKind {
  int64_t window = 0; ///< sliding window in tokens, the current token included; 0: global attention
  Rotary rotary;
  bool operator==(const AttentionKind&) const = default;
};

/// Activation function of the MLP. Gelu is x Phi(x), computed with erf. GeluTanh is its approximation 0.5 x
/// (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), also called gelu_new, gelu_fast and gelu_pytorch_tanh. Source:
/// Hendrycks and Gimpel 2016 (arXiv 1606.08415), section 2.
enum class Activation { Silu, Gelu, GeluTanh };

/// Row order of a fused query-key-value linear. Blocks: all queries, then all keys, then all values. Heads:
/// query, key and value of head 0, then of head 1, and so on (GPT-NeoX).
enum class QueryKeyValueOrder { Blocks, Heads };

/// Configuration of the decoder, independent of family and file format. BlockWeights tell which linears and
/// norms a block has.
struct ModelConfig {
  std::string family; ///< name of the Family: "llama", ...
  int64_t hiddenSize = 0;
  int64_t intermediateSize = 0;
  int64_t numLayers = 0;
  int64_t numHeads = 0;
  int64_t numKeyValueHeads = 0;
  int64_t headDim = 0;
  int64_t vocabularySize = 0;
  /// Context length in tokens.
  int64_t maxPositions = 0;
  Norm norm;
  std::vector<AttentionKind> attention{1}; ///< variants in use: one, or global and local
  /// [numLayers], index into `attention`; empty: all layers use the first.
  std::vector<uint8_t> attentionOfLayer;
  float attentionScale = 0.0f;   ///< factor of the query-key products; 0: 1 / sqrt(headDim)
  float attentionSoftCap = 0.0f; ///< cap c: attention scores s become c tanh(s / c); 0: no cap
  float finalSoftCap = 0.0f;     ///< cap of the logits, in the same form; 0: no cap
  /// First position whose query is scaled by log(p + 1) / log(logNAttentionFrom), so that attention stays
  /// sharp over longer contexts (LogN attention of Qwen 1); 0: off.
  int64_t logNAttentionFrom = 0;
  Activation activation = Activation::Silu;
  QueryKeyValueOrder queryKeyValueOrder = QueryKeyValueOrder::Blocks;
  bool parallelBranches = false; ///< attention and MLP both read the block's input (GPT-NeoX, Phi-2)
  float embeddingScale = 1.0f;   ///< factor of the token embeddings
  bool tiedEmbeddings = false;
  int32_t bos = -1;
  std::vector<int32_t> eos; ///< end-of-sequence ids; each of them ends generation
  KvCacheScheme kvCache;    ///< scheme chosen by the recipe; f16 by default

  /// Index of the layer's variant in `attention`.
  size_t attentionIndex(int64_t layer) const {
    return attentionOfLayer.empty() ? 0 : attentionOfLayer[static_cast<size_t>(layer)];
  }
  const AttentionKind& attentionKind(int64_t layer) const { return attention[attentionIndex(layer)]; }
  /// Largest context length in tokens at which rotary frequencies and query scaling are the same as for any
  /// shorter context.
  int64_t unscaledPositions() const {
    int64_t positions = logNAttentionFrom > 0 ? std::min(maxPositions, logNAttentionFrom) : maxPositions;
    for (const AttentionKind& kind : attention)
      positions = std::min(positions, kind.rotary.unscaledPositions().value_or(positions));
    return positions;
  }
  /// Rotary embedding of the layers with global attention.
  const Rotary& rotary() const { return attention.front().rotary; }
  /// Factor of the query-key products, with the default resolved.
  float scoreScale() const {
    return attentionScale > 0.0f ? attentionScale : 1.0f / std::sqrt(static_cast<float>(headDim));
  }
};

} // namespace nibblesmith::model
