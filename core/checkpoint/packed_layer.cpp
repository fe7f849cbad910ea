// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/packed_layer.hpp"

#include "tensor/half.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::checkpoint {

using tensor::DType;

void PackedLayer::corrupt(const char* suffix, const std::string& what) const {
  throw base::Error(base::ErrorCode::Corrupt,
                    checkpoint.path.string() + ": tensor '" + prefix + suffix + "': " + what);
}

std::vector<int64_t> PackedLayer::integers(const char* suffix) const {
  const tensor::TensorView& view = part(suffix);
  if (view.dtype != DType::I64 && view.dtype != DType::I32)
    corrupt(suffix, "expected I64 or I32, found " + view.describe());
  std::vector<int64_t> values(static_cast<size_t>(view.elements()));
  for (size_t i = 0; i < values.size(); ++i) {
    int32_t narrow = 0;
    if (view.dtype == DType::I64) {
      std::memcpy(&values[i], view.bytes.data() + i * sizeof(int64_t), sizeof(int64_t));
      continue;
    }
    std::memcpy(&narrow, view.bytes.data() + i * sizeof(narrow), sizeof(narrow));
    values[i] = narrow;
  }
  return values;
}

void PackedLayer::requireWords(const char* suffix, int64_t rows, int64_t cols) const {
  const tensor::TensorView& view = part(suffix);
  if (view.dtype != DType::I32 || view.shape != std::vector<int64_t>{rows, cols})
    corrupt(suffix, "expected [" + std::to_string(rows) + ", " + std::to_string(cols) + "] I32, found " +
                        view.describe());
}

tensor::Matrix PackedLayer::halves(const char* suffix, int64_t rows, int64_t cols) const {
  const tensor::TensorView& view = part(suffix);
  if (!tensor::isFloat(view.dtype) || view.shape != std::vector<int64_t>{rows, cols})
    corrupt(suffix, "expected floating-point [" + std::to_string(rows) + ", " + std::to_string(cols) +
                        "], found " + view.describe());
  tensor::Matrix values = tensor::toMatrix(view);
  for (int64_t i = 0; i < values.size(); ++i)
    values.data()[i] = half(suffix, values.data()[i]);
  return values;
}

float PackedLayer::half(const char* suffix, float value) const {
  const float stored = tensor::roundToF16(value);
  if (!std::isfinite(stored))
    corrupt(suffix, "expected finite values within F16, found " + std::to_string(value));
  return stored;
}

std::vector<int32_t> PackedLayer::groupIndex(const char* suffix,
                                             const tensor::QuantizedTensor& weight) const {
  const std::vector<int64_t> index = integers(suffix);
  if (std::ssize(index) != weight.inFeatures)
    corrupt(suffix, "expected a group index of " + std::to_string(weight.inFeatures) + " values, found " +
                        std::to_string(index.size()));
  if (std::all_of(index.begin(), index.end(), [](int64_t g) { return g == -1; }))
    return {};
  std::vector<int32_t> result;
  bool inOrder = true;
  for (size_t i = 0; i < index.size(); ++i) {
    if (index[i] < 0 || index[i] >= weight.groups())
      corrupt(suffix, "expected groups of 0 to " + std::to_string(weight.groups() - 1) + ", found " +
                          std::to_string(index[i]));
    inOrder = inOrder && index[i] == static_cast<int64_t>(i) / weight.groupSize;
    result.push_back(static_cast<int32_t>(index[i]));
  }
  return inOrder ? std::vector<int32_t>() : result;
}

} // namespace nibblesmith::checkpoint
