// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/engine.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

/// Scales that a transform took: the weights of the stage were multiplied by them, its inputs divided.
struct StageScales {
  int stage = 0;
  tensor::Vector s; ///< [inFeatures]
};

/// One finished block on disk: a safetensors file with, per linear "<name>", "<name>.codes" U8 (dense
/// little-endian bit fields, rows padded to bytes), "<name>.scales" F16 and "<name>.zero_points" U8 or, with
/// code books,
/// "<name>.scales" F32, "<name>.code_books" F32 and, of nested scales, "<name>.scale_codes" U8 and
/// "<name>.scale_absmax" F32 (their offset is in the description), and "<name>.group_index" I32 where there
/// is one; "input_scales.0", "input_scales.1", ... F32 where a transform scaled inputs; and "block" U8, a
/// JSON text with fingerprint, layer reports and a SHA-256 of all other bytes. The same block gives the same
/// bytes: times are left out.
struct BlockFile {
  std::map<std::string, tensor::QuantizedTensor> linears; ///< by canonical name, as they were rounded
  std::vector<StageScales> scales;                        ///< in the order in which they were taken
  std::map<std::string, tensor::ActivationScheme>
      inputs;                       ///< how linears round their inputs; none where it is not in it
  std::vector<LayerReport> reports; ///< stage by stage
};

/// "<directory>/block-0007.safetensors".
std::filesystem::path blockFilePath(const std::filesystem::path& directory, int64_t index);

/// Atomic. Throws base::Error{Io}.
void writeBlockFile(const std::filesystem::path& path, const std::string& fingerprint, const BlockFile& file);

/// Throws base::Error{NotFound}; {InvalidArgument} where the file belongs to another fingerprint; {Corrupt}
/// where it is not what was written.
BlockFile readBlockFile(const std::filesystem::path& path, const std::string& fingerprint);

} // namespace nibblesmith::quantization
