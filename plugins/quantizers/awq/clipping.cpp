// SPDX-License-Identifier: Apache-2.0
#include "clipping.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "quantization/output_error.hpp"

#include <algorithm>

namespace nibblesmith::awq {

namespace {

using tensor::Matrix;
using tensor::Vector;

constexpr int64_t kSlabRows = 96;
constexpr int kCandidates = 10;
constexpr float kStep = 0.05f; ///< of the largest magnitude, from one candidate to the next

/// One group of some rows.
class GroupClip {
public:
  GroupClip(const quantization::Grid& grid, const Matrix& H, const Matrix& weights, const std::string& name,
            int64_t firstRow, int64_t group)
      : m_grid(grid), m_H(H), m_weights(weights), m_name(name), m_firstRow(firstRow), m_group(group),
        m_importance(H.diagonal()), m_largest(weights.cwiseAbs().rowwise().maxCoeff()) {}

  /// The best bound c per row.
  Vector bounds() const {
    Vector best = m_largest;
    Vector least = losses(m_largest);
    for (int candidate = 1; candidate < kCandidates; ++candidate) {
      const Vector bound = m_largest * (1.0f - kStep * static_cast<float>(candidate));
      const Vector found = losses(bound);
      for (int64_t r = 0; r < bound.size(); ++r)
        if (found[r] < least[r]) {
          least[r] = found[r];
          best[r] = bound[r];
        }
    }
    return best;
  }

private:
  Vector losses(const Vector& bound) const {
    const int64_t n = m_weights.cols();
    Matrix D(m_weights.rows(), n);
    std::vector<uint8_t> codes(static_cast<size_t>(n));
    for (int64_t r = 0; r < D.rows(); ++r) {
      const Eigen::RowVectorXf cut = m_weights.row(r).cwiseMax(-bound[r]).cwiseMin(bound[r]);
      const auto group = quantization::fitGroup(m_grid, {cut.data(), static_cast<size_t>(n)},
                                                {m_importance.data(), static_cast<size_t>(n)}, m_name,
                                                m_firstRow + r, m_group);
      m_grid.roundGroup(cut.data(), group, n, codes.data(), D.row(r).data());
    }
    D -= m_weights;
    return quantization::outputErrors(D, m_H);
  }

  const quantization::Grid& m_grid;
  const Matrix& m_H;
  const Matrix& m_weights;
  const std::string& m_name;
  int64_t m_firstRow;
  int64_t m_group;
  Vector m_importance;
  Vector m_largest; ///< per row
};

} // namespace

void clip(Matrix& W, const quantization::Grid& grid, const Matrix& hessian, const std::string& name,
          base::ThreadPool& pool, const std::stop_token& stop) {
  const int64_t n = W.cols();
  const int64_t size = grid.groupSize() == 0 ? n : std::min(grid.groupSize(), n);
  std::vector<Matrix> H;
  for (int64_t begin = 0; begin < n; begin += size) {
    const int64_t count = std::min(size, n - begin);
    H.push_back(hessian.block(begin, begin, count, count));
  }
  pool.parallelFor(W.rows(), kSlabRows, [&](int64_t begin, int64_t end) {
    for (size_t g = 0; g < H.size(); ++g) {
      base::throwIfStopped(stop);
      auto part = W.block(begin, static_cast<int64_t>(g) * size, end - begin, H[g].rows());
      const Matrix weights = part;
      const Vector bound = GroupClip(grid, H[g], weights, name, begin, static_cast<int64_t>(g)).bounds();
      for (int64_t r = 0; r < part.rows(); ++r)
        part.row(r) = part.row(r).cwiseMax(-bound[r]).cwiseMin(bound[r]).eval();
    }
  });
}

double clippingCost(double weights, double fits) { return kCandidates * (weights * 250.0 + fits); }

} // namespace nibblesmith::awq
