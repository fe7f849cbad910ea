// SPDX-License-Identifier: Apache-2.0
#include "method.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/half.hpp"
#include "tensor/tensor_view.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::hqq {

namespace {

using quantization::GroupParameters;
using Array = Eigen::ArrayXf;

/// Rows of one chunk of work.
constexpr int64_t kRows = 16;

/// One group of weights on its way to better parameters.
class Group {
public:
  Group(const quantization::Grid& grid, const HqqOptions& options, std::span<const float> weights)
      : m_grid(grid), m_options(options), m_size(static_cast<int64_t>(weights.size())),
        m_weights(Eigen::Map<const Array>(weights.data(), m_size)), m_values(m_size), m_codes(weights.size()) {}

  /// The best parameters found from `start` on.
  GroupParameters optimize(const GroupParameters& start) {
    GroupParameters best = start;
    GroupParameters current = start;
    round(current);
    // A book of the group's own has no scale to move.
    if (m_grid.hasOwnBooks())
      return current;
    float least = norm();
    auto beta = static_cast<float>(m_options.beta);
    for (int64_t i = 0; i < m_options.iterations && least > 0.0f; ++i) {
      const GroupParameters last = current;
      current = fitted(target(current.scale, beta), current);
      beta *= static_cast<float>(m_options.kappa);
      if (current.scale == last.scale && current.zeroPoint == last.zeroPoint)
        continue;
      round(current);
      if (const float found = norm(); found < least) {
        least = found;
        best = current;
      }
    }
    round(best);
    return best;
  }

  const uint8_t* codes() const { return m_codes.data(); }

private:
  void round(const GroupParameters& group) {
    m_grid.roundGroup(m_weights.data(), group, m_size, m_codes.data(), m_values.data());
  }

  /// sum |W - Q|^p.
  float norm() const { return (m_weights - m_values).abs().pow(static_cast<float>(m_options.norm)).sum(); }

  /// W - W_e.
  Array target(float scale, float beta) const {
    const Array steps = (m_weights - m_values) / scale;
    const Array size = steps.abs();
    const Array kept = (size > 0.0f).select(size - size.pow(static_cast<float>(m_options.norm) - 1.0f) / beta, 0.0f);
    return m_weights - scale * steps.sign() * kept.max(0.0f);
  }

  /// Scale and zero point nearest to the target for the codes as they are: a line through (level, target) gives the
  /// real zero point, which is rounded, and then the scale.
  GroupParameters fitted(const Array& target, const GroupParameters& current) const {
    Array levels = m_values / current.scale;
    GroupParameters result = current;
    if (!m_grid.symmetric()) {
      const float mean = levels.mean();
      const float targetMean = target.mean();
      const float spread = (levels - mean).square().sum();
      float slope = spread > 0.0f ? ((levels - mean) * (target - targetMean)).sum() / spread : 0.0f;
      if (!(slope > 0.0f))
        slope = current.scale;
      const auto largest = static_cast<float>((1 << m_grid.bits()) - 1);
      result.zeroPoint =
          std::clamp(std::nearbyint(current.zeroPoint + mean - targetMean / slope), 0.0f, largest);
      levels += current.zeroPoint - result.zeroPoint;
    }
    const float square = levels.square().sum();
    const float scale = square > 0.0f ? tensor::roundToF16((levels * target).sum() / square) : 0.0f;
    // Below the normal numbers f16 is too coarse to follow.
    if (std::isfinite(scale) && scale >= 0x1p-14f)
      result.scale = scale;
    return result;
  }

  const quantization::Grid& m_grid;
  const HqqOptions& m_options;
  int64_t m_size;
  Array m_weights;
  Array m_values; ///< Q
  std::vector<uint8_t> m_codes;
};

} // namespace

double HqqRounding::cost(double outFeatures, double inFeatures) const {
  // Two powers and a division a weight and iteration.
  return outFeatures * inFeatures * (60.0 + 600.0 * static_cast<double>(m_options.iterations));
}

quantization::RoundingResult HqqRounding::round(const quantization::RoundingProblem& problem, base::ThreadPool& pool,
                                                const std::stop_token& stop) const {
  const tensor::Matrix& W = problem.weights;
  const int64_t n = W.cols();
  tensor::requireFinite({W.data(), static_cast<size_t>(W.size())}, n, problem.name);
  quantization::RoundingResult result;
  result.tensor = quantization::emptyTensor(problem.grid, W.rows(), n);
  result.fallbacks = quantization::groupFallbacks(problem.grid, n);
  tensor::QuantizedTensor& tensor = result.tensor;
  pool.parallelFor(W.rows(), kRows, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      base::throwIfStopped(stop);
      for (int64_t g = 0; g < tensor.groups(); ++g) {
        const int64_t first = g * tensor.groupSize;
        const int64_t count = std::min(tensor.groupSize, n - first);
        const std::span<const float> weights(W.data() + row * n + first, static_cast<size_t>(count));
        Group group(problem.grid, m_options, weights);
        const GroupParameters found =
            group.optimize(quantization::fitGroup(problem.grid, weights, {}, problem.name, row, g));
        quantization::storeGroup(found, row, g, tensor);
        std::copy_n(group.codes(), count, tensor.codes.begin() + row * n + first);
      }
    }
  });
  return result;
}

HqqOptions hqqOptions(const base::Json& parameters) {
  return {parameters.at("lpNorm").get<double>(), parameters.at("beta").get<double>(),
          parameters.at("kappa").get<double>(), parameters.at("iterations").get<int64_t>()};
}

} // namespace nibblesmith::hqq
