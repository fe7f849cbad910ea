// SPDX-License-Identifier: Apache-2.0
#include "tensor/ggml_blocks.hpp"

#include "base/error.hpp"
#include "tensor/half.hpp"
#include "tensor/multiversion.hpp"

#include <array>
#include <cstring>
#include <string>

namespace nibblesmith::tensor {

namespace {

constexpr int kBlock = 32;
constexpr int kSuper = 256;

float halfAt(const uint8_t* at) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof(bits));
  return f16ToF32(bits);
}

uint32_t wordAt(const uint8_t* at) {
  uint32_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// This file is compiled without fused multiply-add, so that products are rounded before they are added, as in
// ggml.

NIB_MULTIVERSION void multiply(const int8_t* codes, int count, float scale, float* out) {
  for (int i = 0; i < count; ++i)
    out[i] = scale * static_cast<float>(codes[i]);
}

NIB_MULTIVERSION void multiplyAdd(const int8_t* codes, int count, float scale, float offset, float* out) {
  for (int i = 0; i < count; ++i)
    out[i] = scale * static_cast<float>(codes[i]) + offset;
}

/// Unpacks 16 bytes: the low nibbles are codes 0..15, the high nibbles codes 16..31.
void nibbles(const uint8_t* in, int8_t* codes) {
  for (int i = 0; i < 16; ++i) {
    codes[i] = static_cast<int8_t>(in[i] & 15);
    codes[i + 16] = static_cast<int8_t>(in[i] >> 4);
  }
}

/// Adds 16 to each code whose bit is set.
void addFifthBits(uint32_t bits, int8_t* codes) {
  for (int i = 0; i < kBlock; ++i)
    codes[i] = static_cast<int8_t>(codes[i] + static_cast<int>(bits >> i & 1u) * 16);
}

void shift(int8_t* codes, int count, int by) {
  for (int i = 0; i < count; ++i)
    codes[i] = static_cast<int8_t>(codes[i] - by);
}

// f16 d; int8 q[32]. w = d q. 8.5 bits per weight.
void readQ8_0(const uint8_t* in, float* out) {
  int8_t codes[kBlock];
  std::memcpy(codes, in + 2, sizeof(codes));
  multiply(codes, kBlock, halfAt(in), out);
}

// f16 d; nibbles. w = d (q - 8). 4.5 bits.
void readQ4_0(const uint8_t* in, float* out) {
  int8_t codes[kBlock];
  nibbles(in + 2, codes);
  shift(codes, kBlock, 8);
  multiply(codes, kBlock, halfAt(in), out);
}

// f16 d, m; nibbles. w = d q + m. 5 bits.
void readQ4_1(const uint8_t* in, float* out) {
  int8_t codes[kBlock];
  nibbles(in + 4, codes);
  multiplyAdd(codes, kBlock, halfAt(in), halfAt(in + 2), out);
}

// f16 d; u32 of fifth bits; nibbles. w = d (q - 16). 5.5 bits.
void readQ5_0(const uint8_t* in, float* out) {
  int8_t codes[kBlock];
  nibbles(in + 6, codes);
  addFifthBits(wordAt(in + 2), codes);
  shift(codes, kBlock, 16);
  multiply(codes, kBlock, halfAt(in), out);
}

// f16 d, m; u32 of fifth bits; nibbles. w = d q + m. 6 bits.
void readQ5_1(const uint8_t* in, float* out) {
  int8_t codes[kBlock];
  nibbles(in + 8, codes);
  addFifthBits(wordAt(in + 4), codes);
  multiplyAdd(codes, kBlock, halfAt(in), halfAt(in + 2), out);
}

constexpr std::array<int8_t, 16> kNonLinear = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

void lookUp(int8_t* codes, int count) {
  for (int i = 0; i < count; ++i)
    codes[i] = kNonLinear[static_cast<size_t>(codes[i])];
}

// f16 d; nibbles. w = d table[q]. 4.5 bits.
void readIq4Nl(const uint8_t* in, float* out) {
  int8_t codes[kBlock];
  nibbles(in + 2, codes);
  lookUp(codes, kBlock);
  multiply(codes, kBlock, halfAt(in), out);
}

// f16 d; u16 of 8 x 2 high bits of scales; 8 low nibbles of them; nibbles. w = d (s - 32) table[q]. 4.25
// bits.
void readIq4Xs(const uint8_t* in, float* out) {
  const float d = halfAt(in);
  const unsigned high = static_cast<unsigned>(in[2]) | static_cast<unsigned>(in[3]) << 8;
  for (int b = 0; b < kSuper / kBlock; ++b) {
    const unsigned low = in[4 + b / 2] >> (4 * (b % 2)) & 15u;
    const int scale = static_cast<int>(low | (high >> (2 * b) & 3u) << 4) - 32;
    int8_t codes[kBlock];
    nibbles(in + 8 + 16 * b, codes);
    lookUp(codes, kBlock);
    multiply(codes, kBlock, d * static_cast<float>(scale), out + kBlock * b);
  }
}

/// Unpacks the 2-bit planes of Q2_K and Q3_K: in each 32 bytes, the lowest two bits are codes 0..31, the next
/// two bits codes 32..63, and so on.
void quarters(const uint8_t* in, int8_t* codes) {
  for (int half = 0; half < 2; ++half)
    for (int plane = 0; plane < 4; ++plane)
      for (int i = 0; i < 32; ++i)
        codes[128 * half + 32 * plane + i] = static_cast<int8_t>(in[32 * half + i] >> (2 * plane) & 3);
}

// 16 bytes of scale (low nibble) and minimum (high) of 16 weights each; 2-bit codes [64]; f16 d, dmin.
// w = d s q - dmin m. 2.625 bits.
void readQ2K(const uint8_t* in, float* out) {
  int8_t codes[kSuper];
  quarters(in + 16, codes);
  const float d = halfAt(in + 80);
  const float dMin = halfAt(in + 82);
  for (int b = 0; b < 16; ++b)
    multiplyAdd(codes + 16 * b, 16, d * static_cast<float>(in[b] & 15),
                -(dMin * static_cast<float>(in[b] >> 4)), out + 16 * b);
}

// Third bits [32]; 2-bit codes [64]; 16 scales of 6 bits in 12 bytes; f16 d. w = d (s - 32) (q - 4). 3.4375
// bits.
void readQ3K(const uint8_t* in, float* out) {
  int8_t codes[kSuper];
  quarters(in + 32, codes);
  // Bit p of byte i belongs to code 32 p + i.
  for (int plane = 0; plane < 8; ++plane)
    for (int i = 0; i < 32; ++i)
      codes[32 * plane + i] = static_cast<int8_t>(codes[32 * plane + i] + (in[i] >> plane & 1) * 4 - 4);
  const uint8_t* scales = in + 96;
  const float d = halfAt(in + 108);
  for (int b = 0; b < 16; ++b) {
    const int low = scales[b % 8] >> (4 * (b / 8)) & 15;
    const int high = scales[8 + b % 4] >> (2 * (b / 4)) & 3;
    multiply(codes + 16 * b, 16, d * static_cast<float>((low | high << 4) - 32), out + 16 * b);
  }
}

/// Unpacks scale and minimum of sub-block b of Q4_K and Q5_K: 8 of each, 6 bits each, packed in 12 bytes.
void scaleAndMinimum(const uint8_t* in, int b, int& scale, int& minimum) {
  if (b < 4) {
    scale = in[b] & 63;
    minimum = in[b + 4] & 63;
  } else {
    scale = (in[b + 4] & 15) | in[b - 4] >> 6 << 4;
    minimum = in[b + 4] >> 4 | in[b] >> 6 << 4;
  }
}

/// f16 d, dmin; scales and minima [12]; fifth bits [32] (Q5_K only); nibbles: in each 32 bytes, the low
/// nibbles are 32 codes and the high nibbles the next 32. w = d s q - dmin m. 4.5 (Q4_K) and 5.5 (Q5_K) bits
/// per weight.
void readQ45K(const uint8_t* in, bool five, float* out) {
  const float d = halfAt(in);
  const float dMin = halfAt(in + 2);
  const uint8_t* fifths = in + 16;
  const uint8_t* low = five ? in + 48 : in + 16;
  for (int b = 0; b < 8; ++b) {
    int8_t codes[kBlock];
    for (int i = 0; i < kBlock; ++i)
      codes[i] = static_cast<int8_t>(low[32 * (b / 2) + i] >> (4 * (b % 2)) & 15);
    for (int i = 0; five && i < kBlock; ++i)
      codes[i] = static_cast<int8_t>(codes[i] + (fifths[i] >> b & 1) * 16);
    int scale = 0;
    int minimum = 0;
    scaleAndMinimum(in + 4, b, scale, minimum);
    multiplyAdd(codes, kBlock, d * static_cast<float>(scale), -(dMin * static_cast<float>(minimum)),
                out + kBlock * b);
  }
}

void readQ4K(const uint8_t* in, float* out) { readQ45K(in, false, out); }
void readQ5K(const uint8_t* in, float* out) { readQ45K(in, true, out); }

// Low nibbles [128], two high bits [64], int8 scales [16]; f16 d. w = d s (q - 32). 6.5625 bits.
void readQ6K(const uint8_t* in, float* out) {
  int8_t codes[kSuper];
  for (int half = 0; half < 2; ++half)
    for (int plane = 0; plane < 4; ++plane)
      for (int i = 0; i < 32; ++i) {
        const int low = in[64 * half + 32 * (plane % 2) + i] >> (4 * (plane / 2)) & 15;
        const int high = in[128 + 32 * half + i] >> (2 * plane) & 3;
        codes[128 * half + 32 * plane + i] = static_cast<int8_t>((low | high << 4) - 32);
      }
  const float d = halfAt(in + 208);
  for (int b = 0; b < 16; ++b)
    multiply(codes + 16 * b, 16, d * static_cast<float>(static_cast<int8_t>(in[192 + b])), out + 16 * b);
}

using Read = void (*)(const uint8_t* in, float* out);

Read readerOf(DType type) {
  switch (type) {
  case DType::Q8_0:
    return readQ8_0;
  case DType::Q4_0:
    return readQ4_0;
  case DType::Q4_1:
    return readQ4_1;
  case DType::Q5_0:
    return readQ5_0;
  case DType::Q5_1:
    return readQ5_1;
  case DType::Q2_K:
    return readQ2K;
  case DType::Q3_K:
    return readQ3K;
  case DType::Q4_K:
    return readQ4K;
  case DType::Q5_K:
    return readQ5K;
  case DType::Q6_K:
    return readQ6K;
  case DType::IQ4_NL:
    return readIq4Nl;
  case DType::IQ4_XS:
    return readIq4Xs;
  default:
    break;
  }
  throw base::Error(base::ErrorCode::NotSupported,
                    "expected a block type, found " + std::string(toString(type)));
}

} // namespace

void readBlocks(DType type, const std::byte* in, int64_t blocks, float* out) {
  const Read read = readerOf(type);
  const auto* at = reinterpret_cast<const uint8_t*>(in);
  for (int64_t b = 0; b < blocks; ++b)
    read(at + b * blockBytes(type), out + b * blockElements(type));
}

} // namespace nibblesmith::tensor
