// SPDX-License-Identifier: Apache-2.0
#include "method.hpp"

#include "base/thread_pool.hpp"
#include "descent.hpp"

#include <atomic>

namespace nibblesmith::coordinate_descent {

namespace {

/// Number of rows per work item, as in GPTQ.
constexpr int64_t kSlabRows = 96;

} // namespace

double DescentRounding::cost(double outFeatures, double inFeatures) const {
  const double product = outFeatures * inFeatures * inFeatures;
  // Per sweep: one product, and vectorized steps inside blocks of columns; a second product for the scales.
  const double sweep = (m_options.refitScales ? 2.0 : 1.0) * product + 400.0 * outFeatures * inFeatures;
  return m_start.cost(outFeatures, inFeatures) + static_cast<double>(m_options.sweeps) * sweep;
}

quantization::RoundingResult DescentRounding::round(const quantization::RoundingProblem& problem,
                                                    base::ThreadPool& pool,
                                                    const std::stop_token& stop) const {
  quantization::RoundingResult result = m_start.round(problem, pool, stop);
  const ColumnOrder columns(result.tensor);
  const tensor::Matrix own = columns.natural ? tensor::Matrix() : reordered(*problem.hessian, columns);
  const tensor::Matrix& H = columns.natural ? *problem.hessian : own;
  std::atomic<int64_t> changes{0};
  pool.parallelFor(problem.weights.rows(), kSlabRows, [&](int64_t begin, int64_t end) {
    changes += descendSlab(problem, H, columns, m_options, begin, end, result.tensor, stop);
  });
  if (changes == 0)
    result.fallbacks.emplace_back("coordinate descent found nothing to improve: this is GPTQ's answer");
  return result;
}

DescentOptions descentOptions(const base::Json& parameters) {
  base::Json start = parameters;
  start["blockSize"] = gptq::GptqOptions().blockSize;
  return {gptq::gptqOptions(start), parameters.at("sweeps").get<int64_t>(),
          parameters.at("refitScales").get<bool>()};
}

} // namespace nibblesmith::coordinate_descent
