// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/config.hpp"
#include "tensor/matrix.hpp"

namespace nibblesmith::runtime {

enum class FusedPart { Query, Key, Value };

/// The first output feature of a fused query-key-value linear that belongs to one head of a part.
int64_t fusedRow(const model::ModelConfig& config, FusedPart part, int64_t head);

/// One part of its outputs [tokens, features]: [tokens, heads * headDim].
tensor::Matrix fusedColumns(const model::ModelConfig& config, FusedPart part, const tensor::Matrix& outputs);

} // namespace nibblesmith::runtime
