// SPDX-License-Identifier: Apache-2.0
#pragma once

// Included by one file per instruction set, after its `Simd` (see kernels_generic.cpp for what it offers).
// Everything is in the unnamed namespace: each instruction set has its own copy.

namespace nibblesmith::runtime::kernels {
namespace {

using Floats = Simd::Floats;

template <typename T>
T loadAs(const uint8_t* at) {
  T value;
  __builtin_memcpy(&value, at, sizeof(value));
  return value;
}

// ---- Rows: enter(g) starts a group, load(b) gives the 32 weights of a block ----

template <int kElement, void (*kLoad)(const uint8_t*, Floats&, Floats&)>
struct FloatRow {
  static constexpr bool kMayHaveTail = true;
  const uint8_t* codes = nullptr;

  void start(const Rows& rows, int64_t row) { codes = rows.codes + row * rows.rowBytes; }
  static int64_t groups(const Rows&) { return 1; }
  static int64_t blocks(const Rows& rows, int64_t) { return rows.columns / kBlock; }
  void enter(int64_t) {}
  void load(int64_t block, Floats& lo, Floats& hi) const { kLoad(codes + block * kBlock * kElement, lo, hi); }
  /// The columns after the last whole block, zeros after them.
  void loadTail(const Rows& rows, Floats& lo, Floats& hi) const {
    uint8_t padded[kBlock * kElement] = {};
    const int64_t whole = rows.columns / kBlock * kBlock;
    __builtin_memcpy(padded, codes + whole * kElement, static_cast<unsigned long>((rows.columns - whole) * kElement));
    kLoad(padded, lo, hi);
  }
};

using RowF32 = FloatRow<4, Simd::loadF32>;
using RowF16 = FloatRow<2, Simd::loadF16>;
using RowBF16 = FloatRow<2, Simd::loadBF16>;

/// ggml blocks: one group per block, whose header is read on entering. kHeader bytes, then the codes.
template <int kBlockBytes>
struct GgmlRow {
  static constexpr bool kMayHaveTail = false;
  const uint8_t* codes = nullptr;
  const uint8_t* at = nullptr;

  void start(const Rows& rows, int64_t row) { codes = rows.codes + row * rows.rowBytes; }
  static int64_t groups(const Rows& rows) { return rows.columns / kBlock; }
  static int64_t blocks(const Rows&, int64_t) { return 1; }
  float half(int64_t offset) const { return Simd::f16(loadAs<uint16_t>(at + offset)); }
  void loadTail(const Rows&, Floats&, Floats&) const {}
};

struct RowQ8_0 : GgmlRow<34> {
  float scale = 0;
  void enter(int64_t g) {
    at = codes + g * 34;
    scale = half(0);
  }
  void load(int64_t, Floats& lo, Floats& hi) const {
    const Floats s = Simd::broadcast(scale);
    Simd::loadI8(at + 2, lo, hi);
    lo = Simd::mul(lo, s);
    hi = Simd::mul(hi, s);
  }
};

struct RowQ4_0 : GgmlRow<18> {
  Simd::Grid<4> grid;
  void enter(int64_t g) {
    at = codes + g * 18;
    const float scale = half(0);
    grid.set(scale, -8.0f * scale);
  }
  void load(int64_t, Floats& lo, Floats& hi) const { grid.load(at + 2, lo, hi); }
};

struct RowQ4_1 : GgmlRow<20> {
  Simd::Grid<4> grid;
  void enter(int64_t g) {
    at = codes + g * 20;
    grid.set(half(0), half(2));
  }
  void load(int64_t, Floats& lo, Floats& hi) const { grid.load(at + 4, lo, hi); }
};

template <int kBits>
struct RowAffine {
  static constexpr bool kMayHaveTail = false;
  const uint8_t* codes = nullptr;
  const uint16_t* scales = nullptr;
  const uint8_t* zeroPoints = nullptr;
  float zeroPoint = 0;
  Simd::Grid<kBits> grid;

