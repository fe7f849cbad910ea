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

/// What a file of more than a language model holds beside it: towers and projectors for pictures. It is not
/// opened.
struct LeftOut {
  std::string modelType;         ///< "model_type" of the whole: "gemma3"
  std::set<std::string> modules; ///< "multi_modal_projector", "vision_tower"
  uint64_t tensors = 0;
  uint64_t bytes = 0;
};

/// A model as it lies on disk, before anyone knows its architecture. Immutable, any thread. Tensor bytes are
/// mapped, not read: opening costs the headers only.
struct Checkpoint {
  std::filesystem::path path; ///< the directory, or the GGUF file
  Format format = Format::HuggingFace;
  base::Json config; ///< config.json, or the GGUF metadata as one flat object of its keys
  std::map<std::string, tensor::TensorView> tensors;          ///< by the name in the file
  std::vector<std::shared_ptr<const base::MappedFile>> files; ///< where the tensors lie
  std::optional<LeftOut> leftOut; ///< where this is the language model of a larger one; see language_part.hpp

  bool has(const std::string& name) const { return tensors.contains(name); }
  /// Throws base::Error{NotFound} with the path and the name.
  const tensor::TensorView& tensor(const std::string& name) const;
  /// Throws base::Error{Io} where one of the files was written to or cut short since it was opened: whoever
  /// read tensors asks before their values become a result.
  void requireUnchanged() const;
  /// Gives the memory of what was read of the files back to the system, for whoever goes through a large
  /// model once. Throws as requireUnchanged().
  void releasePages() const;
};

/// Opens a Hugging Face directory (config.json with model.safetensors, or model.safetensors.index.json and
/// its shards; artifacts of ours included) or a GGUF file (version 2 or 3).
/// Throws base::Error{NotFound, Corrupt, NotSupported, Io}, Cancelled; a pytorch_model.bin is refused with a
/// hint.
std::shared_ptr<const Checkpoint> openCheckpoint(const std::filesystem::path& path,
                                                 const std::stop_token& stop = {});

/// Throws base::Error{Corrupt} for more tensors than any model has; the largest have 100,000.
void requireTensorCount(uint64_t count, const std::string& origin);

/// SHA-256 over tensor names, types, shapes and bytes in name order, and the config: names the model in the
/// log whatever its file layout. Reads everything once.
std::string contentHash(const Checkpoint& checkpoint, const std::stop_token& stop);

} // namespace nibblesmith::checkpoint
