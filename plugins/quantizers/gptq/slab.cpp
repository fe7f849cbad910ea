// SPDX-License-Identifier: Apache-2.0
#include "slab.hpp"

#include "base/error.hpp"
#include "tensor/gemm.hpp"
#include "tensor/multiversion.hpp"

#include <algorithm>

namespace nibblesmith::gptq {

namespace {

/// Computes e = (w - q) / d.
NIB_MULTIVERSION void scaledError(const float* w, const float* q, float d, int64_t rows, float* e) {
  for (int64_t r = 0; r < rows; ++r)
    e[r] = (w[r] - q[r]) / d;
}

/// Rows of one slab, transposed: the values of a column are contiguous, so every step of the column loop is a
/// vector operation over rows.
class Slab {
public:
  Slab(const quantization::RoundingProblem& problem, const FactoredHessian& factored,
       const GroupLayout& groups, int64_t begin, int64_t end, tensor::QuantizedTensor& tensor)
      : m_problem(problem), m_factored(factored), m_groups(groups), m_begin(begin), m_rows(end - begin),
        m_n(tensor.inFeatures), m_tensor(tensor), m_weights(m_n, m_rows), m_scales(tensor.groups(), m_rows),
        m_zeroPoints(tensor.groups(), m_rows), m_books(static_cast<size_t>(tensor.groups() * m_rows)),
        m_codes(static_cast<size_t>(m_n * m_rows)) {}

  void load() {
    std::vector<float> row(static_cast<size_t>(m_n));
    for (int64_t r = 0; r < m_rows; ++r) {
      const float* W = m_problem.weights.data() + (m_begin + r) * m_n;
      std::copy(W, W + m_n, row.begin());
      for (const int32_t column : m_factored.deadColumns)
        row[static_cast<size_t>(column)] = 0.0f;
      for (int64_t p = 0; p < m_n; ++p)
        m_weights(p, r) = row[static_cast<size_t>(m_factored.order[static_cast<size_t>(p)])];
    }
  }

  void fitAll() {
    for (int64_t g = 0; g < m_tensor.groups(); ++g)
      fit(g);
  }

  /// Rounds positions [begin, end) with immediate updates inside the block. errors: [end - begin, rows].
  void roundBlock(int64_t begin, int64_t end, tensor::Matrix& errors) {
    std::vector<float> values(static_cast<size_t>(m_rows));
    for (int64_t p = begin; p < end; ++p) {
      if (!m_groups.fitBefore && p % m_groups.size == 0)
        fit(p / m_groups.size);
      const int64_t g = groupAt(p);
      float* w = m_weights.row(p).data();
      m_problem.grid.roundMany(
          w, {m_scales.row(g).data(), m_zeroPoints.row(g).data(), m_books.data() + g * m_rows}, m_rows,
          m_codes.data() + p * m_rows, values.data());
      float* error = errors.row(p - begin).data();
      const float* U = m_factored.U.data() + p * m_n;
      scaledError(w, values.data(), U[p], m_rows, error);
      propagateError(error, U + p + 1, end - p - 1, m_rows, w + m_rows);
    }
  }

  /// Propagates a block's errors to later positions: W[end:] -= U[begin:end, end:]^T errors.
  void propagateBlock(int64_t begin, int64_t end, const tensor::Matrix& errors) {
    if (end < m_n)
      tensor::gemmTN(m_n - end, m_rows, end - begin, -1.0f, m_factored.U.data() + begin * m_n + end, m_n,
                     errors.data(), m_rows, 1.0f, m_weights.row(end).data(), m_rows);
  }

  void store() {
    for (int64_t r = 0; r < m_rows; ++r) {
      uint8_t* codes = m_tensor.codes.data() + (m_begin + r) * m_n;
      for (int64_t p = 0; p < m_n; ++p)
        codes[m_factored.order[static_cast<size_t>(p)]] = m_codes[static_cast<size_t>(p * m_rows + r)];
    }
  }

private:
  int64_t groupAt(int64_t position) const {
    return (m_groups.byPosition ? position : m_factored.order[static_cast<size_t>(position)]) / m_groups.size;
  }

