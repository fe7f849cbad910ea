// SPDX-License-Identifier: Apache-2.0
#include "tensor/tensor_view.hpp"

#include "base/error.hpp"
#include "tensor/f8.hpp"
#include "tensor/ggml_blocks.hpp"
#include "tensor/half.hpp"

#include <cmath>
#include <cstring>

namespace nibblesmith::tensor {

namespace {

// Reads 16-bit values, through an aligned buffer if the file holds them at odd addresses.
template <typename Convert>
void read16(const std::byte* in, int64_t count, float* out, Convert convert) {
  if (reinterpret_cast<uintptr_t>(in) % alignof(uint16_t) == 0) {
    convert(reinterpret_cast<const uint16_t*>(in), out, count);
    return;
  }
  std::vector<uint16_t> aligned(static_cast<size_t>(count));
  std::memcpy(aligned.data(), in, aligned.size() * sizeof(uint16_t));
  convert(aligned.data(), out, count);
}

} // namespace

int64_t TensorView::elements() const {
  int64_t count = 1;
  for (const int64_t size : shape)
    count *= size;
  return count;
}

int64_t TensorView::cols() const {
  if (shape.size() < 2)
    return elements();
  int64_t count = 1;
  for (size_t i = 1; i < shape.size(); ++i)
    count *= shape[i];
  return count;
}

std::string TensorView::describe() const {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "] " + std::string(toString(dtype));
}

void readRows(const TensorView& tensor, int64_t begin, int64_t end, float* out) {
  const int64_t cols = tensor.cols();
  const int64_t count = (end - begin) * cols;
  if (count == 0)
    return; // an empty tensor may have a null pointer
  const auto rowBytes = static_cast<int64_t>(storageBytes(tensor.dtype, cols));
  const std::byte* in = tensor.bytes.data() + begin * rowBytes;
  switch (tensor.dtype) {
  case DType::F32:
    std::memcpy(out, in, static_cast<size_t>(count) * sizeof(float));
    return;
  case DType::F16:
    read16(in, count, out, [](const uint16_t* i, float* o, int64_t n) { f16ToF32(i, o, n); });
    return;
  case DType::BF16:
    read16(in, count, out, [](const uint16_t* i, float* o, int64_t n) { bf16ToF32(i, o, n); });
    return;
  case DType::F64:
    for (int64_t i = 0; i < count; ++i) {
      double value;
      std::memcpy(&value, in + i * 8, sizeof(value));
      out[i] = static_cast<float>(value);
    }
    return;
  case DType::F8_E4M3:
  case DType::F8_E5M2:
    f8ToF32(tensor.dtype, in, out, count);
    return;
  default:
    if (isBlockQuantized(tensor.dtype)) {
      readBlocks(tensor.dtype, in, count / blockElements(tensor.dtype), out);
      return;
    }
    throw base::Error(base::ErrorCode::NotSupported,
                      "expected floating-point weights, found " + tensor.describe());
  }
}

Matrix toMatrix(const TensorView& tensor) {
  Matrix values(tensor.rows(), tensor.cols());
  readRows(tensor, 0, tensor.rows(), values.data());
  return values;
}

Vector toVector(const TensorView& tensor) {
  Vector values(tensor.elements());
  readRows(tensor, 0, tensor.rows(), values.data());
  return values;
}

TensorView ownedView(Matrix values) {
  auto owner = std::make_shared<const Matrix>(std::move(values));
  TensorView view;
  view.dtype = DType::F32;
  view.shape = {owner->rows(), owner->cols()};
  view.bytes = std::as_bytes(std::span(owner->data(), static_cast<size_t>(owner->size())));
  view.owner = owner;
  return view;
}

void requireFinite(std::span<const float> values, int64_t cols, const std::string& name) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i]))
      continue;
    const auto at = static_cast<int64_t>(i);
    throw base::Error(base::ErrorCode::Numerical, "'" + name + "': expected finite values, found " +
                                                      (std::isnan(values[i]) ? "NaN" : "infinity") +
                                                      " at row " + std::to_string(at / cols) + ", column " +
                                                      std::to_string(at % cols));
  }
}

} // namespace nibblesmith::tensor
