// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/atomic_file.hpp"
#include "quantization/engine.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace nibblesmith::quantization {

/// Scales of one stage chosen by a transform: its weights were multiplied by them, its inputs divided.
struct StageScales {
  int stage = 0;
  tensor::Vector s; ///< [inFeatures]
};

/// Finished block on disk, a safetensors file with these tensors:
/// - "<name>.codes" U8 per linear: dense little-endian bit fields, rows padded to bytes;
/// - affine grids: "<name>.scales" F16 and "<name>.zero_points" U8;
/// - code books: "<name>.scales" F32, "<name>.code_books" F32; nested scales add "<name>.scale_codes" U8 and
///   "<name>.scale_absmax" F32, with their offset in the description;
/// - "<name>.group_index" I32 if the tensor has one;
/// - "input_scales.0", "input_scales.1", ... F32 for scales chosen by transforms;
/// - "block" U8: a JSON text with fingerprint, layer reports and a SHA-256 of all other bytes.
/// The file contains no times, so the same block gives the same bytes.
struct BlockFile {
  std::map<std::string, tensor::QuantizedTensor> linears; ///< by canonical name, before scales are folded
  std::vector<StageScales> scales;                        ///< in the order in which transforms applied them
  /// Quantization of the inputs by canonical name; absent: none.
  std::map<std::string, tensor::ActivationScheme> inputs;
  std::vector<LayerReport> reports; ///< in stage order
};

/// Returns "block-0007.safetensors".
std::string blockFileName(int64_t index);
/// Returns "<directory>/block-0007.safetensors".
std::filesystem::path blockFilePath(const std::filesystem::path& directory, int64_t index);

/// Writes the block into `out`; the caller commits it. Throws base::Error{Io}.
void writeBlockFile(base::AtomicFile& out, const std::string& fingerprint, const BlockFile& file);

/// Reads and checks a block file. Throws base::Error{NotFound}; {InvalidArgument} if it has another
/// fingerprint; {Corrupt} if its checksum or contents are wrong.
BlockFile readBlockFile(const std::filesystem::path& path, const std::string& fingerprint);

} // namespace nibblesmith::quantization
