// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.hpp"
#include "runtime/kernels/dispatch.hpp"
#include "runtime/operations.hpp"
#include "tensor/bf16_matrix.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

namespace nibblesmith::runtime {

namespace {

/// Largest number of tokens for which one token at a time is faster than matrix products.
constexpr int64_t kFewTokens = 8;
constexpr int64_t kQueryTile = 64;
constexpr int64_t kBf16Rows = 128; ///< rows of a bf16 product, over all heads of the group
/// Smallest number of multiply-adds for which a second thread pays.
constexpr int64_t kParallelWork = 256 << 10;

/// First position that the token at position `own` attends to.
int64_t firstVisible(const AttentionShape& shape, int64_t own) {
  return shape.window > 0 ? std::max<int64_t>(0, own + 1 - shape.window) : 0;
}

/// Converts query-key products to softmax weights.
void toSoftmaxWeights(const AttentionShape& shape, float* scores, int64_t count) {
  if (shape.softCap > 0) {
    for (int64_t i = 0; i < count; ++i)
      scores[i] *= shape.scale;
    softCap(shape.softCap, scores, count);
  }
  kernels::best().softmax(scores, count, shape.softCap > 0 ? 1.0f : shape.scale);
}

/// Converts the products of the token at position `own` with positions [from, from + count) to softmax
/// weights; positions it does not attend to get weight 0.
void toMaskedWeights(const AttentionShape& shape, int64_t own, int64_t from, int64_t count, float* scores) {
  const int64_t hidden = firstVisible(shape, own) - from;
  const int64_t visible = own + 1 - from - hidden;
  std::fill(scores, scores + hidden, 0.0f);
  toSoftmaxWeights(shape, scores + hidden, visible);
  std::fill(scores + hidden + visible, scores + count, 0.0f);
}

struct Attention {
  const AttentionShape& shape;
  const tensor::Matrix& queries;
  const KeyValueRows& keys;
  const KeyValueRows& values;
  int64_t position;
  tensor::Matrix& out;

  int64_t group() const { return shape.numHeads / shape.numKeyValueHeads; }

  /// Computes one token for the query heads that share key-value head h.
  void attendToken(int64_t t, int64_t h) const;
  /// Computes one query head for a tile of tokens.
  void attendTile(int64_t begin, int64_t end, int64_t head) const;
};

void Attention::attendToken(int64_t t, int64_t h) const {
  const kernels::Table& table = kernels::best();
  const int64_t headDim = shape.headDim;
  const int64_t from = firstVisible(shape, position + t);
  const int64_t seen = position + t + 1 - from;
  const int64_t queryAt = t * queries.cols() + h * group() * headDim;
  std::vector<float> scores(static_cast<size_t>(group() * seen));
  std::vector<float> scratch;
  const HeadRows head = keys.head(h, from, seen, scratch);
  kernels::Rows rows = {};
  rows.codes = reinterpret_cast<const uint8_t*>(head.data);
  rows.rowBytes = head.stride * static_cast<int64_t>(sizeof(float));
  rows.columns = headDim;
  table.dot[kernels::kF32](rows, 0, seen, {queries.data() + queryAt, headDim, group(), scores.data(), seen});
  const HeadRows weighted = values.head(h, from, seen, scratch);
  for (int64_t g = 0; g < group(); ++g) {
    float* weights = scores.data() + g * seen;
    toSoftmaxWeights(shape, weights, seen);
    table.weightedRows(weights, weighted.data, weighted.stride, seen, headDim,
                       out.data() + queryAt + g * headDim);
  }
}

void Attention::attendTile(int64_t begin, int64_t end, int64_t head) const {
  const int64_t headDim = shape.headDim;
  const int64_t tokens = end - begin;
  const int64_t from = firstVisible(shape, position + begin);
  const int64_t seen = position + end - from;
  const int64_t queryAt = begin * queries.cols() + head * headDim;
  const auto scores = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(tokens * seen));
  std::vector<float> scratch;
  const HeadRows compared = keys.head(head / group(), from, seen, scratch);
  tensor::gemmNT(tokens, seen, headDim, 1.0f, queries.data() + queryAt, queries.cols(), compared.data,
                 compared.stride, 0.0f, scores.get(), seen);
  for (int64_t t = 0; t < tokens; ++t)
    toMaskedWeights(shape, position + begin + t, from, seen, scores.get() + t * seen);
  const HeadRows weighted = values.head(head / group(), from, seen, scratch);
  tensor::gemmNN(tokens, headDim, seen, 1.0f, scores.get(), seen, weighted.data, weighted.stride, 0.0f,
                 out.data() + queryAt, out.cols());
}

} // namespace

