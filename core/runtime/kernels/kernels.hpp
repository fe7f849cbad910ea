// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// The inner loops, compiled once per instruction set and chosen at run time. The files that implement them
/// are compiled with flags of their instruction set: they include nothing but this and intrinsics, so that no
/// shared inline code gets compiled for a processor that may not be there.
namespace nibblesmith::runtime::kernels {

/// Weights are handled in blocks of 32 columns.
inline constexpr int64_t kBlock = 32;

/// How the columns of a row are stored. F32, F16, BF16: little-endian values. Q8_0 to IQ4_XS: ggml's
/// blocks. AffineN, BookN: N-bit codes in blocks of 32 columns, 4 N bytes each. A block is a chain of bit
/// planes, low bits first, of 4, 2 and 1 bits where N has them (8 bits: plain bytes). Column i of a plane of
/// p bits lies in byte i % (4 p), at bit p * (i / (4 p)); for p = 4 this is the order of ggml's nibbles.
enum Format : int {
  kF32,
  kF16,
  kBF16,
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIq4Nl,
  kIq4Xs,
  kAffine2,
  kAffine3,
  kAffine4,
  kAffine5,
  kAffine6,
  kAffine7,
  kAffine8,
  kBook2,
  kBook3,
  kBook4,
  kBook5,
  kBook6,
  kFormats
};

/// What an MLP's activations go through: x / (1 + exp(-x)); x Phi(x); and the latter's approximation by tanh.
enum Curve : int { kSilu, kGelu, kGeluTanh, kCurves };

/// A weight matrix. Any alignment.
struct Rows {
  const uint8_t* codes; ///< row 0
  int64_t rowBytes;     ///< from one row to the next
  int64_t columns;      ///< whole blocks, except for F32, F16 and BF16
  // Affine formats: W = scale * (code - zeroPoint) by group of whole blocks.
  const uint16_t* scales;    ///< [rows, groups] f16, and 31 more readable ones
  const uint8_t* zeroPoints; ///< [rows, groups], or null
  float zeroPoint;           ///< of every group where zeroPoints is null
  int64_t groups;
  const int32_t* groupBlocks; ///< [groups] blocks in each group
  // Book formats: W = f16(bookScale * sharedBook[code]), or ownBook[code] where there are books of the
  // groups' own.
  const float* sharedBook;  ///< [2^bits]
  const float* bookScales;  ///< [rows, groups]
  const uint16_t* ownBooks; ///< [rows, groups, 2^bits] f16, or null
};

/// A few rows of activations and where their products go: y[t * ldy + row] = W[row] . x[t * ldx].
struct Few {
  const float* x;
  int64_t ldx;
  int64_t tokens;
  float* y;
  int64_t ldy;
};

/// Rows of signed bytes, for products in integers.
struct Int8Rows {
  const int8_t* codes;    ///< [rows, columns]
  const int32_t* rowSums; ///< [rows], of each row's codes
  int64_t columns;        ///< a multiple of kInt8Block, at most kInt8Columns
};
inline constexpr int64_t kInt8Block = 64;
/// No sum of so many products of an unsigned and a signed byte leaves int32.
inline constexpr int64_t kInt8Columns = 65536;

/// One instruction set's implementation. All of them add in the same order; those with fused multiply-add
/// give the same bits.
struct Table {
  const char* name;
  /// Products of rows [begin, end) with a few tokens. A token's result does not depend on the others.
  void (*dot[kFormats])(const Rows& rows, int64_t begin, int64_t end, const Few& few);
  /// f32 values of rows [begin, end) into out[end - begin, columns].
  void (*unpack[kFormats])(const Rows& rows, int64_t begin, int64_t end, float* out);
  /// y[t * ldy + row] = sum over i of codes[row, i] * x[t, i] for rows [begin, end), exact. x [tokens,
  /// columns].
  void (*dotInt8)(const Int8Rows& rows, int64_t begin, int64_t end, const int8_t* x, int64_t tokens,
                  int32_t* y, int64_t ldy);
  /// out[n] = sum over j < count of weights[j] * rows[j * stride, n].
  void (*weightedRows)(const float* weights, const float* rows, int64_t stride, int64_t count, int64_t n,
                       float* out);
  /// values[i] = exp(scale * values[i]) / sum, against the maximum.
  void (*softmax)(float* values, int64_t count, float scale);
  /// out = weight * x / sqrt(mean(x^2) + epsilon).
  void (*rmsNorm)(const float* x, const float* weight, float epsilon, int64_t n, float* out);
  /// out = curve(gate) * up, or curve(gate) where `up` is null.
  void (*activate[kCurves])(const float* gate, const float* up, int64_t n, float* out);
  /// Turns (x[i], x[i + half]) by the angle whose cosine and sine are given, i < half.
  void (*rotateHalves)(float* x, const float* cosines, const float* sines, int64_t half);
};

extern const Table kGeneric;
#if defined(__x86_64__)
extern const Table kAvx2;
extern const Table kAvx512;
/// Table::dotInt8 for processors that have AVX-512 VNNI beside the rest.
void dotInt8Vnni(const Int8Rows& rows, int64_t begin, int64_t end, const int8_t* x, int64_t tokens,
                 int32_t* y, int64_t ldy);
#elif defined(__aarch64__)
extern const Table kNeon;
#endif

} // namespace nibblesmith::runtime::kernels
