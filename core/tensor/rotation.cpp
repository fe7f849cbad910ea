// SPDX-License-Identifier: Apache-2.0
#include "tensor/rotation.hpp"

#include "base/error.hpp"

#include <cmath>
#include <numbers>
#include <string>

#include <Eigen/QR>

namespace nibblesmith::tensor {

namespace {

/// SplitMix64 generator (Steele et al. 2014): small, with the same output on every platform.
class Random {
public:
  explicit Random(uint64_t seed) : m_state(seed) {}
  uint64_t next() {
    uint64_t z = m_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// Returns a standard normal value (Box-Muller).
  double normal() {
    const double u = (static_cast<double>(next() >> 11) + 1.0) * 0x1p-53;
    const double v = static_cast<double>(next() >> 11) * 0x1p-53;
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
  }

private:
  uint64_t m_state;
};

bool isPrime(int64_t n) {
  for (int64_t d = 2; d * d <= n; ++d)
    if (n % d == 0)
      return false;
  return n >= 2;
}

/// Builds Jacobsthal's matrix [q, q]: 1 where i - j is a square mod q, -1 where it is not, 0 on the diagonal.
Matrix jacobsthal(int64_t q) {
  std::vector<float> character(static_cast<size_t>(q), -1.0f);
  for (int64_t i = 1; i < q; ++i)
    character[static_cast<size_t>(i * i % q)] = 1.0f;
  character[0] = 0.0f;
  Matrix Q(q, q);
  for (int64_t i = 0; i < q; ++i)
    for (int64_t j = 0; j < q; ++j)
      Q(i, j) = character[static_cast<size_t>((i - j + q) % q)];
  return Q;
}

/// Builds the conference matrix [0 1; s 1 | Q] that both constructions start from; s = -1 makes it skew.
Matrix conference(int64_t q, float s) {
  Matrix C = Matrix::Zero(q + 1, q + 1);
  C.row(0).tail(q).setOnes();
  C.col(0).tail(q).setConstant(s);
  C.bottomRightCorner(q, q) = jacobsthal(q);
  return C;
}

bool firstKind(int64_t order) { return order > 3 && (order - 1) % 4 == 3 && isPrime(order - 1); }
bool secondKind(int64_t order) {
  return order % 4 == 0 && (order / 2 - 1) % 4 == 1 && isPrime(order / 2 - 1);
}

/// Smallest order m = size / 2^k for which a Hadamard matrix is known; 0: none.
int64_t smallOrder(int64_t size) {
  int64_t best = 0;
  for (int64_t order = size; order >= 1; order /= 2) {
    // Above 512, the small factor costs more than a dense product.
    if (order <= 512 && hasHadamard(order))
      best = order;
    if (order % 2 != 0)
      break;
  }
  return best;
}

} // namespace

bool hasHadamard(int64_t order) { return order == 1 || order == 2 || firstKind(order) || secondKind(order); }

Matrix hadamard(int64_t order) {
  if (order == 1)
    return Matrix::Ones(1, 1);
  Matrix H(order, order);
  if (order == 2) {
    H << 1, 1, 1, -1;
    return H;
  }
  if (firstKind(order))
    return conference(order - 1, -1.0f) + Matrix::Identity(order, order);
  if (!secondKind(order))
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "Hadamard matrix: expected an order that Paley's constructions have, found " +
                          std::to_string(order));
  const Matrix C = conference(order / 2 - 1, 1.0f);
  Matrix ofOne(2, 2);
  Matrix ofZero(2, 2);
  ofOne << 1, 1, 1, -1;
  ofZero << 1, -1, -1, -1;
  for (int64_t i = 0; i < C.rows(); ++i)
    for (int64_t j = 0; j < C.cols(); ++j)
      H.block(2 * i, 2 * j, 2, 2) = i == j ? ofZero : Matrix(C(i, j) * ofOne);
  return H;
}

Rotation::Rotation(int64_t size, uint64_t seed) : m_size(size) {
  if (size < 1)
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "rotation: expected a size of 1 or more, found " + std::to_string(size));
  Random random(seed);
  if (const int64_t order = smallOrder(size); order > 0) {
    for (int64_t i = 0; i < size; ++i)
      m_signs.push_back((random.next() >> 63) != 0 ? -1.0f : 1.0f);
    m_small = hadamard(order) / std::sqrt(static_cast<float>(size));
    return;
  }
  MatrixD normal(size, size);
  for (int64_t i = 0; i < normal.size(); ++i)
    normal.data()[i] = random.normal();
  const Eigen::HouseholderQR<MatrixD> factors(normal);
  m_dense = MatrixD(factors.householderQ()).cast<float>();
}

void Rotation::apply(float* x) const {
  Eigen::Map<Eigen::RowVectorXf> row(x, m_size);
  if (!isHadamard()) {
    row = (row * m_dense).eval();
    return;
  }
  row.array() *= Eigen::Map<const Eigen::RowVectorXf>(m_signs.data(), m_size).array();
  const int64_t order = m_small.rows();
  Eigen::Map<Matrix> pieces(x, m_size / order, order);
  pieces = (pieces * m_small).eval();
  for (int64_t half = order; half < m_size; half *= 2)
    for (int64_t begin = 0; begin < m_size; begin += 2 * half)
      for (int64_t i = begin; i < begin + half; ++i) {
        const float a = x[i];
        const float b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
}

void Rotation::applyToRows(Matrix& M) const {
  for (int64_t r = 0; r < M.rows(); ++r)
    for (int64_t begin = 0; begin + m_size <= M.cols(); begin += m_size)
      apply(M.data() + r * M.cols() + begin);
}

void Rotation::applyToColumns(Matrix& M) const {
  Matrix transposed = M.transpose();
  applyToRows(transposed);
  M = transposed.transpose();
}

} // namespace nibblesmith::tensor
