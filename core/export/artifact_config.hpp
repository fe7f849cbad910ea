// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "export/artifact_tensors.hpp"

namespace nibblesmith::exporting {

/// config.json of an artifact: the source's own where it is a Hugging Face directory, else one made from its
/// ModelConfig; with quantization_config where a linear is quantized.
/// Throws base::Error{NotSupported} for a GGUF source of a family that has no such form.
base::Json artifactConfig(const quantization::QuantizedModel& quantized,
                          const std::vector<LinearLayout>& linears);

/// bitsandbytes' description, as transformers writes it for its BitsAndBytesConfig; unquantized linears are
/// those to skip. Every linear's own type and blocks are in its quant_state. Source:
/// huggingface/transformers, utils/quantization_config.py.
base::Json bitsandbytesConfig(const std::vector<LinearLayout>& linears, const std::string& head = "lm_head");

/// compressed-tensors' description: the most frequent layout is the group for "Linear", each other one a
/// group that names its linears; unquantized linears are listed in "ignore". Source:
/// vllm-project/compressed-tensors, quantization/quant_config.py.
base::Json quantizationConfig(const std::vector<LinearLayout>& linears, bool staticActOrder,
                              const std::string& head = "lm_head");

/// bitsandbytes' description of 8-bit linears with outliers. Source: transformers, BitsAndBytesConfig.
/// Throws base::Error{NotSupported} naming a linear that is quantized in another way.
base::Json llmInt8Config(const std::vector<LinearLayout>& linears, const std::string& head = "lm_head");

} // namespace nibblesmith::exporting
