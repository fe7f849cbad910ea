// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/checkpoint.hpp"

namespace nibblesmith::checkpoint {

/// Opens a GGUF file of version 2 or 3, and where it is the first of several those after it ("split.count"):
/// metadata as one flat object of its keys (arrays included), tensors with their dimensions turned round, so
/// that a matrix is [rows, cols]. A vocabulary-only file has no tensors. Throws base::Error as
/// openCheckpoint; a ggml type without a tensor::DType is {NotSupported}, by name. Source: ggml-org/ggml,
/// docs/gguf.md.
Checkpoint openGguf(const std::filesystem::path& path, const std::stop_token& stop = {});

} // namespace nibblesmith::checkpoint
