// SPDX-License-Identifier: Apache-2.0
#pragma once

// Included by kernels_impl.hpp: rows of ggml blocks whose codes are split over several fields. Products of a
// block's scales, and products of those with a code, fit in the 24 bits of f32. So scale * code + offset with
// one rounding equals the definition with two, and so does scale * (code - middle). Layouts:
// tensor/ggml_blocks.cpp.

namespace nibblesmith::runtime::kernels {
namespace {

using Codes = Simd::Codes;

/// Q5_0 and Q5_1: 5-bit codes, centred at 16 or above a minimum.
template <int kHalves>
struct RowQ5 : GgmlRow<20 + 2 * kHalves, kHalves> {
  using Base = GgmlRow<20 + 2 * kHalves, kHalves>;
  Floats scale = Simd::broadcast(0.0f), offset = Simd::broadcast(0.0f);
  void enter(int64_t i) {
    Base::goTo(i);
    scale = Simd::broadcast(Base::blockScale);
    offset = Simd::broadcast(Base::blockOffset);
  }
  template <int kPart>
  void load(int64_t block, Floats& lo, Floats& hi) const {
    const uint8_t* at = Base::codesOf(block);
    const Codes all = Simd::join(Simd::plane4(at + 4), Simd::fifthBits(loadAs<uint32_t>(at)));
    Simd::floats<kHalves == 2 ? 0 : 16>(all, lo, hi);
    lo = kHalves == 2 ? Simd::fma(lo, scale, offset) : Simd::mul(lo, scale);
    hi = kHalves == 2 ? Simd::fma(hi, scale, offset) : Simd::mul(hi, scale);
  }
};
using RowQ5_0 = RowQ5<1>;
using RowQ5_1 = RowQ5<2>;

/// Sets the table to IQ4's sixteen values times the scale of the block.
inline void setNonLinear(float scale, Simd::Book<4>& book) {
  alignas(64) static constexpr float kWeights[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                     1,    13,   25,  38,  53,  69,  89,  113};
  alignas(64) float weights[16];
  Simd::store(weights, Simd::mul(Simd::load(kWeights), Simd::broadcast(scale)));
  book.set(weights);
}

struct RowIq4Nl : GgmlRow<18, 1> {
  Simd::Book<4> book;
  void enter(int64_t i) {
    goTo(i);
    setNonLinear(blockScale, book);
  }
  template <int kPart>
  void load(int64_t block, Floats& lo, Floats& hi) const {
    book.load(codesOf(block), lo, hi);
  }
};

constexpr uint64_t everyByte(uint64_t value) { return value * 0x0101010101010101u; }
constexpr uint64_t twoWords(uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; }

/// Super-blocks of 256 columns and kBytes bytes. Each is a group, whose blocks of 32 columns are loaded by
/// index.
template <int64_t kBytes>
struct SuperRow {
  static constexpr bool kMayHaveTail = false;
  static constexpr int kParts = 8;
  static constexpr int kStepBytes = kBytes;
  const uint8_t* codes = nullptr;
  const uint8_t* super = nullptr;
  int64_t firstSuper = 0;

  void start(const Rows& rows, int64_t row) { codes = rows.codes + row * rows.rowBytes; }
  static int64_t groups(const Rows& rows) { return rows.columns / (kParts * kBlock); }
  static int64_t blocks(const Rows&, int64_t) { return kParts; }
  void fill(int64_t first, int64_t) { firstSuper = first; }
  void goTo(int64_t i) { super = codes + (firstSuper + i) * kBytes; }
  void loadTail(const Rows&, Floats&, Floats&) const {}
};

/// Q4_K and Q5_K: a scale and a minimum per 32 columns.
template <bool kFive>
struct RowQ45K : SuperRow<kFive ? 176 : 144> {
  using Base = SuperRow<kFive ? 176 : 144>;
  using Base::super;
  alignas(64) float factors[16]; ///< scales, then offsets

  void enter(int64_t i) {
    constexpr uint32_t kSix = 0x3F3F3F3Fu, kFour = 0x0F0F0F0Fu, kTwo = 0x03030303u;
    Base::goTo(i);
    const auto a = loadAs<uint32_t>(super + 4), b = loadAs<uint32_t>(super + 8),
               c = loadAs<uint32_t>(super + 12);
    const Floats sixBits = Simd::sixteen(twoWords(a & kSix, (c & kFour) | (a >> 6 & kTwo) << 4),
                                         twoWords(b & kSix, (c >> 4 & kFour) | (b >> 6 & kTwo) << 4));
    const Floats minus = Simd::sub(Simd::broadcast(0.0f), Simd::half(super + 2));
    Simd::store(factors, Simd::mul(sixBits, Simd::eightOfEach(Simd::half(super), minus)));
  }
  template <int kPart>
  void load(int64_t, Floats& lo, Floats& hi) const {
    constexpr int kFrom = kPart % 2 * 4;
    const uint8_t* nibbles = super + (kFive ? 48 : 16) + kPart / 2 * 32;
    if constexpr (kFive) {
      const Codes all = Simd::join(Simd::field<kFrom, 15>(Simd::loadCodes(nibbles)),
                                   Simd::field<kPart, 1, 4>(Simd::loadCodes(super + 16)));
      const Floats scale = Simd::broadcast(factors[kPart]), offset = Simd::broadcast(factors[8 + kPart]);
      Simd::floats<0>(all, lo, hi);
      lo = Simd::fma(lo, scale, offset);
      hi = Simd::fma(hi, scale, offset);
    } else {
      Simd::Grid<4> grid;
      grid.set(factors[kPart], factors[8 + kPart]);
      grid.template loadNibbles<kFrom>(nibbles, lo, hi);
    }
  }
};
using RowQ4K = RowQ45K<false>;
using RowQ5K = RowQ45K<true>;

/// Codes with separate scales for each half of 16 columns.
template <int kPart, int kMiddle>
void applyScales(const Codes& all, const float* scales, Floats& lo, Floats& hi) {
  Simd::floats<kMiddle>(all, lo, hi);
  lo = Simd::mul(lo, Simd::broadcast(scales[2 * kPart]));
  hi = Simd::mul(hi, Simd::broadcast(scales[2 * kPart + 1]));
}

struct RowQ2K : SuperRow<84> {
  alignas(64) float scales[16];
  alignas(64) float offsets[16];

