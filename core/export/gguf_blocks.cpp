// SPDX-License-Identifier: Apache-2.0
#include "export/gguf_blocks.hpp"

#include "base/error.hpp"
#include "tensor/half.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>

namespace nibblesmith::exporting {

namespace {

using tensor::DType;

constexpr int64_t kHalfBlock = kGgufBlock / 2;

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw base::Error(base::ErrorCode::Numerical, "'" + name + "': " + what);
}

/// Stores an f16 and returns the position after it.
std::byte* putF16(float value, std::byte* out, const std::string& name) {
  const uint16_t bits = tensor::f32ToF16(value);
  if ((bits & 0x7C00) == 0x7C00)
    fail(name, "expected a block scale within ±65504 (f16), found " + std::to_string(value));
  std::memcpy(out, &bits, sizeof(bits));
  return out + sizeof(bits);
}

/// Packs code i into the low nibble of byte i, and code i + 16 into the high one.
void putNibbles(const uint8_t* codes, std::byte* out) {
  for (int64_t i = 0; i < kHalfBlock; ++i)
    out[i] = static_cast<std::byte>(codes[i] | codes[i + kHalfBlock] << 4);
}

uint8_t nibble(float shifted) { return static_cast<uint8_t>(std::min(15, static_cast<int>(shifted))); }

// Operations and their order equal ggml's, for bit-identical rounding.
void roundQ4_0(const float* x, std::byte* out, const std::string& name) {
  float amax = 0.0f, extreme = 0.0f;
  for (int64_t i = 0; i < kGgufBlock; ++i) {
    if (amax < std::fabs(x[i])) {
      amax = std::fabs(x[i]);
      extreme = x[i];
    }
  }
  const float d = extreme / -8;
  const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
  uint8_t codes[kGgufBlock];
  for (int64_t i = 0; i < kGgufBlock; ++i)
    codes[i] = nibble(x[i] * inverse + 8.5f);
  putNibbles(codes, putF16(d, out, name));
}

void roundQ4_1(const float* x, std::byte* out, const std::string& name) {
  float minimum = FLT_MAX, maximum = -FLT_MAX;
  for (int64_t i = 0; i < kGgufBlock; ++i) {
    minimum = std::min(minimum, x[i]);
    maximum = std::max(maximum, x[i]);
  }
  const float d = (maximum - minimum) / 15;
  const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
  uint8_t codes[kGgufBlock];
  for (int64_t i = 0; i < kGgufBlock; ++i)
    codes[i] = nibble((x[i] - minimum) * inverse + 0.5f);
  putNibbles(codes, putF16(minimum, putF16(d, out, name), name));
}

void roundQ8_0(const float* x, std::byte* out, const std::string& name) {
  float amax = 0.0f;
  for (int64_t i = 0; i < kGgufBlock; ++i)
    amax = std::max(amax, std::fabs(x[i]));
  const float d = amax / 127;
  const float inverse = d != 0.0f ? 1.0f / d : 0.0f;
  out = putF16(d, out, name);
  for (int64_t i = 0; i < kGgufBlock; ++i)
    out[i] = static_cast<std::byte>(static_cast<int8_t>(std::round(x[i] * inverse)));
}

/// Throws if the scale is so small that its reciprocal overflows, which would give infinite codes.
void requireUsable(const float* x, const std::string& name) {
  for (int64_t i = 0; i < kGgufBlock; ++i)
    if (!std::isfinite(x[i]))
      fail(name, std::string("expected finite values, found ") + (std::isnan(x[i]) ? "NaN" : "infinity"));
}

bool isDegenerate(const float* x) {
  float amax = 0.0f;
  for (int64_t i = 0; i < kGgufBlock; ++i)
    amax = std::max(amax, std::fabs(x[i]));
  // 1 / (amax / 127) is finite above this; the f16 scale underflows to zero far below it anyway.
  return amax < 127 * FLT_MIN;
}

} // namespace

void roundToBlocks(DType type, const float* values, int64_t count, std::byte* out, const std::string& name) {
  static constexpr float kZeros[kGgufBlock] = {};
  const int64_t bytes = tensor::blockBytes(type);
  for (int64_t at = 0; at < count; at += kGgufBlock, out += bytes) {
    requireUsable(values + at, name);
    const float* x = isDegenerate(values + at) ? kZeros : values + at;
    if (type == DType::Q4_0)
      roundQ4_0(x, out, name);
    else if (type == DType::Q4_1)
      roundQ4_1(x, out, name);
    else
      roundQ8_0(x, out, name);
  }
}

bool fitsBlocks(const tensor::QuantizedTensor& weights, DType type) {
  const bool wholeBlocks = weights.inFeatures % kGgufBlock == 0 && weights.groupIndex.empty() &&
                           (weights.groupSize % kGgufBlock == 0 || weights.groups() == 1);
  if (!wholeBlocks)
    return false;
  switch (type) {
  case DType::Q4_0:
    return weights.symmetric && weights.bits <= 4;
  case DType::Q4_1:
    return weights.bits <= 4;
  case DType::Q8_0:
    return weights.bits <= (weights.symmetric ? 8 : 7);
  default:
    return false;
  }
}

void writeCodes(const tensor::QuantizedTensor& weights, int64_t o, DType type, std::byte* out,
                const std::string& name) {
  const uint8_t* codes = weights.codes.data() + o * weights.inFeatures;
  for (int64_t at = 0; at < weights.inFeatures; at += kGgufBlock) {
    const int64_t group = at / weights.groupSize;
    const float scale = weights.scales(o, group);
    const int zero = weights.zeroPoints[static_cast<size_t>(o * weights.groups() + group)];
    out = putF16(scale, out, name);
    if (type == DType::Q8_0) {
      for (int64_t i = 0; i < kGgufBlock; ++i)
        out[i] = static_cast<std::byte>(static_cast<int8_t>(codes[at + i] - zero));
      out += kGgufBlock;
      continue;
    }
    uint8_t block[kGgufBlock];
    // Q4_0 means scale * (code - 8): codes of a narrower grid, with a smaller zero point, are shifted.
    const int shift = type == DType::Q4_0 ? 8 - zero : 0;
    for (int64_t i = 0; i < kGgufBlock; ++i)
      block[i] = static_cast<uint8_t>(codes[at + i] + shift);
    if (type == DType::Q4_1)
      out = putF16(-scale * static_cast<float>(zero), out, name);
    putNibbles(block, out);
    out += kHalfBlock;
  }
}

} // namespace nibblesmith::exporting
