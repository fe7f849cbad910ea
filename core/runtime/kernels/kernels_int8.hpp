// SPDX-License-Identifier: Apache-2.0
#pragma once

// Included by the files that implement kernels.hpp: products of signed bytes, for a struct Bytes with
//   Sums, zero(), add(sums, weights, inputs), total(sums): sums of products in int32 lanes;
//   Weights, weights(at), Inputs, inputs(at): kStep bytes each, kStep a divisor of kInt8Block;
//   kInputOffset: what inputs() adds to each input; kRows, kTokens: number of products accumulated at once.

namespace nibblesmith::runtime::kernels {
namespace {

template <typename Bytes, int kRows, int kTokens>
void int8Tile(const Int8Rows& rows, int64_t row, const int8_t* x, int64_t token, int32_t* y, int64_t ldy) {
  typename Bytes::Sums sums[kRows][kTokens];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t)
      sums[r][t] = Bytes::zero();
  const int8_t* codes = rows.codes + row * rows.columns;
  const int8_t* values = x + token * rows.columns;
  for (int64_t i = 0; i < rows.columns; i += Bytes::kStep) {
    typename Bytes::Inputs inputs[kTokens];
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t)
      inputs[t] = Bytes::inputs(values + t * rows.columns + i);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const typename Bytes::Weights weights = Bytes::weights(codes + r * rows.columns + i);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t)
        sums[r][t] = Bytes::add(sums[r][t], weights, inputs[t]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t)
      y[(token + t) * ldy + row + r] = Bytes::total(sums[r][t]) - Bytes::kInputOffset * rows.rowSums[row + r];
}

template <typename Bytes, int kRows>
void int8Rows(const Int8Rows& rows, int64_t row, const int8_t* x, int64_t tokens, int32_t* y, int64_t ldy) {
  int64_t token = 0;
  for (; token + Bytes::kTokens <= tokens; token += Bytes::kTokens)
    int8Tile<Bytes, kRows, Bytes::kTokens>(rows, row, x, token, y, ldy);
  for (; token < tokens; ++token)
    int8Tile<Bytes, kRows, 1>(rows, row, x, token, y, ldy);
}

template <typename Bytes>
void dotInt8(const Int8Rows& rows, int64_t begin, int64_t end, const int8_t* x, int64_t tokens, int32_t* y,
             int64_t ldy) {
  int64_t row = begin;
  for (; row + Bytes::kRows <= end; row += Bytes::kRows)
    int8Rows<Bytes, Bytes::kRows>(rows, row, x, tokens, y, ldy);
  for (; row < end; ++row)
    int8Rows<Bytes, 1>(rows, row, x, tokens, y, ldy);
}

} // namespace
} // namespace nibblesmith::runtime::kernels
