// SPDX-License-Identifier: Apache-2.0
#include "quantization/rounding.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::quantization {

double Rounding::cost(double outFeatures, double inFeatures) const {
  // To the nearest: a fit and a division per weight.
  return 60.0 * outFeatures * inFeatures;
}

std::shared_ptr<const PreparedHessian> Rounding::prepare(const std::string&, const tensor::Matrix&, base::ThreadPool&,
                                                         const std::stop_token&) const {
  return nullptr;
}

tensor::QuantizedTensor emptyTensor(const Grid& grid, int64_t outFeatures, int64_t inFeatures) {
  tensor::QuantizedTensor tensor;
  tensor.outFeatures = outFeatures;
  tensor.inFeatures = inFeatures;
  tensor.bits = grid.bits();
  tensor.groupSize = grid.groupSize() == 0 ? inFeatures : std::min(grid.groupSize(), inFeatures);
  tensor.symmetric = grid.symmetric();
  tensor.codes.resize(static_cast<size_t>(outFeatures * inFeatures));
  tensor.scales.resize(outFeatures, tensor.groups());
  tensor.zeroPoints.resize(static_cast<size_t>(outFeatures * tensor.groups()));
  return tensor;
}

GroupParameters fitGroup(const Grid& grid, std::span<const float> weights, std::span<const float> importance,
                         const std::string& name, int64_t row, int64_t group) {
  const GroupParameters parameters = grid.fit(weights, importance);
  if (std::isfinite(parameters.scale))
    return parameters;
  float largest = 0.0f;
  for (const float w : weights)
    largest = std::max(largest, std::abs(w));
  throw base::Error(base::ErrorCode::Numerical,
                    "tensor '" + name + "': row " + std::to_string(row) + ", group " + std::to_string(group) +
                        ": expected weights whose scale fits f16, found a weight of magnitude " +
                        std::to_string(largest));
}

void roundRowToNearest(const float* weights, const Grid& grid, std::span<const float> importance,
                       const std::string& name, int64_t row, tensor::QuantizedTensor& tensor, float* values) {
  const int64_t n = tensor.inFeatures;
  std::vector<float> scales(static_cast<size_t>(n));
  std::vector<float> zeroPoints(static_cast<size_t>(n));
  for (int64_t g = 0; g < tensor.groups(); ++g) {
    const int64_t begin = g * tensor.groupSize;
    const int64_t end = std::min(begin + tensor.groupSize, n);
    const auto count = static_cast<size_t>(end - begin);
    const auto weighed = importance.empty() ? importance : importance.subspan(static_cast<size_t>(begin), count);
    const auto parameters = fitGroup(grid, {weights + begin, count}, weighed, name, row, g);
    tensor.scales(row, g) = parameters.scale;
    tensor.zeroPoints[static_cast<size_t>(row * tensor.groups() + g)] = static_cast<uint8_t>(parameters.zeroPoint);
    std::fill(scales.begin() + begin, scales.begin() + end, parameters.scale);
    std::fill(zeroPoints.begin() + begin, zeroPoints.begin() + end, parameters.zeroPoint);
  }
  grid.roundMany(weights, scales.data(), zeroPoints.data(), n, tensor.codes.data() + row * n, values);
}

std::unique_ptr<Transform> MethodCatalog::makeTransform(const std::string& use, const base::Json&) const {
  throw base::Error(base::ErrorCode::NotFound, "transforms: expected none, as no plugin provides one, found \"" + use + "\"");
}

std::vector<std::string> groupFallbacks(const Grid& grid, int64_t inFeatures) {
  const int64_t size = grid.groupSize();
  if (size == 0 || inFeatures % size == 0)
    return {};
  if (size > inFeatures)
    return {"group of " + std::to_string(size) + " cut to the row's " + std::to_string(inFeatures) + " weights"};
  return {"last group of each row has " + std::to_string(inFeatures % size) + " of " + std::to_string(size) +
          " weights"};
}

namespace {

std::string describe(int bits, int64_t groupSize, bool symmetric) {
  return std::to_string(bits) + "-bit " + (groupSize == 0 ? "per channel" : "group " + std::to_string(groupSize)) +
         (symmetric ? " symmetric" : " asymmetric");
}

} // namespace

std::string describeGrid(const Grid& grid) { return describe(grid.bits(), grid.groupSize(), grid.symmetric()); }

std::string describeTensor(const tensor::QuantizedTensor& tensor) {
  return describe(tensor.bits, tensor.groups() == 1 ? 0 : tensor.groupSize, tensor.symmetric) +
         (tensor.groupIndex.empty() ? "" : ", group index");
}

} // namespace nibblesmith::quantization
