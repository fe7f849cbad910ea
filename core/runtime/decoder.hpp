// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "runtime/linear.hpp"
#include "tokenizer/tokenizer.hpp"

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

namespace nibblesmith::runtime {

/// Keys and values of the positions seen so far, one per sequence.
class KvCache {
public:
  KvCache(const model::ModelConfig& config, int64_t capacity);
  int64_t position() const { return m_position; }
  int64_t capacity() const { return m_capacity; }
  uint64_t bytes() const;
  void clear() { m_position = 0; }

private:
  friend class Decoder;
  int64_t m_capacity;
  int64_t m_position = 0;
  std::vector<tensor::Matrix> m_keys;   ///< per layer [capacity, numKeyValueHeads * headDim]
  std::vector<tensor::Matrix> m_values; ///< per layer
};

enum class LogitsFor { AllTokens, LastToken };

/// A whole model ready to run. Weights are immutable after construction, but forward() uses the pool: one
/// thread at a time.
class Decoder {
public:
  /// progress covers the loading of the weights. Throws base::Error and base::Cancelled.
  Decoder(std::shared_ptr<const model::Model> model, WeightStorage storage, base::ThreadPool& pool,
          base::Progress& progress, const std::stop_token& stop);
  Decoder(std::shared_ptr<const model::Model> model, WeightStorage storage, base::ThreadPool& pool);
  ~Decoder();

  const model::ModelConfig& config() const;
  /// Bytes of all weights in memory, embedding and norms included.
  uint64_t weightBytes() const;

  /// Appends tokens to the cache and returns their logits [tokens, vocabularySize], or the last row only.
  /// Throws base::Error{InvalidArgument} on an id outside the vocabulary or a full cache.
  tensor::Matrix forward(std::span<const tokenizer::TokenId> tokens, KvCache& cache, LogitsFor which) const;

private:
  struct Parts;
  std::unique_ptr<Parts> m_parts;
};

} // namespace nibblesmith::runtime
