// SPDX-License-Identifier: Apache-2.0
#pragma once

// Included by kernels_impl.hpp: rows of the ggml blocks whose codes lie in more than one place. Codes are gathered as
// bytes, eight to a word, whatever the instruction set. Products of a block's scales, and of those with a code, fit the 24
// bits of f32, so that scale * code + offset in one rounding is what the definition gives in two.
// Layouts: tensor/ggml_blocks.cpp.

namespace nibblesmith::runtime::kernels {
namespace {

/// 32 codes of a byte each.
struct Bytes32 {
  alignas(32) uint64_t words[4];

  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(words); }
  void floats(Floats& lo, Floats& hi) const { Simd::loadI8(reinterpret_cast<const uint8_t*>(words), lo, hi); }
};

constexpr uint64_t everyByte(uint64_t value) { return value * 0x0101010101010101u; }

/// The fields of `mask` bits that begin at bit `shift` of 32 bytes, moved up to bit `to`.
inline Bytes32 fields(const uint8_t* at, int shift, uint64_t mask, int to = 0) {
  Bytes32 codes;
  __builtin_memcpy(codes.words, at, sizeof(codes.words));
  for (int i = 0; i < 4; ++i)
    codes.words[i] = (codes.words[i] >> shift & everyByte(mask)) << to;
  return codes;
}

inline void join(Bytes32& codes, const Bytes32& more) {
  for (int i = 0; i < 4; ++i)
    codes.words[i] |= more.words[i];
}

/// 16 bytes: the low nibbles are codes 0..15, the high ones 16..31.
inline Bytes32 nibblePairs(const uint8_t* at) {
  Bytes32 codes;
  for (int i = 0; i < 2; ++i) {
    const auto pairs = loadAs<uint64_t>(at + 8 * i);
    codes.words[i] = pairs & everyByte(15);
    codes.words[i + 2] = pairs >> 4 & everyByte(15);
  }
  return codes;
}

/// Bit i of `bits` as bit 4 of byte i.
inline Bytes32 fifthBits(uint32_t bits) {
  Bytes32 codes;
  for (int i = 0; i < 4; ++i) {
    // Of eight copies each keeps one bit, which a sum carries to the top of its byte.
    const uint64_t one = everyByte(bits >> (8 * i) & 255u) & 0x8040201008040201u;
    codes.words[i] = (one + 0x00406070787C7E7Fu) >> 3 & everyByte(16);
  }
  return codes;
}

/// Q5_0 and Q5_1: 5-bit codes, around 16 or above a minimum.
template <int kHalves>
struct RowQ5 : GgmlRow<20 + 2 * kHalves, kHalves> {
  using Base = GgmlRow<20 + 2 * kHalves, kHalves>;
  Floats scale = Simd::broadcast(0.0f), offset = Simd::broadcast(0.0f);
  void enter(int64_t i) {
    scale = Simd::broadcast(Base::slice.scale[i]);
    offset = Simd::broadcast(kHalves == 2 ? Base::slice.offset[i] : -16.0f * Base::slice.scale[i]);
  }
  void load(int64_t block, Floats& lo, Floats& hi) const {
    const uint8_t* at = Base::codesOf(block);
    Bytes32 all = nibblePairs(at + 4);
    join(all, fifthBits(loadAs<uint32_t>(at)));
    all.floats(lo, hi);
    lo = Simd::fma(lo, scale, offset);
    hi = Simd::fma(hi, scale, offset);
  }
};
using RowQ5_0 = RowQ5<1>;
using RowQ5_1 = RowQ5<2>;

/// The weights of IQ4's sixteen codes, times the scale of their block.
inline void setNonLinear(float scale, Simd::Book<4>& book) {
  alignas(64) static constexpr float kWeights[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                     1,    13,   25,  38,  53,  69,  89,  113};
  alignas(64) float weights[16];
  Simd::store(weights, Simd::mul(Simd::load(kWeights), Simd::broadcast(scale)));
  book.set(weights);
}

struct RowIq4Nl : GgmlRow<18, 1> {
  Simd::Book<4> book;
  void enter(int64_t i) { setNonLinear(slice.scale[i], book); }
  void load(int64_t block, Floats& lo, Floats& hi) const { book.load(codesOf(block), lo, hi); }
};

constexpr int64_t kPerSuper = 8; ///< blocks of 32 columns in a super-block

/// Super-blocks of 256 columns, of kBytes bytes: each block of 32 columns is a group.
template <int64_t kBytes>
struct SuperRow {
  static constexpr bool kMayHaveTail = false;
  static constexpr int64_t kSupers = kSlice / kPerSuper; ///< in a slice
  const uint8_t* codes = nullptr;

