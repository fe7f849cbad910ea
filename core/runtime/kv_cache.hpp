// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "runtime/key_value_rows.hpp"

#include <memory>
#include <string>

namespace nibblesmith::runtime {

/// Longer prompts go through the blocks in parts, which bounds the memory of activations.
inline constexpr int64_t kMaxChunk = 512;

/// The keys, or the values, of one layer while a sequence grows: of all its positions, or of those that its
/// window still sees. One writer; readers only between its calls, and only of positions that the newest step
/// sees.
class KvRows : public KeyValueRows {
public:
  /// Rows [tokens, numKeyValueHeads * headDim] of the positions from `position` on, which is the number of
  /// rows written since clear(), kMaxChunk at most. Throws base::Error{Numerical} naming layer, position and
  /// channel beyond what f16 holds.
  virtual void write(int64_t position, const tensor::Matrix& rows) = 0;
  /// Packs the newest rows, as many as the scheme's residual; only once they are all there.
  virtual void pack() {}
  virtual void clear() {}
  virtual uint64_t bytes() const = 0;
};

struct KvRowsShape {
  int64_t heads = 0;
  int64_t headDim = 0;
  int64_t capacity = 0; ///< tokens that are kept at once: a whole sequence, or keptTokens() of it
  int64_t window = 0;   ///< of the layer's attention; 0: all positions are seen
};

/// Tokens that a layer with such a window keeps at once of `capacity` in all: those that the first of a
/// step's tokens sees, and the step; or as many more as pack together. It is then one copy of the window for
/// every kMaxChunk tokens that keeps them in a row in memory.
int64_t keptTokens(const model::KvCacheScheme& scheme, int64_t window, int64_t capacity);

/// `keys`: whether the scheme's choice for keys holds. `name` is for messages: "layer 3, keys".
std::unique_ptr<KvRows> makeKvRows(const model::KvCacheScheme& scheme, bool keys, const KvRowsShape& shape,
                                   const std::string& name);

/// Keys and values of the positions seen so far, one per sequence, kept as config.kvCache says. Layers with a
/// window keep those that it sees; what comes out is the same, bit by bit.
class KvCache {
public:
  /// capacity: of tokens in all. Frequencies that change with the length of texts are those of this length.
  /// Throws base::Error{InvalidArgument} on a capacity below 1, {OutOfMemory}.
  KvCache(const model::ModelConfig& config, int64_t capacity);
  int64_t position() const { return m_position; }
  int64_t capacity() const { return m_capacity; }
  uint64_t bytes() const;
  void clear();

  KvRows& keys(int64_t layer) { return *m_keys[static_cast<size_t>(layer)]; }
  KvRows& values(int64_t layer) { return *m_values[static_cast<size_t>(layer)]; }
  /// Tokens that one step may have: kMaxChunk at most, and none behind those that have to be packed together.
  int64_t room() const;
  /// Moves on by tokens that all layers have been given, `room()` at most, and packs what is due. So what a
  /// token sees of those before it does not depend on how many are given at once.
  void advance(int64_t tokens);

private:
  model::KvCacheScheme m_scheme;
  int64_t m_capacity;
  int64_t m_position = 0;
  std::vector<std::unique_ptr<KvRows>> m_keys; ///< by layer
  std::vector<std::unique_ptr<KvRows>> m_values;
};

} // namespace nibblesmith::runtime
