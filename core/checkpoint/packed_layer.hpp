// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

#include <cstring>

namespace nibblesmith::checkpoint {

/// More than any layer has, and small enough that products of two sizes cannot overflow.
inline constexpr int64_t kMaxFeatures = int64_t{1} << 28;

/// The tensors "<prefix><suffix>" of one packed linear, with errors that name them.
struct PackedLayer {
  const Checkpoint& checkpoint;
  std::string prefix;

  const tensor::TensorView& part(const char* suffix) const { return checkpoint.tensor(prefix + suffix); }
  bool has(const char* suffix) const { return checkpoint.has(prefix + suffix); }
  /// Throws base::Error{Corrupt}: "<path>: tensor '<prefix><suffix>': <what>".
  [[noreturn]] void corrupt(const char* suffix, const std::string& what) const;

  /// Values of an I64 or I32 tensor.
  std::vector<int64_t> integers(const char* suffix) const;
  /// Throws where the tensor is not [rows, cols] of I32.
  void requireWords(const char* suffix, int64_t rows, int64_t cols) const;
  /// A floating-point [rows, cols], each rounded to f16. Throws where it is of another shape or leaves f16.
  tensor::Matrix halves(const char* suffix, int64_t rows, int64_t cols) const;
  /// Rounds to f16. Throws where the value is not finite or leaves f16.
  float half(const char* suffix, float value) const;
  /// The groups of the weight's columns named by an index tensor; empty where they are consecutive anyway, or
  /// all -1 ("not used").
  std::vector<int32_t> groupIndex(const char* suffix, const tensor::QuantizedTensor& weight) const;
};

/// Words that `count` dense fields of `bits` take.
inline int64_t packedWords(int64_t count, int bits) { return (count * bits + 31) / 32; }

inline uint32_t wordAt(const tensor::TensorView& view, int64_t index) {
  uint32_t word = 0;
  std::memcpy(&word, view.bytes.data() + index * 4, sizeof(word));
  return word;
}

/// `count` fields of `bits`, one after the other from the lowest bit of the first word on, across words;
/// word(k) gives word k.
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
