// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/compressed_tensors.hpp"

#include "checkpoint/packed_layer.hpp"
#include "checkpoint/quantization_scheme.hpp"
#include "tensor/half.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::checkpoint {

namespace {

using base::Error;
using base::ErrorCode;
using tensor::DType;
using tensor::QuantizedTensor;
using tensor::TensorView;

void setGrid(const WeightScheme& scheme, QuantizedTensor& result) {
  result.bits = scheme.bits;
  result.symmetric = scheme.symmetric;
  result.groupSize = scheme.groupSize > 0 ? std::min(scheme.groupSize, result.inFeatures) : result.inFeatures;
}

void readShape(const PackedLayer& layer, const WeightScheme& scheme, QuantizedTensor& result) {
  const std::vector<int64_t> shape = layer.integers(".weight_shape");
  if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > kMaxFeatures || shape[1] > kMaxFeatures)
    layer.corrupt(".weight_shape", "expected two sizes of 1 to " + std::to_string(kMaxFeatures));
  result.outFeatures = shape[0];
  result.inFeatures = shape[1];
  setGrid(scheme, result);
}

/// Sets the shape from the weight (int-quantized).
void readPlainShape(const PackedLayer& layer, const WeightScheme& scheme, QuantizedTensor& result) {
  const TensorView& weight = layer.part(".weight");
  if (weight.dtype != DType::I8 || weight.shape.size() != 2 || weight.shape[0] < 1 || weight.shape[1] < 1 ||
      weight.shape[0] > kMaxFeatures || weight.shape[1] > kMaxFeatures)
    layer.corrupt(".weight", "expected two sizes of 1 to " + std::to_string(kMaxFeatures) + " of I8, found " +
                                 weight.describe());
  result.outFeatures = weight.shape[0];
  result.inFeatures = weight.shape[1];
  setGrid(scheme, result);
}

/// Converts signed bytes to codes of the grid.
void readPlainCodes(const PackedLayer& layer, const char* suffix, int bits, uint8_t* out) {
  const TensorView& view = layer.part(suffix);
  const int middle = 1 << (bits - 1);
  for (size_t i = 0; i < view.bytes.size(); ++i) {
    const int value = static_cast<int8_t>(view.bytes[i]);
    if (value < -middle || value >= middle)
      layer.corrupt(suffix,
                    "expected values of " + std::to_string(bits) + " bits, found " + std::to_string(value));
    out[i] = static_cast<uint8_t>(value + middle);
  }
}

void readCodes(const PackedLayer& layer, QuantizedTensor& result) {
  if (!layer.has(".weight_packed")) {
    result.codes.resize(static_cast<size_t>(result.outFeatures * result.inFeatures));
    readPlainCodes(layer, ".weight", result.bits, result.codes.data());
    return;
  }
  // Checked against the existing bytes of the packed tensor before the codes are allocated.
  const int64_t words = packedWords(result.inFeatures, result.bits);
  layer.requireWords(".weight_packed", result.outFeatures, words);
  const TensorView& packed = layer.part(".weight_packed");
  result.codes.resize(static_cast<size_t>(result.outFeatures * result.inFeatures));
  for (int64_t o = 0; o < result.outFeatures; ++o)
    unpackFields(result.inFeatures, result.bits, result.codes.data() + o * result.inFeatures, 1,
                 [&](int64_t k) { return wordAt(packed, o * words + k); });
}

void readScales(const PackedLayer& layer, QuantizedTensor& result) {
  const TensorView& view = layer.part(".weight_scale");
  const int64_t groups = result.groups();
  const bool perTensor = view.elements() == 1 && groups == 1;
  const bool perGroup = view.rows() == result.outFeatures && view.cols() == groups;
  const bool perRow = groups == 1 && view.shape.size() == 1 && view.shape[0] == result.outFeatures;
  if (!tensor::isFloat(view.dtype) || !(perTensor || perGroup || perRow))
    layer.corrupt(".weight_scale", "expected floating-point [" + std::to_string(result.outFeatures) + ", " +
                                       std::to_string(groups) + "], found " + view.describe());
  const tensor::Vector values = tensor::toVector(view);
  result.scales.resize(result.outFeatures, groups);
  for (int64_t i = 0; i < result.scales.size(); ++i) {
    result.scales.data()[i] = layer.half(".weight_scale", values[perTensor ? 0 : i]);
  }
}

