// SPDX-License-Identifier: Apache-2.0
#include "runtime/finite.hpp"

#include "base/error.hpp"
#include "tensor/multiversion.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace nibblesmith::runtime {

namespace {

using tensor::DType;

// An exponent field of all ones marks NaN and infinity. The loops compute maxima so that they vectorize.

NIB_MULTIVERSION bool finite16(const uint16_t* values, int64_t count, uint16_t exponent) {
  uint16_t highest = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto field = static_cast<uint16_t>(values[i] & exponent);
    highest = field > highest ? field : highest;
  }
  return highest != exponent;
}

NIB_MULTIVERSION bool finite32(const uint32_t* values, int64_t count) {
  uint32_t highest = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t field = values[i] & 0x7F800000u;
    highest = field > highest ? field : highest;
  }
  return highest != 0x7F800000u;
}

/// Applies `check` to words through an aligned buffer, because tensors in files may be unaligned.
template <typename Word, typename Check>
bool allFinite(std::span<const std::byte> bytes, Check check) {
  constexpr size_t kWords = 4096;
  Word buffer[kWords];
  const size_t count = bytes.size() / sizeof(Word);
  for (size_t at = 0; at < count; at += kWords) {
    const size_t part = std::min(kWords, count - at);
    std::memcpy(buffer, bytes.data() + at * sizeof(Word), part * sizeof(Word));
    if (!check(buffer, static_cast<int64_t>(part)))
      return false;
  }
  return true;
}

/// Returns true if the f16 scale fields of all blocks are finite.
bool finiteBlocks(std::span<const std::byte> bytes, DType type) {
  const auto [offset, count] = tensor::blockScaleFields(type);
  const auto blockBytes = static_cast<size_t>(tensor::blockBytes(type));
  for (size_t at = 0; at + blockBytes <= bytes.size(); at += blockBytes)
    for (int64_t i = 0; i < count; ++i) {
      uint16_t half;
      std::memcpy(&half, bytes.data() + at + static_cast<size_t>(offset + 2 * i), sizeof(half));
      if ((half & 0x7C00u) == 0x7C00u)
        return false;
    }
  return true;
}

bool isFinite(const tensor::TensorView& weights) {
  switch (weights.dtype) {
  case DType::F32:
    return allFinite<uint32_t>(weights.bytes, finite32);
  case DType::F16:
    return allFinite<uint16_t>(weights.bytes,
                               [](const uint16_t* v, int64_t n) { return finite16(v, n, 0x7C00); });
  case DType::BF16:
    return allFinite<uint16_t>(weights.bytes,
                               [](const uint16_t* v, int64_t n) { return finite16(v, n, 0x7F80); });
  default:
    // Other types need the slow check below.
    return tensor::isBlockQuantized(weights.dtype) && finiteBlocks(weights.bytes, weights.dtype);
  }
}

} // namespace

void requireFiniteWeights(const tensor::TensorView& weights, const std::string& name) {
  if (isFinite(weights))
    return;
  const int64_t cols = weights.cols();
  std::vector<float> row(static_cast<size_t>(cols));
  for (int64_t r = 0; r < weights.rows(); ++r) {
    tensor::readRows(weights, r, r + 1, row.data());
    for (int64_t c = 0; c < cols; ++c)
      if (!std::isfinite(row[static_cast<size_t>(c)]))
        throw base::Error(base::ErrorCode::Numerical,
                          "'" + name + "': expected finite values, found " +
                              (std::isnan(row[static_cast<size_t>(c)]) ? "NaN" : "infinity") + " at row " +
                              std::to_string(r) + ", column " + std::to_string(c));
  }
}

} // namespace nibblesmith::runtime
