// SPDX-License-Identifier: Apache-2.0
#include "method.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "tensor/gemm.hpp"
#include "tensor/tensor_view.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nibblesmith::smoothquant {

namespace {

using quantization::TransformProblem;
using tensor::Matrix;
using tensor::Vector;

/// Number of rows per work item.
constexpr int64_t kSlabRows = 96;
/// Lower bound of the maxima, as in the paper's code.
constexpr float kSmallest = 1e-5f;
constexpr int64_t kSampleRows = 256;

/// Returns for every channel the largest value among the channels of its source.
Vector largestOfSource(const Vector& values, const std::vector<int64_t>& sources) {
  Vector largest = Vector::Zero(1 + *std::max_element(sources.begin(), sources.end()));
  for (int64_t i = 0; i < values.size(); ++i) {
    float& most = largest[sources[static_cast<size_t>(i)]];
    most = std::max(most, values[i]);
  }
  Vector result(values.size());
  for (int64_t i = 0; i < values.size(); ++i)
    result[i] = largest[sources[static_cast<size_t>(i)]];
  return result;
}

Vector weightMagnitudes(const TransformProblem& problem) {
  Vector largest = Vector::Zero(problem.weights.front()->cols());
  for (const Matrix* W : problem.weights)
    largest = largest.cwiseMax(W->cwiseAbs().colwise().maxCoeff().transpose());
  return largest;
}

Vector scalesFor(const Vector& inputs, const Vector& weights, double alpha) {
  Vector s(inputs.size());
  for (int64_t i = 0; i < s.size(); ++i) {
    if (!(inputs[i] > 0.0f)) {
      s[i] = 1.0f;
      continue;
    }
    const double x = static_cast<double>(std::max(inputs[i], kSmallest));
    const double w = static_cast<double>(std::max(weights[i], kSmallest));
    s[i] = std::max(static_cast<float>(std::pow(x, alpha) / std::pow(w, 1.0 - alpha)), kSmallest);
  }
  return s;
}

/// Returns the inputs divided by s and quantized like at run time.
Matrix roundedInputs(const TransformProblem& problem, const Vector& s) {
  Matrix X = *problem.sample * s.cwiseInverse().asDiagonal();
  if (!problem.input)
    return X;
  const auto scheme = problem.input->isDynamic
                          ? *problem.input
                          : tensor::staticScheme(*problem.input, X.minCoeff(), X.maxCoeff());
  if (std::isfinite(scheme.scale))
    tensor::roundInputValues(scheme, X.data(), X.rows(), X.cols(), problem.names.front(), X.data());
  return X;
}

/// Range of rows of one linear.
struct Slab {
  size_t linear;
  int64_t begin, end;
};

/// Squared error of the slab's outputs. rounded: [rows, n] from roundedInputs().
double slabLoss(const TransformProblem& problem, const Slab& slab, const Vector& s, const Matrix& rounded) {
  const Matrix& W = *problem.weights[slab.linear];
  const quantization::Grid& grid = *problem.grids[slab.linear];
  const int64_t n = W.cols();
  const int64_t rows = slab.end - slab.begin;
  const Matrix scaled = W.middleRows(slab.begin, rows) * s.asDiagonal();
  tensor::QuantizedTensor codes = quantization::emptyTensor(grid, rows, n);
  Matrix Q(rows, n);
  for (int64_t r = 0; r < rows; ++r)
    quantization::roundRowToNearest(scaled.row(r).data(), grid, {}, problem.names[slab.linear], r, codes,
                                    Q.row(r).data());
  Matrix difference(rounded.rows(), rows);
  tensor::gemmNT(rounded.rows(), rows, n, 1.0f, problem.sample->data(), n, W.data() + slab.begin * n, n, 0.0f,
                 difference.data(), rows);
  tensor::gemmNT(rounded.rows(), rows, n, 1.0f, rounded.data(), n, Q.data(), n, -1.0f, difference.data(),
                 rows);
  return difference.cast<double>().squaredNorm();
}

double loss(const TransformProblem& problem, const Vector& s, base::ThreadPool& pool,
            const std::stop_token& stop) {
  std::vector<Slab> slabs;
  for (size_t l = 0; l < problem.weights.size(); ++l)
    for (int64_t begin = 0; begin < problem.weights[l]->rows(); begin += kSlabRows)
      slabs.push_back({l, begin, std::min(begin + kSlabRows, problem.weights[l]->rows())});
  const Matrix rounded = roundedInputs(problem, s);
  // One slot per slab, added in order, so the result does not depend on the number of threads.
  std::vector<double> losses(slabs.size());
  pool.parallelFor(std::ssize(slabs), 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      base::throwIfStopped(stop);
      losses[static_cast<size_t>(i)] = slabLoss(problem, slabs[static_cast<size_t>(i)], s, rounded);
    }
  });
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

} // namespace

double SmoothQuantTransform::cost(int64_t outFeatures, int64_t inFeatures,
                                  const quantization::Grid& grid) const {
  const double weights = static_cast<double>(outFeatures) * static_cast<double>(inFeatures);
  if (!m_options.search)
    return weights;
  const double candidate =
      weights * (2.0 * kSampleRows + 60.0) + quantization::totalFitCost(grid, outFeatures, inFeatures);
  return static_cast<double>(m_options.gridPoints + 1) * candidate;
}

Vector SmoothQuantTransform::inputScales(const TransformProblem& problem, base::ThreadPool& pool,
                                         const std::stop_token& stop) const {
  base::throwIfStopped(stop);
  if (m_options.normsOnly && !problem.afterNorm)
    return {};
  for (size_t l = 0; l < problem.weights.size(); ++l)
    tensor::requireFinite({problem.weights[l]->data(), static_cast<size_t>(problem.weights[l]->size())},
                          problem.weights[l]->cols(), problem.names[l]);
  const Vector inputs = largestOfSource(*problem.maxMagnitude, problem.sources);
  const Vector weights = largestOfSource(weightMagnitudes(problem), problem.sources);
  if (!m_options.search)
    return scalesFor(inputs, weights, m_options.alpha);
  Vector best;
  double least = loss(problem, Vector::Ones(inputs.size()), pool, stop);
  for (int64_t point = 0; point < m_options.gridPoints; ++point) {
    const Vector s = scalesFor(inputs, weights,
                               static_cast<double>(point) / static_cast<double>(m_options.gridPoints - 1));
    if (const double found = loss(problem, s, pool, stop); found < least) {
      least = found;
      best = s;
    }
  }
  return best;
}

SmoothQuantOptions smoothQuantOptions(const base::Json& parameters) {
  SmoothQuantOptions options;
  options.alpha = parameters.at("alpha").get<double>();
  options.search = parameters.at("search").get<bool>();
  options.gridPoints = parameters.at("gridPoints").get<int64_t>();
  options.normsOnly = parameters.at("stages") == "norms";
  return options;
}

} // namespace nibblesmith::smoothquant
