// SPDX-License-Identifier: Apache-2.0
#include "method.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/tensor_view.hpp"

namespace nibblesmith::rtn {

namespace {

/// Number of rows per work item.
constexpr int64_t kRows = 16;

} // namespace

quantization::RoundingResult RtnRounding::round(const quantization::RoundingProblem& problem,
                                                base::ThreadPool& pool, const std::stop_token& stop) const {
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
    std::vector<float> values(static_cast<size_t>(W.cols()));
    for (int64_t row = begin; row < end; ++row)
      quantization::roundRowToNearest(W.row(row).data(), problem.grid, importance, problem.name, row,
                                      result.tensor, values.data());
  });
  return result;
}

} // namespace nibblesmith::rtn
