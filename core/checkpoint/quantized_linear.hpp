// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace nibblesmith::checkpoint {

/// Whether the linear "<prefix>" is packed in a layout that readQuantizedLinear() knows.
bool isQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix);

/// Unpacks it: compressed-tensors' pack-quantized, or bitsandbytes' 4-bit types.
/// Throws base::Error{Corrupt, NotSupported} naming the tensor.
tensor::QuantizedTensor readQuantizedLinear(const Checkpoint& checkpoint, const std::string& prefix);

} // namespace nibblesmith::checkpoint
