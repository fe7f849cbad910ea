// SPDX-License-Identifier: Apache-2.0
#include "tensor/dtype.hpp"

#include "base/error.hpp"

#include <string>

namespace nibblesmith::tensor {

std::string_view toString(DType type) {
  switch (type) {
  case DType::F32: return "F32";
  case DType::F16: return "F16";
  case DType::BF16: return "BF16";
  case DType::F64: return "F64";
  case DType::I8: return "I8";
  case DType::U8: return "U8";
  case DType::I16: return "I16";
  case DType::I32: return "I32";
  case DType::I64: return "I64";
  case DType::Bool: return "BOOL";
  case DType::Q4_0: return "Q4_0";
  case DType::Q4_1: return "Q4_1";
  case DType::Q8_0: return "Q8_0";
  }
  return "?";
}

int64_t blockElements(DType type) { return isBlockQuantized(type) ? 32 : 1; }

int64_t blockBytes(DType type) {
  switch (type) {
  case DType::F64:
  case DType::I64: return 8;
  case DType::F32:
  case DType::I32: return 4;
  case DType::F16:
  case DType::BF16:
  case DType::I16: return 2;
  case DType::I8:
  case DType::U8:
  case DType::Bool: return 1;
  case DType::Q4_0: return 18;
  case DType::Q4_1: return 20;
  case DType::Q8_0: return 34;
  }
  return 0;
}

bool isFloat(DType type) {
  return type == DType::F32 || type == DType::F16 || type == DType::BF16 || type == DType::F64;
}

bool isBlockQuantized(DType type) {
  return type == DType::Q4_0 || type == DType::Q4_1 || type == DType::Q8_0;
}

uint64_t storageBytes(DType type, int64_t elements) {
  const int64_t perBlock = blockElements(type);
  if (elements < 0 || elements % perBlock != 0)
    throw base::Error(base::ErrorCode::Corrupt,
                      std::to_string(elements) + " elements do not fill whole blocks of " +
                          std::to_string(perBlock) + " (" + std::string(toString(type)) + ")");
  int64_t bytes = 0;
  if (__builtin_mul_overflow(elements / perBlock, blockBytes(type), &bytes))
    throw base::Error(base::ErrorCode::Corrupt, std::to_string(elements) + " elements overflow a size");
  return static_cast<uint64_t>(bytes);
}

} // namespace nibblesmith::tensor
