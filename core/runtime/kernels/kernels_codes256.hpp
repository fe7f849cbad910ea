// SPDX-License-Identifier: Apache-2.0
#pragma once

// Included by the AVX2 and AVX-512 files after <immintrin.h>: the codes part of `Simd`, in 256-bit registers.

namespace nibblesmith::runtime::kernels {
namespace {

struct Codes256 {
  static __m128i load128(const uint8_t* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
  static __m256i load256(const uint8_t* at) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  }

  /// 32 codes, one per byte.
  using Codes = __m256i;
  static Codes loadCodes(const uint8_t* at) { return load256(at); }
  template <int kFrom, int kMask, int kTo = 0>
  static Codes field(Codes c) {
    if constexpr (kFrom > kTo)
      c = _mm256_srli_epi16(c, kFrom - kTo);
    if constexpr (kFrom < kTo)
      c = _mm256_slli_epi16(c, kTo - kFrom);
    return _mm256_and_si256(c, _mm256_set1_epi8(static_cast<char>(kMask << kTo)));
  }
  static Codes join(Codes a, Codes b) { return _mm256_or_si256(a, b); }

  // Expands the planes of a block: copies of the plane's bytes, each shifted to its field.
  static Codes plane4(const uint8_t* at) {
    const __m256i copies = _mm256_broadcastsi128_si256(load128(at));
    const __m256i fields = _mm256_srlv_epi64(copies, _mm256_setr_epi64x(0, 0, 4, 4));
    return _mm256_and_si256(fields, _mm256_set1_epi8(15));
  }
  static Codes plane2(const uint8_t* at) {
    long long bytes;
    __builtin_memcpy(&bytes, at, sizeof(bytes));
    const __m256i fields = _mm256_srlv_epi64(_mm256_set1_epi64x(bytes), _mm256_setr_epi64x(0, 2, 4, 6));
    return _mm256_and_si256(fields, _mm256_set1_epi8(3));
  }
  static Codes plane1(const uint8_t* at) {
    int bytes;
    __builtin_memcpy(&bytes, at, sizeof(bytes));
    const __m256i fields =
        _mm256_srlv_epi32(_mm256_set1_epi32(bytes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    return _mm256_and_si256(fields, _mm256_set1_epi8(1));
  }
  /// Shifts each byte's code, which stays below 2^kBits, so the 16-bit shifts carry nothing into the next
  /// byte.
  template <int kBits>
  static Codes codes(const uint8_t* at) {
    if constexpr (kBits == 8)
      return load256(at);
    __m256i all = _mm256_setzero_si256();
    if constexpr ((kBits & 4) != 0)
      all = plane4(at);
    if constexpr ((kBits & 2) != 0)
      all = _mm256_or_si256(all, _mm256_slli_epi16(plane2(at + 4 * (kBits & 4)), kBits & 4));
    if constexpr ((kBits & 1) != 0)
      all = _mm256_or_si256(all, _mm256_slli_epi16(plane1(at + 4 * (kBits & 6)), kBits & 6));
    return all;
  }

  static float halfValue(const uint8_t* at) {
    unsigned short bits;
    __builtin_memcpy(&bits, at, sizeof(bits));
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
  }
};

} // namespace
} // namespace nibblesmith::runtime::kernels
