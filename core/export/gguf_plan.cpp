// SPDX-License-Identifier: Apache-2.0
#include "export/gguf_plan.hpp"

#include "export/dense_bytes.hpp"
#include "export/gguf_blocks.hpp"
#include "export/weight_rows.hpp"
#include "model/family.hpp"

#include <cstring>

namespace nibblesmith::exporting {

namespace {

using tensor::DType;
using tensor::QuantizedTensor;
using tensor::TensorView;

/// Plans the conversion of weights to a block type.
MatrixPlan planBlocks(const model::Weight& weight, DType type) {
  const int64_t width = model::inFeatures(weight);
  if (width % kGgufBlock != 0)
    return {DType::F16, Encoding::F16,
            "F16, as rows of " + std::to_string(width) + " do not fill blocks of 32"};
  if (const auto* view = std::get_if<TensorView>(&weight))
    return {type, view->dtype == type ? Encoding::Verbatim : Encoding::Rounded, {}};
  const auto& quantized = std::get<QuantizedTensor>(weight);
  if (!quantized.isAffine())
    return {DType::F16, Encoding::F16, "F16, as code books map onto no block type"};
  if (fitsBlocks(quantized, type))
    return {type,
            type == DType::Q4_1 && !quantized.symmetric ? Encoding::KeepCodesRoundMinimum
                                                        : Encoding::KeepCodes,
            {}};
  std::string remark = "rounded again, as ";
  if (!quantized.groupIndex.empty())
    remark += "columns are assigned to groups one by one";
  else
    remark += std::to_string(quantized.bits) + "-bit " + (quantized.symmetric ? "symmetric" : "asymmetric") +
              " codes in groups of " + std::to_string(quantized.groupSize) + " do not map onto " +
              std::string(tensor::toString(type));
  return {type, Encoding::Rounded, remark};
}

MatrixPlan planF16(const model::Weight& weight) {
  const auto* view = std::get_if<TensorView>(&weight);
  return {DType::F16, view && view->dtype == DType::F16 ? Encoding::Verbatim : Encoding::F16, {}};
}

} // namespace

DType blockType(GgufType type) {
  switch (type) {
  case GgufType::Q8_0:
    return DType::Q8_0;
  case GgufType::Q4_0:
    return DType::Q4_0;
  case GgufType::Q4_1:
    return DType::Q4_1;
  case GgufType::F16:
    break;
  }
  return DType::F16;
}

MatrixPlan planLinear(const model::Weight& weight, GgufType type) {
  return type == GgufType::F16 ? planF16(weight) : planBlocks(weight, blockType(type));
}

MatrixPlan planEmbedding(const model::Weight& weight, GgufType type) {
  if (type == GgufType::F16)
    return planF16(weight);
  const auto* view = std::get_if<TensorView>(&weight);
  const bool stored = view && view->dtype == blockType(type);
  return planBlocks(weight, stored ? blockType(type) : DType::Q8_0);
}

int64_t encodedRowBytes(const model::Weight& weight, const MatrixPlan& plan) {
  return static_cast<int64_t>(tensor::storageBytes(plan.dtype, model::inFeatures(weight)));
}

void encodeRows(const model::Weight& weight, const MatrixPlan& plan, int64_t begin, int64_t end,
                std::byte* out, const std::string& name) {
  const int64_t cols = model::inFeatures(weight);
  const int64_t rowBytes = encodedRowBytes(weight, plan);
  if (plan.encoding == Encoding::Verbatim) {
    const auto& bytes = std::get<TensorView>(weight).bytes;
    std::memcpy(out, bytes.data() + begin * rowBytes, static_cast<size_t>((end - begin) * rowBytes));
    return;
  }
  if (plan.encoding == Encoding::KeepCodes || plan.encoding == Encoding::KeepCodesRoundMinimum) {
    for (int64_t o = begin; o < end; ++o, out += rowBytes)
      writeCodes(std::get<QuantizedTensor>(weight), o, plan.dtype, out, name);
    return;
  }
  const int64_t count = (end - begin) * cols;
  std::vector<float> values(static_cast<size_t>(count));
  readWeightRows(weight, begin, end, values.data());
  if (plan.encoding == Encoding::F32)
    std::memcpy(out, values.data(), values.size() * sizeof(float));
  else if (plan.encoding == Encoding::F16)
    toF16Bytes(values.data(), count, out, name);
  else
    roundToBlocks(plan.dtype, values.data(), count, out, name);
}

int64_t RowOrder::source(int64_t row) const {
  const int64_t head = row / headDim, within = row % headDim;
  switch (kind) {
  case Kind::Rotary:
    return head * headDim + within % 2 * (headDim / 2) + within / 2;
  case Kind::Blocks:
    return (head % heads * 3 + head / heads) * headDim + within;
  case Kind::AsIs:
    break;
  }
  return row;
}

RowOrder rowOrder(const model::Model& model, model::LinearRole role) {
  const model::ModelConfig& config = model.config();
  const bool isRotary = role == model::LinearRole::Query || role == model::LinearRole::Key;
  if (isRotary && model.family().ggufInterleavesRotary)
    return {RowOrder::Kind::Rotary, config.headDim, config.numHeads};
  if (role == model::LinearRole::QueryKeyValue &&
      config.queryKeyValueOrder == model::QueryKeyValueOrder::Heads)
    return {RowOrder::Kind::Blocks, config.headDim, config.numHeads};
  return {};
}

TensorView normWithOffset(const model::Model& model, const TensorView& weight) {
  if (model.config().norm.offset == 0)
    return weight;
  tensor::Matrix values = tensor::toVector(weight).transpose();
  values.array() += model.config().norm.offset;
  TensorView whole = tensor::ownedView(std::move(values));
  whole.shape = weight.shape;
  return whole;
}

} // namespace nibblesmith::exporting
