// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace nibblesmith::tensor {

/// Storage types of tensors in files. Q and IQ types are GGUF blocks of 32 weights (K and XS types: 256)
/// along a row, see ggml_blocks.hpp. F8 types are the OCP 8-bit floats: E4M3 has no infinities, E5M2 has.
/// Never renumber: the values are written to the experiment log.
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

/// Returns the type's name as GGUF and safetensors spell it, for example "F16" or "Q4_K".
std::string_view toString(DType type);
/// Number of weights per block: 32 or 256 for GGUF block types, else 1.
int64_t blockElements(DType type);
/// Number of bytes per block; per element for types without blocks.
int64_t blockBytes(DType type);
/// Returns true for the scalar floating-point types: F32, F16, BF16, F64 and both F8 types.
bool isFloat(DType type);
bool isFloat8(DType type);
/// Returns true for GGUF block types.
bool isBlockQuantized(DType type);

/// Location of the f16 scale fields within one block. A NaN in any of them makes every weight of the block
/// NaN.
struct BlockScaleFields {
  int64_t offset = 0; ///< byte offset within the block
  int64_t count = 0;  ///< 0 for types without blocks
};
BlockScaleFields blockScaleFields(DType type);

/// Number of bytes that `elements` values occupy. Throws base::Error{Corrupt} if `elements` is negative or no
/// multiple of the block size, or if the result overflows.
uint64_t storageBytes(DType type, int64_t elements);

} // namespace nibblesmith::tensor
