// SPDX-License-Identifier: Apache-2.0
// Compiled for AVX2, FMA and F16C; called only where dispatch.cpp found them.
#include "runtime/kernels/kernels.hpp"

#include <immintrin.h>

#include "runtime/kernels/kernels_codes256.hpp"

namespace nibblesmith::runtime::kernels {
namespace {

struct Simd : Codes256 {
  struct Floats {
    __m256 a; ///< lanes 0..7
    __m256 b; ///< lanes 8..15
  };
  static constexpr int kTile = 2;

  static Floats load(const float* at) { return {_mm256_loadu_ps(at), _mm256_loadu_ps(at + 8)}; }
  static void store(float* at, Floats x) {
    _mm256_storeu_ps(at, x.a);
    _mm256_storeu_ps(at + 8, x.b);
  }
  static Floats broadcast(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Floats add(Floats x, Floats y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
  static Floats sub(Floats x, Floats y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
  static Floats mul(Floats x, Floats y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
  static Floats div(Floats x, Floats y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
  static Floats min(Floats x, Floats y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
  static Floats max(Floats x, Floats y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
  static Floats fma(Floats x, Floats y, Floats z) {
    return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
  }
  static __m256 powerOfTwo(__m256 n) {
    const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  }
  static Floats timesPowerOfTwo(Floats x, Floats n) { return mul(x, {powerOfTwo(n.a), powerOfTwo(n.b)}); }
  static float sum(Floats x) {
    const __m256 eight = _mm256_add_ps(x.a, x.b);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static float maximum(Floats x) {
    const __m256 eight = _mm256_max_ps(x.a, x.b);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }

  static void loadF32(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = load(reinterpret_cast<const float*>(at));
    hi = load(reinterpret_cast<const float*>(at + 64));
  }
  static void loadF16(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = {_mm256_cvtph_ps(load128(at)), _mm256_cvtph_ps(load128(at + 16))};
    hi = {_mm256_cvtph_ps(load128(at + 32)), _mm256_cvtph_ps(load128(at + 48))};
  }
  static void storeF16(uint16_t* at, Floats x) {
    auto* out = reinterpret_cast<__m128i*>(at);
    _mm_storeu_si128(out, _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(out + 1, _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT));
  }
  static __m256 bf16(const uint8_t* at) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load128(at)), 16));
  }
  static void loadBF16(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = {bf16(at), bf16(at + 16)};
    hi = {bf16(at + 32), bf16(at + 48)};
  }
  static __m256 signedBytes(const uint8_t* at) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at))));
  }
  static void loadI8(const uint8_t* at, Floats& lo, Floats& hi) {
    lo = {signedBytes(at), signedBytes(at + 8)};
    hi = {signedBytes(at + 16), signedBytes(at + 24)};
  }

  static Codes fifthBits(uint32_t bits) {
    const __m256i bytes =
        _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)),
                            _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2,
                                             2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
    const __m256i own = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
    return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, own), own), _mm256_set1_epi8(16));
  }
  static __m256 eight(__m128i bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)); }
  template <int kCentre>
  static void floats(Codes c, Floats& lo, Floats& hi) {
    const __m256i codes = _mm256_sub_epi8(c, _mm256_set1_epi8(kCentre));
    const __m128i first = _mm256_castsi256_si128(codes), second = _mm256_extracti128_si256(codes, 1);
    lo = {eight(first), eight(_mm_unpackhi_epi64(first, first))};
    hi = {eight(second), eight(_mm_unpackhi_epi64(second, second))};
  }
  static Floats sixteen(uint64_t first, uint64_t second) {
    const auto widened = [](uint64_t bytes) {
      return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(bytes))));
    };
    return {widened(first), widened(second)};
  }
  static Floats half(const uint8_t* at) { return broadcast(halfValue(at)); }
  static Floats eightOfEach(Floats a, Floats b) { return {a.a, b.b}; }

  template <int kBits>
  struct Grid {
    __m256 scale = _mm256_setzero_ps();
    __m256 offset = _mm256_setzero_ps();
    void set(float s, float o) {
      scale = _mm256_set1_ps(s);
      offset = _mm256_set1_ps(o);
    }
    __m256 eight(__m128i bytes) const {
      return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), scale, offset);
    }
    Floats sixteen(__m128i bytes) const { return {eight(bytes), eight(_mm_unpackhi_epi64(bytes, bytes))}; }
    void load(const uint8_t* at, Floats& lo, Floats& hi) const {
      const __m256i all = codes<kBits>(at);
      lo = sixteen(_mm256_castsi256_si128(all));
      hi = sixteen(_mm256_extracti128_si256(all, 1));
    }
    template <int kFrom>
    void loadNibbles(const uint8_t* at, Floats& lo, Floats& hi) const {
      const __m256i all = field<kFrom, 15>(load256(at));
      lo = sixteen(_mm256_castsi256_si128(all));
      hi = sixteen(_mm256_extracti128_si256(all, 1));
    }
  };

  /// Lookup table of a group's weights by code: up to 16 in registers, more by gather.
  template <int kBits>
  struct Book {
    alignas(32) float values[kBits < 4 ? 16 : 1 << kBits] = {};
    void set(const float* table) { __builtin_memcpy(values, table, sizeof(values)); }
    __m256 eight(__m128i bytes) const {
      const __m256i index = _mm256_cvtepu8_epi32(bytes);
      if constexpr (kBits > 4)
        return _mm256_i32gather_ps(values, index, 4);
      const __m256 low = _mm256_permutevar8x32_ps(_mm256_load_ps(values), index); // uses the low three bits
      if constexpr (kBits < 4)
        return low;
      const __m256 high = _mm256_permutevar8x32_ps(_mm256_load_ps(values + 8), index);
      return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
    }
    Floats sixteen(__m128i bytes) const { return {eight(bytes), eight(_mm_unpackhi_epi64(bytes, bytes))}; }
    void load(const uint8_t* at, Floats& lo, Floats& hi) const {
      const __m256i all = codes<kBits>(at);
      lo = sixteen(_mm256_castsi256_si128(all));
      hi = sixteen(_mm256_extracti128_si256(all, 1));
    }
  };

  /// Implements kernels_int8.hpp. Products go through 16 bits, because the byte instruction saturates.
  struct Bytes {
    using Sums = __m256i;
    using Weights = __m256i;
    using Inputs = __m256i;
    static constexpr int64_t kStep = 16;
    static constexpr int32_t kInputOffset = 0;
    static constexpr int kRows = 2;
    static constexpr int kTokens = 4;

    static Sums zero() { return _mm256_setzero_si256(); }
    static __m256i widened(const int8_t* at) {
      return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    }
    static Weights weights(const int8_t* at) { return widened(at); }
    static Inputs inputs(const int8_t* at) { return widened(at); }
    static Sums add(Sums sums, Weights w, Inputs x) {
      return _mm256_add_epi32(sums, _mm256_madd_epi16(w, x));
    }
    static int32_t total(Sums sums) {
      const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
      const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
      return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
    }
  };
};

} // namespace
} // namespace nibblesmith::runtime::kernels

#include "runtime/kernels/kernels_impl.hpp"

namespace nibblesmith::runtime::kernels {
const Table kAvx2 = makeTable("AVX2");
} // namespace nibblesmith::runtime::kernels
