// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace nibblesmith::tensor {

/// Storage types of tensors in files. The Q types are GGUF's blocks of 32 weights along a row
/// (ggml's block_q8_0, block_q4_0, block_q4_1). Never renumber: written to the experiment log.
enum class DType : uint8_t {
  F32 = 0,
  F16 = 1,
  BF16 = 2,
  F64 = 3,
  I8 = 10,
  U8 = 11,
  I16 = 12,
  I32 = 13,
  I64 = 14,
  Bool = 15,
  Q4_0 = 30,
  Q4_1 = 31,
  Q8_0 = 32,
};

std::string_view toString(DType type);
/// Elements per block: 32 for the Q types, else 1.
int64_t blockElements(DType type);
/// Bytes per block (per element where a block is one element).
int64_t blockBytes(DType type);
bool isFloat(DType type);
bool isBlockQuantized(DType type);

/// Bytes of `elements` values of a type. Throws base::Error{Corrupt} where elements are negative, do not
/// fill whole blocks, or overflow.
uint64_t storageBytes(DType type, int64_t elements);

} // namespace nibblesmith::tensor
