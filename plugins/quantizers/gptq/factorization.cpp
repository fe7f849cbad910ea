// SPDX-License-Identifier: Apache-2.0
#include "factorization.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "base/units.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include <Eigen/Cholesky>
#include <cblas.h>

namespace nibblesmith::gptq {

namespace {

using tensor::MatrixD;

constexpr int64_t kPanel = 128;  ///< columns factored at a time
constexpr int64_t kTile = 256;   ///< tile of the trailing update
constexpr int64_t kColumns = 64; ///< columns of the inverse per work item

blasint blas(int64_t value) { return static_cast<blasint>(value); }

/// Computes A -= P P^T on and below the diagonal of the trailing matrix from `begin`, with P its kPanel
/// columns to the left.
void updateTrailing(MatrixD& A, int64_t panel, int64_t begin, base::ThreadPool& pool,
                    const std::stop_token& stop) {
  const int64_t n = A.rows();
  const int64_t tiles = (n - begin + kTile - 1) / kTile;
  pool.parallelFor(tiles * tiles, 1, [&](int64_t first, int64_t last) {
    for (int64_t tile = first; tile < last; ++tile) {
      const int64_t row = begin + tile / tiles * kTile;
      const int64_t col = begin + tile % tiles * kTile;
      if (col > row)
        continue;
      base::throwIfStopped(stop);
      const double* left = A.data() + row * n + panel;
      const double* right = A.data() + col * n + panel;
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, blas(std::min(kTile, n - row)),
                  blas(std::min(kTile, n - col)), blas(begin - panel), -1.0, left, blas(n), right, blas(n),
                  1.0, A.data() + row * n + col, blas(n));
    }
  });
}

/// Factors A = L L^T in place (lower triangle). Returns false if A is not positive definite.
bool choleskyLower(MatrixD& A, base::ThreadPool& pool, const std::stop_token& stop) {
  const int64_t n = A.rows();
  for (int64_t panel = 0; panel < n; panel += kPanel) {
    const int64_t width = std::min(kPanel, n - panel);
    const Eigen::LLT<MatrixD> factor(A.block(panel, panel, width, width));
    const MatrixD L = factor.matrixL();
    if (factor.info() != Eigen::Success || !(L.diagonal().array() > 0.0).all() || !L.allFinite())
      return false;
    A.block(panel, panel, width, width) = L;
    const int64_t begin = panel + width;
    pool.parallelFor(n - begin, kPanel, [&](int64_t first, int64_t last) {
      base::throwIfStopped(stop);
      cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, blas(last - first),
                  blas(width), 1.0, A.data() + panel * n + panel, blas(n),
                  A.data() + (begin + first) * n + panel, blas(n));
    });
    updateTrailing(A, panel, begin, pool, stop);
  }
  return true;
}

/// Returns columns [begin, end) of L^-1, rows from `begin` on, by block forward substitution.
MatrixD inverseColumns(const MatrixD& L, int64_t begin, int64_t end, const std::stop_token& stop) {
  const int64_t n = L.rows();
  const int64_t width = end - begin;
  MatrixD X = MatrixD::Zero(n - begin, width);
  X.topRows(width).setIdentity();
  for (int64_t row = 0; row < n - begin; row += kPanel) {
    base::throwIfStopped(stop);
    const int64_t rows = std::min(kPanel, n - begin - row);
    double* target = X.data() + row * width;
    if (row > 0)
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, blas(rows), blas(width), blas(row), -1.0,
                  L.data() + (begin + row) * n + begin, blas(n), X.data(), blas(width), 1.0, target,
                  blas(width));
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, blas(rows), blas(width),
                1.0, L.data() + (begin + row) * n + begin + row, blas(n), target, blas(width));
  }
  return X;
}

