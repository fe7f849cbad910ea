// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace nibblesmith::checkpoint {

/// Opens a GGUF file of version 2 or 3, or the first of several shards ("split.count") and the others with
/// it. Metadata becomes one flat object, including arrays. Tensor dimensions are reversed, so a matrix is
/// [rows, cols]. A vocabulary-only file has no tensors. Throws base::Error like openCheckpoint(); for a ggml
/// type without a tensor::DType, {NotSupported} with its name. Source: ggml-org/ggml, docs/gguf.md.
Checkpoint openGguf(const std::filesystem::path& path, const std::stop_token& stop = {});

} // namespace nibblesmith::checkpoint
