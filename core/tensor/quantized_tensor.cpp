// SPDX-License-Identifier: Apache-2.0
#include "tensor/quantized_tensor.hpp"

#include "base/error.hpp"
#include "tensor/code_books.hpp"
#include "tensor/half.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nibblesmith::tensor {

float NestedScales::scale(int64_t i) const {
  // volatile prevents fusing the product with the sum, which would differ from bitsandbytes.
  const volatile float product = dynamicMap()[codes[static_cast<size_t>(i)]] * absmax[i / kBlock];
  return product + offset;
}

NestedScales nestScales(std::span<const float> scales) {
  const auto map = dynamicMap();
  std::vector<float> thresholds;
  for (size_t i = 0; i + 1 < map.size(); ++i)
    thresholds.push_back((map[i] + map[i + 1]) / 2.0f);
  NestedScales nested;
  nested.offset = static_cast<float>(std::accumulate(scales.begin(), scales.end(), 0.0) /
                                     static_cast<double>(scales.size()));
  const auto count = std::ssize(scales);
  nested.codes.resize(scales.size());
  nested.absmax = Vector::Zero((count + NestedScales::kBlock - 1) / NestedScales::kBlock);
  for (int64_t i = 0; i < count; ++i)
    nested.absmax[i / NestedScales::kBlock] = std::max(
        nested.absmax[i / NestedScales::kBlock], std::abs(scales[static_cast<size_t>(i)] - nested.offset));
  for (int64_t i = 0; i < count; ++i) {
    const float inverse = 1.0f / std::max(nested.absmax[i / NestedScales::kBlock], 1e-38f);
    const float x = (scales[static_cast<size_t>(i)] - nested.offset) * inverse;
    nested.codes[static_cast<size_t>(i)] =
        static_cast<uint8_t>(std::lower_bound(thresholds.begin(), thresholds.end(), x) - thresholds.begin());
  }
  return nested;
}

bool NestedScales::operator==(const NestedScales& other) const {
  return codes == other.codes && absmax.size() == other.absmax.size() && absmax == other.absmax &&
         offset == other.offset;
}

std::span<const float> QuantizedTensor::book(int64_t o, int64_t g) const {
  return {codeBooks.data() + (hasGroupBooks() ? o * groups() + g : 0) * codeBooks.cols(),
          static_cast<size_t>(codeBooks.cols())};
}

uint64_t QuantizedTensor::packedBytes() const {
  const auto bitCount = static_cast<uint64_t>(bits);
  const uint64_t codeBytes =
      (static_cast<uint64_t>(outFeatures * inFeatures) * bitCount + 7) / 8 + 4 * groupIndex.size();
  const auto groupCount = static_cast<uint64_t>(outFeatures * groups());
  if (isAffine())
    return codeBytes + 2 * groupCount + (symmetric ? 0 : (groupCount * bitCount + 7) / 8);
  if (hasGroupBooks())
    return codeBytes + 2 * static_cast<uint64_t>(codeBooks.size());
  const uint64_t bookBytes = 4 * static_cast<uint64_t>(codeBooks.size());
  if (nestedScales)
    return codeBytes + bookBytes + groupCount + 4 * static_cast<uint64_t>(nestedScales->absmax.size()) + 4;
  return codeBytes + bookBytes + 4 * groupCount;
}

