// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

#include <cstdint>

namespace nibblesmith::benchmark {

/// Memory that a model takes while it generates, reckoned from its shapes.
struct Footprint {
  int64_t context = 0; ///< tokens of prompt and answer together
  uint64_t weightBytes = 0;
  uint64_t kvCacheBytes = 0; ///< at the whole context
  uint64_t workingBytes = 0; ///< the program, the values of a prompt's tokens between the layers, logits
  /// What one generated token reads: all weights but an embedding that is not the output head, of which it
  /// reads one row, and of the cache what it sees of the whole context.
  uint64_t bytesPerToken = 0;

  uint64_t totalBytes() const { return weightBytes + kvCacheBytes + workingBytes; }
};

/// weightBytes: of all weights as they will be loaded; embeddingBytes: of the embedding among them. The
/// key-value cache is that of config. threads: that attention runs on. Throws base::Error{InvalidArgument} on
/// a context below 1.
Footprint footprint(const model::ModelConfig& config, uint64_t weightBytes, uint64_t embeddingBytes,
                    int64_t context, int threads);

/// Bytes per second that `threads` threads together read from memory: the best of some sweeps over a buffer
/// larger than caches are. Takes some tens of milliseconds. 0 where the buffer cannot be had.
double measuredBandwidth(int threads);

} // namespace nibblesmith::benchmark
