// SPDX-License-Identifier: Apache-2.0
#include "method.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "clipping.hpp"
#include "model/model.hpp"
#include "quantization/output_error.hpp"
#include "tensor/tensor_view.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nibblesmith::awq {

namespace {

using quantization::TransformProblem;
using tensor::Matrix;
using tensor::Vector;

/// Number of rows per work item.
constexpr int64_t kSlabRows = 96;
/// Magnitude of channels that are never active, relative to the largest one.
constexpr float kSmallestMagnitude = 1e-4f;

/// Returns the magnitude that each channel's scale is computed from: positive, and equal for channels of one
/// source.
Vector magnitudes(const TransformProblem& problem) {
  const Vector& mean = problem.meanMagnitude;
  const int64_t sources = 1 + *std::max_element(problem.sources.begin(), problem.sources.end());
  Vector sum = Vector::Zero(sources);
  Vector count = Vector::Zero(sources);
  for (int64_t i = 0; i < mean.size(); ++i) {
    sum[problem.sources[static_cast<size_t>(i)]] += mean[i];
    count[problem.sources[static_cast<size_t>(i)]] += 1.0f;
  }
  Vector result(mean.size());
  for (int64_t i = 0; i < mean.size(); ++i) {
    const int64_t source = problem.sources[static_cast<size_t>(i)];
    result[i] = sum[source] / count[source];
  }
  return result.cwiseMax(kSmallestMagnitude * result.maxCoeff());
}

Vector scalesFor(const Vector& magnitude, double alpha) {
  Vector s = magnitude.unaryExpr(
      [alpha](float a) { return static_cast<float>(std::pow(static_cast<double>(a), alpha)); });
  s /= std::sqrt(s.maxCoeff() * s.minCoeff());
  return s;
}

/// Computes tr(D H D^T) for rows [begin, end), with D = Q(W diag(s)) diag(s)^-1 - W.
double slabLoss(const TransformProblem& problem, const quantization::SummedOutputErrors& errors,
                size_t linear, const Vector& s, std::span<const float> importance, int64_t begin,
                int64_t end) {
  const Matrix& W = *problem.weights[linear];
  const quantization::Grid& grid = *problem.grids[linear];
  const int64_t n = W.cols();
  tensor::QuantizedTensor codes = quantization::emptyTensor(grid, end - begin, n);
  Matrix D(end - begin, n);
  const Vector inverse = s.cwiseInverse();
  Vector scaled(n);
  for (int64_t r = 0; r < end - begin; ++r) {
    const auto w = W.row(begin + r).transpose();
    scaled = w.cwiseProduct(s);
    quantization::roundRowToNearest(scaled.data(), grid, importance, problem.names[linear], r, codes,
                                    D.row(r).data());
    D.row(r).transpose() = D.row(r).transpose().cwiseProduct(inverse) - w;
  }
  return errors(D);
}

double loss(const TransformProblem& problem, const quantization::SummedOutputErrors& errors, const Vector& s,
            base::ThreadPool& pool, const std::stop_token& stop) {
  const Vector importance = problem.hessian.diagonal().array() / s.array().square();
  struct Slab {
    size_t linear;
    int64_t begin, end;
  };
  std::vector<Slab> slabs;
  for (size_t l = 0; l < problem.weights.size(); ++l)
    for (int64_t begin = 0; begin < problem.weights[l]->rows(); begin += kSlabRows)
      slabs.push_back({l, begin, std::min(begin + kSlabRows, problem.weights[l]->rows())});
  // One slot per slab, added in order, so the result does not depend on the number of threads.
  std::vector<double> losses(slabs.size());
  pool.parallelFor(std::ssize(slabs), 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      base::throwIfStopped(stop);
      const Slab& slab = slabs[static_cast<size_t>(i)];
      losses[static_cast<size_t>(i)] =
          slabLoss(problem, errors, slab.linear, s,
                   {importance.data(), static_cast<size_t>(importance.size())}, slab.begin, slab.end);
    }
  });
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

/// Returns true for linears that produce queries or keys. They are not clipped, because their product
/// determines the attention; the paper's code also skips them, fused or not (llm-awq, auto_clip.py).
bool makesQueriesOrKeys(model::LinearRole role) {
  return role == model::LinearRole::Query || role == model::LinearRole::Key ||
         role == model::LinearRole::QueryKeyValue;
}

} // namespace

double AwqTransform::cost(int64_t outFeatures, int64_t inFeatures, const quantization::Grid& grid) const {
  const double weights = static_cast<double>(outFeatures) * static_cast<double>(inFeatures);
  const double fits = quantization::totalFitCost(grid, outFeatures, inFeatures);
  const double candidate = weights * (0.25 * static_cast<double>(inFeatures) + 100.0) + fits;
  return static_cast<double>(m_options.gridPoints) * candidate +
         (m_options.clip ? clippingCost(weights, fits) : 0.0);
}

Vector AwqTransform::inputScales(const TransformProblem& problem, base::ThreadPool& pool,
                                 const std::stop_token& stop) const {
  for (size_t l = 0; l < problem.weights.size(); ++l)
    tensor::requireFinite({problem.weights[l]->data(), static_cast<size_t>(problem.weights[l]->size())},
                          problem.weights[l]->cols(), problem.names[l]);
  if (!(problem.meanMagnitude.maxCoeff() > 0.0f))
    return {};
  const Vector magnitude = magnitudes(problem);
  Vector best;
  const quantization::SummedOutputErrors errors(problem.hessian);
  double least = loss(problem, errors, Vector::Ones(magnitude.size()), pool, stop);
  for (int64_t point = 1; point < m_options.gridPoints; ++point) {
    const Vector s =
        scalesFor(magnitude, static_cast<double>(point) / static_cast<double>(m_options.gridPoints));
    if (const double found = loss(problem, errors, s, pool, stop); found < least) {
      least = found;
      best = s;
    }
  }
  return best;
}

void AwqTransform::adjustWeights(const TransformProblem& scaled, base::ThreadPool& pool,
                                 const std::stop_token& stop) const {
  if (!m_options.clip)
    return;
  for (size_t l = 0; l < scaled.weights.size(); ++l) {
    if (!makesQueriesOrKeys(scaled.roles[l]))
      clip(*scaled.weights[l], *scaled.grids[l], scaled.hessian, scaled.names[l], pool, stop);
  }
}

AwqOptions awqOptions(const base::Json& parameters) {
  AwqOptions options;
  options.gridPoints = parameters.at("gridPoints").get<int64_t>();
  options.clip = parameters.at("clip").get<bool>();
  return options;
}

} // namespace nibblesmith::awq
