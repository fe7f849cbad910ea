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

/// Number of rows per work item.
constexpr int64_t kRows = 16;

/// Number of scales per zero point: from the least that covers the group, up to 24 % more.
constexpr int kScales = 13;
constexpr float kScaleStep = 0.02f;

/// Search for the parameters of one group.
class Group {
public:
  Group(const quantization::Grid& grid, const HqqOptions& options, std::span<const float> weights)
      : m_grid(grid), m_options(options), m_size(static_cast<int64_t>(weights.size())),
        m_weights(Eigen::Map<const Array>(weights.data(), m_size)), m_values(m_size),
        m_codes(weights.size()) {}

  /// Returns the best parameters found; `start` is a candidate.
  GroupParameters optimize(const GroupParameters& start) {
    m_best = start;
    if (m_grid.isAffine()) {
      m_least = norm(start.scale, start.zeroPoint);
      if (m_grid.symmetric()) {
        tryScales(start.zeroPoint);
      } else {
        const float zero = realZeroPoint(start.scale);
        tryScales(std::floor(zero));
        tryScales(std::ceil(zero));
      }
    }
    m_grid.roundGroup(m_weights.data(), m_best, m_size, m_codes.data(), m_values.data());
    return m_best;
  }

  const uint8_t* codes() const { return m_codes.data(); }

private:
  float largestCode() const { return static_cast<float>((1 << m_grid.bits()) - 1); }

  /// Computes sum |W - Q|^p.
  float norm(float scale, float zero) const {
    return (m_weights - scale * (m_weights / scale).max(-zero).min(largestCode() - zero).rint())
        .abs()
        .pow(static_cast<float>(m_options.norm))
        .sum();
  }

  /// Runs the half-quadratic iterations with a fixed scale, in units of the step.
  float realZeroPoint(float scale) const {
    const Array steps = m_weights / scale;
    const auto p = static_cast<float>(m_options.norm);
    auto beta = static_cast<float>(m_options.beta);
    float zero = -std::min(steps.minCoeff(), 0.0f);
    for (int64_t i = 0; i < m_options.iterations; ++i) {
      const Array codes = (steps + zero).rint().min(largestCode()).max(0.0f);
      const Array error = steps - (codes - zero);
      const Array size = error.abs();
      const Array kept = (size > 0.0f).select(size - size.pow(p - 1.0f) / beta, 0.0f);
      zero = (codes - steps + error.sign() * kept.max(0.0f)).mean();
      beta *= static_cast<float>(m_options.kappa);
    }
    return std::clamp(zero, 0.0f, largestCode());
  }

  /// Tries scales that leave no weight more than half a step outside the grid, and keeps the one with the
  /// least norm.
  void tryScales(float zero) {
    const float covering =
        std::max(-m_weights.minCoeff() / (zero + 0.5f), m_weights.maxCoeff() / (largestCode() - zero + 0.5f));
    for (int step = 0; step < kScales && m_least > 0.0f; ++step) {
      const float scale = tensor::roundToF16(covering * (1.0f + kScaleStep * static_cast<float>(step)));
      // f16 subnormals are too coarse.
      if (!std::isfinite(scale) || scale < 0x1p-14f)
        continue;
      if (const float found = norm(scale, zero); found < m_least) {
        m_least = found;
        m_best = {scale, zero, {}};
      }
    }
  }

  const quantization::Grid& m_grid;
  const HqqOptions& m_options;
  int64_t m_size;
  Array m_weights;
  Array m_values;
  std::vector<uint8_t> m_codes;
  GroupParameters m_best;
  float m_least = 0;
};

} // namespace

double HqqRounding::cost(double outFeatures, double inFeatures) const {
  // A power and a division per weight, iteration and scale.
  return outFeatures * inFeatures * (60.0 + 250.0 * static_cast<double>(m_options.iterations + 2 * kScales));
}

quantization::RoundingResult HqqRounding::round(const quantization::RoundingProblem& problem,
                                                base::ThreadPool& pool, const std::stop_token& stop) const {
  const tensor::Matrix& W = problem.weights;
  const int64_t n = W.cols();
  tensor::requireFinite({W.data(), static_cast<size_t>(W.size())}, n, problem.name);
  quantization::RoundingResult result;
  result.tensor = quantization::emptyTensor(problem.grid, W.rows(), n);
  result.fallbacks = quantization::groupFallbacks(problem.grid, n);
  if (!problem.grid.isAffine())
    result.fallbacks.emplace_back("rounded to nearest: a grid with code books has no zero point to find");
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
