// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "runtime/key_value_rows.hpp"

#include <memory>
#include <string>

namespace nibblesmith::runtime {

/// Largest number of tokens per forward pass. Longer prompts are split, which bounds the memory of
/// activations.
inline constexpr int64_t kMaxChunk = 512;

/// Cached keys, or values, of one layer: all positions, or those inside the layer's sliding window. Single
/// writer. Reads are allowed only between writes, and only of positions that the newest step attends to.
class KvRows : public KeyValueRows {
public:
  /// Appends rows [tokens, numKeyValueHeads * headDim] for positions from `position` on, which must equal the
  /// number of rows written since clear(). At most kMaxChunk rows. Throws base::Error{Numerical} with layer,
  /// position and channel of a value outside the f16 range.
  virtual void write(int64_t position, const tensor::Matrix& rows) = 0;
  /// Quantizes the newest rows, whose number must equal the scheme's residual.
  virtual void pack() {}
  /// Drops all rows.
  virtual void clear() {}
  /// Number of bytes of the storage.
  virtual uint64_t bytes() const = 0;
};

/// Shape of the storage of one layer.
struct KvRowsShape {
  int64_t heads = 0;
  int64_t headDim = 0;
  int64_t capacity = 0; ///< number of tokens stored at once: the whole sequence, or storedTokens()
  int64_t window = 0;   ///< sliding window of the layer; 0: global attention
};

/// Number of tokens that a layer with a sliding window stores of `capacity`: the window of the step's first
/// token, the step itself, rounded up to whole groups that are quantized together. The rows stay contiguous
/// in memory at the price of moving the window once per kMaxChunk tokens.
int64_t storedTokens(const model::KvCacheScheme& scheme, int64_t window, int64_t capacity);

/// Creates the storage of one layer. keys: selects the scheme's grouping of keys. name: used in messages,
/// "layer 3, keys".
std::unique_ptr<KvRows> makeKvRows(const model::KvCacheScheme& scheme, bool keys, const KvRowsShape& shape,
                                   const std::string& name);

/// KV cache of one sequence, stored as config.kvCache describes. Layers with a sliding window store only that
/// window, which does not change the result by a bit.
class KvCache {
public:
  /// Allocates room for `capacity` tokens. Rotary frequencies that depend on the context length are those for
  /// `capacity`. Throws base::Error{InvalidArgument} if capacity is below 1, {OutOfMemory}.
  KvCache(const model::ModelConfig& config, int64_t capacity);
  /// Number of tokens in the cache.
  int64_t position() const { return m_position; }
  int64_t capacity() const { return m_capacity; }
  uint64_t bytes() const;
  void clear();

  /// Storage of one layer's keys and values.
  KvRows& keys(int64_t layer) { return *m_keys[static_cast<size_t>(layer)]; }
  KvRows& values(int64_t layer) { return *m_values[static_cast<size_t>(layer)]; }
  /// Largest number of tokens that the next step may have: at most kMaxChunk, and not beyond the rows that
  /// are quantized together. The split of a prompt into steps therefore does not change what a token attends
  /// to.
  int64_t maxStepTokens() const;
  /// Advances by `tokens` positions, which must have been written to all layers, and quantizes rows whose
  /// group is complete. tokens: at most maxStepTokens().
  void advance(int64_t tokens);

private:
  model::KvCacheScheme m_scheme;
  int64_t m_capacity;
  int64_t m_position = 0;
  std::vector<std::unique_ptr<KvRows>> m_keys; ///< by layer
  std::vector<std::unique_ptr<KvRows>> m_values;
};

} // namespace nibblesmith::runtime
