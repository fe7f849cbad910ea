// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <stop_token>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::quantization {

/// Computes d H d^T for each row d of D [rows, n] with symmetric H [n, n]: the squared output error for a
/// weight error of d, up to the factor of H. Single-threaded.
tensor::Vector outputErrors(const tensor::Matrix& D, const tensor::Matrix& H);

/// Sum of outputErrors() over the rows of a matrix, for searches that try many D with one H. Products are of
/// bf16 values. Their rounding errors are independent between rows and average out: below 0.1 % of the sum
/// from about a hundred rows on.
class SummedOutputErrors {
public:
  explicit SummedOutputErrors(const tensor::Matrix& H);
  /// Returns tr(D H D^T). Single-threaded; safe for concurrent use.
  double operator()(const tensor::Matrix& D) const;

private:
  tensor::Bf16Matrix m_lower; ///< diagonal blocks of H, and twice the blocks below the diagonal
};

/// Relative output error of a layer on the calibration inputs: sqrt(tr(dW H dW^T) / tr(W H W^T)) with dW =
/// rounded - W. W, rounded [outFeatures, inFeatures], H [inFeatures, inFeatures]; 0 if all outputs are 0.
/// Throws base::Cancelled.
double relativeOutputError(const tensor::Matrix& W, const tensor::Matrix& rounded, const tensor::Matrix& H,
                           base::ThreadPool& pool, const std::stop_token& stop);

} // namespace nibblesmith::quantization
