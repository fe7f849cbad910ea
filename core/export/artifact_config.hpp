// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "export/artifact_tensors.hpp"

namespace nibblesmith::exporting {

/// Returns the config.json of an artifact: the source's own for a Hugging Face source, otherwise one derived
/// from ModelConfig; with quantization_config if a linear is quantized. Throws base::Error{NotSupported} for
/// a GGUF source of a family without a Hugging Face config.
base::Json artifactConfig(const quantization::QuantizedModel& quantized,
                          const std::vector<LinearLayout>& linears);

/// Returns bitsandbytes' 4-bit quantization_config in the form of transformers' BitsAndBytesConfig.
/// Unquantized linears are listed as modules to skip. Types and block sizes of the linears are in their
/// quant_state. Source: huggingface/transformers, utils/quantization_config.py.
base::Json bitsandbytesConfig(const std::vector<LinearLayout>& linears, const std::string& head = "lm_head");

/// Returns compressed-tensors' quantization_config: the most frequent layout is the group for "Linear"; each
/// other layout is a group that names its linears; unquantized linears are in "ignore". Source:
/// vllm-project/compressed-tensors, quantization/quant_config.py.
base::Json quantizationConfig(const std::vector<LinearLayout>& linears, bool staticActOrder,
                              const std::string& head = "lm_head");

/// Returns bitsandbytes' LLM.int8() quantization_config. Throws base::Error{NotSupported} naming a linear
/// that is quantized differently. Source: transformers, BitsAndBytesConfig.
base::Json llmInt8Config(const std::vector<LinearLayout>& linears, const std::string& head = "lm_head");

} // namespace nibblesmith::exporting
