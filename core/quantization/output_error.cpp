// SPDX-License-Identifier: Apache-2.0
#include "quantization/output_error.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace nibblesmith::quantization {

namespace {

constexpr int64_t kRows = 96;

/// tr(A H A^T) of `rows` rows.
double quadraticForm(const tensor::Matrix& A, const tensor::Matrix& H) {
  tensor::Matrix product(A.rows(), A.cols());
  tensor::gemmNN(A.rows(), A.cols(), A.cols(), 1.0f, A.data(), A.cols(), H.data(), H.cols(), 0.0f, product.data(),
                 product.cols());
  double sum = 0;
  for (int64_t r = 0; r < A.rows(); ++r)
    sum += static_cast<double>(A.row(r).dot(product.row(r)));
  return sum;
}

} // namespace

double relativeOutputError(const tensor::Matrix& W, const tensor::Matrix& rounded, const tensor::Matrix& H,
                           base::ThreadPool& pool, const std::stop_token& stop) {
  // One slot per chunk, added up in order: the same at any number of threads.
  std::vector<double> errors(static_cast<size_t>((W.rows() + kRows - 1) / kRows));
  std::vector<double> outputs(errors.size());
  pool.parallelFor(W.rows(), kRows, [&](int64_t begin, int64_t end) {
    base::throwIfStopped(stop);
    const auto slot = static_cast<size_t>(begin / kRows);
    const tensor::Matrix w = W.middleRows(begin, end - begin);
    outputs[slot] = quadraticForm(w, H);
    base::throwIfStopped(stop);
    errors[slot] = quadraticForm(rounded.middleRows(begin, end - begin) - w, H);
  });
  double error = 0;
  double output = 0;
  for (size_t i = 0; i < errors.size(); ++i) {
    error += errors[i];
    output += outputs[i];
  }
  return output > 0 ? std::sqrt(std::max(error, 0.0) / output) : 0.0;
}

} // namespace nibblesmith::quantization
