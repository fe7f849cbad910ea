// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <vector>

namespace nibblesmith::tensor {

/// Returns true if hadamard() can build this order: 1, 2, q + 1 for primes q = 3 mod 4, and 2 (q + 1) for
/// primes q = 1 mod 4.
bool hasHadamard(int64_t order);
/// Builds a Hadamard matrix H: [order, order] with entries 1 and -1, and H H^T = order I. Source: Paley 1933,
/// "On orthogonal matrices", constructions I and II, for prime q. Throws base::Error{InvalidArgument} if
/// hasHadamard(order) is false.
Matrix hadamard(int64_t order);

/// Random orthogonal matrix Q [size, size]: random signs followed by H / sqrt(size), where H is the Kronecker
/// product of Sylvester's matrix of order 2^k and hadamard(size / 2^k). Products with Q never form Q
/// explicitly. If no such H exists, Q is the orthogonal factor of a random Gaussian matrix. The same size and
/// seed give the same Q on every machine. Source: Ashkboos et al. 2024, QuaRot (arXiv 2404.00456), section 2.
/// Immutable; safe for concurrent use.
class Rotation {
public:
  Rotation(int64_t size, uint64_t seed);

  int64_t size() const { return m_size; }
  /// Returns true for a Hadamard matrix, false for the dense fallback.
  bool isHadamard() const { return m_dense.size() == 0; }
  /// Computes x Q in place for one row x [size].
  void apply(float* x) const;
  /// Computes M Q in place for M [rows, count * size], applying Q to each slice of `size` columns.
  void applyToRows(Matrix& M) const;
  /// Computes Q^T M in place for M [count * size, cols], applying Q^T to each slice of `size` rows.
  void applyToColumns(Matrix& M) const;

private:
  int64_t m_size;
  std::vector<float> m_signs;
  Matrix m_small; ///< hadamard(size / 2^k) / sqrt(size)
  Matrix m_dense; ///< Q itself for the dense fallback, else empty
};

} // namespace nibblesmith::tensor
