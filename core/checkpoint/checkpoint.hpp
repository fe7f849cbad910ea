// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.hpp"
#include "base/mapped_file.hpp"
#include "tensor/quantized_tensor.hpp"
#include "tensor/tensor_view.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace nibblesmith::checkpoint {

enum class Format { HuggingFace, Gguf };

/// Parts of a multimodal model that are not loaded: vision towers and projectors.
struct SkippedModules {
  std::string modelType;         ///< "model_type" of the whole model: "gemma3"
  std::set<std::string> modules; ///< "multi_modal_projector", "vision_tower"
  uint64_t tensors = 0;
  uint64_t bytes = 0;
};

/// Model files on disk, independent of the architecture. Immutable; safe for concurrent use. Tensor bytes are
/// memory-mapped: opening reads only the headers.
struct Checkpoint {
  std::filesystem::path path; ///< directory, or GGUF file
  Format format = Format::HuggingFace;
  base::Json config;                                 ///< config.json, or the GGUF metadata as a flat object
  std::map<std::string, tensor::TensorView> tensors; ///< keyed by the name in the file
  std::vector<std::shared_ptr<const base::MappedFile>> files; ///< mapped files that contain the tensors
  /// Set if this is the language model of a multimodal model; see language_part.hpp.
  std::optional<SkippedModules> skippedModules;

  bool has(const std::string& name) const { return tensors.contains(name); }
  /// Returns the tensor of this name. Throws base::Error{NotFound} with path and name.
  const tensor::TensorView& tensor(const std::string& name) const;
  /// Throws base::Error{Io} if a file was modified or truncated since it was opened. Call it after reading
  /// tensors and before using values computed from them.
  void requireUnchanged() const;
  /// Returns the memory of pages that were read to the system; useful for a single pass over a large model.
  /// Throws like requireUnchanged().
  void releasePages() const;
};

/// Opens a Hugging Face directory (config.json with model.safetensors, or model.safetensors.index.json and
/// its shards; also artifacts of this program) or a GGUF file (version 2 or 3). Throws base::Error{NotFound,
/// Corrupt, NotSupported, Io}, Cancelled. A pytorch_model.bin is rejected with a hint.
std::shared_ptr<const Checkpoint> openCheckpoint(const std::filesystem::path& path,
                                                 const std::stop_token& stop = {});

/// Throws base::Error{Corrupt} if `count` is above the limit. The largest models have 100,000 tensors.
void requireTensorCount(uint64_t count, const std::string& origin);

/// Returns the SHA-256 over tensor names, types, shapes and bytes in name order, and the config. It
/// identifies a model in the log independently of its file layout. Reads all bytes once.
std::string contentHash(const Checkpoint& checkpoint, const std::stop_token& stop);

} // namespace nibblesmith::checkpoint
