// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/activation_scheme.hpp"
#include "tensor/quantized_tensor.hpp"

#include <cstddef>
#include <vector>

namespace nibblesmith::exporting {

/// Tensors of a linear with weights as signed bytes, code - 2^(bits-1). All results are little-endian bytes.
/// Sources: vllm-project/compressed-tensors, compressors/naive_quantized (int-quantized); bitsandbytes,
/// nn/modules.py.

/// Returns weight, int8 [outFeatures, inFeatures].
std::vector<std::byte> signedCodes(const tensor::QuantizedTensor& weights);
/// Returns weight_zero_point, int8 [outFeatures, groups].
std::vector<std::byte> signedZeroPoints(const tensor::QuantizedTensor& weights);
/// Return input_scale, f16 [1], and input_zero_point, int8 [1], of a static scheme.
std::vector<std::byte> inputScale(const tensor::ActivationScheme& input);
std::vector<std::byte> inputZeroPoint(const tensor::ActivationScheme& input);

/// Returns bitsandbytes' SCB, f32 [outFeatures]: 127 * scale, exact. Requires one group per row.
std::vector<std::byte> rowMagnitudes(const tensor::QuantizedTensor& weights);
/// Returns bitsandbytes' weight_format, uint8 []: 0 for row-major.
std::vector<std::byte> rowFormat(const tensor::QuantizedTensor& weights);

} // namespace nibblesmith::exporting
