// SPDX-License-Identifier: Apache-2.0
#include "export/final_weights.hpp"

#include "base/error.hpp"
#include "export/pack_quantized.hpp"

namespace nibblesmith::exporting {

const model::BlockWeights& FinalWeights::block(int64_t index) {
  if (index == m_index)
    return m_block;
  m_index = -1;
  m_block = source().block(index);
  quantization::QuantizedBlock finished = m_quantized.block(index);
  finished.replaceNorms(m_block);
  auto& quantized = finished.linears;
  for (model::LinearWeights& linear : m_block.linears) {
    if (const auto found = quantized.find(linear.name); found != quantized.end()) {
      found->second.validate(linear.name);
      if (found->second.outFeatures != model::outFeatures(linear.weight) ||
          found->second.inFeatures != model::inFeatures(linear.weight))
        throw base::Error(base::ErrorCode::Corrupt,
                          "'" + linear.name + "': expected the quantized shape [" +
                              std::to_string(model::outFeatures(linear.weight)) + ", " +
                              std::to_string(model::inFeatures(linear.weight)) + "], found [" +
                              std::to_string(found->second.outFeatures) + ", " +
                              std::to_string(found->second.inFeatures) + "]");
      linear.weight = std::move(found->second);
      quantized.erase(found);
    }
    if (auto* weights = std::get_if<tensor::QuantizedTensor>(&linear.weight))
      linear.weight = withEqualGroups(std::move(*weights));
  }
  if (!quantized.empty())
    throw base::Error(base::ErrorCode::Corrupt, "block " + std::to_string(index) + ": '" +
                                                    quantized.begin()->first + "' is not a linear of the source");
  m_index = index;
  return m_block;
}

} // namespace nibblesmith::exporting
