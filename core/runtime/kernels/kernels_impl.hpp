// SPDX-License-Identifier: Apache-2.0
#pragma once

// Included by one file per instruction set after its `Simd` (kernels_generic.cpp shows the interface).
// Everything is in the unnamed namespace, so each instruction set has its own copy.

#include "runtime/kernels/kernels_elementwise.hpp"
#include "runtime/kernels/kernels_int8.hpp"

namespace nibblesmith::runtime::kernels {
namespace {

template <typename T>
T loadAs(const uint8_t* at) {
  T value;
  __builtin_memcpy(&value, at, sizeof(value));
  return value;
}

// Interface of a row of weights: start() selects a row, fill() unpacks the scales of some groups, enter(i)
// selects one of these groups, load<p>(b) returns the 32 weights of block b + p, where b is a multiple of
// kParts within its group. kStepBytes: bytes of kParts blocks.

/// Number of groups whose scales are unpacked at once, so that entering a group costs two loads.
constexpr int64_t kSlice = 64;

struct Slice {
  alignas(64) float scale[kSlice];
  alignas(64) float offset[kSlice];
};

/// Converts f16 in whole vectors; up to 31 values after `count` are read and ignored.
void unpackHalves(const void* halves, int64_t count, float* out) {
  const auto* bytes = static_cast<const uint8_t*>(halves);
  for (int64_t i = 0; i < count; i += 32) {
    Floats lo, hi;
    Simd::loadF16(bytes + 2 * i, lo, hi);
    Simd::store(out + i, lo);
    Simd::store(out + i + 16, hi);
  }
}

template <int kElement, void (*kLoad)(const uint8_t*, Floats&, Floats&)>
struct FloatRow {
  static constexpr bool kMayHaveTail = true;
  static constexpr int kParts = 1;
  static constexpr int kStepBytes = kElement * kBlock;
  const uint8_t* codes = nullptr;

  void start(const Rows& rows, int64_t row) { codes = rows.codes + row * rows.rowBytes; }
  static int64_t groups(const Rows&) { return 1; }
  static int64_t blocks(const Rows& rows, int64_t) { return rows.columns / kBlock; }
  void fill(int64_t, int64_t) {}
  void enter(int64_t) {}
  template <int kPart>
  void load(int64_t block, Floats& lo, Floats& hi) const {
    kLoad(codes + block * kBlock * kElement, lo, hi);
  }
  /// Loads the columns after the last whole block, padded with zeros.
  void loadTail(const Rows& rows, Floats& lo, Floats& hi) const {
    uint8_t padded[kBlock * kElement] = {};
    const int64_t whole = rows.columns / kBlock * kBlock;
    __builtin_memcpy(padded, codes + whole * kElement,
                     static_cast<unsigned long>((rows.columns - whole) * kElement));
    kLoad(padded, lo, hi);
  }
};

using RowF32 = FloatRow<4, Simd::loadF32>;
using RowF16 = FloatRow<2, Simd::loadF16>;
using RowBF16 = FloatRow<2, Simd::loadBF16>;

/// ggml blocks: each is a group with one or two f16 scales before its codes.
template <int kBlockBytes, int kHalves>
struct GgmlRow {
  static constexpr bool kMayHaveTail = false;
  static constexpr int kParts = 1;
  static constexpr int kStepBytes = kBlockBytes;
  const uint8_t* codes = nullptr;
  int64_t firstGroup = 0;
  float blockScale = 0, blockOffset = 0;

  void start(const Rows& rows, int64_t row) { codes = rows.codes + row * rows.rowBytes; }
  static int64_t groups(const Rows& rows) { return rows.columns / kBlock; }
  static int64_t blocks(const Rows&, int64_t) { return 1; }
  const uint8_t* codesOf(int64_t block) const { return codes + block * kBlockBytes + 2 * kHalves; }
  void fill(int64_t first, int64_t) { firstGroup = first; }
  /// Selects the group. Scales are read one by one, because a vector load of values stored separately stalls.
  void goTo(int64_t i) {
    const uint8_t* at = codes + (firstGroup + i) * kBlockBytes;
    blockScale = Simd::halfValue(at);
    if constexpr (kHalves == 2)
      blockOffset = Simd::halfValue(at + 2);
  }
  void loadTail(const Rows&, Floats&, Floats&) const {}
};

struct RowQ8_0 : GgmlRow<34, 1> {
  Floats scale = Simd::broadcast(0.0f);
  void enter(int64_t i) {
    goTo(i);
    scale = Simd::broadcast(blockScale);
  }
  template <int kPart>
  void load(int64_t block, Floats& lo, Floats& hi) const {
    Simd::loadI8(codesOf(block), lo, hi);
    lo = Simd::mul(lo, scale);
    hi = Simd::mul(hi, scale);
  }
};

struct RowQ4_0 : GgmlRow<18, 1> {
  Simd::Grid<4> grid;
  void enter(int64_t i) {
    goTo(i);
    grid.set(blockScale, -8.0f * blockScale);
  }
  template <int kPart>
  void load(int64_t block, Floats& lo, Floats& hi) const {
    grid.load(codesOf(block), lo, hi);
  }
};

struct RowQ4_1 : GgmlRow<20, 2> {
  Simd::Grid<4> grid;
  void enter(int64_t i) {
    goTo(i);
    grid.set(blockScale, blockOffset);
  }
  template <int kPart>
  void load(int64_t block, Floats& lo, Floats& hi) const {
    grid.load(codesOf(block), lo, hi);
  }
};

} // namespace
} // namespace nibblesmith::runtime::kernels

