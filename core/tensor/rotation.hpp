// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <vector>

namespace nibblesmith::tensor {

/// The orders m for which hadamard() knows a matrix: 1, 2, q + 1 for primes q = 3 mod 4, 2 (q + 1) for primes
/// q = 1 mod 4.
bool hasHadamard(int64_t order);
/// A Hadamard matrix, [order, order] of 1 and -1 with H H^T = order I. Source: Paley 1933, "On orthogonal
/// matrices", constructions I and II, for prime q. Throws base::Error{InvalidArgument} for an order without
/// one.
Matrix hadamard(int64_t order);

/// A random orthogonal matrix Q [size, size] that is applied without being multiplied out: random signs, then
/// H / sqrt(size) with H the Kronecker product of Sylvester's matrix of order 2^k and hadamard(size / 2^k).
/// Where no such matrix is known, the orthogonal factor of a random Gaussian matrix. The same size and seed
/// give the same matrix everywhere. Source: Ashkboos et al. 2024, QuaRot (arXiv 2404.00456), section 2.
/// Immutable, any thread.
class Rotation {
public:
  Rotation(int64_t size, uint64_t seed);

  int64_t size() const { return m_size; }
  /// Whether it is a Hadamard matrix, else a dense one.
  bool isHadamard() const { return m_dense.size() == 0; }
  /// x Q in place, for a row x [size].
  void apply(float* x) const;
  /// M Q in place, for M [rows, count * size]: each piece of `size` columns by itself.
  void applyToRows(Matrix& M) const;
  /// Q^T M in place, for M [count * size, cols].
  void applyToColumns(Matrix& M) const;

private:
  int64_t m_size;
  std::vector<float> m_signs;
  Matrix m_small; ///< hadamard(size / 2^k) / sqrt(size)
  Matrix m_dense; ///< Q itself, or empty
};

} // namespace nibblesmith::tensor
