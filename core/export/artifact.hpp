// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/engine.hpp"

#include <filesystem>
#include <stop_token>

namespace nibblesmith::exporting {

/// What a reopened export showed.
struct Audit {
  bool passed = false;
  int64_t tensors = 0;
  double maxAbsoluteError = 0;   ///< between what was evaluated and what the file says, over all weights
  std::string detail;            ///< in words
};

/// Writes a Hugging Face directory in compressed-tensors layout (format pack-quantized; transformers and vLLM
/// open it): config.json with quantization_config, model.safetensors, the source's tokenizer files,
/// nibblesmith.json (recipe, layer reports, source and calibration hashes). The directory appears under its
/// name only when complete; an existing one is replaced as a whole. Ends with an audit of the reopened files.
/// The same quantized model gives the same bytes. Throws base::Error, base::Cancelled.
Audit writeArtifact(const quantization::QuantizedModel& quantized, const std::filesystem::path& directory,
                    const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::exporting
