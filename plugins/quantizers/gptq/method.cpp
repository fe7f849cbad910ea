// SPDX-License-Identifier: Apache-2.0
#include "method.hpp"

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "factorization.hpp"
#include "slab.hpp"
#include "tensor/tensor_view.hpp"

namespace nibblesmith::gptq {

namespace {

/// Number of rows per work item: six items at 576 rows, and products wide enough to amortize packing.
constexpr int64_t kSlabRows = 96;

GroupLayout layoutOf(const GptqOptions& options, const tensor::QuantizedTensor& tensor) {
  GroupLayout layout;
  layout.size = tensor.groupSize;
  layout.byPosition = options.actOrder == ActOrder::Dynamic && tensor.groups() > 1;
  // A single group per row is fitted before any update, whatever the order.
  layout.fitBefore = options.actOrder == ActOrder::Static || options.staticGroups || tensor.groups() == 1;
  return layout;
}

} // namespace

double GptqRounding::cost(double outFeatures, double inFeatures) const {
  // Lazy updates as products, and vectorized updates inside blocks of columns.
  return outFeatures * inFeatures * (1.5 * inFeatures + 400.0);
}

std::shared_ptr<const quantization::PreparedHessian>
GptqRounding::prepare(const std::string& name, const tensor::Matrix& hessian, base::ThreadPool& pool,
                      const std::stop_token& stop) const {
  return factorHessian(name, hessian, m_options.dampFraction, m_options.actOrder != ActOrder::None, pool,
                       stop);
}

quantization::RoundingResult GptqRounding::round(const quantization::RoundingProblem& problem,
                                                 base::ThreadPool& pool, const std::stop_token& stop) const {
  const tensor::Matrix& W = problem.weights;
  const int64_t n = W.cols();
  if (!problem.hessian || problem.hessian->rows() != n || problem.hessian->cols() != n)
    throw base::Error(base::ErrorCode::InvalidArgument,
                      "GPTQ of '" + problem.name + "': expected a Hessian [" + std::to_string(n) + ", " +
                          std::to_string(n) + "] from calibration, found " +
                          (problem.hessian ? "[" + std::to_string(problem.hessian->rows()) + ", " +
                                                 std::to_string(problem.hessian->cols()) + "]"
                                           : std::string("none")));
  tensor::requireFinite({W.data(), static_cast<size_t>(W.size())}, n, problem.name);
  std::shared_ptr<const quantization::PreparedHessian> own;
  const auto* factored = dynamic_cast<const FactoredHessian*>(problem.prepared);
  if (!factored) {
    own = prepare(problem.name, *problem.hessian, pool, stop);
    factored = static_cast<const FactoredHessian*>(own.get());
  }
  quantization::RoundingResult result;
  result.tensor = quantization::emptyTensor(problem.grid, W.rows(), n);
  result.fallbacks = quantization::groupFallbacks(problem.grid, n);
  result.fallbacks.insert(result.fallbacks.end(), factored->fallbacks.begin(), factored->fallbacks.end());
  const GroupLayout layout = layoutOf(m_options, result.tensor);
  if (layout.byPosition) {
    result.tensor.groupIndex.resize(static_cast<size_t>(n));
    for (int64_t p = 0; p < n; ++p)
      result.tensor.groupIndex[static_cast<size_t>(factored->order[static_cast<size_t>(p)])] =
          static_cast<int32_t>(p / layout.size);
  }
  pool.parallelFor(W.rows(), kSlabRows, [&](int64_t begin, int64_t end) {
    roundSlab(problem, *factored, layout, m_options.blockSize, begin, end, result.tensor, stop);
  });
  return result;
}

GptqOptions gptqOptions(const base::Json& parameters) {
  GptqOptions options;
  options.dampFraction = parameters.at("dampFraction").get<double>();
  const auto order = parameters.at("actOrder").get<std::string>();
  options.actOrder = order == "static"    ? ActOrder::Static
                     : order == "dynamic" ? ActOrder::Dynamic
                                          : ActOrder::None;
  options.staticGroups = parameters.at("staticGroups").get<bool>();
  options.blockSize = parameters.at("blockSize").get<int64_t>();
  return options;
}

} // namespace nibblesmith::gptq
