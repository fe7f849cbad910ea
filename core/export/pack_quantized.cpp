// SPDX-License-Identifier: Apache-2.0
#include "export/pack_quantized.hpp"

#include "tensor/half.hpp"

#include <cstring>
#include <numeric>
#include <span>

namespace nibblesmith::exporting {

namespace {

constexpr int64_t kSmallestGroup = 16;

/// Writes `value` at bit position index * bits of `words`; the bits must be zero.
void putBits(std::vector<uint32_t>& words, int64_t index, int bits, uint32_t value) {
  const auto position = static_cast<uint64_t>(index) * static_cast<uint64_t>(bits);
  const auto word = static_cast<size_t>(position / 32);
  const auto shift = static_cast<unsigned>(position % 32);
  words[word] |= value << shift;
  if (shift + static_cast<unsigned>(bits) > 32)
    words[word + 1] |= value >> (32 - shift);
}

template <typename T>
std::vector<std::byte> bytesOf(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  if (!bytes.empty())
    std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

} // namespace

int64_t packedWords(int64_t count, int bits) { return (count * bits + 31) / 32; }

std::vector<std::byte> packCodes(const tensor::QuantizedTensor& weights) {
  const int64_t words = packedWords(weights.inFeatures, weights.bits);
  std::vector<std::byte> bytes(static_cast<size_t>(weights.outFeatures * words) * sizeof(uint32_t));
  std::vector<uint32_t> row(static_cast<size_t>(words));
  for (int64_t o = 0; o < weights.outFeatures; ++o) {
    std::fill(row.begin(), row.end(), 0u);
    const uint8_t* codes = weights.codes.data() + o * weights.inFeatures;
    for (int64_t i = 0; i < weights.inFeatures; ++i)
      putBits(row, i, weights.bits, codes[i]);
    std::memcpy(bytes.data() + static_cast<size_t>(o) * row.size() * sizeof(uint32_t), row.data(),
                row.size() * sizeof(uint32_t));
  }
  return bytes;
}

std::vector<std::byte> packScales(const tensor::QuantizedTensor& weights) {
  std::vector<uint16_t> halves(static_cast<size_t>(weights.scales.size()));
  tensor::f32ToF16(weights.scales.data(), halves.data(), weights.scales.size());
  return bytesOf(halves);
}

std::vector<std::byte> packZeroPoints(const tensor::QuantizedTensor& weights) {
  const int64_t groups = weights.groups();
  const int64_t words = packedWords(weights.outFeatures, weights.bits);
  std::vector<uint32_t> packed(static_cast<size_t>(words * groups));
  std::vector<uint32_t> column(static_cast<size_t>(words));
  for (int64_t g = 0; g < groups; ++g) {
    std::fill(column.begin(), column.end(), 0u);
    for (int64_t o = 0; o < weights.outFeatures; ++o)
      putBits(column, o, weights.bits, weights.zeroPoints[static_cast<size_t>(o * groups + g)]);
    for (int64_t w = 0; w < words; ++w)
      packed[static_cast<size_t>(w * groups + g)] = column[static_cast<size_t>(w)];
  }
  return bytesOf(packed);
}

std::vector<std::byte> packShape(const tensor::QuantizedTensor& weights) {
  return bytesOf(std::vector<int64_t>{weights.outFeatures, weights.inFeatures});
}

std::vector<std::byte> packGroupIndex(const tensor::QuantizedTensor& weights) {
  return bytesOf(weights.groupIndex);
}

tensor::QuantizedTensor withEqualGroups(tensor::QuantizedTensor weights) {
  const int64_t size = std::gcd(weights.groupSize, weights.inFeatures);
  if (!weights.isAffine() || weights.groups() == 1 || weights.inFeatures % weights.groupSize == 0 ||
      !weights.groupIndex.empty() || size < kSmallestGroup)
    return weights;
  const int64_t before = weights.groups();
  const int64_t after = weights.inFeatures / size;
  tensor::Matrix scales(weights.outFeatures, after);
  std::vector<uint8_t> zeroPoints(static_cast<size_t>(weights.outFeatures * after));
  for (int64_t o = 0; o < weights.outFeatures; ++o) {
    for (int64_t g = 0; g < after; ++g) {
      const int64_t from = g * size / weights.groupSize;
      scales(o, g) = weights.scales(o, from);
      zeroPoints[static_cast<size_t>(o * after + g)] =
          weights.zeroPoints[static_cast<size_t>(o * before + from)];
    }
  }
  weights.groupSize = size;
  weights.scales = std::move(scales);
  weights.zeroPoints = std::move(zeroPoints);
  return weights;
}

} // namespace nibblesmith::exporting
