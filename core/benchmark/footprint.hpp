// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

#include <cstdint>

namespace nibblesmith::benchmark {

/// Memory that a model needs for generation, computed from its shapes.
struct Footprint {
  int64_t context = 0; ///< tokens of prompt and answer together
  uint64_t weightBytes = 0;
  uint64_t kvCacheBytes = 0; ///< at full context
  uint64_t workingBytes = 0; ///< program, activations of a prompt chunk, logits
  /// Bytes read per generated token: all weights, except an embedding that is not the output head (one row of
  /// it is read), and the part of the KV cache that the layers attend to at full context.
  uint64_t bytesPerToken = 0;

  uint64_t totalBytes() const { return weightBytes + kvCacheBytes + workingBytes; }
};

/// Computes the footprint. weightBytes: all weights in memory; embeddingBytes: the embedding's part of them.
/// threads: threads that run attention. The KV cache scheme is config.kvCache. Throws
/// base::Error{InvalidArgument} if context is below 1.
Footprint footprint(const model::ModelConfig& config, uint64_t weightBytes, uint64_t embeddingBytes,
                    int64_t context, int threads);

/// Measures the memory bandwidth of `threads` threads together in bytes per second: the best of several
/// sweeps over a buffer larger than the caches. Takes some tens of milliseconds. Returns 0 if the buffer
/// cannot be allocated.
double measuredBandwidth(int threads);

} // namespace nibblesmith::benchmark
