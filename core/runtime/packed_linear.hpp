// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/row_linear.hpp"
#include "tensor/quantized_tensor.hpp"

namespace nibblesmith::runtime {

/// Linear with the codes of a quantized tensor in blocks of 32 columns, each block within one group. Columns
/// of scattered groups (GPTQ's act-order) are permuted so that groups are contiguous. Groups are padded to
/// whole blocks; the input is padded with zeros to match.
class PackedLinear : public RowLinear {
protected:
  PackedLinear(const tensor::QuantizedTensor& weight, const std::optional<tensor::TensorView>& bias);

  /// Number of bytes of codes, block counts and column order.
  uint64_t packedBytes() const {
    return m_codes.size() + 4 * m_groupBlocks.size() + 4 * m_sourceColumns.size();
  }

private:
  /// Builds the column order: groups contiguous, each padded to whole blocks.
  void buildColumnOrder(const tensor::QuantizedTensor& weight);
  void packCodes(const tensor::QuantizedTensor& weight);
  /// Clears the column order if it changes nothing.
  void dropIdentityOrder(int64_t inFeatures);

  std::vector<uint8_t> m_codes;
  std::vector<int32_t> m_groupBlocks;
};

} // namespace nibblesmith::runtime
