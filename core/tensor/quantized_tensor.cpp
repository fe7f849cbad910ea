// SPDX-License-Identifier: Apache-2.0
#include "tensor/quantized_tensor.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::tensor {

uint64_t QuantizedTensor::packedBytes() const {
  const auto codeBits = static_cast<uint64_t>(outFeatures * inFeatures) * static_cast<uint64_t>(bits);
  const auto groupCount = static_cast<uint64_t>(outFeatures * groups());
  const uint64_t zeroBits = symmetric ? 0 : groupCount * static_cast<uint64_t>(bits);
  return (codeBits + 7) / 8 + 2 * groupCount + (zeroBits + 7) / 8 + 4 * groupIndex.size();
}

void QuantizedTensor::dequantizeRow(int64_t o, float* out) const {
  const uint8_t* q = codes.data() + o * inFeatures;
  const float* scale = scales.data() + o * scales.cols();
  const uint8_t* zero = zeroPoints.data() + o * groups();
  for (int64_t i = 0; i < inFeatures; ++i) {
    const int64_t g = groupIndex.empty() ? i / groupSize : groupIndex[static_cast<size_t>(i)];
    out[i] = scale[g] * static_cast<float>(static_cast<int>(q[i]) - static_cast<int>(zero[g]));
  }
}

Matrix QuantizedTensor::dequantize() const {
  Matrix values(outFeatures, inFeatures);
  for (int64_t o = 0; o < outFeatures; ++o)
    dequantizeRow(o, values.data() + o * inFeatures);
  return values;
}

void QuantizedTensor::validate(const std::string& name) const {
  const auto fail = [&](const std::string& what) {
    throw base::Error(base::ErrorCode::Corrupt, "quantized tensor '" + name + "': " + what);
  };
  if (bits < 2 || bits > 8)
    fail("bits: expected 2 to 8, found " + std::to_string(bits));
  if (outFeatures < 1 || inFeatures < 1 || groupSize < 1)
    fail("expected positive sizes, found [" + std::to_string(outFeatures) + ", " + std::to_string(inFeatures) +
         "] in groups of " + std::to_string(groupSize));
  const auto weights = static_cast<size_t>(outFeatures * inFeatures);
  if (codes.size() != weights)
    fail("codes: expected " + std::to_string(weights) + ", found " + std::to_string(codes.size()));
  if (scales.rows() != outFeatures || scales.cols() != groups())
    fail("scales: expected [" + std::to_string(outFeatures) + ", " + std::to_string(groups()) + "], found [" +
         std::to_string(scales.rows()) + ", " + std::to_string(scales.cols()) + "]");
  if (!scales.allFinite())
    fail("scales: expected finite values");
  if (zeroPoints.size() != static_cast<size_t>(outFeatures * groups()))
    fail("zero points: expected " + std::to_string(outFeatures * groups()) + ", found " +
         std::to_string(zeroPoints.size()));
  const int limit = 1 << bits;
  if (std::any_of(codes.begin(), codes.end(), [&](uint8_t code) { return code >= limit; }))
    fail("codes: expected values below " + std::to_string(limit));
  if (!groupIndex.empty() && groupIndex.size() != static_cast<size_t>(inFeatures))
    fail("group index: expected " + std::to_string(inFeatures) + " entries, found " +
         std::to_string(groupIndex.size()));
  if (std::any_of(groupIndex.begin(), groupIndex.end(), [&](int32_t g) { return g < 0 || g >= groups(); }))
    fail("group index: expected values in 0.." + std::to_string(groups() - 1));
}

} // namespace nibblesmith::tensor
