// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace nibblesmith::model {

/// Options of rotated().
struct RotationOptions {
  bool hidden = true; ///< rotate the residual stream
  bool heads = true;  ///< rotate each head between the value and the output projection
  uint64_t seed = 1;
  tensor::DType storage = tensor::DType::F16; ///< type of the rotated weights: F16 or F32
};

/// Result of rotated().
struct RotatedModel {
  std::shared_ptr<const Model> model;
  std::vector<std::string> notes; ///< notes for the user, as sentences
};

/// Returns a model that computes the same function with weights free of outlier input channels. Q is a random
/// orthogonal matrix (Hadamard, see tensor::Rotation) for the residual stream: the embedding becomes E Q,
/// linears that read the stream (W diag(norm)) Q, linears that write it Q^T W. Norm weights become 1, because
/// an RMS norm commutes with Q only without weights; a tied head therefore becomes a separate matrix. P
/// rotates the heads: value rows P^T W_v, output columns W_o P. Weights are computed when requested. Throws
/// base::Error{NotSupported} unless the model has plain RMS norms (no offset), one before each branch,
/// separate linears, sequential branches and no learned positions. Source: Ashkboos et al. 2024, QuaRot
/// (arXiv 2404.00456), section 4, stages 1a and 1b without the online transforms, which weight-only
/// quantization does not need; equal to R1 and R2 of Liu et al. 2024, SpinQuant (arXiv 2405.16406), without
/// learning.
RotatedModel rotated(std::shared_ptr<const Model> source, const RotationOptions& options);

} // namespace nibblesmith::model
