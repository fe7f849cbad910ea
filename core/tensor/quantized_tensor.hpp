// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace nibblesmith::tensor {

/// A weight matrix on an affine grid: W[o,i] = scales[o,g] * (codes[o,i] - zeroPoints[o,g]) with the group
/// g = groupIndex.empty() ? i / groupSize : groupIndex[i].
/// Codes are 0 .. 2^bits - 1, one per byte; a symmetric grid has zeroPoint = 2^(bits-1) everywhere.
struct QuantizedTensor {
  int64_t outFeatures = 0;
  int64_t inFeatures = 0;
  int bits = 4;                    ///< 2..8
  int64_t groupSize = 0;           ///< along inFeatures; equal to inFeatures for one group per row
  bool symmetric = true;
  std::vector<uint8_t> codes;      ///< [outFeatures, inFeatures]
  Matrix scales;                   ///< [outFeatures, groups]; every value is exactly an f16
  std::vector<uint8_t> zeroPoints; ///< [outFeatures, groups]
  std::vector<int32_t> groupIndex; ///< [inFeatures], or empty where groups are consecutive columns

  int64_t groups() const { return (inFeatures + groupSize - 1) / groupSize; }
  /// Bytes as packed in memory and files: codes at `bits`, scales as f16, zero points where asymmetric.
  uint64_t packedBytes() const;
  /// f32 values of row o into out[inFeatures].
  void dequantizeRow(int64_t o, float* out) const;
  Matrix dequantize() const;
  /// Throws base::Error{Corrupt} where sizes, codes or the group index do not fit together.
  void validate(const std::string& name) const;
};

} // namespace nibblesmith::tensor