  void start(const Rows& rows, int64_t row) { codes = rows.codes + row * rows.rowBytes; }
  static int64_t groups(const Rows& rows) { return rows.columns / kBlock; }
  static int64_t blocks(const Rows&, int64_t) { return 1; }
  const uint8_t* superOf(int64_t block) const { return codes + block / kPerSuper * kBytes; }
  /// The halves at byte `place` of `count` super-blocks.
  void halves(int64_t first, int64_t count, int place, float* out) const {
    uint16_t bits[32] = {};
    for (int64_t s = 0; s < count; ++s)
      bits[s] = loadAs<uint16_t>(superOf(first) + s * kBytes + place);
    unpackHalves(bits, count, out);
  }
  void loadTail(const Rows&, Floats&, Floats&) const {}
};

/// Signed bytes as floats, as many as whole vectors hold.
inline void widen(const uint8_t* bytes, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += 32) {
    Floats lo, hi;
    Simd::loadI8(bytes + i, lo, hi);
    Simd::store(out + i, lo);
    Simd::store(out + i + 16, hi);
  }
}

/// Q4_K and Q5_K: a scale and a minimum for each 32 columns.
template <bool kFive>
struct RowQ45K : SuperRow<kFive ? 176 : 144> {
  using Base = SuperRow<kFive ? 176 : 144>;
  Slice slice;
  Floats scale = Simd::broadcast(0.0f), offset = Simd::broadcast(0.0f);

  void fill(int64_t first, int64_t count) {
    alignas(32) uint8_t scales[kSlice] = {}, minima[kSlice] = {};
    float d[32], dMin[32];
    const int64_t supers = count / kPerSuper;
    Base::halves(first, supers, 0, d);
    Base::halves(first, supers, 2, dMin);
    for (int64_t s = 0; s < supers; ++s)
      unpackSixBits(Base::superOf(first + s * kPerSuper) + 4, scales + s * kPerSuper, minima + s * kPerSuper);
    widen(scales, count, slice.scale);
    widen(minima, count, slice.offset);
    for (int64_t s = 0; s < supers; ++s)
      for (int64_t b = s * kPerSuper; b < (s + 1) * kPerSuper; ++b) {
        slice.scale[b] *= d[s];
        slice.offset[b] *= -dMin[s];
      }
  }
  void enter(int64_t i) {
    scale = Simd::broadcast(slice.scale[i]);
    offset = Simd::broadcast(slice.offset[i]);
  }
  void load(int64_t block, Floats& lo, Floats& hi) const {
    const uint8_t* super = Base::superOf(block);
    const int b = static_cast<int>(block % kPerSuper);
    Bytes32 all = fields(super + (kFive ? 48 : 16) + b / 2 * 32, b % 2 * 4, 15);
    if constexpr (kFive)
      join(all, fields(super + 16, b, 1, 4));
    all.floats(lo, hi);
    lo = Simd::fma(lo, scale, offset);
    hi = Simd::fma(hi, scale, offset);
  }

private:
  /// Eight scales and minima of 6 bits in 12 bytes.
  static void unpackSixBits(const uint8_t* at, uint8_t* scales, uint8_t* minima) {
    constexpr uint32_t kSix = 0x3F3F3F3Fu, kFour = 0x0F0F0F0Fu, kTwo = 0x03030303u;
    const auto a = loadAs<uint32_t>(at), b = loadAs<uint32_t>(at + 4), c = loadAs<uint32_t>(at + 8);
    const uint32_t unpacked[4] = {a & kSix, (c & kFour) | (a >> 6 & kTwo) << 4, b & kSix, (c >> 4 & kFour) | (b >> 6 & kTwo) << 4};
    __builtin_memcpy(scales, unpacked, 8);
    __builtin_memcpy(minima, unpacked + 2, 8);
  }
};
using RowQ4K = RowQ45K<false>;
using RowQ5K = RowQ45K<true>;

/// A block's two halves of 16 columns have scales (and offsets) of their own.
template <int64_t kBytes>
struct HalvesRow : SuperRow<kBytes> {
  alignas(64) float scales[2 * kSlice];
  Floats scale[2] = {Simd::broadcast(0.0f), Simd::broadcast(0.0f)};
  Floats offset[2] = {Simd::broadcast(0.0f), Simd::broadcast(0.0f)};

  /// scales = d * (bytes - centre), of 16 bytes for each super-block.
  void setScales(int64_t count, const uint8_t* bytes, const float* d, float centre) {
    widen(bytes, 2 * count, scales);
    for (int64_t s = 0; s < count / kPerSuper; ++s)
      for (int64_t b = 2 * s * kPerSuper; b < 2 * (s + 1) * kPerSuper; ++b)
        scales[b] = d[s] * (scales[b] - centre);
  }
  /// Codes count from `middle`.
  void enterAround(int64_t i, float middle) {
    for (int half = 0; half < 2; ++half) {
      scale[half] = Simd::broadcast(scales[2 * i + half]);
      offset[half] = Simd::broadcast(-middle * scales[2 * i + half]);
    }
  }
  void apply(const Bytes32& all, Floats& lo, Floats& hi) const {
    all.floats(lo, hi);
    lo = Simd::fma(lo, scale[0], offset[0]);
    hi = Simd::fma(hi, scale[1], offset[1]);
  }
};

struct RowQ2K : HalvesRow<84> {
  alignas(64) float offsets[2 * kSlice];