/// Returns U with U^T U = A^-1, for A given with rows and columns reversed. If the reversed A is L L^T, then
/// A = R R^T with R the reversed L (upper triangular), so U = R^-1 is the reversed L^-1. This takes one
/// factorization and one triangular inverse, half the work of inverting A and factoring the result. Empty if
/// A is not positive definite.
std::optional<tensor::Matrix> inverseFactor(MatrixD& reversed, base::ThreadPool& pool,
                                            const std::stop_token& stop) {
  if (!choleskyLower(reversed, pool, stop))
    return std::nullopt;
  const int64_t n = reversed.rows();
  tensor::Matrix U = tensor::Matrix::Zero(n, n);
  pool.parallelFor(n, kColumns, [&](int64_t begin, int64_t end) {
    const MatrixD X = inverseColumns(reversed, begin, end, stop);
    for (int64_t i = 0; i < X.rows(); ++i)
      for (int64_t j = 0; j < std::min(i + 1, X.cols()); ++j)
        U(n - 1 - begin - i, n - 1 - begin - j) = static_cast<float>(X(i, j));
  });
  return U;
}

MatrixD reversedAndDamped(const tensor::Matrix& H, const FactoredHessian& factored, double damping,
                          base::ThreadPool& pool, const std::stop_token& stop) {
  const int64_t n = H.rows();
  std::vector<char> dead(static_cast<size_t>(n));
  for (const int32_t column : factored.deadColumns)
    dead[static_cast<size_t>(column)] = 1;
  const auto column = [&](int64_t i) { return factored.order[static_cast<size_t>(n - 1 - i)]; };
  MatrixD A(n, n);
  pool.parallelFor(n, 64, [&](int64_t begin, int64_t end) {
    base::throwIfStopped(stop);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t j = 0; j < n; ++j)
        A(i, j) = static_cast<double>(H(column(i), column(j)));
      A(i, i) = damping + (dead[static_cast<size_t>(column(i))] ? 1.0 : A(i, i));
    }
  });
  return A;
}

} // namespace

std::shared_ptr<const FactoredHessian> factorHessian(const std::string& name, const tensor::Matrix& hessian,
                                                     double dampFraction, bool byActivation,
                                                     base::ThreadPool& pool, const std::stop_token& stop) {
  const int64_t n = hessian.rows();
  const auto fail = [&](const std::string& what) {
    throw base::Error(base::ErrorCode::Numerical, "Hessian of '" + name + "': " + what);
  };
  auto factored = std::make_shared<FactoredHessian>();
  std::vector<double> diagonal(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const float value = hessian(i, i);
    if (!std::isfinite(value) || value < 0.0f)
      fail("diagonal entry " + std::to_string(i) + ": expected a finite square, found " +
           std::to_string(value));
    factored->diagonal.push_back(value);
    if (value == 0.0f)
      factored->deadColumns.push_back(static_cast<int32_t>(i));
    // As in the paper's code, a dead column enters the mean for the damping with 1.
    diagonal[static_cast<size_t>(i)] = value == 0.0f ? 1.0 : static_cast<double>(value);
  }
  if (!factored->deadColumns.empty())
    factored->fallbacks.push_back(std::to_string(factored->deadColumns.size()) + " of " + std::to_string(n) +
                                  (factored->deadColumns.size() == 1 ? " columns was" : " columns were") +
                                  " never active in calibration: set to 0");
  factored->order.resize(static_cast<size_t>(n));
  std::iota(factored->order.begin(), factored->order.end(), 0);
  if (byActivation)
    std::stable_sort(factored->order.begin(), factored->order.end(), [&](int32_t a, int32_t b) {
      return diagonal[static_cast<size_t>(a)] > diagonal[static_cast<size_t>(b)];
    });
  const double mean = std::accumulate(diagonal.begin(), diagonal.end(), 0.0) / static_cast<double>(n);
  // Above 10 times the mean diagonal, damping would dominate the Hessian.
  for (double fraction = dampFraction; fraction <= 10.0; fraction = fraction > 0.0 ? 2.0 * fraction : 0.01) {
    MatrixD A = reversedAndDamped(hessian, *factored, fraction * mean, pool, stop);
    auto U = inverseFactor(A, pool, stop);
    if (!U)
      continue;
    factored->U = std::move(*U);
    if (fraction != dampFraction)
      factored->fallbacks.push_back("damping raised from " + base::formatNumber(dampFraction) + " to " +
                                    base::formatNumber(fraction) + " of the mean diagonal");
    return factored;
  }
  fail("not positive definite even with 10 times its mean diagonal added");
  return nullptr;
}

} // namespace nibblesmith::gptq
