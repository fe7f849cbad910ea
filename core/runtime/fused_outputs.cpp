// SPDX-License-Identifier: Apache-2.0
#include "runtime/fused_outputs.hpp"

namespace nibblesmith::runtime {

int64_t fusedRow(const model::ModelConfig& config, FusedPart part, int64_t head) {
  const auto number = static_cast<int64_t>(part);
  if (config.queryKeyValueOrder == model::QueryKeyValueOrder::Heads)
    return (3 * head + number) * config.headDim;
  const int64_t headsBefore = number == 0 ? 0 : config.numHeads + (number - 1) * config.numKeyValueHeads;
  return (headsBefore + head) * config.headDim;
}

tensor::Matrix fusedColumns(const model::ModelConfig& config, FusedPart part, const tensor::Matrix& outputs) {
  const int64_t heads = part == FusedPart::Query ? config.numHeads : config.numKeyValueHeads;
  if (config.queryKeyValueOrder == model::QueryKeyValueOrder::Blocks)
    return outputs.middleCols(fusedRow(config, part, 0), heads * config.headDim);
  tensor::Matrix columns(outputs.rows(), heads * config.headDim);
  for (int64_t head = 0; head < heads; ++head)
    columns.middleCols(head * config.headDim, config.headDim) =
        outputs.middleCols(fusedRow(config, part, head), config.headDim);
  return columns;
}

} // namespace nibblesmith::runtime
