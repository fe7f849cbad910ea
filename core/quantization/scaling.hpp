// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/block_file.hpp"
#include "runtime/block_graph.hpp"

namespace nibblesmith::quantization {

/// Returns the product of all scales of a stage's input [channels]; empty: none. Throws base::Error{Corrupt}
/// on a wrong number of channels.
tensor::Vector totalScales(const BlockFile& block, int stage, int64_t channels);

/// Returns the reason why scales of a stage's input cannot be folded into the preceding layer; empty: they
/// can. A norm can absorb them, and so can a linear of the block that is already quantized without nested
/// scales, each with its bias; nothing else can.
std::string foldingObstacle(const runtime::InputSource& source, const model::BlockWeights& weights,
                            const BlockFile& block);

/// Returns the part of the scales s [inFeatures] that can be folded into the preceding layer, on top of the
/// scales that `block` already has for the stage. For a norm: the exact factors that its divided weights
/// (Norm::offset included) represent after rounding to f16, which leaves the product unchanged. For a linear:
/// s. A channel gets 1 if a folded value would be subnormal or overflow in f16.
tensor::Vector foldableScales(const tensor::Vector& s, int stage, const runtime::InputSource& source,
                              const model::BlockWeights& weights, const BlockFile& block, float normOffset);

/// Computes diag(1/s) H diag(1/s) in place.
void scaleHessian(tensor::Matrix& H, const tensor::Vector& s);

/// Folds all scales into the preceding layers and returns the block as it is exported. The f16 group scales
/// of a linear get a relative error of at most 2^-11.
QuantizedBlock foldScales(BlockFile file, const runtime::BlockGraph& graph,
                          const model::BlockWeights& weights, float normOffset);

} // namespace nibblesmith::quantization
