// SPDX-License-Identifier: Apache-2.0
#include "tensor/int8_blocks.hpp"

#include "tensor/gemm.hpp"
#include "tensor/half.hpp"
#include "tensor/magnitude_bits.hpp"
#include "tensor/multiversion.hpp"
#include "tensor/round_half_even.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>

namespace nibblesmith::tensor {

namespace {

/// Largest block width. Sums of this many products of codes are integers below 2^24, exact in f32 in any
/// order.
constexpr int64_t kMaxBlockColumns = 576;
constexpr int64_t kColumnStep = 16;
constexpr float kLargestCode = 127.0f;
/// Tile of a product, small enough that one block's sums and their accumulators stay in the L2 cache.
constexpr int64_t kTileRows = 128;
constexpr int64_t kTileColumns = 576;

/// Block width for `columns` columns: the smallest that keeps the number of blocks, so that all are about
/// equal.
int64_t blockColumns(int64_t columns) {
  const int64_t blocks = std::max<int64_t>(1, (columns + kMaxBlockColumns - 1) / kMaxBlockColumns);
  const int64_t even = (columns + blocks - 1) / blocks;
  return std::min(kMaxBlockColumns, (even + kColumnStep - 1) / kColumnStep * kColumnStep);
}

NIB_MULTIVERSION void codesOf(const float* x, int64_t count, float inverse, int8_t* codes) {
  for (int64_t i = 0; i < count; ++i)
    codes[i] = static_cast<int8_t>(static_cast<int32_t>(roundedHalfToEven(x[i] * inverse)));
}

/// y (+)= sums * (a * b) for the sums of one token in one block.
template <bool kAdds>
NIB_MULTIVERSION void addScaled(const float* sums, float a, const float* b, int64_t count, float* y) {
  for (int64_t i = 0; i < count; ++i)
    y[i] = kAdds ? y[i] + sums[i] * (a * b[i]) : sums[i] * (a * b[i]);
}

} // namespace

Int8Blocks::Int8Blocks(int64_t rows, int64_t columns)
    : m_rows(rows), m_columns(columns), m_block(blockColumns(columns)),
      m_codes(static_cast<size_t>(rows * columns)), m_scales((columns + m_block - 1) / m_block, rows) {}

Int8Blocks::Int8Blocks(const Matrix& values) : Int8Blocks(values.rows(), values.cols()) {
  for (int64_t r = 0; r < m_rows; ++r)
    setRow(r, values.row(r).data());
}

Int8Blocks::Int8Blocks(const Bf16Matrix& values, const Vector& factors)
    : Int8Blocks(values.rows(), values.cols()) {
  Vector row(m_columns);
  for (int64_t r = 0; r < m_rows; ++r) {
    bf16ToF32(values.row(r).data(), row.data(), m_columns);
    if (factors.size() > 0)
      row.array() *= factors.array();
    setRow(r, row.data());
  }
}

void Int8Blocks::setRow(int64_t row, const float* values) {
  for (int64_t b = 0; b < m_scales.rows(); ++b) {
    const int64_t begin = b * m_block, count = std::min(m_block, m_columns - begin);
    int8_t* codes = m_codes.data() + row * m_columns + begin;
    const uint32_t bits = largestMagnitudeBits(values + begin, count);
    const float largest = std::bit_cast<float>(bits);
    // The block is so small that 127 / largest is infinite; its products are negligible.
    const float inverse = kLargestCode / largest;
    const bool codable = bits < kInfinityBits && std::bit_cast<uint32_t>(inverse) < kInfinityBits;
    m_scales(b, row) = bits >= kInfinityBits ? std::numeric_limits<float>::quiet_NaN()
                       : codable             ? largest / kLargestCode
                                             : 0.0f;
    if (codable)
      codesOf(values + begin, count, inverse, codes);
    else
      std::fill_n(codes, count, int8_t{0});
  }
}

void Int8Blocks::multiplyNT(const Int8Blocks& x, const Int8Blocks& W, int64_t begin, int64_t end, float* y,
                            int64_t ldy) {
  // thread_local, because allocating it per product would map and unmap its pages each time.
  static thread_local const auto sums = std::make_unique_for_overwrite<float[]>(kTileRows * kTileColumns);
  for (int64_t row = 0; row < x.m_rows; row += kTileRows)
    for (int64_t out = begin; out < end; out += kTileColumns) {
      const int64_t rows = std::min(kTileRows, x.m_rows - row), outs = std::min(kTileColumns, end - out);
      for (int64_t b = 0; b < x.m_scales.rows(); ++b) {
        const int64_t column = b * x.m_block, columns = std::min(x.m_block, x.m_columns - column);
        int8GemmNT(rows, outs, columns, x.m_codes.data() + row * x.m_columns + column, x.m_columns,
                   W.m_codes.data() + out * W.m_columns + column, W.m_columns, sums.get(), outs);
        const auto add = b == 0 ? addScaled<false> : addScaled<true>;
        for (int64_t r = 0; r < rows; ++r)
          add(sums.get() + r * outs, x.m_scales(b, row + r), W.m_scales.row(b).data() + out, outs,
              y + (row + r) * ldy + out - begin);
      }
    }
}

} // namespace nibblesmith::tensor
