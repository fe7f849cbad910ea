// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/engine.hpp"

#include <filesystem>
#include <optional>
#include <stop_token>

namespace nibblesmith::exporting {

/// Result of checking a written file or directory.
struct Audit {
  bool passed = false;
  int64_t tensors = 0;
  /// Largest difference between evaluated and stored weights.
  double maxAbsoluteError = 0;
  std::string detail; ///< text for the user
};

/// Writes a Hugging Face directory: config.json with quantization_config, model.safetensors, the source's
/// tokenizer files, and nibblesmith.json (recipe, layer reports, source hash, and the list of files that this
/// program owns). The layout is compressed-tensors (pack-quantized, or int-quantized with quantized
/// activations; transformers and vLLM open it), or bitsandbytes if all quantized linears are NF4 or FP4, or
/// all are LLM.int8(). Code books that the layout cannot represent are written as f16, without loss, and
/// mentioned in the audit's detail. The directory gets its name only when it is complete and has passed an
/// audit of the reopened files. An existing artifact without other files is replaced as a whole; anything
/// else is rejected. Equal quantized models give equal bytes. Throws base::Error, base::Cancelled; then
/// nothing is left behind.
Audit writeArtifact(const quantization::QuantizedModel& quantized, const std::filesystem::path& directory,
                    const std::stop_token& stop, base::Progress& progress);

/// Throws the base::Error that writeArtifact() would throw for a result made of this model, to detect it
/// before the work. Writes configuration and tokenizer for a trial, and leaves nothing behind.
void checkWritable(const model::Model& model, const std::filesystem::path& directory,
                   const std::stop_token& stop);

/// Reopens an artifact and compares it with the quantized model: codes, scales and zero points exactly, all
/// other tensors by value, the end tokens, the tokenizer (token ids of texts, see compareTokenizers()), the
/// chat template, and every file with the digest in nibblesmith.json. Throws only base::Cancelled.
Audit auditArtifact(const quantization::QuantizedModel& quantized, const std::filesystem::path& directory,
                    const std::stop_token& stop);

/// Origin of an artifact, from nibblesmith.json.
struct Provenance {
  std::string sourceName;   ///< name of the source file or directory
  std::string sourceHash;   ///< checkpoint::contentHash of the source
  uint64_t sourceBytes = 0; ///< size of its stored weights
  base::Json recipe;
  base::Json layers; ///< layer reports without times
};

/// Reads the provenance of an artifact directory; empty if it has no nibblesmith.json. Throws
/// base::Error{Corrupt}.
std::optional<Provenance> readProvenance(const std::filesystem::path& artifact);

} // namespace nibblesmith::exporting