void causalAttention(const AttentionShape& shape, const tensor::Matrix& queries, const KeyValueRows& keys,
                     const KeyValueRows& values, int64_t position, tensor::Matrix& out,
                     base::ThreadPool* pool) {
  const int64_t tokens = queries.rows();
  out.resize(tokens, queries.cols());
  const Attention attention = {shape, queries, keys, values, position, out};
  const auto run = [&](int64_t count, const std::function<void(int64_t, int64_t)>& body) {
    if (pool && tokens * (position + tokens) * queries.cols() >= kParallelWork)
      pool->parallelFor(count, 1, body);
    else
      body(0, count);
  };
  if (tokens <= kFewTokens) {
    const int64_t heads = shape.numKeyValueHeads;
    run(tokens * heads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        attention.attendToken(i / heads, i % heads);
    });
    return;
  }
  // Starts with the longest tiles, so that threads finish together.
  const int64_t tiles = (tokens + kQueryTile - 1) / kQueryTile;
  run(tiles * shape.numHeads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t tile = tiles - 1 - i / shape.numHeads;
      attention.attendTile(tile * kQueryTile, std::min((tile + 1) * kQueryTile, tokens), i % shape.numHeads);
    }
  });
}

void bf16CausalAttention(const AttentionShape& shape, const tensor::Matrix& queries,
                         const tensor::Matrix& keys, const tensor::Matrix& values, tensor::Matrix& out) {
  const int64_t tokens = queries.rows(), headDim = shape.headDim;
  const int64_t group = shape.numHeads / shape.numKeyValueHeads;
  // The query heads that share a key-value head become rows of one product, because oneDNN packs the keys
  // once per product.
  const int64_t tile = std::max<int64_t>(kQueryTile, kBf16Rows / group);
  const auto Q = tensor::narrowed(queries), K = tensor::narrowed(keys);
  const tensor::Bf16Matrix V = tensor::narrowed(values).transpose();
  out.resize(tokens, queries.cols());
  for (int64_t head = 0; head < shape.numKeyValueHeads; ++head)
    for (int64_t begin = 0; begin < tokens; begin += tile) {
      const int64_t end = std::min(begin + tile, tokens), count = end - begin;
      const int64_t from = firstVisible(shape, begin), seen = end - from;
      tensor::Bf16Matrix rows(group * count, headDim);
      for (int64_t g = 0; g < group; ++g)
        rows.middleRows(g * count, count) = Q.block(begin, (head * group + g) * headDim, count, headDim);
      tensor::Matrix scores(rows.rows(), seen);
      tensor::bf16GemmNT(rows.rows(), seen, headDim, rows.data(), headDim,
                         K.row(from).data() + head * headDim, K.cols(), scores.data(), seen);
      for (int64_t r = 0; r < rows.rows(); ++r)
        toMaskedWeights(shape, begin + r % count, from, seen, scores.row(r).data());
      const tensor::Bf16Matrix weights = tensor::narrowed(scores);
      tensor::Matrix weighted(rows.rows(), headDim);
      tensor::bf16GemmNT(rows.rows(), headDim, seen, weights.data(), seen,
                         V.row(head * headDim).data() + from, tokens, weighted.data(), headDim);
      for (int64_t g = 0; g < group; ++g)
        out.block(begin, (head * group + g) * headDim, count, headDim) =
            weighted.middleRows(g * count, count);
    }
}

} // namespace nibblesmith::runtime
