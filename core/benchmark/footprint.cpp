// SPDX-License-Identifier: Apache-2.0
#include "benchmark/footprint.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "runtime/decoder.hpp"
#include "runtime/kv_cache.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <numeric>

namespace nibblesmith::benchmark {

namespace {

/// Code of the program and memory that its libraries keep.
constexpr uint64_t kProgramBytes = 12u << 20;

/// Bytes of keys and values of a layer that stores `tokens` tokens. The size grows linearly, so two small
/// caches of one layer determine it for any length and scheme.
uint64_t layerCacheBytes(model::ModelConfig config, int64_t tokens) {
  // Above every residual window, and a multiple of every group size.
  constexpr int64_t kStep = 1024;
  config.numLayers = 1;
  config.attention = {{}};
  config.attentionOfLayer.clear();
  if (tokens <= kStep)
    return runtime::KvCache(config, tokens).bytes();
  const uint64_t one = runtime::KvCache(config, kStep).bytes();
  const uint64_t two = runtime::KvCache(config, 2 * kStep).bytes();
  const double perToken = static_cast<double>(two - one) / kStep;
  return one + static_cast<uint64_t>(perToken * static_cast<double>(tokens - kStep));
}

/// Bytes of keys and values of all layers; tokens(window) is the number of tokens in a layer with that
/// window.
uint64_t cacheBytes(const model::ModelConfig& config, const std::function<int64_t(int64_t)>& tokens) {
  std::map<int64_t, uint64_t> layersOfWindow;
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    ++layersOfWindow[config.attentionKind(layer).window];
  uint64_t bytes = 0;
  for (const auto& [window, layers] : layersOfWindow)
    bytes += layers * layerCacheBytes(config, tokens(window));
  return bytes;
}

/// Bytes of the f32 activations of one prompt chunk in a block, of the attention scores and of one row of
/// logits.
uint64_t activationBytes(const model::ModelConfig& config, int64_t context, int threads) {
  const int64_t attention = config.numHeads * config.headDim;
  const int64_t keys = config.numKeyValueHeads * config.headDim;
  const int64_t perToken = 4 * config.hiddenSize + 2 * attention + 2 * keys + 3 * config.intermediateSize;
  const int64_t tokens = std::min(context, runtime::kMaxChunk);
  const int64_t scores = 64 * context * threads;
  return sizeof(float) * static_cast<uint64_t>(tokens * perToken + scores + config.vocabularySize);
}

} // namespace

Footprint footprint(const model::ModelConfig& config, uint64_t weightBytes, uint64_t embeddingBytes,
                    int64_t context, int threads) {
  if (context < 1)
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "context: expected 1 or more tokens, found " + std::to_string(context));
  Footprint result;
  result.context = context;
  result.weightBytes = weightBytes;
  const auto stored = [&](int64_t window) { return runtime::storedTokens(config.kvCache, window, context); };
  const auto visible = [&](int64_t window) { return window > 0 ? std::min(window, context) : context; };
  result.kvCacheBytes = cacheBytes(config, stored);
  result.workingBytes = kProgramBytes + activationBytes(config, context, threads);
  result.bytesPerToken = weightBytes - (config.tiedEmbeddings ? 0 : std::min(embeddingBytes, weightBytes)) +
                         cacheBytes(config, visible);
  return result;
}

double measuredBandwidth(int threads) {
  constexpr size_t kWords = (size_t{128} << 20) / sizeof(uint64_t);
  constexpr int kSweeps = 3;
  std::unique_ptr<uint64_t[]> buffer(new (std::nothrow) uint64_t[kWords]);
  if (!buffer)
    return 0;
  base::ThreadPool pool(threads);
  constexpr int64_t kPiece = int64_t{1} << 17;
  constexpr auto kPieces = static_cast<int64_t>(kWords) / kPiece;
  std::vector<uint64_t> sums(static_cast<size_t>(kPieces));
  pool.parallelFor(kPieces, 1, [&](int64_t begin, int64_t end) {
    std::fill(buffer.get() + begin * kPiece, buffer.get() + end * kPiece, 1u);
  });
  double best = 0;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    const auto start = std::chrono::steady_clock::now();
    pool.parallelFor(kPieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end; ++piece) {
        const uint64_t* at = buffer.get() + piece * kPiece;
        sums[static_cast<size_t>(piece)] += std::accumulate(at, at + kPiece, uint64_t{0});
      }
    });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(kWords * sizeof(uint64_t)) / std::max(time.count(), 1e-9));
  }
  // Using the sums keeps the compiler from removing the reads.
  return sums.front() > 0 ? best : 0;
}

} // namespace nibblesmith::benchmark
