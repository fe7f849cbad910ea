// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <stop_token>

namespace nibblesmith::base {
class ThreadPool;
}

namespace nibblesmith::quantization {

/// d H d^T for each row d of D [rows, n], H [n, n] symmetric: the squared error of an output whose weights
/// are off by d, up to H's factor. Single-threaded.
tensor::Vector outputErrors(const tensor::Matrix& D, const tensor::Matrix& H);

/// The sum of outputErrors() over many rows, for searches that try many D on one H and for reports: the
/// products are those of bf16 values. The errors of their rounding are independent between rows and vanish in
/// the sum: below a thousandth of it from some hundred rows on.
class SummedOutputErrors {
public:
  explicit SummedOutputErrors(const tensor::Matrix& H);
  /// tr(D H D^T). Single-threaded; any thread.
  double operator()(const tensor::Matrix& D) const;

private:
  tensor::Bf16Matrix m_lower; ///< H's blocks on the diagonal, and twice those below it
};

/// sqrt(tr(dW H dW^T) / tr(W H W^T)) with dW = rounded - W: the layer's output error on the calibration
/// inputs, relative to its outputs. W, rounded [outFeatures, inFeatures], H [inFeatures, inFeatures]; 0 where
/// the outputs are all 0. Throws base::Cancelled.
double relativeOutputError(const tensor::Matrix& W, const tensor::Matrix& rounded, const tensor::Matrix& H,
                           base::ThreadPool& pool, const std::stop_token& stop);

} // namespace nibblesmith::quantization
