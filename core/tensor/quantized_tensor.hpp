// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nibblesmith::tensor {

/// Group scales that are themselves quantized ("double quantization"): scale i, in row-major order of
/// [outFeatures, groups], is dynamicMap()[codes[i]] * absmax[i / 256] + offset in f32. Source: Dettmers et
/// al. 2023 (arXiv 2305.14314), section 3, as implemented in bitsandbytes.
struct NestedScales {
  static constexpr int64_t kBlock = 256;

  std::vector<uint8_t> codes; ///< [outFeatures * groups]
  Vector absmax;              ///< [ceil(outFeatures * groups / 256)]
  float offset = 0;

  /// Dequantizes scale i, bit-identical to bitsandbytes.
  float scale(int64_t i) const;
  bool operator==(const NestedScales& other) const;
};

/// Quantizes group scales as bitsandbytes does: subtracts the mean, divides each block of 256 by its largest
/// magnitude and takes the nearest value of dynamicMap(), the lower of two equally near ones. The codes of
/// the weights do not change.
NestedScales nestScales(std::span<const float> scales);

/// Weight matrix quantized to a grid, with one code per byte in 0 .. 2^bits - 1. The group of column i is g =
/// groupIndex.empty() ? i / groupSize : groupIndex[i].
/// Affine grids: W[o,i] = scales[o,g] * (codes[o,i] - zeroPoints[o,g]); symmetric ones have zeroPoint =
/// 2^(bits-1) everywhere.
/// Code books: W[o,i] = f16(scales[o,g] * book[codes[o,i]]), the f32 product rounded to f16, so that the
/// weights can be written as f16 without loss. There is one book for the tensor, or one per group and row;
/// the latter have scale 1.
struct QuantizedTensor {
  int64_t outFeatures = 0;
  int64_t inFeatures = 0;
  int bits = 4;               ///< affine: 2..8; code book: 2..6
  int64_t groupSize = 0;      ///< along inFeatures; equal to inFeatures for one group per row
  bool symmetric = true;      ///< affine grids only
  std::vector<uint8_t> codes; ///< [outFeatures, inFeatures]
  Matrix scales; ///< [outFeatures, groups]; on affine grids every value is exactly representable in f16
  std::vector<uint8_t> zeroPoints; ///< affine grids: [outFeatures, groups]; else empty
  std::vector<int32_t> groupIndex; ///< [inFeatures]; empty: groups are consecutive columns
  /// [n, 2^bits]; n = 0: affine, 1: one book for the tensor, outFeatures * groups: one per group.
  Matrix codeBooks;
  std::optional<NestedScales> nestedScales; ///< code books only: the quantized form of `scales`

  /// Number of groups per row, the tail group included.
  int64_t groups() const { return (inFeatures + groupSize - 1) / groupSize; }
  /// Returns true for affine grids, false for code books.
  bool isAffine() const { return codeBooks.rows() == 0; }
  /// Returns true if each group of each row has its own code book.
  bool hasGroupBooks() const { return codeBooks.rows() > 1; }
  /// Returns the 2^bits values of the code book for row o and group g, before scaling.
  std::span<const float> book(int64_t o, int64_t g) const;
  /// Number of bytes in packed form, in memory and in files: codes at `bits` each; affine grids: f16 scales,
  /// and zero points if asymmetric; code books: f32 or nested scales, and per-group books in f16.
  uint64_t packedBytes() const;
  /// Dequantizes row o into out[inFeatures].
  void dequantizeRow(int64_t o, float* out) const;
  /// Dequantizes the whole matrix to [outFeatures, inFeatures].
  Matrix dequantize() const;
  /// Throws base::Error{Corrupt} with `name` if sizes, codes, code books or the group index contradict each
  /// other.
  void validate(const std::string& name) const;
};

} // namespace nibblesmith::tensor
