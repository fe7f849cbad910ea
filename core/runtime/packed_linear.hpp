// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/row_linear.hpp"
#include "tensor/quantized_tensor.hpp"

namespace nibblesmith::runtime {

/// Codes of a quantized tensor in blocks of 32 columns of one group. Columns of scattered groups (GPTQ's
/// act-order) are brought together, and every group is filled up to whole blocks, whose padding meets zeros
/// in the input.
class PackedLinear : public RowLinear {
protected:
  PackedLinear(const tensor::QuantizedTensor& weight, const std::optional<tensor::TensorView>& bias);

  /// Of codes, groups and order of columns.
  uint64_t packedBytes() const {
    return m_codes.size() + 4 * m_groupBlocks.size() + 4 * m_sourceColumns.size();
  }

private:
  void arrangeColumns(const tensor::QuantizedTensor& weight);
  void packCodes(const tensor::QuantizedTensor& weight);
  void dropIdentityOrder(int64_t inFeatures);

  std::vector<uint8_t> m_codes;
  std::vector<int32_t> m_groupBlocks;
};

} // namespace nibblesmith::runtime
