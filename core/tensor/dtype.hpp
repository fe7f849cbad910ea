// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace nibblesmith::tensor {

/// Storage types of tensors in files. The Q and IQ types are GGUF's blocks of 32 or (K and XS) 256 weights
/// along a row, see ggml_blocks.hpp; F8 are the OCP 8-bit types without infinities (E4M3) and with them
/// (E5M2). Never renumber: written to the experiment log.
enum class DType : uint8_t {
  F32 = 0,
  F16 = 1,
  BF16 = 2,
  F64 = 3,
  F8_E4M3 = 4,
  F8_E5M2 = 5,
  I8 = 10,
  U8 = 11,
  I16 = 12,
  I32 = 13,
  I64 = 14,
  Bool = 15,
  Q4_0 = 30,
  Q4_1 = 31,
  Q8_0 = 32,
  Q5_0 = 33,
  Q5_1 = 34,
  Q2_K = 35,
  Q3_K = 36,
  Q4_K = 37,
  Q5_K = 38,
  Q6_K = 39,
  IQ4_NL = 40,
  IQ4_XS = 41,
};

std::string_view toString(DType type);
/// Elements per block: 32 or 256 for GGUF's block types, else 1.
int64_t blockElements(DType type);
/// Bytes per block (per element where a block is one element).
int64_t blockBytes(DType type);
bool isFloat(DType type);
bool isFloat8(DType type);
bool isBlockQuantized(DType type);

/// Where the f16 values of a block lie that all its weights are multiples or sums of.
struct BlockHalves {
  int64_t offset = 0; ///< in bytes
  int64_t count = 0;  ///< 0 where the type is no block type
};
BlockHalves blockHalves(DType type);

/// Bytes of `elements` values of a type. Throws base::Error{Corrupt} where elements are negative, do not
/// fill whole blocks, or overflow.
uint64_t storageBytes(DType type, int64_t elements);

} // namespace nibblesmith::tensor
