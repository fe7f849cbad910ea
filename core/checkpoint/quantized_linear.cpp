// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/quantized_linear.hpp"

#include "checkpoint/bitsandbytes.hpp"
#include "checkpoint/compressed_tensors.hpp"
#include "checkpoint/llm_int8.hpp"

namespace nibblesmith::checkpoint {

bool isQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix) {
  return isCompressed(checkpoint, prefix) || isLlmInt8(checkpoint, prefix) || !bitsandbytesType(checkpoint, prefix).empty();
}

QuantizedLinear readQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix) {
  if (isCompressed(checkpoint, prefix))
    return readCompressed(checkpoint, prefix);
  if (isLlmInt8(checkpoint, prefix))
    return readLlmInt8(checkpoint, prefix);
  return {readBitsandbytes(checkpoint, prefix)};
}

} // namespace nibblesmith::checkpoint
