// SPDX-License-Identifier: Apache-2.0
#include "method.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/tensor_view.hpp"

#include <algorithm>

namespace nibblesmith::rtn {

namespace {

/// Rows of one chunk of work.
constexpr int64_t kRows = 16;

void roundRow(const quantization::RoundingProblem& problem, std::span<const float> importance, int64_t row,
              tensor::QuantizedTensor& tensor) {
  const int64_t n = tensor.inFeatures;
  const float* weights = problem.weights.data() + row * n;
  std::vector<float> scales(static_cast<size_t>(n));
  std::vector<float> zeroPoints(static_cast<size_t>(n));
  std::vector<float> values(static_cast<size_t>(n));
  for (int64_t g = 0; g < tensor.groups(); ++g) {
    const int64_t begin = g * tensor.groupSize;
    const int64_t end = std::min(begin + tensor.groupSize, n);
    const auto count = static_cast<size_t>(end - begin);
    const auto weighed = importance.empty() ? importance : importance.subspan(static_cast<size_t>(begin), count);
    const auto parameters =
        quantization::fitGroup(problem.grid, {weights + begin, count}, weighed, problem.name, row, g);
    tensor.scales(row, g) = parameters.scale;
    tensor.zeroPoints[static_cast<size_t>(row * tensor.groups() + g)] = static_cast<uint8_t>(parameters.zeroPoint);
    std::fill(scales.begin() + begin, scales.begin() + end, parameters.scale);
    std::fill(zeroPoints.begin() + begin, zeroPoints.begin() + end, parameters.zeroPoint);
  }
  problem.grid.roundMany(weights, scales.data(), zeroPoints.data(), n, tensor.codes.data() + row * n, values.data());
}

} // namespace

quantization::RoundingResult RtnRounding::round(const quantization::RoundingProblem& problem, base::ThreadPool& pool,
                                                const std::stop_token& stop) const {
  const tensor::Matrix& W = problem.weights;
  tensor::requireFinite({W.data(), static_cast<size_t>(W.size())}, W.cols(), problem.name);
  std::vector<float> importance;
  if (problem.hessian) {
    importance.resize(static_cast<size_t>(W.cols()));
    for (int64_t i = 0; i < W.cols(); ++i)
      importance[static_cast<size_t>(i)] = (*problem.hessian)(i, i);
  }
  quantization::RoundingResult result;
  result.tensor = quantization::emptyTensor(problem.grid, W.rows(), W.cols());
  result.fallbacks = quantization::groupFallbacks(problem.grid, W.cols());
  pool.parallelFor(W.rows(), kRows, [&](int64_t begin, int64_t end) {
    base::throwIfStopped(stop);
    for (int64_t row = begin; row < end; ++row)
      roundRow(problem, importance, row, result.tensor);
  });
  return result;
}

} // namespace nibblesmith::rtn
