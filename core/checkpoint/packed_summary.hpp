// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace nibblesmith::checkpoint {

/// What is shown of quantized checkpoints. All of it reads headers and configs alone, and leaves out what
/// says nonsense: readQuantizedLinear() is what refuses that.

/// The packed linear that a tensor is a part of (its codes, scales, ...); empty where it is none.
std::string packedLinearOf(const Checkpoint& checkpoint, const std::string& tensor);

struct PackedSummary {
  std::vector<int64_t> shape; ///< [out, in] of the weights; zeros where it cannot be told
  std::string type;           ///< "4-bit group 128", "NF4 group 64", "F8_E4M3 block 128x128"
};
PackedSummary summarizePacked(const Checkpoint& checkpoint, const std::string& prefix);

/// "Hugging Face", "Hugging Face, GPTQ 4-bit group 128, symmetric, act-order", "Hugging Face, F8_E4M3 (read
/// as BF16)", "GGUF, mostly Q4_K". How an already quantized file was made is part of it.
std::string formatText(const Checkpoint& checkpoint);

} // namespace nibblesmith::checkpoint
