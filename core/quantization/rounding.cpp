// SPDX-License-Identifier: Apache-2.0
#include "quantization/rounding.hpp"

#include "base/error.hpp"
#include "base/join.hpp"
#include "tensor/code_books.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::quantization {

double Rounding::cost(double outFeatures, double inFeatures) const {
  // Rounding to nearest: a fit and a division per weight.
  return 60.0 * outFeatures * inFeatures;
}

std::shared_ptr<const PreparedHessian> Rounding::prepare(const std::string&, const tensor::Matrix&,
                                                         base::ThreadPool&, const std::stop_token&) const {
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
  const int64_t groups = outFeatures * tensor.groups();
  const int64_t values = int64_t{1} << grid.bits();
  if (grid.isAffine())
    tensor.zeroPoints.resize(static_cast<size_t>(groups));
  else if (grid.hasGroupBooks())
    tensor.codeBooks.resize(groups, values);
  else
    tensor.codeBooks = Eigen::Map<const tensor::Matrix>(grid.sharedBook().data(), 1, values);
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

void storeGroup(const GroupParameters& parameters, int64_t row, int64_t group,
                tensor::QuantizedTensor& tensor) {
  tensor.scales(row, group) = parameters.scale;
  const int64_t at = row * tensor.groups() + group;
  if (tensor.isAffine())
    tensor.zeroPoints[static_cast<size_t>(at)] = static_cast<uint8_t>(parameters.zeroPoint);
  else if (!parameters.book.empty())
    std::copy(parameters.book.begin(), parameters.book.end(), tensor.codeBooks.row(at).data());
}

const float* storedBook(const tensor::QuantizedTensor& tensor, int64_t row, int64_t group) {
  return tensor.codeBooks.rows() == 0 ? nullptr : tensor.book(row, group).data();
}

void roundRowToNearest(const float* weights, const Grid& grid, std::span<const float> importance,
                       const std::string& name, int64_t row, tensor::QuantizedTensor& tensor, float* values) {
  const int64_t n = tensor.inFeatures;
  for (int64_t g = 0; g < tensor.groups(); ++g) {
    const int64_t begin = g * tensor.groupSize;
    const int64_t count = std::min(tensor.groupSize, n - begin);
    const auto size = static_cast<size_t>(count);
    const auto weighed =
        importance.empty() ? importance : importance.subspan(static_cast<size_t>(begin), size);
    const auto parameters = fitGroup(grid, {weights + begin, size}, weighed, name, row, g);
    storeGroup(parameters, row, g, tensor);
    grid.roundGroup(weights + begin, parameters, count, tensor.codes.data() + row * n + begin,
                    values + begin);
  }
}

MethodDescription MethodCatalog::find(MethodKind kind, const std::string& use) const {
  std::string known;
  for (MethodDescription& method : methods()) {
    if (method.kind != kind)
      continue;
    if (method.name == use)
      return std::move(method);
    base::appendTo(known, method.name);
  }
  throw base::Error(base::ErrorCode::NotFound,
                    std::string("recipe: '") + (kind == MethodKind::Transform ? "transforms" : "rounding") +
                        "': expected " + (known.empty() ? "a method, but no plugin provides one" : known) +
                        ", found \"" + use + "\"");
}

std::unique_ptr<Transform> MethodCatalog::makeTransform(const std::string& use, const base::Json&) const {
  throw base::Error(base::ErrorCode::NotFound,
                    "recipe: 'transforms': expected none, as no plugin provides one, found \"" + use + "\"");
}

std::vector<std::string> groupFallbacks(const Grid& grid, int64_t inFeatures) {
  const int64_t size = grid.groupSize();
  if (size == 0 || inFeatures % size == 0)
    return {};
  if (size > inFeatures)
    return {"group of " + std::to_string(size) + " cut to the row's " + std::to_string(inFeatures) +
            " weights"};
  return {"last group of each row has " + std::to_string(inFeatures % size) + " of " + std::to_string(size) +
          " weights"};
}

void finishTensor(const Grid& grid, tensor::QuantizedTensor& tensor) {
  if (!grid.hasNestedScales())
    return;
  tensor.nestedScales = tensor::nestScales({tensor.scales.data(), static_cast<size_t>(tensor.scales.size())});
  for (int64_t i = 0; i < tensor.scales.size(); ++i)
    tensor.scales.data()[i] = tensor.nestedScales->scale(i);
}

namespace {

std::string groupText(int64_t groupSize) {
  return groupSize == 0 ? "per channel" : "group " + std::to_string(groupSize);
}

std::string describeBooks(int bits, int64_t groupSize, std::span<const float> shared, bool nested) {
  std::string name = shared.empty() ? "learned" : tensor::codeBookName(shared);
  if (shared.empty() || name.empty())
    name += (name.empty() ? "code book " : " ") + std::to_string(bits) + "-bit";
  return name + " " + groupText(groupSize) + (nested ? ", 8-bit scales" : "");
}

std::string describeAffine(int bits, int64_t groupSize, bool symmetric) {
  return std::to_string(bits) + "-bit " + groupText(groupSize) + (symmetric ? " symmetric" : " asymmetric");
}

} // namespace

std::string describeGrid(const Grid& grid) {
  return grid.isAffine()
             ? describeAffine(grid.bits(), grid.groupSize(), grid.symmetric())
             : describeBooks(grid.bits(), grid.groupSize(), grid.sharedBook(), grid.hasNestedScales());
}

std::string describeTensor(const tensor::QuantizedTensor& tensor) {
  const int64_t groupSize = tensor.groups() == 1 ? 0 : tensor.groupSize;
  const auto shared =
      tensor.hasGroupBooks() || tensor.isAffine() ? std::span<const float>() : tensor.book(0, 0);
  return (tensor.isAffine()
              ? describeAffine(tensor.bits, groupSize, tensor.symmetric)
              : describeBooks(tensor.bits, groupSize, shared, tensor.nestedScales.has_value())) +
         (tensor.groupIndex.empty() ? "" : ", group index");
}

} // namespace nibblesmith::quantization