  void fill(int64_t first, int64_t count) {
    alignas(32) uint8_t low[2 * kSlice] = {}, high[2 * kSlice] = {};
    float d[32], dMin[32];
    const int64_t supers = count / kPerSuper;
    halves(first, supers, 80, d);
    halves(first, supers, 82, dMin);
    for (int64_t s = 0; s < supers; ++s)
      for (int i = 0; i < 2; ++i) {
        const auto pairs = loadAs<uint64_t>(superOf(first + s * kPerSuper) + 8 * i);
        const uint64_t both[2] = {pairs & everyByte(15), pairs >> 4 & everyByte(15)};
        __builtin_memcpy(low + 16 * s + 8 * i, both, 8);
        __builtin_memcpy(high + 16 * s + 8 * i, both + 1, 8);
      }
    setScales(count, high, dMin, 0.0f);
    for (int64_t i = 0; i < 2 * count; ++i)
      offsets[i] = -scales[i];
    setScales(count, low, d, 0.0f);
  }
  void enter(int64_t i) {
    for (int half = 0; half < 2; ++half) {
      scale[half] = Simd::broadcast(scales[2 * i + half]);
      offset[half] = Simd::broadcast(offsets[2 * i + half]);
    }
  }
  void load(int64_t block, Floats& lo, Floats& hi) const {
    const int b = static_cast<int>(block % kPerSuper);
    apply(fields(superOf(block) + 16 + b / 4 * 32, b % 4 * 2, 3), lo, hi);
  }
};

struct RowQ3K : HalvesRow<110> {
  void fill(int64_t first, int64_t count) {
    constexpr uint32_t kFour = 0x0F0F0F0Fu, kTwo = 0x03030303u;
    alignas(32) uint8_t sixBits[2 * kSlice] = {};
    float d[32];
    const int64_t supers = count / kPerSuper;
    halves(first, supers, 108, d);
    for (int64_t s = 0; s < supers; ++s) {
      const uint8_t* at = superOf(first + s * kPerSuper) + 96;
      const auto a = loadAs<uint32_t>(at), b = loadAs<uint32_t>(at + 4), c = loadAs<uint32_t>(at + 8);
      const uint32_t unpacked[4] = {(a & kFour) | (c & kTwo) << 4, (b & kFour) | (c >> 2 & kTwo) << 4,
                                    (a >> 4 & kFour) | (c >> 4 & kTwo) << 4, (b >> 4 & kFour) | (c >> 6 & kTwo) << 4};
      __builtin_memcpy(sixBits + 16 * s, unpacked, 16);
    }
    setScales(count, sixBits, d, 32.0f);
  }
  void enter(int64_t i) { enterAround(i, 4.0f); }
  void load(int64_t block, Floats& lo, Floats& hi) const {
    const uint8_t* super = superOf(block);
    const int b = static_cast<int>(block % kPerSuper);
    Bytes32 all = fields(super + 32 + b / 4 * 32, b % 4 * 2, 3);
    join(all, fields(super, b, 1, 2));
    apply(all, lo, hi);
  }
};

struct RowQ6K : HalvesRow<210> {
  void fill(int64_t first, int64_t count) {
    alignas(32) uint8_t bytes[2 * kSlice] = {};
    float d[32];
    const int64_t supers = count / kPerSuper;
    halves(first, supers, 208, d);
    for (int64_t s = 0; s < supers; ++s)
      __builtin_memcpy(bytes + 16 * s, superOf(first + s * kPerSuper) + 192, 16);
    setScales(count, bytes, d, 0.0f);
  }
  void enter(int64_t i) { enterAround(i, 32.0f); }
  void load(int64_t block, Floats& lo, Floats& hi) const {
    const uint8_t* super = superOf(block);
    const int b = static_cast<int>(block % kPerSuper);
    Bytes32 all = fields(super + b / 4 * 64 + b % 2 * 32, b % 4 / 2 * 4, 15);
    join(all, fields(super + 128 + b / 4 * 32, b % 4 * 2, 3, 4));
    apply(all, lo, hi);
  }
};

struct RowIq4Xs : SuperRow<136> {
  Slice slice;
  Simd::Book<4> book;

  void fill(int64_t first, int64_t count) {
    float d[32];
    const int64_t supers = count / kPerSuper;
    halves(first, supers, 0, d);
    for (int64_t s = 0; s < supers; ++s) {
      const uint8_t* super = superOf(first + s * kPerSuper);
      const unsigned high = loadAs<uint16_t>(super + 2);
      for (int b = 0; b < kPerSuper; ++b) {
        const int six = static_cast<int>((super[4 + b / 2] >> (4 * (b % 2)) & 15u) | (high >> (2 * b) & 3u) << 4);
        slice.scale[s * kPerSuper + b] = d[s] * static_cast<float>(six - 32);
      }
    }
  }
  void enter(int64_t i) { setNonLinear(slice.scale[i], book); }
  void load(int64_t block, Floats& lo, Floats& hi) const {
    book.load(superOf(block) + 8 + block % kPerSuper * 16, lo, hi);
  }
};

} // namespace
} // namespace nibblesmith::runtime::kernels
