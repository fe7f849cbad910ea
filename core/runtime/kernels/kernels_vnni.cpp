// SPDX-License-Identifier: Apache-2.0
// Compiled for AVX-512 F, BW, VL, DQ and VNNI; called only where dispatch.cpp found them.
#include "runtime/kernels/kernels.hpp"

#include <immintrin.h>

#include "runtime/kernels/kernels_int8.hpp"

namespace nibblesmith::runtime::kernels {
namespace {

/// Implements kernels_int8.hpp. The instruction multiplies unsigned by signed bytes, so inputs are offset by
/// 128.
struct Bytes {
  using Sums = __m512i;
  using Weights = __m512i;
  using Inputs = __m512i;
  static constexpr int64_t kStep = 64;
  static constexpr int32_t kInputOffset = 128;
  static constexpr int kRows = 4;
  static constexpr int kTokens = 4;

  static Sums zero() { return _mm512_setzero_si512(); }
  static Weights weights(const int8_t* at) { return _mm512_loadu_si512(at); }
  static Inputs inputs(const int8_t* at) {
    return _mm512_xor_si512(_mm512_loadu_si512(at), _mm512_set1_epi8(-128));
  }
  static Sums add(Sums sums, Weights w, Inputs x) { return _mm512_dpbusd_epi32(sums, x, w); }
  static int32_t total(Sums sums) { return _mm512_reduce_add_epi32(sums); }
};

} // namespace

void dotInt8Vnni(const Int8Rows& rows, int64_t begin, int64_t end, const int8_t* x, int64_t tokens,
                 int32_t* y, int64_t ldy) {
  dotInt8<Bytes>(rows, begin, end, x, tokens, y, ldy);
}

} // namespace nibblesmith::runtime::kernels
