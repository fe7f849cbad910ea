// SPDX-License-Identifier: Apache-2.0
#include "export/final_weights.hpp"

#include "base/error.hpp"
#include "export/pack_bitsandbytes.hpp"
#include "export/pack_quantized.hpp"
#include "tensor/code_books.hpp"
#include "tensor/half.hpp"

#include <algorithm>

namespace nibblesmith::exporting {

namespace {

using tensor::QuantizedTensor;

bool isAffine(const model::LinearWeights& linear) {
  const auto* quantized = std::get_if<QuantizedTensor>(&linear.weight);
  return quantized && quantized->isAffine();
}

/// Converts to f16, without loss by the definition of these grids.
tensor::TensorView halves(const QuantizedTensor& q) {
  auto values = std::make_shared<std::vector<uint16_t>>(static_cast<size_t>(q.outFeatures * q.inFeatures));
  std::vector<float> row(static_cast<size_t>(q.inFeatures));
  for (int64_t o = 0; o < q.outFeatures; ++o) {
    q.dequantizeRow(o, row.data());
    tensor::f32ToF16(row.data(), values->data() + o * q.inFeatures, q.inFeatures);
  }
  return {tensor::DType::F16, {q.outFeatures, q.inFeatures}, std::as_bytes(std::span(*values)), values};
}

} // namespace

model::BlockWeights FinalWeights::finished(int64_t index) const {
  model::BlockWeights block = source().block(index);
  quantization::QuantizedBlock finished = m_quantized.block(index);
  finished.replaceFolded(block);
  auto& quantized = finished.linears;
  for (model::LinearWeights& linear : block.linears) {
    const auto found = quantized.find(linear.name);
    if (found == quantized.end())
      continue;
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
    const auto input = finished.inputs.find(linear.name);
    linear.input = input == finished.inputs.end() ? std::nullopt : std::optional(input->second);
    quantized.erase(found);
  }
  if (!quantized.empty())
    throw base::Error(base::ErrorCode::Corrupt, "block " + std::to_string(index) + ": '" +
                                                    quantized.begin()->first +
                                                    "' is not a linear of the source");
  return block;
}

bool FinalWeights::anyAffine() {
  if (!m_anyAffine) {
    m_anyAffine = !source().config().tiedEmbeddings && isAffine(source().outputHead());
    for (int64_t index = 0; index < source().config().numLayers && !*m_anyAffine; ++index) {
      const model::BlockWeights block = finished(index);
      m_anyAffine = std::any_of(block.linears.begin(), block.linears.end(), isAffine);
    }
  }
  return *m_anyAffine;
}

void FinalWeights::fit(model::LinearWeights& linear) {
  auto* quantized = std::get_if<QuantizedTensor>(&linear.weight);
  if (!quantized)
    return;
  if (quantized->isAffine()) {
    linear.weight = withEqualGroups(std::move(*quantized));
    return;
  }
  std::string reason;
  if (!fitsBitsandbytes(*quantized))
    reason = quantized->hasGroupBooks() || tensor::codeBookName(quantized->book(0, 0)).starts_with("log")
                 ? "no public format holds such code books"
                 : "bitsandbytes has no place for such groups";
  else if (anyAffine())
    reason = "other linears are on affine grids, and one artifact has one layout";
  else
    return;
  linear.weight = halves(*quantized);
  m_writtenAsF16[linear.name] = reason;
}

const model::BlockWeights& FinalWeights::block(int64_t index) {
  if (index == m_index)
    return m_block;
  m_index = -1;
  source().checkpoint().releasePages();
  m_block = finished(index);
  for (model::LinearWeights& linear : m_block.linears)
    fit(linear);
  m_index = index;
  return m_block;
}

model::LinearWeights FinalWeights::outputHead() {
  model::LinearWeights head = source().outputHead();
  fit(head);
  return head;
}

} // namespace nibblesmith::exporting