void QuantizedTensor::dequantizeRow(int64_t o, float* out) const {
  const uint8_t* q = codes.data() + o * inFeatures;
  const float* scale = scales.data() + o * scales.cols();
  const auto groupOf = [this](int64_t i) {
    return groupIndex.empty() ? i / groupSize : groupIndex[static_cast<size_t>(i)];
  };
  if (isAffine()) {
    const uint8_t* zero = zeroPoints.data() + o * groups();
    for (int64_t i = 0; i < inFeatures; ++i) {
      const int64_t g = groupOf(i);
      out[i] = scale[g] * static_cast<float>(static_cast<int>(q[i]) - static_cast<int>(zero[g]));
    }
    return;
  }
  const float* books = book(o, 0).data();
  const int64_t stride = hasGroupBooks() ? codeBooks.cols() : 0;
  for (int64_t i = 0; i < inFeatures; ++i) {
    const int64_t g = groupOf(i);
    out[i] = scale[g] * books[g * stride + q[i]];
  }
  std::vector<uint16_t> halves(static_cast<size_t>(inFeatures));
  f32ToF16(out, halves.data(), inFeatures);
  f16ToF32(halves.data(), out, inFeatures);
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
  const auto shapeOf = [](const Matrix& m) {
    return "[" + std::to_string(m.rows()) + ", " + std::to_string(m.cols()) + "]";
  };
  const int maxBits = isAffine() ? 8 : 6;
  if (bits < 2 || bits > maxBits)
    fail("bits: expected 2 to " + std::to_string(maxBits) + ", found " + std::to_string(bits));
  if (outFeatures < 1 || inFeatures < 1 || groupSize < 1)
    fail("expected positive sizes, found [" + std::to_string(outFeatures) + ", " +
         std::to_string(inFeatures) + "] in groups of " + std::to_string(groupSize));
  const auto weights = static_cast<size_t>(outFeatures * inFeatures);
  if (codes.size() != weights)
    fail("codes: expected " + std::to_string(weights) + ", found " + std::to_string(codes.size()));
  if (scales.rows() != outFeatures || scales.cols() != groups())
    fail("scales: expected [" + std::to_string(outFeatures) + ", " + std::to_string(groups()) + "], found " +
         shapeOf(scales));
  if (!scales.allFinite())
    fail("scales: expected finite values");
  const size_t zeros = isAffine() ? static_cast<size_t>(outFeatures * groups()) : 0;
  if (zeroPoints.size() != zeros)
    fail("zero points: expected " + std::to_string(zeros) + ", found " + std::to_string(zeroPoints.size()));
  const int limit = 1 << bits;
  if (std::any_of(codes.begin(), codes.end(), [&](uint8_t code) { return code >= limit; }))
    fail("codes: expected values below " + std::to_string(limit));
  if (!groupIndex.empty() && groupIndex.size() != static_cast<size_t>(inFeatures))
    fail("group index: expected " + std::to_string(inFeatures) + " entries, found " +
         std::to_string(groupIndex.size()));
  if (std::any_of(groupIndex.begin(), groupIndex.end(), [&](int32_t g) { return g < 0 || g >= groups(); }))
    fail("group index: expected values in 0.." + std::to_string(groups() - 1));
  if (isAffine()) {
    if (nestedScales)
      fail("nested scales: expected a code book beside them, found none");
    return;
  }
  if (codeBooks.cols() != limit || (codeBooks.rows() != 1 && codeBooks.rows() != outFeatures * groups()))
    fail("code books: expected [1 or " + std::to_string(outFeatures * groups()) + ", " +
         std::to_string(limit) + "], found " + shapeOf(codeBooks));
  constexpr float kLargestHalf = 65504.0f;
  if (!codeBooks.allFinite() || scales.cwiseAbs().maxCoeff() * codeBooks.cwiseAbs().maxCoeff() > kLargestHalf)
    fail("code books: expected values that fit f16 when scaled");
  if (hasGroupBooks() && !(scales.array() == 1.0f).all())
    fail("scales: expected 1 for per-group code books");
  if (nestedScales &&
      (hasGroupBooks() || nestedScales->codes.size() != static_cast<size_t>(outFeatures * groups()) ||
       nestedScales->absmax.size() !=
           (outFeatures * groups() + NestedScales::kBlock - 1) / NestedScales::kBlock))
    fail("nested scales: expected one code for each of " + std::to_string(outFeatures * groups()) +
         " scales, found " + std::to_string(nestedScales->codes.size()));
}

} // namespace nibblesmith::tensor