  void enter(int64_t i) {
    constexpr uint64_t kFour = everyByte(15);
    goTo(i);
    const auto a = loadAs<uint64_t>(super), b = loadAs<uint64_t>(super + 8);
    const Floats minus = Simd::sub(Simd::broadcast(0.0f), Simd::half(super + 82));
    Simd::store(scales, Simd::mul(Simd::sixteen(a & kFour, b & kFour), Simd::half(super + 80)));
    Simd::store(offsets, Simd::mul(Simd::sixteen(a >> 4 & kFour, b >> 4 & kFour), minus));
  }
  template <int kPart>
  void load(int64_t, Floats& lo, Floats& hi) const {
    Simd::floats<0>(Simd::field<kPart % 4 * 2, 3>(Simd::loadCodes(super + 16 + kPart / 4 * 32)), lo, hi);
    lo = Simd::fma(lo, Simd::broadcast(scales[2 * kPart]), Simd::broadcast(offsets[2 * kPart]));
    hi = Simd::fma(hi, Simd::broadcast(scales[2 * kPart + 1]), Simd::broadcast(offsets[2 * kPart + 1]));
  }
};

struct RowQ3K : SuperRow<110> {
  alignas(64) float scales[16];

  void enter(int64_t i) {
    constexpr uint32_t kFour = 0x0F0F0F0Fu, kTwo = 0x03030303u;
    goTo(i);
    const auto a = loadAs<uint32_t>(super + 96), b = loadAs<uint32_t>(super + 100),
               c = loadAs<uint32_t>(super + 104);
    const Floats sixBits = Simd::sixteen(
        twoWords((a & kFour) | (c & kTwo) << 4, (b & kFour) | (c >> 2 & kTwo) << 4),
        twoWords((a >> 4 & kFour) | (c >> 4 & kTwo) << 4, (b >> 4 & kFour) | (c >> 6 & kTwo) << 4));
    Simd::store(scales, Simd::mul(Simd::sub(sixBits, Simd::broadcast(32.0f)), Simd::half(super + 108)));
  }
  template <int kPart>
  void load(int64_t, Floats& lo, Floats& hi) const {
    const Codes two = Simd::field<kPart % 4 * 2, 3>(Simd::loadCodes(super + 32 + kPart / 4 * 32));
    const Codes third = Simd::field<kPart, 1, 2>(Simd::loadCodes(super));
    applyScales<kPart, 4>(Simd::join(two, third), scales, lo, hi);
  }
};

struct RowQ6K : SuperRow<210> {
  alignas(64) float scales[16];

  void enter(int64_t i) {
    // Flips the sign bit: signed bytes become unsigned ones around 128.
    constexpr uint64_t kSigns = everyByte(128);
    goTo(i);
    const Floats around =
        Simd::sixteen(loadAs<uint64_t>(super + 192) ^ kSigns, loadAs<uint64_t>(super + 200) ^ kSigns);
    Simd::store(scales, Simd::mul(Simd::sub(around, Simd::broadcast(128.0f)), Simd::half(super + 208)));
  }
  template <int kPart>
  void load(int64_t, Floats& lo, Floats& hi) const {
    const Codes four =
        Simd::field<kPart % 4 / 2 * 4, 15>(Simd::loadCodes(super + kPart / 4 * 64 + kPart % 2 * 32));
    const Codes two = Simd::field<kPart % 4 * 2, 3, 4>(Simd::loadCodes(super + 128 + kPart / 4 * 32));
    applyScales<kPart, 32>(Simd::join(four, two), scales, lo, hi);
  }
};

struct RowIq4Xs : SuperRow<136> {
  float scales[kParts];

  void enter(int64_t i) {
    goTo(i);
    const float d = Simd::halfValue(super);
    const unsigned high = loadAs<uint16_t>(super + 2);
    for (int b = 0; b < kParts; ++b) {
      const int six =
          static_cast<int>((super[4 + b / 2] >> (4 * (b % 2)) & 15u) | (high >> (2 * b) & 3u) << 4);
      scales[b] = d * static_cast<float>(six - 32);
    }
  }
  template <int kPart>
  void load(int64_t, Floats& lo, Floats& hi) const {
    Simd::Book<4> book;
    setNonLinear(scales[kPart], book);
    book.load(super + 8 + kPart * 16, lo, hi);
  }
};

} // namespace
} // namespace nibblesmith::runtime::kernels
