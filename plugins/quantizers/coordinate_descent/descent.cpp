// SPDX-License-Identifier: Apache-2.0
#include "descent.hpp"

#include "base/error.hpp"
#include "quantizers/gptq/slab.hpp"
#include "tensor/gemm.hpp"
#include "tensor/half.hpp"
#include "tensor/multiversion.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nibblesmith::coordinate_descent {

namespace {

/// Number of columns whose products with H are computed at once; inside a block, updates are immediate.
constexpr int64_t kBlock = 128;
/// Minimum gain of a step, relative to its own cost d^2 H_jj. R is an f32 sum, so smaller gains are noise.
constexpr float kMinGain = 1e-4f;

/// Computes target = q + R / h.
NIB_MULTIVERSION void targetValues(const float* q, const float* R, float h, int64_t rows, float* target) {
  for (int64_t r = 0; r < rows; ++r)
    target[r] = q[r] + R[r] / h;
}

/// Computes delta = q' - q for steps with enough gain, else 0. Returns true if there is such a step.
NIB_MULTIVERSION bool worthwhileSteps(const float* rounded, const float* q, const float* R, float h,
                                      int64_t rows, float* delta) {
  float largest = 0.0f;
  for (int64_t r = 0; r < rows; ++r) {
    const float d = rounded[r] - q[r];
    const float cost = d * d * h;
    delta[r] = 2.0f * d * R[r] - cost > kMinGain * cost ? d : 0.0f;
    largest = std::max(largest, std::abs(delta[r]));
  }
  return largest > 0.0f;
}

/// Computes sum[r] += a[r] b[r].
NIB_MULTIVERSION void addProducts(const float* a, const float* b, int64_t rows, float* sum) {
  for (int64_t r = 0; r < rows; ++r)
    sum[r] += a[r] * b[r];
}

/// Rows of one slab, transposed, with positions in the order of the sweeps.
class Slab {
public:
  Slab(const quantization::RoundingProblem& problem, const tensor::Matrix& H, const ColumnOrder& columns,
       int64_t begin, int64_t end, tensor::QuantizedTensor& tensor)
      : m_problem(problem), m_H(H), m_columns(columns), m_begin(begin), m_rows(end - begin),
        m_n(tensor.inFeatures), m_tensor(tensor), m_difference(m_n, m_rows), m_values(m_n, m_rows),
        m_scales(tensor.groups(), m_rows), m_zeroPoints(tensor.groups(), m_rows),
        m_books(static_cast<size_t>(tensor.groups() * m_rows)), m_codes(static_cast<size_t>(m_n * m_rows)) {}

  void load() {
    std::vector<float> values(static_cast<size_t>(m_n));
    for (int64_t r = 0; r < m_rows; ++r) {
      m_tensor.dequantizeRow(m_begin + r, values.data());
      for (int64_t g = 0; g < m_tensor.groups(); ++g) {
        const int64_t at = (m_begin + r) * m_tensor.groups() + g;
        m_scales(g, r) = m_tensor.scales(m_begin + r, g);
        m_zeroPoints(g, r) = m_tensor.isAffine() ? m_tensor.zeroPoints[static_cast<size_t>(at)] : 0.0f;
        m_books[static_cast<size_t>(g * m_rows + r)] = quantization::storedBook(m_tensor, m_begin + r, g);
        for (int64_t p = m_columns.groupBegins[static_cast<size_t>(g)]; p < groupEnd(g); ++p) {
          const int64_t column = m_columns.order[static_cast<size_t>(p)];
          const uint8_t code = m_tensor.codes[static_cast<size_t>((m_begin + r) * m_n + column)];
          m_codes[static_cast<size_t>(p * m_rows + r)] = code;
          m_values(p, r) = values[static_cast<size_t>(column)];
          m_difference(p, r) = m_problem.weights(m_begin + r, column) - m_values(p, r);
        }
      }
    }
  }

  /// Visits all columns once. Returns the number of changes.
  int64_t sweep(bool refit, const std::stop_token& stop) {
    int64_t changes = 0;
    for (int64_t g = 0; g < m_tensor.groups(); ++g) {
      // Per-group code books have no scale to refit.
      if (refit && !m_problem.grid.hasGroupBooks()) {
        base::throwIfStopped(stop);
        changes += refitGroup(g);
      }
      for (int64_t begin = m_columns.groupBegins[static_cast<size_t>(g)]; begin < groupEnd(g);
           begin += kBlock) {
        base::throwIfStopped(stop);
        changes += sweepBlock(g, begin, std::min(begin + kBlock, groupEnd(g)));
      }
    }
    return changes;
  }