#include "runtime/kernels/kernels_ggml.hpp"

namespace nibblesmith::runtime::kernels {
namespace {

template <int kBits>
struct RowAffine {
  static constexpr bool kMayHaveTail = false;
  static constexpr int kParts = 1;
  static constexpr int kStepBytes = 4 * kBits;
  const uint8_t* codes = nullptr;
  const uint16_t* scales = nullptr;
  const uint8_t* zeroPoints = nullptr;
  float zeroPoint = 0;
  Slice slice;
  Simd::Grid<kBits> grid;

  void start(const Rows& rows, int64_t row) {
    codes = rows.codes + row * rows.rowBytes;
    scales = rows.scales + row * rows.groups;
    zeroPoints = rows.zeroPoints ? rows.zeroPoints + row * rows.groups : nullptr;
    zeroPoint = rows.zeroPoint;
  }
  static int64_t groups(const Rows& rows) { return rows.groups; }
  static int64_t blocks(const Rows& rows, int64_t g) { return rows.groupBlocks[g]; }
  void fill(int64_t first, int64_t count) {
    unpackHalves(scales + first, count, slice.scale);
    // scale * zeroPoint (11 and 8 bits) and scale * (code - zeroPoint) are exact in f32, so the fused form
    // equals the definition.
    for (int64_t i = 0; i < count; ++i)
      slice.offset[i] =
          -slice.scale[i] * (zeroPoints ? static_cast<float>(zeroPoints[first + i]) : zeroPoint);
  }
  void enter(int64_t i) { grid.set(slice.scale[i], slice.offset[i]); }
  template <int kPart>
  void load(int64_t block, Floats& lo, Floats& hi) const {
    grid.load(codes + block * 4 * kBits, lo, hi);
  }
  void loadTail(const Rows&, Floats&, Floats&) const {}
};

/// The weights of a group are computed once per code and looked up.
template <int kBits>
struct RowBook {
  static constexpr bool kMayHaveTail = false;
  static constexpr int kParts = 1;
  static constexpr int kStepBytes = 4 * kBits;
  static constexpr int kCodes = 1 << kBits;
  const uint8_t* codes = nullptr;
  const float* sharedBook = nullptr;
  const float* scales = nullptr;
  const uint16_t* groupBooks = nullptr;
  int64_t firstGroup = 0;
  Simd::Book<kBits> book;

  void start(const Rows& rows, int64_t row) {
    codes = rows.codes + row * rows.rowBytes;
    sharedBook = rows.sharedBook;
    scales = rows.groupBooks ? nullptr : rows.bookScales + row * rows.groups;
    groupBooks = rows.groupBooks ? rows.groupBooks + row * rows.groups * kCodes : nullptr;
  }
  static int64_t groups(const Rows& rows) { return rows.groups; }
  static int64_t blocks(const Rows& rows, int64_t g) { return rows.groupBlocks[g]; }
  void fill(int64_t first, int64_t) { firstGroup = first; }
  void enter(int64_t i) {
    constexpr int kPadded = kCodes < 16 ? 16 : kCodes;
    alignas(64) float values[kPadded] = {};
    alignas(64) uint16_t halves[kPadded < 32 ? 32 : kPadded] = {};
    const int64_t g = firstGroup + i;
    if (groupBooks) {
      __builtin_memcpy(halves, groupBooks + g * kCodes, sizeof(uint16_t) * kCodes);
    } else {
      __builtin_memcpy(values, sharedBook, sizeof(float) * kCodes);
      const Floats scale = Simd::broadcast(scales[g]);
      for (int c = 0; c < kPadded; c += 16)
        Simd::storeF16(halves + c, Simd::mul(Simd::load(values + c), scale));
    }
    for (int c = 0; c < kPadded; c += 32) {
      Floats lo, hi;
      Simd::loadF16(reinterpret_cast<const uint8_t*>(halves + c), lo, hi);
      Simd::store(values + c, lo);
      if (kPadded > c + 16)
        Simd::store(values + c + 16, hi);
    }
    book.set(values);
  }
  template <int kPart>
  void load(int64_t block, Floats& lo, Floats& hi) const {
    book.load(codes + block * 4 * kBits, lo, hi);
  }
  void loadTail(const Rows&, Floats&, Floats&) const {}
};

/// Accumulates blocks `block` + kPart and later, up to Row::kParts of them.
template <typename Row, int kRows, int kTokens, int kPart = 0>
[[gnu::always_inline]] inline void multiplyBlocks(const Row (&cursor)[kRows], int64_t block, const float* x,
                                                  int64_t ldx, Floats (&lo)[kRows][kTokens],
                                                  Floats (&hi)[kRows][kTokens]) {
  Floats xLo[kTokens], xHi[kTokens];
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
    const float* at = x + t * ldx + (block + kPart) * kBlock;
    xLo[t] = Simd::load(at);
    xHi[t] = Simd::load(at + 16);
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    Floats wLo, wHi;
    cursor[r].template load<kPart>(block, wLo, wHi);
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      lo[r][t] = Simd::fma(wLo, xLo[t], lo[r][t]);
      hi[r][t] = Simd::fma(wHi, xHi[t], hi[r][t]);
    }
  }
  if constexpr (kPart + 1 < Row::kParts)
    multiplyBlocks<Row, kRows, kTokens, kPart + 1>(cursor, block, x, ldx, lo, hi);
}

