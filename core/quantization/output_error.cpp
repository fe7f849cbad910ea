// SPDX-License-Identifier: Apache-2.0
#include "quantization/output_error.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/bf16_matrix.hpp"
#include "tensor/gemm.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace nibblesmith::quantization {

namespace {

constexpr int64_t kRows = 96;
/// Width of the blocks of H. Because H is symmetric, the blocks on and above the diagonal suffice, which
/// halves the work.
constexpr int64_t kColumns = 192;

} // namespace

tensor::Vector outputErrors(const tensor::Matrix& D, const tensor::Matrix& H) {
  const int64_t n = D.cols();
  tensor::Vector errors = tensor::Vector::Zero(D.rows());
  tensor::Matrix product(D.rows(), std::min(kColumns, n));
  for (int64_t begin = 0; begin < n; begin += kColumns) {
    const int64_t columns = std::min(kColumns, n - begin);
    const float* right = H.data() + begin;
    if (begin > 0)
      tensor::gemmNN(D.rows(), columns, begin, 2.0f, D.data(), n, right, n, 0.0f, product.data(),
                     product.cols());
    tensor::gemmNN(D.rows(), columns, columns, 1.0f, D.data() + begin, n, right + begin * n, n,
                   begin > 0 ? 1.0f : 0.0f, product.data(), product.cols());
    errors += D.middleCols(begin, columns).cwiseProduct(product.leftCols(columns)).rowwise().sum();
  }
  return errors;
}

SummedOutputErrors::SummedOutputErrors(const tensor::Matrix& H) : m_lower(H.rows(), H.cols()) {
  tensor::Matrix row(1, H.cols());
  for (int64_t i = 0; i < H.rows(); ++i) {
    const int64_t diagonal = i / kColumns * kColumns;
    row = H.row(i);
    row.leftCols(diagonal) *= 2.0f;
    tensor::f32ToBf16(row.data(), m_lower.row(i).data(), row.size());
  }
}

double SummedOutputErrors::operator()(const tensor::Matrix& D) const {
  const int64_t n = D.cols();
  const tensor::Bf16Matrix narrow = tensor::narrowed(D);
  tensor::Matrix product(D.rows(), std::min(kColumns, n));
  double sum = 0;
  for (int64_t begin = 0; begin < n; begin += kColumns) {
    const int64_t columns = std::min(kColumns, n - begin);
    tensor::bf16GemmNT(D.rows(), columns, begin + columns, narrow.data(), n, m_lower.row(begin).data(), n,
                       product.data(), product.cols());
    for (int64_t r = 0; r < D.rows(); ++r)
      sum += static_cast<double>(D.row(r).segment(begin, columns).dot(product.row(r).head(columns)));
  }
  return sum;
}

double relativeOutputError(const tensor::Matrix& W, const tensor::Matrix& rounded, const tensor::Matrix& H,
                           base::ThreadPool& pool, const std::stop_token& stop) {
  // One slot per chunk, added in order, so the result does not depend on the number of threads.
  const SummedOutputErrors errorsOf(H);
  std::vector<double> errors(static_cast<size_t>((W.rows() + kRows - 1) / kRows));
  std::vector<double> outputs(errors.size());
  pool.parallelFor(W.rows(), kRows, [&](int64_t begin, int64_t end) {
    base::throwIfStopped(stop);
    const auto slot = static_cast<size_t>(begin / kRows);
    const tensor::Matrix w = W.middleRows(begin, end - begin);
    outputs[slot] = errorsOf(w);
    base::throwIfStopped(stop);
    errors[slot] = errorsOf(rounded.middleRows(begin, end - begin) - w);
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
