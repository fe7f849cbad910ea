// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/safetensors_writer.hpp"
#include "export/final_weights.hpp"

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace nibblesmith::exporting {

/// Storage layout of one linear.
struct LinearLayout {
  std::string name;       ///< "model.layers.0.self_attn.q_proj"
  bool quantized = false; ///< the fields below are only used if true
  int bits = 0;
  bool symmetric = true;
  int64_t groupSize = 0;     ///< 0: one group per row
  bool groupIndexed = false; ///< columns are assigned to groups by weight_g_idx
  bool tailGroup = false;    ///< the last group of a row is shorter (tail group)
  /// "nf4" or "fp4": bitsandbytes' 4-bit layout; empty: affine, compressed-tensors' layout.
  std::string bitsandbytes;
  bool nestedScales = false;
  std::optional<tensor::ActivationScheme> input; ///< activation scheme of the input
};

struct ArtifactTensors {
  std::vector<checkpoint::TensorToWrite> tensors; ///< in block order
  std::vector<LinearLayout> linears;
  uint64_t totalBytes = 0;
};

/// Plans the tensors of model.safetensors: affine linears in compressed-tensors' layout, NF4 and FP4 in
/// bitsandbytes'. The bytes are produced later, one tensor at a time, and refer to `weights`. Throws
/// base::Error, base::Cancelled; so do the producers.
ArtifactTensors planTensors(const std::shared_ptr<FinalWeights>& weights, const std::stop_token& stop);

LinearLayout layoutOf(const model::LinearWeights& linear);

} // namespace nibblesmith::exporting
