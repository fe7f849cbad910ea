// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "runtime/key_value_rows.hpp"

#include <memory>
#include <string>

namespace nibblesmith::runtime {

/// The keys, or the values, of one layer while a sequence grows. One writer; readers only between its calls.
class KvRows : public KeyValueRows {
public:
  /// Rows [tokens, numKeyValueHeads * headDim] of the positions from `position` on, which is the number of rows written
  /// since clear(). Throws base::Error{Numerical} naming layer, position and channel where f16 cannot hold a value.
  virtual void write(int64_t position, const tensor::Matrix& rows) = 0;
  /// Packs the newest rows, as many as the scheme's residual; only once they are all there.
  virtual void pack() {}
  virtual void clear() {}
  virtual uint64_t bytes() const = 0;
};

/// `keys`: whether the scheme's choice for keys holds. `name` is for messages: "layer 3, keys".
std::unique_ptr<KvRows> makeKvRows(const model::KvCacheScheme& scheme, bool keys, int64_t heads, int64_t headDim,
                                   int64_t capacity, const std::string& name);

/// Keys and values of the positions seen so far, one per sequence, kept as config.kvCache says.
class KvCache {
public:
  /// Throws base::Error{InvalidArgument} on a capacity below 1, {OutOfMemory}.
  KvCache(const model::ModelConfig& config, int64_t capacity);
  int64_t position() const { return m_position; }
  int64_t capacity() const { return m_capacity; }
  uint64_t bytes() const;
  void clear();

  KvRows& keys(int64_t layer) { return *m_keys[static_cast<size_t>(layer)]; }
  KvRows& values(int64_t layer) { return *m_values[static_cast<size_t>(layer)]; }
  /// Tokens that may be written before some have to be packed.
  int64_t room() const;
  /// Moves on by tokens that all layers have been given, `room()` at most, and packs what is due. So what a token sees
  /// of those before it does not depend on how many are given at once.
  void advance(int64_t tokens);

private:
  model::KvCacheScheme m_scheme;
  int64_t m_capacity;
  int64_t m_position = 0;
  std::vector<std::unique_ptr<KvRows>> m_keys; ///< by layer
  std::vector<std::unique_ptr<KvRows>> m_values;
};

} // namespace nibblesmith::runtime
