// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/engine.hpp"

#include <filesystem>
#include <optional>
#include <stop_token>

namespace nibblesmith::exporting {

/// What a reopened export showed.
struct Audit {
  bool passed = false;
  int64_t tensors = 0;
  double maxAbsoluteError = 0; ///< between what was evaluated and what the file says, over all weights
  std::string detail;          ///< in words
};

/// Writes a Hugging Face directory in compressed-tensors layout (format pack-quantized, or int-quantized
/// where inputs are rounded, too; transformers and vLLM open it), or in bitsandbytes' where all that is
/// quantized is NF4 or FP4, or 8 bits with outliers of the inputs split off; code books that the layout has
/// no place for are written as f16, which holds them exactly, and the audit's detail says so: config.json
/// with quantization_config, model.safetensors, the source's tokenizer files, nibblesmith.json (recipe, layer
/// reports, source hash, and the list of files that makes the directory this program's). The directory
/// appears under its name only when complete; an existing artifact with nothing else in it is replaced as a
/// whole, anything else that is there is refused. Ends with an audit of the reopened files; what does not
/// pass never appears in the directory. The same quantized model gives the same bytes. Throws base::Error,
/// base::Cancelled; then nothing is left behind.
Audit writeArtifact(const quantization::QuantizedModel& quantized, const std::filesystem::path& directory,
                    const std::stop_token& stop, base::Progress& progress);

/// Throws base::Error where writeArtifact() could not write there what is made of this model: so that one
/// knows before the work. Tries it with the configuration and the tokenizer, leaving nothing behind.
void checkWritable(const model::Model& model, const std::filesystem::path& directory,
                   const std::stop_token& stop);

/// Reopens an artifact, as every later step does, and compares it with the quantized model: codes, scales and
/// zero points exactly, all other tensors by value, the tokens that end a text, the tokenizer (by the ids of
/// texts, see compareTokenizers()) and the chat template with the source's, and every file with the digest in
/// nibblesmith.json. Throws base::Cancelled only.
Audit auditArtifact(const quantization::QuantizedModel& quantized, const std::filesystem::path& directory,
                    const std::stop_token& stop);

/// Where an artifact comes from, as nibblesmith.json says.
struct Provenance {
  std::string sourceName;   ///< of the source's file or directory
  std::string sourceHash;   ///< checkpoint::contentHash of the source
  uint64_t sourceBytes = 0; ///< of its weights as stored
  base::Json recipe;
  base::Json layers; ///< the layer reports, without times
};

/// Of the artifact directory; nothing where there is no nibblesmith.json. Throws base::Error{Corrupt}.
std::optional<Provenance> readProvenance(const std::filesystem::path& artifact);

} // namespace nibblesmith::exporting
