// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nibblesmith::tensor {

/// Scales that are quantized themselves: scale i, counted over rows and groups, is map[codes[i]] * absmax[i /
/// 256] + offset, in f32, with map = dynamicMap(). Source: Dettmers et al. 2023 (arXiv 2305.14314), section
/// 3, "double quantization", as bitsandbytes does it.
struct NestedScales {
  static constexpr int64_t kBlock = 256;

  std::vector<uint8_t> codes; ///< [outFeatures * groups]
  Vector absmax;              ///< [ceil(outFeatures * groups / 256)]
  float offset = 0;

  float scale(int64_t i) const;
  bool operator==(const NestedScales& other) const;
};

/// Quantizes scales as bitsandbytes does: the mean is taken off, each block of 256 is divided by its largest
/// magnitude and takes the nearest values of the map, of two equally near ones the lower. The codes of
/// weights stay as they are.
NestedScales nestScales(std::span<const float> scales);

/// A weight matrix on a grid, group g = groupIndex.empty() ? i / groupSize : groupIndex[i]. Codes are 0 ..
/// 2^bits - 1, one per byte. Affine: W[o,i] = scales[o,g] * (codes[o,i] - zeroPoints[o,g]); a symmetric grid
/// has zeroPoint = 2^(bits-1) everywhere. Code book: W[o,i] = f16(scales[o,g] * book[codes[o,i]]), the f16
/// nearest to the f32 product, so that the weights can be written as f16 without loss. One book for the
/// tensor, or one for each group of each row, which then needs no scale besides: 1.
struct QuantizedTensor {
  int64_t outFeatures = 0;
  int64_t inFeatures = 0;
  int bits = 4;                    ///< affine: 2..8; code book: 2..6
  int64_t groupSize = 0;           ///< along inFeatures; equal to inFeatures for one group per row
  bool symmetric = true;           ///< affine alone
  std::vector<uint8_t> codes;      ///< [outFeatures, inFeatures]
  Matrix scales;                   ///< [outFeatures, groups]; affine: every value is exactly an f16
  std::vector<uint8_t> zeroPoints; ///< affine: [outFeatures, groups]; else empty
  std::vector<int32_t> groupIndex; ///< [inFeatures], or empty where groups are consecutive columns
  Matrix codeBooks;                ///< [0: affine, 1: of the tensor, or outFeatures * groups; 2^bits]
  std::optional<NestedScales> nestedScales; ///< code book alone: what scales were computed from

  int64_t groups() const { return (inFeatures + groupSize - 1) / groupSize; }
  bool isAffine() const { return codeBooks.rows() == 0; }
  /// Each group of each row has its book.
  bool hasOwnBooks() const { return codeBooks.rows() > 1; }
  /// The 2^bits values of group g in row o, before their scale.
  std::span<const float> book(int64_t o, int64_t g) const;
  /// Bytes as packed in memory and files: codes at `bits`; affine: scales as f16, zero points where
  /// asymmetric; code books: scales as f32 or nested, own books as f16.
  uint64_t packedBytes() const;
  /// f32 values of row o into out[inFeatures].
  void dequantizeRow(int64_t o, float* out) const;
  Matrix dequantize() const;
  /// Throws base::Error{Corrupt} where sizes, codes, books or the group index do not fit together.
  void validate(const std::string& name) const;
};

} // namespace nibblesmith::tensor
