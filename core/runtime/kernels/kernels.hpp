// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// Inner loops, compiled once per instruction set and selected at run time. The implementing files are
/// compiled with flags of their instruction set. They include nothing but this header and intrinsics, so that
/// no shared inline function is compiled for an instruction set that the CPU may lack.
namespace nibblesmith::runtime::kernels {

/// Number of columns per block of weights.
inline constexpr int64_t kBlock = 32;

/// Storage format of a row. F32, F16, BF16: little-endian values. Q8_0 to IQ4_XS: ggml's blocks. AffineN,
/// BookN: N-bit codes in blocks of 32 columns, 4 N bytes each. A block is a sequence of bit planes, low bits
/// first: planes of 4, 2 and 1 bits as needed to make N (8 bits: plain bytes). Column i of a plane of p bits
/// is in byte i % (4 p), at bit p * (i / (4 p)); for p = 4 this is the order of ggml's nibbles.
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

/// Activation function of an MLP: x / (1 + exp(-x)); x Phi(x); the tanh approximation of the latter.
enum Curve : int { kSilu, kGelu, kGeluTanh, kCurves };

/// Matrix of weights with any alignment.
struct Rows {
  const uint8_t* codes; ///< row 0
  int64_t rowBytes;     ///< distance between rows in bytes
  int64_t columns;      ///< a multiple of the block size, except for F32, F16 and BF16
  // Affine formats: W = scale * (code - zeroPoint); groups are whole blocks.
  const uint16_t* scales;    ///< [rows, groups] f16, followed by 31 readable values
  const uint8_t* zeroPoints; ///< [rows, groups], or null
  float zeroPoint;           ///< zero point of all groups if zeroPoints is null
  int64_t groups;
  const int32_t* groupBlocks; ///< [groups] number of blocks per group
  // Book formats: W = f16(bookScale * sharedBook[code]), or ownBook[code] for per-group code books.
  const float* sharedBook;    ///< [2^bits]
  const float* bookScales;    ///< [rows, groups]
  const uint16_t* groupBooks; ///< [rows, groups, 2^bits] f16, or null
};

/// A few rows of activations and the place of their products: y[t * ldy + row] = W[row] . x[t * ldx].
struct ActivationRows {
  const float* x;
  int64_t ldx;
  int64_t tokens;
  float* y;
  int64_t ldy;
};

/// Rows of signed bytes for integer products.
struct Int8Rows {
  const int8_t* codes;    ///< [rows, columns]
  const int32_t* rowSums; ///< [rows], sum of each row's codes
  int64_t columns;        ///< a multiple of kInt8Block, at most kInt8Columns
};
inline constexpr int64_t kInt8Block = 64;
/// Largest number of columns: sums of that many products of an unsigned and a signed byte fit in int32.
inline constexpr int64_t kInt8Columns = 65536;

/// Implementation for one instruction set. All implementations add in the same order; those with fused
/// multiply-add give the same bits.
struct Table {
  const char* name;
  /// Multiplies rows [begin, end) with a few tokens. A token's result does not depend on the others.
  void (*dot[kFormats])(const Rows& rows, int64_t begin, int64_t end, const ActivationRows& input);
  /// Dequantizes rows [begin, end) into out[end - begin, columns].
  void (*unpack[kFormats])(const Rows& rows, int64_t begin, int64_t end, float* out);
  /// Computes y[t * ldy + row] = sum over i of codes[row, i] * x[t, i] exactly, for rows [begin, end) and x
  /// [tokens, columns].
  void (*dotInt8)(const Int8Rows& rows, int64_t begin, int64_t end, const int8_t* x, int64_t tokens,
                  int32_t* y, int64_t ldy);
  /// Computes out[n] = sum over j < count of weights[j] * rows[j * stride, n].
  void (*weightedRows)(const float* weights, const float* rows, int64_t stride, int64_t count, int64_t n,
                       float* out);
  /// Computes values[i] = exp(scale * values[i]) / sum, shifted by the maximum.
  void (*softmax)(float* values, int64_t count, float scale);
  /// Computes out = weight * x / sqrt(mean(x^2) + epsilon).
  void (*rmsNorm)(const float* x, const float* weight, float epsilon, int64_t n, float* out);
  /// Computes out = curve(gate) * up, or curve(gate) if `up` is null.
  void (*activate[kCurves])(const float* gate, const float* up, int64_t n, float* out);
  /// Rotates the pairs (x[i], x[i + half]), i < half, by angles given as cosines and sines.
  void (*rotateHalves)(float* x, const float* cosines, const float* sines, int64_t half);
};

extern const Table kGeneric;
#if defined(__x86_64__)
extern const Table kAvx2;
extern const Table kAvx512;
/// Implements Table::dotInt8 for CPUs with AVX-512 VNNI.
void dotInt8Vnni(const Int8Rows& rows, int64_t begin, int64_t end, const int8_t* x, int64_t tokens,
                 int32_t* y, int64_t ldy);
#elif defined(__aarch64__)
extern const Table kNeon;
#endif

} // namespace nibblesmith::runtime::kernels
