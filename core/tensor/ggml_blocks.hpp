// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/dtype.hpp"

#include <cstddef>

namespace nibblesmith::tensor {

/// Dequantizes `blocks` blocks of a GGUF type into out[blocks * blockElements], bit-identical to ggml's own
/// conversion. `in` may have any alignment. Throws base::Error{NotSupported} for other types. Source:
/// ggml-org/ggml, ggml-common.h (layouts) and ggml-quants.c (formulas).
void readBlocks(DType type, const std::byte* in, int64_t blocks, float* out);

} // namespace nibblesmith::tensor
