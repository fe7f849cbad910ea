// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "tensor/matrix.hpp"

#include <vector>

/// Weights and inputs of tests/golden/quantization/make_gptq.py, from the same integer generator.
namespace nibblesmith::test {

inline constexpr int64_t kTokens = 256;

struct Generator {
  uint64_t state;
  int64_t next(int64_t spread) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(2 * spread + 1)) - spread;
  }
};

/// Returns integer inputs [kTokens, cols].
inline tensor::Matrix makeInputs(int64_t cols, uint64_t seed, const std::vector<int64_t>& dead) {
  Generator g{seed};
  tensor::Matrix X(kTokens, cols);
  for (int64_t t = 0; t < kTokens; ++t) {
    std::vector<int64_t> z;
    std::vector<int64_t> common;
    for (int64_t i = 0; i < cols; ++i)
      z.push_back(g.next(7));
    for (int64_t i = 0; i < (cols + 7) / 8; ++i)
      common.push_back(g.next(7));
    for (int64_t i = 0; i < cols; ++i) {
      const auto at = static_cast<size_t>(i);
      X(t, i) =
          static_cast<float>((z[at] + (i > 0 ? z[at - 1] : 0) + 2 * common[at / 8]) * (1 + (i * 7) % 5));
    }
  }
  for (const int64_t column : dead)
    X.col(column).setZero();
  return X;
}

/// Returns 2/n X^T X, exact in f32.
inline tensor::Matrix makeHessian(int64_t cols, uint64_t seed, const std::vector<int64_t>& dead) {
  const tensor::Matrix X = makeInputs(cols, seed, dead);
  return 2.0f / kTokens * (X.transpose() * X);
}

inline tensor::Matrix makeWeights(int64_t rows, int64_t cols, uint64_t seed) {
  Generator g{seed};
  tensor::Matrix W(rows, cols);
  for (int64_t i = 0; i < W.size(); ++i)
    W.data()[i] = static_cast<float>(g.next(1000)) / 4096.0f;
  return W;
}

/// Returns affine grid parameters. groupSize 0: one group per row.
inline base::Json gridParameters(int bits, int64_t groupSize, bool symmetric) {
  base::Json json{{"bits", bits}, {"symmetric", symmetric}, {"granularity", groupSize ? "group" : "channel"}};
  if (groupSize)
    json["groupSize"] = groupSize;
  return json;
}

} // namespace nibblesmith::test