  void store() {
    for (int64_t r = 0; r < m_rows; ++r) {
      for (int64_t p = 0; p < m_n; ++p)
        m_tensor.codes[static_cast<size_t>((m_begin + r) * m_n + m_columns.order[static_cast<size_t>(p)])] =
            m_codes[static_cast<size_t>(p * m_rows + r)];
      for (int64_t g = 0; g < m_tensor.groups(); ++g) {
        m_tensor.scales(m_begin + r, g) = m_scales(g, r);
        if (m_tensor.isAffine())
          m_tensor.zeroPoints[static_cast<size_t>((m_begin + r) * m_tensor.groups() + g)] =
              static_cast<uint8_t>(m_zeroPoints(g, r));
      }
    }
  }

private:
  int64_t groupEnd(int64_t g) const { return m_columns.groupBegins[static_cast<size_t>(g) + 1]; }

  /// Computes positions [begin, end) of ((W - Q) H)^T: [end - begin, rows].
  tensor::Matrix residual(int64_t begin, int64_t end) const {
    tensor::Matrix R(end - begin, m_rows);
    tensor::gemmNN(end - begin, m_rows, m_n, 1.0f, m_H.data() + begin * m_n, m_n, m_difference.data(), m_rows,
                   0.0f, R.data(), m_rows);
    return R;
  }

  int64_t sweepBlock(int64_t g, int64_t begin, int64_t end) {
    tensor::Matrix R = residual(begin, end);
    int64_t changes = 0;
    std::vector<float> target(static_cast<size_t>(m_rows));
    std::vector<float> rounded(target.size());
    std::vector<float> delta(target.size());
    std::vector<uint8_t> codes(target.size());
    for (int64_t p = begin; p < end; ++p) {
      const float* h = m_H.data() + p * m_n;
      // A dead column does not contribute to the loss, whatever its codes.
      if (h[p] <= 0.0f)
        continue;
      float* q = m_values.row(p).data();
      float* residuals = R.row(p - begin).data();
      targetValues(q, residuals, h[p], m_rows, target.data());
      m_problem.grid.roundMany(
          target.data(), {m_scales.row(g).data(), m_zeroPoints.row(g).data(), m_books.data() + g * m_rows},
          m_rows, codes.data(), rounded.data());
      if (!worthwhileSteps(rounded.data(), q, residuals, h[p], m_rows, delta.data()))
        continue;
      for (int64_t r = 0; r < m_rows; ++r) {
        const auto at = static_cast<size_t>(r);
        if (delta[at] == 0.0f)
          continue;
        ++changes;
        m_codes[static_cast<size_t>(p * m_rows + r)] = codes[at];
        q[r] = rounded[at];
        m_difference(p, r) -= delta[at];
      }
      gptq::propagateError(delta.data(), h + p + 1, end - p - 1, m_rows, residuals + m_rows);
    }
    return changes;
  }

  /// Adjusts the group's scales and zero points if the loss decreases. A step t along a direction u of the
  /// group's weights changes the loss by -2 t R u + t^2 u H u, with the minimum at t = R u / u H u. For the
  /// scale u = Q; for the zero point u = scale in every column, and t is 1 or -1.
  int64_t refitGroup(int64_t g) {
    const int64_t begin = m_columns.groupBegins[static_cast<size_t>(g)];
    const int64_t size = groupEnd(g) - begin;
    tensor::Matrix R = residual(begin, begin + size);
    int64_t changes = refitScales(g, begin, size, R);
    if (!m_problem.grid.symmetric())
      changes += moveZeroPoints(g, begin, size, R);
    return changes;
  }

  int64_t refitScales(int64_t g, int64_t begin, int64_t size, tensor::Matrix& R) {
    // The direction is the group's values: scale' = scale (1 + t).
    tensor::Matrix HQ(size, m_rows);
    tensor::gemmNN(size, m_rows, size, 1.0f, m_H.data() + begin * m_n + begin, m_n,
                   m_values.row(begin).data(), m_rows, 0.0f, HQ.data(), m_rows);
    std::vector<float> linear(static_cast<size_t>(m_rows));
    std::vector<float> square(linear.size());
    for (int64_t i = 0; i < size; ++i) {
      addProducts(R.row(i).data(), m_values.row(begin + i).data(), m_rows, linear.data());
      addProducts(HQ.row(i).data(), m_values.row(begin + i).data(), m_rows, square.data());
    }
    int64_t changes = 0;
    for (int64_t r = 0; r < m_rows; ++r) {
      const float least = linear[static_cast<size_t>(r)];
      const float curve = square[static_cast<size_t>(r)];
      if (!(curve > 0.0f))
        continue;
      const float scale = tensor::roundToF16(m_scales(g, r) * (1.0f + least / curve));
      const float t = scale / m_scales(g, r) - 1.0f;
      // f16 subnormals are too coarse.
      if (!std::isfinite(scale) || scale < 0x1p-14f ||
          !(2.0f * t * least - t * t * curve > kMinGain * t * t * curve))
        continue;
      ++changes;
      m_scales(g, r) = scale;
      for (int64_t i = 0; i < size; ++i) {
        const auto at = static_cast<size_t>((begin + i) * m_rows + r);
        const float value = m_problem.grid.decode(m_codes[at], {scale, m_zeroPoints(g, r)});
        m_difference(begin + i, r) += m_values(begin + i, r) - value;
        m_values(begin + i, r) = value;
        R(i, r) -= t * HQ(i, r);
      }
    }
    return changes;
  }

