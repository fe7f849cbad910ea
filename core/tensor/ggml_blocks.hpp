// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/dtype.hpp"

#include <cstddef>

namespace nibblesmith::tensor {

/// f32 values of whole blocks of a GGUF type, to the bit what ggml's own conversion gives: out[blocks *
/// blockElements]. Any alignment. Throws base::Error{NotSupported} for other types. Source: ggml-org/ggml,
/// ggml-common.h (layouts) and docs of the types in ggml-quants.c.
void readBlocks(DType type, const std::byte* in, int64_t blocks, float* out);

} // namespace nibblesmith::tensor