  /// Fits group g on the slab's current weights.
  void fit(int64_t g) {
    const int64_t first = g * m_groups.size;
    const int64_t count = std::min(m_groups.size, m_n - first);
    if (m_positionOf.empty() && !m_groups.byPosition) {
      m_positionOf.resize(static_cast<size_t>(m_n));
      for (int64_t p = 0; p < m_n; ++p)
        m_positionOf[static_cast<size_t>(m_factored.order[static_cast<size_t>(p)])] = p;
    }
    std::vector<float> weights(static_cast<size_t>(count));
    std::vector<float> importance(static_cast<size_t>(count));
    const auto position = [&](int64_t i) {
      return m_groups.byPosition ? first + i : m_positionOf[static_cast<size_t>(first + i)];
    };
    for (int64_t i = 0; i < count; ++i)
      importance[static_cast<size_t>(i)] =
          m_factored.diagonal[static_cast<size_t>(m_factored.order[static_cast<size_t>(position(i))])];
    for (int64_t r = 0; r < m_rows; ++r) {
      for (int64_t i = 0; i < count; ++i)
        weights[static_cast<size_t>(i)] = m_weights(position(i), r);
      const auto group =
          quantization::fitGroup(m_problem.grid, weights, importance, m_problem.name, m_begin + r, g);
      quantization::storeGroup(group, m_begin + r, g, m_tensor);
      m_scales(g, r) = group.scale;
      m_zeroPoints(g, r) = group.zeroPoint;
      m_books[static_cast<size_t>(g * m_rows + r)] = quantization::storedBook(m_tensor, m_begin + r, g);
    }
  }

  const quantization::RoundingProblem& m_problem;
  const FactoredHessian& m_factored;
  const GroupLayout& m_groups;
  int64_t m_begin;
  int64_t m_rows;
  int64_t m_n;
  tensor::QuantizedTensor& m_tensor;
  tensor::Matrix m_weights;          ///< [position, row]
  tensor::Matrix m_scales;           ///< [group, row]
  tensor::Matrix m_zeroPoints;       ///< [group, row]
  std::vector<const float*> m_books; ///< [group, row]
  std::vector<uint8_t> m_codes;      ///< [position, row]
  std::vector<int64_t> m_positionOf;
};

/// Returns the end of the block that starts at `begin`. A block ends early if a group fitted in the loop
/// would start inside it and extend beyond it, because later columns are not updated yet.
int64_t blockEnd(int64_t begin, int64_t blockSize, int64_t n, const GroupLayout& groups) {
  const int64_t end = std::min(begin + blockSize, n);
  if (groups.fitBefore || end == n || end % groups.size == 0)
    return end;
  const int64_t groupBegin = end / groups.size * groups.size;
  return groupBegin > begin ? groupBegin : end;
}

} // namespace

NIB_MULTIVERSION void propagateError(const float* e, const float* u, int64_t columns, int64_t rows,
                                     float* W) {
  for (int64_t k = 0; k < columns; ++k) {
    const float factor = u[k];
    float* w = W + k * rows;
    for (int64_t r = 0; r < rows; ++r)
      w[r] -= factor * e[r];
  }
}

void roundSlab(const quantization::RoundingProblem& problem, const FactoredHessian& factored,
               const GroupLayout& groups, int64_t blockSize, int64_t begin, int64_t end,
               tensor::QuantizedTensor& tensor, const std::stop_token& stop) {
  Slab slab(problem, factored, groups, begin, end, tensor);
  slab.load();
  base::throwIfStopped(stop);
  if (groups.fitBefore)
    slab.fitAll();
  tensor::Matrix errors(std::min(blockSize, tensor.inFeatures), end - begin);
  for (int64_t first = 0; first < tensor.inFeatures;) {
    base::throwIfStopped(stop);
    const int64_t last = blockEnd(first, blockSize, tensor.inFeatures, groups);
    slab.roundBlock(first, last, errors);
    slab.propagateBlock(first, last, errors);
    first = last;
  }
  slab.store();
}

} // namespace nibblesmith::gptq
