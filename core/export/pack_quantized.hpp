// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/quantized_tensor.hpp"

#include <cstddef>
#include <vector>

namespace nibblesmith::exporting {

/// Returns the number of int32 words for `count` codes of `bits` bits: ceil(count * bits / 32).
int64_t packedWords(int64_t count, int bits);

/// Tensors of a linear in compressed-tensors' pack-quantized format, as little-endian bytes. Codes are dense
/// bit fields, the first in the lowest bits, and may cross words. Source: vllm-project/compressed-tensors,
/// compressors/pack_quantized.

/// Returns weight_packed, int32 [outFeatures, packedWords(inFeatures, bits)].
std::vector<std::byte> packCodes(const tensor::QuantizedTensor& weights);
/// Returns weight_scale, f16 [outFeatures, groups].
std::vector<std::byte> packScales(const tensor::QuantizedTensor& weights);
/// Returns weight_zero_point, int32 [packedWords(outFeatures, bits), groups]: packed along outFeatures.
std::vector<std::byte> packZeroPoints(const tensor::QuantizedTensor& weights);
/// Returns weight_shape, int64 [2].
std::vector<std::byte> packShape(const tensor::QuantizedTensor& weights);
/// Returns weight_g_idx, int32 [inFeatures].
std::vector<std::byte> packGroupIndex(const tensor::QuantizedTensor& weights);

/// Returns the weights in equal groups, which readers of the format require. If there is a tail group, groups
/// become gcd(groupSize, inFeatures) with repeated parameters if that is at least 16; otherwise the weights
/// are unchanged. No value changes.
tensor::QuantizedTensor withEqualGroups(tensor::QuantizedTensor weights);

} // namespace nibblesmith::exporting
