// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "runtime/kernels/dispatch.hpp"
#include "runtime/operations.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

namespace nibblesmith::runtime {

namespace {

/// Up to here one token at a time is faster than matrix products.
constexpr int64_t kFewTokens = 8;
constexpr int64_t kQueryTile = 64;
/// Multiply-adds from which on a second thread pays.
constexpr int64_t kParallelWork = 256 << 10;

struct Attention {
  const model::ModelConfig& config;
  const tensor::Matrix& queries;
  const KeyValueRows& keys;
  const KeyValueRows& values;
  int64_t position;
  tensor::Matrix& out;

  int64_t group() const { return config.numHeads / config.numKeyValueHeads; }
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(config.headDim)); }

  /// One token, and the query heads that share key-value head h.
  void attendToken(int64_t t, int64_t h) const;
  /// One query head, a tile of tokens.
  void attendTile(int64_t begin, int64_t end, int64_t head) const;
};

void Attention::attendToken(int64_t t, int64_t h) const {
  const kernels::Table& table = kernels::best();
  const int64_t headDim = config.headDim;
  const int64_t seen = position + t + 1;
  const int64_t first = t * queries.cols() + h * group() * headDim;
  std::vector<float> scores(static_cast<size_t>(group() * seen));
  std::vector<float> scratch;
  const HeadRows head = keys.head(h, seen, scratch);
  kernels::Rows rows = {};
  rows.codes = reinterpret_cast<const uint8_t*>(head.data);
  rows.rowBytes = head.stride * static_cast<int64_t>(sizeof(float));
  rows.columns = headDim;
  table.dot[kernels::kF32](rows, 0, seen, {queries.data() + first, headDim, group(), scores.data(), seen});
  const HeadRows weighted = values.head(h, seen, scratch);
  for (int64_t g = 0; g < group(); ++g) {
    float* weights = scores.data() + g * seen;
    table.softmax(weights, seen, scale());
    table.weightedRows(weights, weighted.data, weighted.stride, seen, headDim, out.data() + first + g * headDim);
  }
}

void Attention::attendTile(int64_t begin, int64_t end, int64_t head) const {
  const int64_t headDim = config.headDim;
  const int64_t tokens = end - begin;
  const int64_t seen = position + end;
  const int64_t queryAt = begin * queries.cols() + head * headDim;
  const auto scores = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(tokens * seen));
  std::vector<float> scratch;
  const HeadRows compared = keys.head(head / group(), seen, scratch);
  tensor::gemmNT(tokens, seen, headDim, 1.0f, queries.data() + queryAt, queries.cols(), compared.data, compared.stride,
                 0.0f, scores.get(), seen);
  for (int64_t t = 0; t < tokens; ++t) {
    float* weights = scores.get() + t * seen;
    const int64_t own = position + begin + t + 1;
    kernels::best().softmax(weights, own, scale());
    std::fill(weights + own, weights + seen, 0.0f);
  }
  const HeadRows weighted = values.head(head / group(), seen, scratch);
  tensor::gemmNN(tokens, headDim, seen, 1.0f, scores.get(), seen, weighted.data, weighted.stride, 0.0f,
                 out.data() + queryAt, out.cols());
}

} // namespace

void causalAttention(const model::ModelConfig& config, const tensor::Matrix& queries, const KeyValueRows& keys,
                     const KeyValueRows& values, int64_t position, tensor::Matrix& out, base::ThreadPool* pool) {
  const int64_t tokens = queries.rows();
  out.resize(tokens, queries.cols());
  const Attention attention = {config, queries, keys, values, position, out};
  const auto run = [&](int64_t count, const std::function<void(int64_t, int64_t)>& body) {
    if (pool && tokens * (position + tokens) * queries.cols() >= kParallelWork)
      pool->parallelFor(count, 1, body);
    else
      body(0, count);
  };
  if (tokens <= kFewTokens) {
    const int64_t heads = config.numKeyValueHeads;
    run(tokens * heads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        attention.attendToken(i / heads, i % heads);
    });
    return;
  }
  // The longest tiles first, so that threads end together.
  const int64_t tiles = (tokens + kQueryTile - 1) / kQueryTile;
  run(tiles * config.numHeads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t tile = tiles - 1 - i / config.numHeads;
      attention.attendTile(tile * kQueryTile, std::min((tile + 1) * kQueryTile, tokens), i % config.numHeads);
    }
  });
}

} // namespace nibblesmith::runtime
