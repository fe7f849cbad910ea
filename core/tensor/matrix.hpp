// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Core>

#include <cstdint>

namespace nibblesmith::tensor {

/// Row-major f32 matrix. Activations are [tokens, features], weights [outFeatures, inFeatures].
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;
using MutableMatrixView = Eigen::Map<Matrix, 0, Eigen::OuterStride<>>;
using Vector = Eigen::VectorXf;

/// Row-major matrix of bf16 bit patterns.
using Bf16Matrix = Eigen::Matrix<uint16_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Row-major f64 matrix, for factorizations of the Hessian.
using MatrixD = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Returns a view of a whole matrix.
inline MatrixView view(const Matrix& m) {
  return {m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.cols())};
}
inline MutableMatrixView view(Matrix& m) {
  return {m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.cols())};
}

} // namespace nibblesmith::tensor