/// Prefetches the weights after `block` in their row; hardware prefetchers stop at page boundaries.
template <typename Row>
[[gnu::always_inline]] inline void prefetch(const Row& row, int64_t block) {
  constexpr int64_t kAhead = 512;
  const uint8_t* at = row.codes + block / Row::kParts * Row::kStepBytes + kAhead;
#pragma GCC unroll 8
  for (int i = 0; i < Row::kStepBytes; i += 64)
    __builtin_prefetch(at + i);
}

/// Computes kRows rows with a distance of `apart` rows times kTokens tokens. Each product has two
/// accumulators of 16 lanes for every tile shape, so its bits do not depend on the tiling.
template <typename Row, int kRows, int kTokens>
void dotTile(const Rows& rows, int64_t row, int64_t apart, const ActivationRows& input, int64_t token) {
  Floats lo[kRows][kTokens];
  Floats hi[kRows][kTokens];
  Row cursor[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    cursor[r].start(rows, row + r * apart);
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t)
      lo[r][t] = hi[r][t] = Simd::broadcast(0.0f);
  }
  const float* x = input.x + token * input.ldx;
  const int64_t groups = Row::groups(rows);
  int64_t block = 0;
  for (int64_t first = 0; first < groups; first += kSlice) {
    const int64_t count = groups - first < kSlice ? groups - first : kSlice;
    for (int r = 0; r < kRows; ++r)
      cursor[r].fill(first, count);
    for (int64_t i = 0; i < count; ++i) {
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r)
        cursor[r].enter(i);
      const int64_t end = block + Row::blocks(rows, first + i);
      for (; block < end; block += Row::kParts) {
        if (Row::kStepBytes >= 32 || block % 2 == 0) {
#pragma GCC unroll 8
          for (int r = 0; r < kRows; ++r)
            prefetch(cursor[r], block);
        }
        multiplyBlocks<Row, kRows, kTokens>(cursor, block, x, input.ldx, lo, hi);
      }
    }
  }
  const int64_t tail = rows.columns - block * kBlock;
  if (Row::kMayHaveTail && tail > 0) {
    for (int t = 0; t < kTokens; ++t) {
      float padded[kBlock] = {};
      __builtin_memcpy(padded, x + t * input.ldx + block * kBlock,
                       static_cast<unsigned long>(tail) * sizeof(float));
      for (int r = 0; r < kRows; ++r) {
        Floats wLo, wHi;
        cursor[r].loadTail(rows, wLo, wHi);
        lo[r][t] = Simd::fma(wLo, Simd::load(padded), lo[r][t]);
        hi[r][t] = Simd::fma(wHi, Simd::load(padded + 16), hi[r][t]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t)
      input.y[(token + t) * input.ldy + row + r * apart] = Simd::sum(Simd::add(lo[r][t], hi[r][t]));
}

/// Runs a tile whose rows are far apart, so that each row is part of one long sequential stream.
template <typename Row, int kRows, int kTokens>
void dotRows(const Rows& rows, int64_t begin, int64_t end, const ActivationRows& input, int64_t token) {
  const int64_t apart = (end - begin) / kRows;
  for (int64_t row = begin; row < begin + apart; ++row)
    dotTile<Row, kRows, kTokens>(rows, row, apart, input, token);
  for (int64_t row = begin + kRows * apart; row < end; ++row)
    dotTile<Row, 1, kTokens>(rows, row, 1, input, token);
}

template <typename Row>
void dot(const Rows& rows, int64_t begin, int64_t end, const ActivationRows& input) {
  // Simd::kTile products at a time fill the registers without spilling.
  constexpr int kTile = Simd::kTile;
  constexpr int kRows = kTile < 4 ? kTile : 4;
  int64_t token = 0;
  if constexpr (kTile >= 4)
    for (; token + 4 <= input.tokens; token += 4)
      dotRows<Row, kTile / 4, 4>(rows, begin, end, input, token);
  if constexpr (kTile >= 2)
    for (; token + 2 <= input.tokens; token += 2)
      dotRows<Row, kRows / 2, 2>(rows, begin, end, input, token);
  for (; token < input.tokens; ++token)
    dotRows<Row, kRows, 1>(rows, begin, end, input, token);
}

template <typename Row, int kPart = 0>
[[gnu::always_inline]] inline void unpackBlocks(const Row& cursor, int64_t block, float* out) {
  Floats lo, hi;
  cursor.template load<kPart>(block, lo, hi);
  Simd::store(out + (block + kPart) * kBlock, lo);
  Simd::store(out + (block + kPart) * kBlock + 16, hi);
  if constexpr (kPart + 1 < Row::kParts)
    unpackBlocks<Row, kPart + 1>(cursor, block, out);
}

template <typename Row>
void unpack(const Rows& rows, int64_t begin, int64_t end, float* out) {
  for (int64_t row = begin; row < end; ++row, out += rows.columns) {
    Row cursor;
    cursor.start(rows, row);
    int64_t block = 0;
    for (int64_t first = 0; first < Row::groups(rows); first += kSlice) {
      const int64_t count = Row::groups(rows) - first < kSlice ? Row::groups(rows) - first : kSlice;
      cursor.fill(first, count);
      for (int64_t i = 0; i < count; ++i) {
        cursor.enter(i);
        const int64_t last = block + Row::blocks(rows, first + i);
        for (; block < last; block += Row::kParts)
          unpackBlocks(cursor, block, out);
      }
    }
    const int64_t tail = rows.columns - block * kBlock;
    if (Row::kMayHaveTail && tail > 0) {
      float padded[kBlock];
      Floats lo, hi;
      cursor.loadTail(rows, lo, hi);
      Simd::store(padded, lo);
      Simd::store(padded + 16, hi);
      __builtin_memcpy(out + block * kBlock, padded, static_cast<unsigned long>(tail) * sizeof(float));
    }
  }
}

constexpr Table makeTable(const char* name) {
  return {name,
          {dot<RowF32>,       dot<RowF16>,       dot<RowBF16>,      dot<RowQ8_0>,      dot<RowQ4_0>,
           dot<RowQ4_1>,      dot<RowQ5_0>,      dot<RowQ5_1>,      dot<RowQ2K>,       dot<RowQ3K>,
           dot<RowQ4K>,       dot<RowQ5K>,       dot<RowQ6K>,       dot<RowIq4Nl>,     dot<RowIq4Xs>,
           dot<RowAffine<2>>, dot<RowAffine<3>>, dot<RowAffine<4>>, dot<RowAffine<5>>, dot<RowAffine<6>>,
           dot<RowAffine<7>>, dot<RowAffine<8>>, dot<RowBook<2>>,   dot<RowBook<3>>,   dot<RowBook<4>>,
           dot<RowBook<5>>,   dot<RowBook<6>>},
          {unpack<RowF32>,       unpack<RowF16>,       unpack<RowBF16>,      unpack<RowQ8_0>,
           unpack<RowQ4_0>,      unpack<RowQ4_1>,      unpack<RowQ5_0>,      unpack<RowQ5_1>,
           unpack<RowQ2K>,       unpack<RowQ3K>,       unpack<RowQ4K>,       unpack<RowQ5K>,
           unpack<RowQ6K>,       unpack<RowIq4Nl>,     unpack<RowIq4Xs>,     unpack<RowAffine<2>>,
           unpack<RowAffine<3>>, unpack<RowAffine<4>>, unpack<RowAffine<5>>, unpack<RowAffine<6>>,
           unpack<RowAffine<7>>, unpack<RowAffine<8>>, unpack<RowBook<2>>,   unpack<RowBook<3>>,
           unpack<RowBook<4>>,   unpack<RowBook<5>>,   unpack<RowBook<6>>},
          dotInt8<Simd::Bytes>,
          weightedRows,
          softmax,
          rmsNorm,
          {activate<silu>, activate<gelu>, activate<geluTanh>},
          rotateHalves};
}

} // namespace
} // namespace nibblesmith::runtime::kernels