  int64_t moveZeroPoints(int64_t g, int64_t begin, int64_t size, const tensor::Matrix& R) {
    double curve = 0;
    for (int64_t i = 0; i < size; ++i)
      for (int64_t k = 0; k < size; ++k)
        curve += static_cast<double>(m_H(begin + i, begin + k));
    const float largest = static_cast<float>((1 << m_problem.grid.bits()) - 1);
    const tensor::Vector linear = R.colwise().sum().transpose();
    int64_t changes = 0;
    for (int64_t r = 0; r < m_rows; ++r) {
      const float scale = m_scales(g, r);
      // Raising the zero point lowers every value by the scale.
      const float step = linear[r] < 0.0f ? 1.0f : -1.0f;
      const float zeroPoint = m_zeroPoints(g, r) + step;
      const float cost = scale * scale * static_cast<float>(curve);
      if (zeroPoint < 0.0f || zeroPoint > largest ||
          !(2.0f * scale * std::abs(linear[r]) - cost > kMinGain * cost))
        continue;
      ++changes;
      m_zeroPoints(g, r) = zeroPoint;
      for (int64_t i = 0; i < size; ++i) {
        const auto at = static_cast<size_t>((begin + i) * m_rows + r);
        const float value = m_problem.grid.decode(m_codes[at], {scale, zeroPoint});
        m_difference(begin + i, r) += m_values(begin + i, r) - value;
        m_values(begin + i, r) = value;
      }
    }
    return changes;
  }

  const quantization::RoundingProblem& m_problem;
  const tensor::Matrix& m_H;
  const ColumnOrder& m_columns;
  int64_t m_begin;
  int64_t m_rows;
  int64_t m_n;
  tensor::QuantizedTensor& m_tensor;
  tensor::Matrix m_difference;       ///< W - Q, [position, row]
  tensor::Matrix m_values;           ///< Q, [position, row]
  tensor::Matrix m_scales;           ///< [group, row]
  tensor::Matrix m_zeroPoints;       ///< [group, row]
  std::vector<const float*> m_books; ///< [group, row]
  std::vector<uint8_t> m_codes;      ///< [position, row]
};

} // namespace

ColumnOrder::ColumnOrder(const tensor::QuantizedTensor& tensor)
    : order(static_cast<size_t>(tensor.inFeatures)) {
  const auto groupOf = [&](int64_t column) {
    return tensor.groupIndex.empty() ? column / tensor.groupSize
                                     : static_cast<int64_t>(tensor.groupIndex[static_cast<size_t>(column)]);
  };
  std::iota(order.begin(), order.end(), 0);
  if (!tensor.groupIndex.empty()) {
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return groupOf(a) < groupOf(b); });
    natural = std::is_sorted(order.begin(), order.end());
  }
  groupBegins.assign(static_cast<size_t>(tensor.groups() + 1), 0);
  for (int64_t column = 0; column < tensor.inFeatures; ++column)
    ++groupBegins[static_cast<size_t>(groupOf(column)) + 1];
  std::partial_sum(groupBegins.begin(), groupBegins.end(), groupBegins.begin());
}

tensor::Matrix reordered(const tensor::Matrix& H, const ColumnOrder& columns) {
  const int64_t n = H.rows();
  tensor::Matrix result(n, n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < n; ++k)
      result(i, k) = H(columns.order[static_cast<size_t>(i)], columns.order[static_cast<size_t>(k)]);
  return result;
}

int64_t descendSlab(const quantization::RoundingProblem& problem, const tensor::Matrix& H,
                    const ColumnOrder& columns, const DescentOptions& options, int64_t begin, int64_t end,
                    tensor::QuantizedTensor& tensor, const std::stop_token& stop) {
  Slab slab(problem, H, columns, begin, end, tensor);
  slab.load();
  int64_t changes = 0;
  for (int64_t sweep = 0; sweep < options.sweeps; ++sweep) {
    const int64_t changed = slab.sweep(options.refitScales, stop);
    if (changed == 0)
      break;
    changes += changed;
  }
  slab.store();
  return changes;
}

} // namespace nibblesmith::coordinate_descent
