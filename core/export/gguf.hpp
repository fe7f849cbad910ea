// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/artifact.hpp"
#include "tokenizer/tokenizer.hpp"

namespace nibblesmith::exporting {

enum class GgufType { F16, Q8_0, Q4_0, Q4_1 };
/// Throws base::Error{InvalidArgument} naming what there is.
GgufType ggufTypeFromString(const std::string& text);

/// Writes GGUF v3 with tokenizer, as stock llama.cpp opens it. Weights that are on an affine grid which the
/// type can hold (symmetric up to 4 bits on Q4_0, up to 8 on Q8_0; asymmetric up to 4 on Q4_1) are carried
/// over code by code; all others are rounded as llama.cpp's reference quantizers do. Norms stay F32; the
/// embedding and the head are F16, or Q8_0 for the Q types. Query and key rows are permuted to ggml's rotary order.
/// The audit reopens the file and compares the dequantized weights with the model's.
Audit exportGguf(const model::Model& model, const tokenizer::Tokenizer& tokenizer, GgufType type,
                 const std::filesystem::path& out, const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::exporting