  void start(const Rows& rows, int64_t row) {
    codes = rows.codes + row * rows.rowBytes;
    scales = rows.scales + row * rows.groups;
    zeroPoints = rows.zeroPoints ? rows.zeroPoints + row * rows.groups : nullptr;
    zeroPoint = rows.zeroPoint;
  }
  static int64_t groups(const Rows& rows) { return rows.groups; }
  static int64_t blocks(const Rows& rows, int64_t g) { return rows.groupBlocks[g]; }
  void enter(int64_t g) {
    // scale * zeroPoint is exact in f32 (11 and 8 bits), and so is scale * (code - zeroPoint): the fused form
    // gives the same value as the definition.
    const float scale = Simd::f16(scales[g]);
    grid.set(scale, -scale * (zeroPoints ? static_cast<float>(zeroPoints[g]) : zeroPoint));
  }
  void load(int64_t block, Floats& lo, Floats& hi) const { grid.load(codes + block * 4 * kBits, lo, hi); }
  void loadTail(const Rows&, Floats&, Floats&) const {}
};

// ---- Products ----

/// kRows rows times kTokens tokens. Each product has two accumulators of 16 lanes, whatever the tile, so that
/// its bits do not depend on how rows and tokens were cut into tiles.
template <typename Row, int kRows, int kTokens>
void dotTile(const Rows& rows, int64_t row, const Few& few, int64_t token) {
  Floats lo[kRows][kTokens];
  Floats hi[kRows][kTokens];
  Row cursor[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    cursor[r].start(rows, row + r);
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t)
      lo[r][t] = hi[r][t] = Simd::broadcast(0.0f);
  }
  const float* x = few.x + token * few.ldx;
  const int64_t groups = Row::groups(rows);
  int64_t block = 0;
  for (int64_t g = 0; g < groups; ++g) {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r)
      cursor[r].enter(g);
    const int64_t end = block + Row::blocks(rows, g);
    for (; block < end; ++block) {
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        Floats wLo, wHi;
        cursor[r].load(block, wLo, wHi);
#pragma GCC unroll 8
        for (int t = 0; t < kTokens; ++t) {
          const float* at = x + t * few.ldx + block * kBlock;
          lo[r][t] = Simd::fma(wLo, Simd::load(at), lo[r][t]);
          hi[r][t] = Simd::fma(wHi, Simd::load(at + 16), hi[r][t]);
        }
      }
    }
  }
  const int64_t tail = rows.columns - block * kBlock;
  if (Row::kMayHaveTail && tail > 0) {
    for (int t = 0; t < kTokens; ++t) {
      float padded[kBlock] = {};
      __builtin_memcpy(padded, x + t * few.ldx + block * kBlock, static_cast<unsigned long>(tail) * sizeof(float));
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
      few.y[(token + t) * few.ldy + row + r] = Simd::sum(Simd::add(lo[r][t], hi[r][t]));
}

template <typename Row, int kRows, int kTokens>
void dotRows(const Rows& rows, int64_t begin, int64_t end, const Few& few, int64_t token) {
  int64_t row = begin;
  for (; row + kRows <= end; row += kRows)
    dotTile<Row, kRows, kTokens>(rows, row, few, token);
  for (; row < end; ++row)
    dotTile<Row, 1, kTokens>(rows, row, few, token);
}

template <typename Row>
void dot(const Rows& rows, int64_t begin, int64_t end, const Few& few) {
  // Simd::kTile products at a time keep the registers full without spilling.
  constexpr int kTile = Simd::kTile;
  constexpr int kRows = kTile < 4 ? kTile : 4;
  int64_t token = 0;
  if constexpr (kTile >= 8)
    for (; token + 8 <= few.tokens; token += 8)
      dotRows<Row, 1, 8>(rows, begin, end, few, token);
  if constexpr (kTile >= 4)
    for (; token + 4 <= few.tokens; token += 4)
      dotRows<Row, kTile / 4, 4>(rows, begin, end, few, token);
  if constexpr (kTile >= 2)
    for (; token + 2 <= few.tokens; token += 2)
      dotRows<Row, kRows / 2, 2>(rows, begin, end, few, token);
  for (; token < few.tokens; ++token)
    dotRows<Row, kRows, 1>(rows, begin, end, few, token);
}

template <typename Row>
void unpack(const Rows& rows, int64_t begin, int64_t end, float* out) {
  for (int64_t row = begin; row < end; ++row, out += rows.columns) {
    Row cursor;
    cursor.start(rows, row);
    Floats lo, hi;
    int64_t block = 0;
    for (int64_t g = 0; g < Row::groups(rows); ++g) {
      cursor.enter(g);
      const int64_t last = block + Row::blocks(rows, g);
      for (; block < last; ++block) {
        cursor.load(block, lo, hi);
        Simd::store(out + block * kBlock, lo);
        Simd::store(out + block * kBlock + 16, hi);
      }
    }
    const int64_t tail = rows.columns - block * kBlock;
    if (Row::kMayHaveTail && tail > 0) {
      float padded[kBlock];
      cursor.loadTail(rows, lo, hi);
      Simd::store(padded, lo);
      Simd::store(padded + 16, hi);
      __builtin_memcpy(out + block * kBlock, padded, static_cast<unsigned long>(tail) * sizeof(float));
    }
  }
}

// ---- Element-wise ----

/// The last elements of a row, filled up to 16.
struct Padded {
  float values[16];
  Padded(const float* from, int64_t count, float fill) {
    for (int64_t i = 0; i < 16; ++i)
      values[i] = i < count ? from[i] : fill;
  }
};

void weightedRows(const float* weights, const float* rows, int64_t stride, int64_t count, int64_t n, float* out) {
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    Floats sums[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k)
      sums[k] = Simd::broadcast(0.0f);
    for (int64_t j = 0; j < count; ++j) {
      const Floats w = Simd::broadcast(weights[j]);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k)
        sums[k] = Simd::fma(w, Simd::load(rows + j * stride + i + 16 * k), sums[k]);
    }
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k)
      Simd::store(out + i + 16 * k, sums[k]);
  }
  for (; i < n; i += 16) {
    const int64_t width = n - i < 16 ? n - i : 16;
    Floats sum = Simd::broadcast(0.0f);
    for (int64_t j = 0; j < count; ++j) {
      const float* row = rows + j * stride + i;
      const Floats w = Simd::broadcast(weights[j]);
      sum = Simd::fma(w, width == 16 ? Simd::load(row) : Simd::load(Padded(row, width, 0).values), sum);
    }
    float padded[16];
    Simd::store(padded, sum);
    __builtin_memcpy(out + i, padded, static_cast<unsigned long>(width) * sizeof(float));
  }
}

