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

/// Tokens that forward() returns logits for.
enum class LogitsFor { AllTokens, LastToken };

/// Complete model ready to run. The weights are immutable after construction. forward() uses the pool, so
/// only one thread may call it at a time, or several threads within one loop of that pool.
class Decoder {
public:
  /// Loads the weights and reports that to `progress`. Throws base::Error and base::Cancelled.
  Decoder(std::shared_ptr<const model::Model> model, WeightStorage storage, base::ThreadPool& pool,
          base::Progress& progress, const std::stop_token& stop);
  Decoder(std::shared_ptr<const model::Model> model, WeightStorage storage, base::ThreadPool& pool);
  ~Decoder();

  const model::ModelConfig& config() const;
  /// Pool that forward() divides its work among. Within a loop of this pool, forward() runs on the calling
  /// thread, so that several sequences can be decoded at once, each with its own cache.
  base::ThreadPool& pool() const;
  /// Number of bytes of all weights in memory, embedding and norms included.
  uint64_t weightBytes() const;

  /// Runs tokens through the model and appends their keys and values to the cache. Returns the logits
  /// [tokens, vocabularySize], or only the last row. Throws base::Error{InvalidArgument} if an id is outside
  /// the vocabulary or the cache is full, {Io} if the model's file changed meanwhile.
  tensor::Matrix forward(std::span<const tokenizer::TokenId> tokens, KvCache& cache, LogitsFor which) const;

private:
  struct Parts;
  std::unique_ptr<Parts> m_parts;
};

} // namespace nibblesmith::runtime
