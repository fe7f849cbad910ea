// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <cstring>

namespace nibblesmith::checkpoint {

/// Limit for layer sizes: above any real layer, and small enough that the product of two sizes cannot
/// overflow.
inline constexpr int64_t kMaxFeatures = int64_t{1} << 28;

/// Tensors "<prefix><suffix>" of one packed linear. Errors name the tensor.
struct PackedLayer {
  const Checkpoint& checkpoint;
  std::string prefix;

  const tensor::TensorView& part(const char* suffix) const { return checkpoint.tensor(prefix + suffix); }
  bool has(const char* suffix) const { return checkpoint.has(prefix + suffix); }
  /// Throws base::Error{Corrupt}: "<path>: tensor '<prefix><suffix>': <what>".
  [[noreturn]] void corrupt(const char* suffix, const std::string& what) const;

  /// Returns the values of an I64 or I32 tensor.
  std::vector<int64_t> integers(const char* suffix) const;
  /// Throws base::Error{Corrupt} unless the tensor is I32 [rows, cols].
  void requireWords(const char* suffix, int64_t rows, int64_t cols) const;
  /// Returns a floating-point tensor [rows, cols], rounded to f16. Throws if it has another shape or a value
  /// overflows f16.
  tensor::Matrix halves(const char* suffix, int64_t rows, int64_t cols) const;
  /// Rounds to f16. Throws if the value is not finite or overflows f16.
  float half(const char* suffix, float value) const;
  /// Returns the group of each column from an index tensor; empty if groups are consecutive, or if all
  /// entries are -1 ("not used").
  std::vector<int32_t> groupIndex(const char* suffix, const tensor::QuantizedTensor& weight) const;
};

/// Returns the number of 32-bit words for `count` dense fields of `bits` bits.
inline int64_t packedWords(int64_t count, int bits) { return (count * bits + 31) / 32; }

inline uint32_t wordAt(const tensor::TensorView& view, int64_t index) {
  uint32_t word = 0;
  std::memcpy(&word, view.bytes.data() + index * 4, sizeof(word));
  return word;
}

/// Unpacks `count` dense little-endian fields of `bits` bits, which may cross word boundaries. word(k):
/// returns word k.
template <typename Word>
void unpackFields(int64_t count, int bits, uint8_t* out, int64_t outStride, Word word) {
  const uint32_t mask = (1u << bits) - 1;
  uint64_t buffer = 0;
  int available = 0;
  int64_t next = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (available < bits) {
      buffer |= static_cast<uint64_t>(word(next++)) << available;
      available += 32;
    }
    out[i * outStride] = static_cast<uint8_t>(buffer & mask);
    buffer >>= bits;
    available -= bits;
  }
}

} // namespace nibblesmith::checkpoint
