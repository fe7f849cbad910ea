// SPDX-License-Identifier: Apache-2.0
#include "runtime/linear.hpp"

#include "base/error.hpp"
#include "runtime/finite.hpp"
#include "runtime/row_linear.hpp"

namespace nibblesmith::runtime {

namespace {

using tensor::DType;
using tensor::TensorView;

std::optional<kernels::Format> kernelFormat(DType type) {
  switch (type) {
  case DType::F32:
    return kernels::kF32;
  case DType::F16:
    return kernels::kF16;
  case DType::BF16:
    return kernels::kBF16;
  case DType::Q8_0:
    return kernels::kQ8_0;
  case DType::Q4_0:
    return kernels::kQ4_0;
  case DType::Q4_1:
    return kernels::kQ4_1;
  case DType::Q5_0:
    return kernels::kQ5_0;
  case DType::Q5_1:
    return kernels::kQ5_1;
  case DType::Q2_K:
    return kernels::kQ2_K;
  case DType::Q3_K:
    return kernels::kQ3_K;
  case DType::Q4_K:
    return kernels::kQ4_K;
  case DType::Q5_K:
    return kernels::kQ5_K;
  case DType::Q6_K:
    return kernels::kQ6_K;
  case DType::IQ4_NL:
    return kernels::kIq4Nl;
  case DType::IQ4_XS:
    return kernels::kIq4Xs;
  default:
    return std::nullopt;
  }
}

/// Linear that reads weights in place: in the mapped file, or in memory that the view owns.
class StoredLinear final : public RowLinear {
public:
  StoredLinear(TensorView weight, const std::optional<TensorView>& bias)
      : RowLinear(weight.rows(), weight.cols(), bias), m_weight(std::move(weight)) {
    m_format = *kernelFormat(m_weight.dtype);
    m_rows.codes = reinterpret_cast<const uint8_t*>(m_weight.bytes.data());
    m_rows.rowBytes = static_cast<int64_t>(tensor::storageBytes(m_weight.dtype, m_weight.cols()));
    m_rows.columns = m_weight.cols();
    m_weightBytes = m_weight.bytes.size();
  }

private:
  TensorView m_weight;
};

/// Linear for types without a kernel (8-bit floats): dequantizes a tile of rows for each product.
class UnpackingLinear final : public RowLinear {
public:
  UnpackingLinear(TensorView weight, const std::optional<TensorView>& bias)
      : RowLinear(weight.rows(), weight.cols(), bias), m_weight(std::move(weight)) {
    m_rows.columns = m_weight.cols();
    m_weightBytes = m_weight.bytes.size();
  }

private:
  void multiply(const Task& task) const override {
    const int64_t columns = m_weight.cols();
    const int64_t count = task.end - task.begin;
    const auto tile = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(count * columns));
    tensor::readRows(m_weight, task.begin, task.end, tile.get());
    Task part = task;
    part.y += task.begin;
    part.begin = 0;
    part.end = count;
    kernels::Rows rows = {};
    rows.codes = reinterpret_cast<const uint8_t*>(tile.get());
    rows.rowBytes = columns * static_cast<int64_t>(sizeof(float));
    rows.columns = columns;
    multiplyRows(rows, part);
  }

  TensorView m_weight;
};

std::unique_ptr<RowLinear> makeRowLinear(const model::LinearWeights& weights, WeightStorage storage) {
  if (const auto* quantized = std::get_if<tensor::QuantizedTensor>(&weights.weight)) {
    quantized->validate(weights.name);
    if (weights.input && fitsInt8(*quantized))
      return makeInt8Linear(*quantized, weights.bias);
    if (storage == WeightStorage::Float32)
      return std::make_unique<StoredLinear>(tensor::ownedView(quantized->dequantize()), weights.bias);
    return quantized->isAffine() ? makeAffineLinear(*quantized, weights.bias)
                                 : makeBookLinear(*quantized, weights.bias);
  }
  const auto& view = std::get<TensorView>(weights.weight);
  if (view.shape.size() != 2 || view.bytes.size() != tensor::storageBytes(view.dtype, view.elements()) ||
      view.cols() % tensor::blockElements(view.dtype) != 0)
    throw base::Error(base::ErrorCode::Corrupt, "'" + weights.name + "': expected a whole matrix, found " +
                                                    view.describe() + " in " +
                                                    std::to_string(view.bytes.size()) + " bytes");
  requireFiniteWeights(view, weights.name);
  const bool keep = view.dtype == DType::F32 || storage == WeightStorage::AsStored;
  if (keep && kernelFormat(view.dtype))
    return std::make_unique<StoredLinear>(view, weights.bias);
  const bool isSmall = view.bytes.size() < static_cast<uint64_t>(view.elements()) * sizeof(float);
  if (keep && isSmall)
    return std::make_unique<UnpackingLinear>(view, weights.bias);
  return std::make_unique<StoredLinear>(tensor::ownedView(tensor::toMatrix(view)), weights.bias);
}

} // namespace

std::unique_ptr<Linear> makeLinear(const model::LinearWeights& weights, WeightStorage storage) {
  auto linear = makeRowLinear(weights, storage);
  if (weights.input)
    linear->setInputScheme(*weights.input, weights.name);
  return linear;
}

} // namespace nibblesmith::runtime
