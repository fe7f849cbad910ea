// SPDX-License-Identifier: Apache-2.0
// Compiled for AVX-512 F, BW, VL and DQ; called only where dispatch.cpp found them.
#include "runtime/kernels/kernels.hpp"

#include <immintrin.h>

#include "runtime/kernels/kernels_codes256.hpp"

namespace nibblesmith::runtime::kernels {
namespace {

struct Simd : Codes256 {
  struct Floats {
    __m512 v;
  };
  static constexpr int kTile = 8;

  static Floats load(const float* at) { return {_mm512_loadu_ps(at)}; }
  static void store(float* at, Floats x) { _mm512_storeu_ps(at, x.v); }
  static Floats broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static Floats add(Floats x, Floats y) { return {_mm512_add_ps(x.v, y.v)}; }
  static Floats sub(Floats x, Floats y) { return {_mm512_sub_ps(x.v, y.v)}; }
  static Floats mul(Floats x, Floats y) { return {_mm512_mul_ps(x.v, y.v)}; }
  static Floats div(Floats x, Floats y) { return {_mm512_div_ps(x.v, y.v)}; }
  static Floats min(Floats x, Floats y) { return {_mm512_min_ps(x.v, y.v)}; }
  static Floats max(Floats x, Floats y) { return {_mm512_max_ps(x.v, y.v)}; }
  static Floats fma(Floats x, Floats y, Floats z) { return {_mm512_fmadd_ps(x.v, y.v, z.v)}; }
  static Floats timesPowerOfTwo(Floats x, Floats n) {
    const __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127));
    return {_mm512_mul_ps(x.v, _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23)))};
  }
  static float sum(Floats x) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x.v), _mm512_extractf32x8_ps(x.v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static float maximum(Floats x) {
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x.v), _mm512_extractf32x8_ps(x.v, 1));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }

  static void loadF32(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = {_mm512_loadu_ps(at)};
    hi = {_mm512_loadu_ps(at + 64)};
  }
  static void loadF16(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = {_mm512_cvtph_ps(load256(at))};
    hi = {_mm512_cvtph_ps(load256(at + 32))};
  }
  static void storeF16(uint16_t* at, Floats x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
  }
  static Floats bf16(const uint8_t* at) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load256(at)), 16))};
  }
  static void loadBF16(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = bf16(at);
    hi = bf16(at + 32);
  }
  static void loadI8(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load128(at)))};
    hi = {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load128(at + 16)))};
  }

  static Codes fifthBits(uint32_t bits) { return _mm256_maskz_set1_epi8(bits, 16); }
  template <int kCentre>
  static void floats(Codes c, Floats& lo, Floats& hi) {
    const __m256i codes = _mm256_sub_epi8(c, _mm256_set1_epi8(kCentre));
    lo = {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm256_castsi256_si128(codes)))};
    hi = {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm256_extracti128_si256(codes, 1)))};
  }
  static Floats sixteen(uint64_t first, uint64_t second) {
    const __m128i bytes = _mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(first));
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))};
  }
  static Floats half(const uint8_t* at) { return broadcast(halfValue(at)); }
  static Floats eightOfEach(Floats a, Floats b) { return {_mm512_mask_blend_ps(0xFF00, a.v, b.v)}; }

  /// Lookup table for up to 4 bits: the at most 16 weights of a group are computed once and looked up by
  /// code.
  template <int kBits>
  struct Grid {
    __m512 scaleOrTable = _mm512_setzero_ps();
    __m512 offset = _mm512_setzero_ps();
    void set(float s, float o) {
      scaleOrTable = _mm512_set1_ps(s);
      offset = _mm512_set1_ps(o);
      if constexpr (kBits <= 4) {
        const __m512 code = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        scaleOrTable = _mm512_fmadd_ps(code, scaleOrTable, offset);
      }
    }
    __m512 weights(__m512i codes32) const {
      if constexpr (kBits <= 4)
        return _mm512_permutexvar_ps(codes32, scaleOrTable); // uses the low four bits
      else
        return _mm512_fmadd_ps(_mm512_cvtepi32_ps(codes32), scaleOrTable, offset);
    }
    void load(const uint8_t* at, Floats& lo, Floats& hi) const {
      if constexpr (kBits == 4) {
        const __m512i pairs = _mm512_cvtepu8_epi32(load128(at));
        lo = {weights(pairs)};
        hi = {weights(_mm512_srli_epi32(pairs, 4))};
      } else {
        const __m256i all = codes<kBits>(at);
        lo = {weights(_mm512_cvtepu8_epi32(_mm256_castsi256_si128(all)))};
        hi = {weights(_mm512_cvtepu8_epi32(_mm256_extracti128_si256(all, 1)))};
      }
    }
    template <int kFrom>
    void loadNibbles(const uint8_t* at, Floats& lo, Floats& hi) const {
      static_assert(kBits == 4);
      lo = {weights(_mm512_srli_epi32(_mm512_cvtepu8_epi32(load128(at)), kFrom))};
      hi = {weights(_mm512_srli_epi32(_mm512_cvtepu8_epi32(load128(at + 16)), kFrom))};
    }
  };

  /// Lookup table of a group's weights by code, 16 per register.
  template <int kBits>
  struct Book {
    static constexpr int kTables = kBits <= 4 ? 1 : 1 << (kBits - 4);
    __m512 tables[kTables];
    void set(const float* table) {
      for (int i = 0; i < kTables; ++i)
        tables[i] = _mm512_loadu_ps(table + 16 * i);
    }
    __m512 weights(__m512i codes32) const {
      if constexpr (kBits <= 4) {
        return _mm512_permutexvar_ps(codes32, tables[0]);
      } else {
        const __m512 low = _mm512_permutex2var_ps(tables[0], codes32, tables[1]); // uses the low five bits
        if constexpr (kBits == 5)
          return low;
        else
          return _mm512_mask_blend_ps(_mm512_test_epi32_mask(codes32, _mm512_set1_epi32(32)), low,
                                      _mm512_permutex2var_ps(tables[2], codes32, tables[3]));
      }
    }
    void load(const uint8_t* at, Floats& lo, Floats& hi) const {
      if constexpr (kBits == 4) {
        const __m512i pairs = _mm512_cvtepu8_epi32(load128(at));
        lo = {weights(pairs)};
        hi = {weights(_mm512_srli_epi32(pairs, 4))};
        return;
      }
      const __m256i all = codes<kBits>(at);
      lo = {weights(_mm512_cvtepu8_epi32(_mm256_castsi256_si128(all)))};
      hi = {weights(_mm512_cvtepu8_epi32(_mm256_extracti128_si256(all, 1)))};
    }
  };

  /// Implements kernels_int8.hpp. Products go through 16 bits, because the byte instruction saturates.
  struct Bytes {
    using Sums = __m512i;
    using Weights = __m512i;
    using Inputs = __m512i;
    static constexpr int64_t kStep = 32;
    static constexpr int32_t kInputOffset = 0;
    static constexpr int kRows = 4;
    static constexpr int kTokens = 4;

    static Sums zero() { return _mm512_setzero_si512(); }
    static __m512i widened(const int8_t* at) {
      return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
    }
    static Weights weights(const int8_t* at) { return widened(at); }
    static Inputs inputs(const int8_t* at) { return widened(at); }
    static Sums add(Sums sums, Weights w, Inputs x) {
      return _mm512_add_epi32(sums, _mm512_madd_epi16(w, x));
    }
    static int32_t total(Sums sums) { return _mm512_reduce_add_epi32(sums); }
  };
};

} // namespace
} // namespace nibblesmith::runtime::kernels

#include "runtime/kernels/kernels_impl.hpp"

namespace nibblesmith::runtime::kernels {
const Table kAvx512 = makeTable("AVX-512");
} // namespace nibblesmith::runtime::kernels
