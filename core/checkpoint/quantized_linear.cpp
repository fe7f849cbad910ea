// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/quantized_linear.hpp"

#include "checkpoint/bitsandbytes.hpp"
#include "checkpoint/compressed_tensors.hpp"

namespace nibblesmith::checkpoint {

bool isQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix) {
  return isPackQuantized(checkpoint, prefix) || !bitsandbytesType(checkpoint, prefix).empty();
}

tensor::QuantizedTensor readQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix) {
  return isPackQuantized(checkpoint, prefix) ? readPackQuantized(checkpoint, prefix)
                                             : readBitsandbytes(checkpoint, prefix);
}

} // namespace nibblesmith::checkpoint
