// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/artifact.hpp"
#include "export/output_file.hpp"
#include "tokenizer/tokenizer.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nibblesmith::exporting {

enum class GgufType { F16, Q8_0, Q4_0, Q4_1 };
/// All supported types, smallest first.
inline constexpr std::array kGgufTypes = {GgufType::Q4_0, GgufType::Q4_1, GgufType::Q8_0, GgufType::F16};
/// Returns the names of kGgufTypes.
std::vector<std::string> ggufTypeNames();
/// Returns "Q4_0, Q4_1, Q8_0 or F16".
std::string ggufTypesText();
/// Parses a type name. Throws base::Error{InvalidArgument} listing the supported types.
GgufType ggufTypeFromString(const std::string& text);
std::string_view toString(GgufType type);

/// Writes GGUF v3 with tokenizer, for stock llama.cpp. Linears on an affine grid that the type can represent
/// keep their codes (Q4_0: symmetric up to 4 bits; Q4_1: up to 4 bits; Q8_0: up to 7 bits, symmetric 8 bits),
/// and stored blocks of the same type are copied; all others are rounded like in llama.cpp's reference
/// quantizers. Norms and biases are F32; embedding and head F16, or Q8_0 for the Q types. Rows that are no
/// multiple of 32 stay F16, as the audit's detail reports. Query and key rows are permuted to ggml's rotary
/// order. Models that differ from llama.cpp's assumptions are rejected before writing. The audit reopens the
/// file and compares the dequantized weights; a file that fails it never gets its name. Throws base::Error,
/// base::Cancelled; then nothing is left behind.
Audit exportGguf(const model::Model& model, const tokenizer::Tokenizer& tokenizer, GgufType type,
                 const FileTarget& target, const std::stop_token& stop, base::Progress& progress);

/// Reopens a file of exportGguf() and compares it with its source: configuration, vocabulary, token ids of
/// texts (see compareTokenizers(); differences that GGUF cannot avoid become remarks), end tokens, chat
/// template, and all weights. Throws only base::Cancelled.
Audit auditGguf(const model::Model& model, const tokenizer::Tokenizer& tokenizer, GgufType type,
                const std::filesystem::path& file, const std::stop_token& stop);

/// Returns the first of kGgufTypes that keeps the codes of all linears in the blocks: Q4_0 for symmetric
/// grids up to 4 bits, Q4_1 for asymmetric ones up to 4 bits (the minimum -scale * zeroPoint is rounded to
/// f16), Q8_0 for more bits; or the block type that all weights are stored in. Code books are written as F16,
/// without loss, in any type; a model with only code books gives F16. Without grids: F16 or empty.
std::optional<GgufType> losslessGgufType(const model::Model& model);

} // namespace nibblesmith::exporting