void readZeroPoints(const PackedLayer& layer, QuantizedTensor& result) {
  const int64_t groups = result.groups();
  result.zeroPoints.assign(static_cast<size_t>(result.outFeatures * groups),
                           static_cast<uint8_t>(1u << (result.bits - 1)));
  if (result.symmetric)
    return;
  if (!layer.has(".weight_packed")) {
    const TensorView& view = layer.part(".weight_zero_point");
    if (view.dtype != DType::I8 || view.bytes.size() != result.zeroPoints.size())
      layer.corrupt(".weight_zero_point", "expected [" + std::to_string(result.outFeatures) + ", " +
                                              std::to_string(groups) + "] I8, found " + view.describe());
    readPlainCodes(layer, ".weight_zero_point", result.bits, result.zeroPoints.data());
    return;
  }
  layer.requireWords(".weight_zero_point", packedWords(result.outFeatures, result.bits), groups);
  const TensorView& packed = layer.part(".weight_zero_point");
  for (int64_t g = 0; g < groups; ++g)
    unpackFields(result.outFeatures, result.bits, result.zeroPoints.data() + g, groups,
                 [&](int64_t k) { return wordAt(packed, k * groups + g); });
}

/// Reads scale and zero point of a static activation scheme.
void readInput(const PackedLayer& layer, tensor::ActivationScheme& scheme) {
  if (scheme.isDynamic)
    return;
  const TensorView& scale = layer.part(".input_scale");
  if (!tensor::isFloat(scale.dtype) || scale.elements() != 1)
    layer.corrupt(".input_scale", "expected one floating-point value, found " + scale.describe());
  scheme.scale = tensor::roundToF16(tensor::toVector(scale)[0]);
  if (!std::isfinite(scheme.scale) || !(scheme.scale > 0))
    layer.corrupt(".input_scale", "expected a number above 0, found " + std::to_string(scheme.scale));
  if (scheme.symmetric)
    return;
  const TensorView& zero = layer.part(".input_zero_point");
  if (zero.dtype != DType::I8 || zero.elements() != 1)
    layer.corrupt(".input_zero_point", "expected one value of I8, found " + zero.describe());
  scheme.zeroPoint = static_cast<int8_t>(zero.bytes[0]);
}

} // namespace

bool isCompressed(const Checkpoint& checkpoint, const std::string& prefix) {
  if (checkpoint.has(prefix + ".weight_packed"))
    return true;
  return checkpoint.has(prefix + ".weight") && checkpoint.tensor(prefix + ".weight").dtype == DType::I8 &&
         checkpoint.has(prefix + ".weight_scale");
}

QuantizedLinear readCompressed(const Checkpoint& checkpoint, const std::string& prefix) {
  const PackedLayer layer{checkpoint, prefix};
  const WeightScheme scheme = weightSchemeOf(checkpoint, prefix);
  QuantizedLinear linear{QuantizedTensor(), scheme.input};
  QuantizedTensor& result = std::get<QuantizedTensor>(linear.weight);
  if (layer.has(".weight_packed"))
    readShape(layer, scheme, result);
  else
    readPlainShape(layer, scheme, result);
  readCodes(layer, result);
  readScales(layer, result);
  readZeroPoints(layer, result);
  if (layer.has(".weight_g_idx"))
    result.groupIndex = layer.groupIndex(".weight_g_idx", result);
  result.validate(checkpoint.path.string() + ": " + prefix);
  if (linear.input) {
    readInput(layer, *linear.input);
    linear.input->validate(checkpoint.path.string() + ": " + prefix);
  }
  return linear;
}

} // namespace nibblesmith::checkpoint
