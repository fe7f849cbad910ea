// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace nibblesmith::checkpoint {

/// Descriptions of quantized checkpoints for display. These functions read only headers and configs, and skip
/// invalid entries; readQuantizedLinear() reports those as errors.

/// Returns the prefix of the packed linear that a tensor (codes, scales, ...) belongs to; empty if it belongs
/// to none.
std::string packedLinearOf(const Checkpoint& checkpoint, const std::string& tensor);

struct PackedSummary {
  std::vector<int64_t> shape; ///< [out, in] of the weights; zeros if unknown
  std::string type;           ///< "4-bit group 128", "NF4 group 64", "F8_E4M3 block 128x128"
};
PackedSummary summarizePacked(const Checkpoint& checkpoint, const std::string& prefix);

/// Returns the format, including the quantization of the file: "Hugging Face", "Hugging Face, GPTQ 4-bit
/// group 128, symmetric, act-order", "Hugging Face, F8_E4M3 (read as BF16)", "GGUF, mostly Q4_K".
std::string formatText(const Checkpoint& checkpoint);

} // namespace nibblesmith::checkpoint
