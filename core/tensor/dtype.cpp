// SPDX-License-Identifier: Apache-2.0
#include "tensor/dtype.hpp"

#include "base/error.hpp"

#include <array>
#include <string>

namespace nibblesmith::tensor {

namespace {

struct Layout {
  DType type;
  std::string_view name;
  int64_t elements; ///< per block
  int64_t bytes;
  BlockScaleFields scaleFields = {};
};

constexpr std::array<Layout, 24> kLayouts = {{
    {DType::F32, "F32", 1, 4},
    {DType::F16, "F16", 1, 2},
    {DType::BF16, "BF16", 1, 2},
    {DType::F64, "F64", 1, 8},
    {DType::F8_E4M3, "F8_E4M3", 1, 1},
    {DType::F8_E5M2, "F8_E5M2", 1, 1},
    {DType::I8, "I8", 1, 1},
    {DType::U8, "U8", 1, 1},
    {DType::I16, "I16", 1, 2},
    {DType::I32, "I32", 1, 4},
    {DType::I64, "I64", 1, 8},
    {DType::Bool, "BOOL", 1, 1},
    {DType::Q4_0, "Q4_0", 32, 18, {0, 1}},
    {DType::Q4_1, "Q4_1", 32, 20, {0, 2}},
    {DType::Q8_0, "Q8_0", 32, 34, {0, 1}},
    {DType::Q5_0, "Q5_0", 32, 22, {0, 1}},
    {DType::Q5_1, "Q5_1", 32, 24, {0, 2}},
    {DType::Q2_K, "Q2_K", 256, 84, {80, 2}},
    {DType::Q3_K, "Q3_K", 256, 110, {108, 1}},
    {DType::Q4_K, "Q4_K", 256, 144, {0, 2}},
    {DType::Q5_K, "Q5_K", 256, 176, {0, 2}},
    {DType::Q6_K, "Q6_K", 256, 210, {208, 1}},
    {DType::IQ4_NL, "IQ4_NL", 32, 18, {0, 1}},
    {DType::IQ4_XS, "IQ4_XS", 256, 136, {0, 1}},
}};

const Layout& layoutOf(DType type) {
  for (const Layout& layout : kLayouts)
    if (layout.type == type)
      return layout;
  throw base::Error(base::ErrorCode::InvalidArgument,
                    "tensor type: found the unknown number " + std::to_string(static_cast<int>(type)));
}

} // namespace

std::string_view toString(DType type) { return layoutOf(type).name; }

int64_t blockElements(DType type) { return layoutOf(type).elements; }

int64_t blockBytes(DType type) { return layoutOf(type).bytes; }

BlockScaleFields blockScaleFields(DType type) { return layoutOf(type).scaleFields; }

bool isFloat8(DType type) { return type == DType::F8_E4M3 || type == DType::F8_E5M2; }

bool isFloat(DType type) {
  return type == DType::F32 || type == DType::F16 || type == DType::BF16 || type == DType::F64 ||
         isFloat8(type);
}

bool isBlockQuantized(DType type) { return layoutOf(type).elements > 1; }

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
