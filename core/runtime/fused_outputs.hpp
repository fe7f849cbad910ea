// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/config.hpp"
#include "tensor/matrix.hpp"

namespace nibblesmith::runtime {

/// Part of a fused query-key-value linear.
enum class FusedPart { Query, Key, Value };

/// Returns the first output feature of a fused query-key-value linear that belongs to `head` of a part.
int64_t fusedRow(const model::ModelConfig& config, FusedPart part, int64_t head);

/// Extracts one part from the outputs [tokens, features] of a fused linear: [tokens, heads * headDim].
tensor::Matrix fusedColumns(const model::ModelConfig& config, FusedPart part, const tensor::Matrix& outputs);

} // namespace nibblesmith::runtime
