// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace nibblesmith::model {

struct RotationOptions {
  bool hidden = true; ///< the residual stream
  bool heads = true;  ///< between the value and the output projection, each head by itself
  uint64_t seed = 1;
  tensor::DType storage = tensor::DType::F16; ///< of the rotated weights: F16 or F32
};

struct RotatedModel {
  std::shared_ptr<const Model> model;
  std::vector<std::string> notes; ///< in words, what a user should know
};

/// The same function with weights that have no outstanding input channels. With an orthogonal Q for the
/// residual stream (a random Hadamard matrix, see tensor::Rotation), embedding E Q, linears that read the
/// stream (W diag(norm)) Q, linears that write it Q^T W; norms become 1, since an RMS norm commutes with Q
/// only without its weights, and so a tied head becomes one of its own. With P for the heads: value rows P^T
/// W_v, output columns W_o P. Weights are computed when asked for. Throws base::Error{NotSupported} for
/// models with other norms than RMS norms without offset, one before each branch, with fused linears,
/// parallel branches or learned positions. Source: Ashkboos et al. 2024, QuaRot (arXiv 2404.00456), section
/// 4, stages 1a and 1b without the online transforms (of keys, queries and the input of the down projection),
/// which quantized weights alone do not need; the same as R1 and R2 of Liu et al. 2024, SpinQuant (arXiv
/// 2405.16406), not learned.
RotatedModel rotated(std::shared_ptr<const Model> source, const RotationOptions& options);

} // namespace nibblesmith::model
