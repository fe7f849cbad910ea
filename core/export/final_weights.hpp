// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/engine.hpp"

#include <map>
#include <optional>
#include <string>

namespace nibblesmith::exporting {

/// The weights as an artifact holds them: the source's blocks with the quantized linears in their places;
/// affine ones in equal groups, code books that the artifact's layout cannot hold as f16, which holds them
/// exactly. One block is kept at a time. One thread.
class FinalWeights {
public:
  explicit FinalWeights(const quantization::QuantizedModel& quantized) : m_quantized(quantized) {}

  const model::Model& source() const { return *m_quantized.source; }
  const quantization::QuantizedModel& quantized() const { return m_quantized; }
  /// Valid until the next call with another index. Throws base::Error{Corrupt} naming a linear that has
  /// another shape than the source's, or that the source does not have.
  const model::BlockWeights& block(int64_t index);
  /// "lm_head", likewise.
  model::LinearWeights outputHead();
  /// The linears seen so far that had to be written as f16, and why.
  const std::map<std::string, std::string>& writtenAsF16() const { return m_writtenAsF16; }

private:
  model::BlockWeights finished(int64_t index) const;
  void fit(model::LinearWeights& linear);
  /// Whether a linear is on an affine grid: the artifact then has compressed-tensors' layout, which knows no
  /// code books.
  bool anyAffine();

  const quantization::QuantizedModel& m_quantized;
  int64_t m_index = -1;
  model::BlockWeights m_block;
  std::optional<bool> m_anyAffine;
  std::map<std::string, std::string> m_writtenAsF16;
};

} // namespace nibblesmith::exporting
