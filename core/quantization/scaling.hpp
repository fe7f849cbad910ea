// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/block_file.hpp"
#include "runtime/block_graph.hpp"

namespace nibblesmith::quantization {

/// All scales of a stage's inputs [channels] together; empty: it has none. Throws base::Error{Corrupt} on
/// another number.
tensor::Vector totalScales(const BlockFile& block, int stage, int64_t channels);

/// Why what is before a stage cannot take up scales of the stage's inputs; empty: it can. A norm can, with
/// its bias, and a linear of the block that was rounded and has no nested scales, with its bias; nothing
/// else.
std::string scalingObstacle(const runtime::InputSource& source, const model::BlockWeights& weights,
                            const BlockFile& block);

/// What can be taken of the scales s [inFeatures] of a stage's inputs, after those that the block has of it
/// already. For a norm: what its weights (Norm::offset included), divided and rounded to f16 as they are
/// stored, really stand for, so that the product stays exact; for a linear: s. 1 for a channel where f16
/// would lose digits.
tensor::Vector takeableScales(const tensor::Vector& s, int stage, const runtime::InputSource& source,
                              const model::BlockWeights& weights, const BlockFile& block, float normOffset);

/// diag(1/s) H diag(1/s).
void scaleHessian(tensor::Matrix& H, const tensor::Vector& s);

/// The block as it is exported: the layers before the scaled stages divided by the scales. A linear's f16
/// group scales add a relative error of at most 2^-11.
QuantizedBlock foldScales(BlockFile file, const runtime::BlockGraph& graph,
                          const model::BlockWeights& weights, float normOffset);

} // namespace nibblesmith::quantization