/// e^x for x in [-87, 88]: 2^n e^r with r in [-ln2/2, ln2/2], e^r by its series to r^7 (error below f32's).
Floats exponential(Floats x) {
  const Floats shift = Simd::broadcast(12582912.0f); // 1.5 * 2^23: adding it rounds to an integer
  const Floats n = Simd::sub(Simd::fma(x, Simd::broadcast(1.44269504f), shift), shift);
  Floats r = Simd::fma(n, Simd::broadcast(-0.693359375f), x); // ln 2 in two parts
  r = Simd::fma(n, Simd::broadcast(2.12194440e-4f), r);
  Floats sum = Simd::broadcast(1.0f / 5040);
  constexpr float kSeries[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
  for (const float coefficient : kSeries)
    sum = Simd::fma(sum, r, Simd::broadcast(coefficient));
  return Simd::timesPowerOfTwo(sum, n);
}

Floats clamp(Floats x, float low, float high) {
  return Simd::min(Simd::max(x, Simd::broadcast(low)), Simd::broadcast(high));
}

void softmax(float* values, int64_t count, float scale) {
  if (count <= 0)
    return;
  const Floats s = Simd::broadcast(scale);
  const int64_t whole = count / 16 * 16;
  const Padded rest(values + whole, count - whole, values[0]);
  Floats highest = Simd::mul(Simd::load(rest.values), s);
  for (int64_t i = 0; i < whole; i += 16)
    highest = Simd::max(highest, Simd::mul(Simd::load(values + i), s));
  const Floats maximum = Simd::broadcast(Simd::maximum(highest));
  const auto term = [&](const float* at) {
    return exponential(clamp(Simd::sub(Simd::mul(Simd::load(at), s), maximum), -87.0f, 0.0f));
  };
  Floats sums = Simd::broadcast(0.0f);
  for (int64_t i = 0; i < whole; i += 16) {
    const Floats e = term(values + i);
    Simd::store(values + i, e);
    sums = Simd::add(sums, e);
  }
  float padded[16];
  Simd::store(padded, term(rest.values));
  for (int64_t i = count - whole; i < 16; ++i)
    padded[i] = 0;
  sums = Simd::add(sums, Simd::load(padded));
  const Floats inverse = Simd::broadcast(1.0f / Simd::sum(sums));
  for (int64_t i = 0; i < whole; i += 16)
    Simd::store(values + i, Simd::mul(Simd::load(values + i), inverse));
  Simd::store(padded, Simd::mul(Simd::load(padded), inverse));
  __builtin_memcpy(values + whole, padded, static_cast<unsigned long>(count - whole) * sizeof(float));
}

void rmsNorm(const float* x, const float* weight, float epsilon, int64_t n, float* out) {
  Floats squares = Simd::broadcast(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const Floats v = Simd::load(x + i);
    squares = Simd::fma(v, v, squares);
  }
  const Floats rest = Simd::load(Padded(x + i, n - i, 0).values);
  squares = Simd::fma(rest, rest, squares);
  const float mean = Simd::sum(squares) / static_cast<float>(n);
  const float scale = 1.0f / __builtin_sqrtf(mean + epsilon);
  for (i = 0; i < n; ++i)
    out[i] = weight[i] * (x[i] * scale);
}

void siluMultiply(const float* gate, const float* up, int64_t n, float* out) {
  const auto activate = [](const float* g, const float* u) {
    const Floats x = Simd::load(g);
    const Floats one = Simd::broadcast(1.0f);
    const Floats e = exponential(clamp(Simd::sub(Simd::broadcast(0.0f), x), -87.0f, 88.0f));
    return Simd::mul(Simd::div(x, Simd::add(one, e)), Simd::load(u));
  };
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    Simd::store(out + i, activate(gate + i, up + i));
  if (i < n) {
    float padded[16];
    Simd::store(padded, activate(Padded(gate + i, n - i, 0).values, Padded(up + i, n - i, 0).values));
    __builtin_memcpy(out + i, padded, static_cast<unsigned long>(n - i) * sizeof(float));
  }
}

void rotateHalves(float* x, const float* cosines, const float* sines, int64_t half) {
  float* __restrict first = x;
  float* __restrict second = x + half;
  for (int64_t i = 0; i < half; ++i) {
    const float a = first[i];
    const float b = second[i];
    first[i] = a * cosines[i] - b * sines[i];
    second[i] = b * cosines[i] + a * sines[i];
  }
}

constexpr Table makeTable(const char* name) {
  return {name,
          {dot<RowF32>, dot<RowF16>, dot<RowBF16>, dot<RowQ8_0>, dot<RowQ4_0>, dot<RowQ4_1>, dot<RowAffine<2>>,
           dot<RowAffine<3>>, dot<RowAffine<4>>, dot<RowAffine<5>>, dot<RowAffine<6>>, dot<RowAffine<7>>,
           dot<RowAffine<8>>},
          {unpack<RowF32>, unpack<RowF16>, unpack<RowBF16>, unpack<RowQ8_0>, unpack<RowQ4_0>, unpack<RowQ4_1>,
           unpack<RowAffine<2>>, unpack<RowAffine<3>>, unpack<RowAffine<4>>, unpack<RowAffine<5>>,
           unpack<RowAffine<6>>, unpack<RowAffine<7>>, unpack<RowAffine<8>>},
          weightedRows, softmax, rmsNorm, siluMultiply, rotateHalves};
}

} // namespace
} // namespace nibblesmith::runtime::kernels
