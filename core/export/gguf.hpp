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
/// All there are, the smallest first.
inline constexpr std::array kGgufTypes = {GgufType::Q4_0, GgufType::Q4_1, GgufType::Q8_0, GgufType::F16};
/// Of kGgufTypes.
std::vector<std::string> ggufTypeNames();
/// "Q4_0, Q4_1, Q8_0 or F16".
std::string ggufTypesText();
/// Throws base::Error{InvalidArgument} naming what there is.
GgufType ggufTypeFromString(const std::string& text);
std::string_view toString(GgufType type);

/// Writes GGUF v3 with tokenizer, as stock llama.cpp opens it. Weights that are on an affine grid which the
/// type can hold (symmetric up to 4 bits on Q4_0, all up to 7 and symmetric 8 on Q8_0, all up to 4 on Q4_1)
/// are carried over code by code, and blocks of the type itself byte by byte; all others are rounded as
/// llama.cpp's reference quantizers do. Norms and biases stay F32; the embedding and the head are F16, or
/// Q8_0 for the Q types. Rows that do not fill blocks of 32 stay F16, which the audit's detail says. Query
/// and key rows are permuted to ggml's rotary order. The audit reopens the file and compares the dequantized
/// weights with the model's; a file that does not pass never appears under its name. Throws base::Error,
/// base::Cancelled; then nothing is left, either. What llama.cpp takes for granted and the model has
/// otherwise is refused before anything is written.
Audit exportGguf(const model::Model& model, const tokenizer::Tokenizer& tokenizer, GgufType type,
                 const FileTarget& target, const std::stop_token& stop, base::Progress& progress);

/// Reopens a file that exportGguf wrote and compares it with what should be in it: configuration, vocabulary,
/// the ids of texts (see compareTokenizers(); what a GGUF file cannot say of them becomes a remark), the
/// tokens that end a text, the chat template and every weight. Throws base::Cancelled only.
Audit auditGguf(const model::Model& model, const tokenizer::Tokenizer& tokenizer, GgufType type,
                const std::filesystem::path& file, const std::stop_token& stop);

/// The first of kGgufTypes that holds all linears of the blocks code by code: Q4_0 for symmetric grids up to
/// 4 bits, Q4_1 for asymmetric ones up to 4 bits (whose minimum -scale * zeroPoint is rounded to f16), Q8_0
/// above; code books, which F16 holds exactly, are F16 in any of these, and alone ask for F16. F16 or nothing
/// for models without a grid. Of a model whose weights are stored in one GGUF block type: that type.
std::optional<GgufType> losslessGgufType(const model::Model& model);

} // namespace nibblesmith::exporting
