// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "runtime/kv_cache.hpp"
#include "runtime/linear.hpp"
#include "tokenizer/tokenizer.hpp"

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

namespace nibblesmith::runtime {

enum class LogitsFor { AllTokens, LastToken };

/// A whole model ready to run. Weights are immutable after construction, but forward() uses the pool: one
/// thread at a time, or several within one loop of the pool.
class Decoder {
public:
  /// progress covers the loading of the weights. Throws base::Error and base::Cancelled.
  Decoder(std::shared_ptr<const model::Model> model, WeightStorage storage, base::ThreadPool& pool,
          base::Progress& progress, const std::stop_token& stop);
  Decoder(std::shared_ptr<const model::Model> model, WeightStorage storage, base::ThreadPool& pool);
  ~Decoder();

  const model::ModelConfig& config() const;
  /// The pool that forward() divides its work among. Within one of its loops forward() runs on the calling
  /// thread, so that several sequences can be decoded at once, each with a cache of its own.
  base::ThreadPool& pool() const;
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
