// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/engine.hpp"

#include <map>
#include <optional>
#include <string>

namespace nibblesmith::exporting {

/// Weights as stored in an artifact: the source's blocks with quantized linears. Affine linears get equal
/// groups; code books that the layout cannot represent become f16, without loss. Keeps one block in memory.
/// Use from one thread.
class FinalWeights {
public:
  explicit FinalWeights(const quantization::QuantizedModel& quantized) : m_quantized(quantized) {}

  const model::Model& source() const { return *m_quantized.source; }
  const quantization::QuantizedModel& quantized() const { return m_quantized; }
  /// Returns a block, valid until the next call with another index. Throws base::Error{Corrupt} naming a
  /// linear whose shape differs from the source's, or that the source lacks.
  const model::BlockWeights& block(int64_t index);
  /// Returns "lm_head". Throws like block().
  model::LinearWeights outputHead();
  /// Returns the linears so far that had to be written as f16, with the reason.
  const std::map<std::string, std::string>& writtenAsF16() const { return m_writtenAsF16; }

private:
  model::BlockWeights finished(int64_t index) const;
  void fit(model::LinearWeights& linear);
  /// Returns true if any linear uses an affine grid. The artifact then has compressed-tensors' layout, which
  /// has no code books.
  bool anyAffine();

  const quantization::QuantizedModel& m_quantized;
  int64_t m_index = -1;
  model::BlockWeights m_block;
  std::optional<bool> m_anyAffine;
  std::map<std::string, std::string> m_writtenAsF16;
};

} // namespace nibblesmith::exporting
