// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/safetensors_writer.hpp"
#include "export/final_weights.hpp"

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace nibblesmith::exporting {

/// How one linear is written.
struct LinearLayout {
  std::string name;       ///< "model.layers.0.self_attn.q_proj"
  bool quantized = false; ///< the rest counts only then
  int bits = 0;
  bool symmetric = true;
  int64_t groupSize = 0;     ///< 0: one group per row
  bool groupIndexed = false; ///< columns are assigned to groups by weight_g_idx
  bool tailGroup = false;    ///< the last group of a row is shorter
  std::string bitsandbytes;  ///< "nf4" or "fp4": in that layout; empty: affine, in compressed-tensors'
  bool nestedScales = false;
  std::optional<tensor::ActivationScheme> input; ///< how the input is rounded
};

struct ArtifactTensors {
  std::vector<checkpoint::TensorToWrite> tensors; ///< block by block
  std::vector<LinearLayout> linears;
  uint64_t totalBytes = 0;
};

/// Everything model.safetensors will hold, affine linears in compressed-tensors' layout, NF4 and FP4 in
/// bitsandbytes'. The bytes are produced later, one tensor at a time, and need `weights` until then. Throws
/// base::Error, base::Cancelled (also from the producers).
ArtifactTensors planTensors(const std::shared_ptr<FinalWeights>& weights, const std::stop_token& stop);

LinearLayout layoutOf(const model::LinearWeights& linear);

} // namespace nibblesmith::exporting
