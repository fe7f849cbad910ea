// SPDX-License-Identifier: Apache-2.0
#include "export/dense_bytes.hpp"

#include "base/error.hpp"
#include "tensor/half.hpp"

#include <cmath>
#include <cstring>

namespace nibblesmith::exporting {

namespace {

constexpr int64_t kChunkElements = 1 << 18;
constexpr uint16_t kF16Exponent = 0x7C00;

} // namespace

tensor::DType artifactType(tensor::DType stored) {
  if (stored == tensor::DType::F64)
    return tensor::DType::F32;
  // f16 represents all values of 8-bit types.
  return tensor::isBlockQuantized(stored) || tensor::isFloat8(stored) ? tensor::DType::F16 : stored;
}

void toF16Bytes(const float* values, int64_t count, std::byte* out, const std::string& name) {
  std::vector<uint16_t> halves(static_cast<size_t>(count));
  tensor::f32ToF16(values, halves.data(), count);
  for (int64_t i = 0; i < count; ++i)
    if ((halves[static_cast<size_t>(i)] & kF16Exponent) == kF16Exponent)
      throw base::Error(base::ErrorCode::Numerical,
                        "'" + name + "': expected values within ±65504 (f16), found " +
                            std::to_string(values[i]) + " at position " + std::to_string(i));
  std::memcpy(out, halves.data(), halves.size() * sizeof(uint16_t));
}

std::vector<std::byte> denseBytes(const tensor::TensorView& tensor, tensor::DType type,
                                  const std::string& name) {
  if (tensor.dtype == type)
    return {tensor.bytes.begin(), tensor.bytes.end()};
  if (type != tensor::DType::F16 && type != tensor::DType::F32)
    throw base::Error(base::ErrorCode::NotSupported, "'" + name + "': expected to write F16 or F32, found " +
                                                         std::string(tensor::toString(type)));
  std::vector<std::byte> bytes(tensor::storageBytes(type, tensor.elements()));
  const int64_t cols = tensor.cols();
  const int64_t step = std::max<int64_t>(1, kChunkElements / std::max<int64_t>(1, cols));
  std::vector<float> values(static_cast<size_t>(step * cols));
  std::byte* out = bytes.data();
  for (int64_t begin = 0; begin < tensor.rows(); begin += step) {
    const int64_t end = std::min(tensor.rows(), begin + step);
    const int64_t count = (end - begin) * cols;
    tensor::readRows(tensor, begin, end, values.data());
    const auto size = static_cast<size_t>(tensor::storageBytes(type, count));
    if (type == tensor::DType::F16)
      toF16Bytes(values.data(), count, out, name);
    else
      std::memcpy(out, values.data(), size);
    out += size;
  }
  return bytes;
}

} // namespace nibblesmith::exporting
