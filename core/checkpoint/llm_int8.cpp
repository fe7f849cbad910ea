// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/llm_int8.hpp"

#include "checkpoint/packed_layer.hpp"
#include "tensor/half.hpp"

#include <cmath>

namespace nibblesmith::checkpoint {

namespace {

using base::Error;
using base::ErrorCode;
using tensor::DType;

/// bitsandbytes stores the largest magnitude of each row as its scale.
constexpr float kLargestCode = 127.0f;

float thresholdOf(const Checkpoint& checkpoint) {
  const std::string origin = (checkpoint.path / "config.json").string() + ": quantization_config";
  const base::Json quantization = checkpoint.config.value("quantization_config", base::Json::object());
  const auto method = base::optional<std::string>(quantization, "quant_method", "", origin);
  if (method != "bitsandbytes" || !base::optional<bool>(quantization, "load_in_8bit", false, origin))
    throw Error(ErrorCode::NotSupported,
                origin + ": expected quant_method bitsandbytes with load_in_8bit, found '" + method + "'");
  const auto threshold = base::optional<float>(quantization, "llm_int8_threshold", 6.0f, origin);
  if (!std::isfinite(threshold) || threshold < 0)
    throw Error(ErrorCode::Corrupt,
                origin + ".llm_int8_threshold: expected 0 or more, found " + std::to_string(threshold));
  return threshold;
}

} // namespace

bool isLlmInt8(const Checkpoint& checkpoint, const std::string& prefix) {
  return checkpoint.has(prefix + ".SCB") && checkpoint.has(prefix + ".weight") &&
         checkpoint.tensor(prefix + ".weight").dtype == DType::I8;
}

QuantizedLinear readLlmInt8(const Checkpoint& checkpoint, const std::string& prefix) {
  const auto corrupt = [&](const char* suffix, const std::string& what) {
    throw Error(ErrorCode::Corrupt, checkpoint.path.string() + ": tensor '" + prefix + suffix + "': " + what);
  };
  const tensor::TensorView& codes = checkpoint.tensor(prefix + ".weight");
  const tensor::TensorView& scales = checkpoint.tensor(prefix + ".SCB");
  if (codes.shape.size() != 2 || codes.shape[0] < 1 || codes.shape[1] < 1 || codes.shape[0] > kMaxFeatures ||
      codes.shape[1] > kMaxFeatures)
    corrupt(".weight",
            "expected two sizes of 1 to " + std::to_string(kMaxFeatures) + ", found " + codes.describe());
  if (!tensor::isFloat(scales.dtype) || scales.elements() != codes.shape[0])
    corrupt(".SCB", "expected [" + std::to_string(codes.shape[0]) + "] of a floating-point type, found " +
                        scales.describe());
  // Format 0 is row-major; the others belong to kernels of old versions.
  if (const std::string format = prefix + ".weight_format"; checkpoint.has(format)) {
    const auto& view = checkpoint.tensor(format);
    if (view.dtype != DType::U8 || view.elements() != 1 || view.bytes[0] != std::byte{0})
      throw Error(
          ErrorCode::NotSupported,
          checkpoint.path.string() + ": tensor '" + format + "': expected 0 (rows), found " +
              (view.bytes.size() == 1 ? std::to_string(static_cast<int>(view.bytes[0])) : view.describe()));
  }
  QuantizedLinear linear{tensor::QuantizedTensor()};
  auto& weight = std::get<tensor::QuantizedTensor>(linear.weight);
  weight.outFeatures = codes.shape[0];
  weight.inFeatures = codes.shape[1];
  weight.bits = 8;
  weight.groupSize = weight.inFeatures;
  weight.symmetric = true;
  weight.zeroPoints.assign(static_cast<size_t>(weight.outFeatures), 128);
  weight.codes.reserve(codes.bytes.size());
  for (const std::byte code : codes.bytes)
    weight.codes.push_back(static_cast<uint8_t>(static_cast<int8_t>(code) + 128));
  weight.scales.resize(weight.outFeatures, 1);
  const tensor::Vector magnitudes = tensor::toVector(scales);
  for (int64_t o = 0; o < weight.outFeatures; ++o) {
    weight.scales(o, 0) = tensor::roundToF16(magnitudes[o] / kLargestCode);
    if (!std::isfinite(weight.scales(o, 0)) || magnitudes[o] < 0)
      corrupt(".SCB", "expected magnitudes within F16, found " + std::to_string(magnitudes[o]));
  }
  weight.validate(checkpoint.path.string() + ": " + prefix);
  tensor::ActivationScheme scheme;
  scheme.outlierThreshold = thresholdOf(checkpoint);
  linear.input = scheme;
  return linear;
}

} // namespace nibblesmith::checkpoint
