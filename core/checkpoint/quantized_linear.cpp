// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/quantized_linear.hpp"

#include "checkpoint/awq.hpp"
#include "checkpoint/bitsandbytes.hpp"
#include "checkpoint/compressed_tensors.hpp"
#include "checkpoint/float8_linear.hpp"
#include "checkpoint/gptq.hpp"
#include "checkpoint/llm_int8.hpp"

namespace nibblesmith::checkpoint {

namespace {

bool isBitsandbytes(const Checkpoint& checkpoint, const std::string& prefix) {
  return !bitsandbytesType(checkpoint, prefix).empty();
}
QuantizedLinear readBitsandbytesLinear(const Checkpoint& checkpoint, const std::string& prefix) {
  return {readBitsandbytes(checkpoint, prefix)};
}

struct Layout {
  bool (*is)(const Checkpoint&, const std::string&);
  QuantizedLinear (*read)(const Checkpoint&, const std::string&);
};

constexpr Layout kLayouts[] = {{isCompressed, readCompressed},
                               {isLlmInt8, readLlmInt8},
                               {isBitsandbytes, readBitsandbytesLinear},
                               {isGptq, readGptq},
                               {isAwq, readAwq},
                               {isFloat8, readFloat8}};

} // namespace

int64_t QuantizedLinear::outFeatures() const {
  const auto* codes = std::get_if<tensor::QuantizedTensor>(&weight);
  return codes ? codes->outFeatures : std::get<tensor::TensorView>(weight).rows();
}

int64_t QuantizedLinear::inFeatures() const {
  const auto* codes = std::get_if<tensor::QuantizedTensor>(&weight);
  return codes ? codes->inFeatures : std::get<tensor::TensorView>(weight).cols();
}

std::string quantizationMethod(const Checkpoint& checkpoint) {
  const base::Json::json_pointer method("/quantization_config/quant_method");
  const bool isText = checkpoint.config.contains(method) && checkpoint.config.at(method).is_string();
  return isText ? checkpoint.config.at(method).get<std::string>() : std::string();
}

bool isQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix) {
  for (const Layout& layout : kLayouts)
    if (layout.is(checkpoint, prefix))
      return true;
  // Report an unknown layout by its name instead of a missing weight.
  if (checkpoint.has(prefix + ".qweight") && !checkpoint.has(prefix + ".weight"))
    throw base::Error(base::ErrorCode::NotSupported,
                      (checkpoint.path / "config.json").string() +
                          ": quantization_config.quant_method: expected gptq or awq "
                          "for the packed layer '" +
                          prefix + "', found '" + quantizationMethod(checkpoint).substr(0, 80) + "'");
  return false;
}

QuantizedLinear readQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix) {
  for (const Layout& layout : kLayouts)
    if (layout.is(checkpoint, prefix))
      return layout.read(checkpoint, prefix);
  throw base::Error(base::ErrorCode::NotFound,
                    checkpoint.path.string() + ": '" + prefix + "' is no quantized linear");
}

} // namespace nibblesmith::checkpoint
