// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/gguf.hpp"

#include <functional>
#include <vector>

namespace nibblesmith::exporting {

/// Conversion of a matrix for a GGUF file.
enum class Encoding {
  Verbatim, ///< stored blocks, copied
  F32,
  F16,
  KeepCodes,             ///< codes of an affine grid, exact
  KeepCodesRoundMinimum, ///< codes of an affine grid, with minima rounded to f16 (asymmetric grids in Q4_1)
  Rounded,               ///< rounded like in ggml's reference quantizers
};

/// Type and conversion of one matrix or vector.
struct MatrixPlan {
  tensor::DType dtype = tensor::DType::F32;
  Encoding encoding = Encoding::F32;
  std::string remark; ///< reason if the type is not the requested one, otherwise empty
};

/// Returns the tensor type of a block's linears.
tensor::DType blockType(GgufType type);
/// Plans a linear of a block.
MatrixPlan planLinear(const model::Weight& weight, GgufType type);
/// Plans the embedding or the head.
MatrixPlan planEmbedding(const model::Weight& weight, GgufType type);

/// Encodes rows [begin, end) of the weight, in the weight's own order, into `out`. Throws
/// base::Error{Numerical}.
void encodeRows(const model::Weight& weight, const MatrixPlan& plan, int64_t begin, int64_t end,
                std::byte* out, const std::string& name);

/// Returns the size of one encoded row in bytes.
int64_t encodedRowBytes(const model::Weight& weight, const MatrixPlan& plan);

/// Order of a linear's rows in the file.
struct RowOrder {
  enum class Kind {
    AsIs,
    /// Interleaves the two rotary halves of each head of headDim rows (0, headDim/2, 1, headDim/2 + 1, ...).
    Rotary,
    /// Splits fused rows, stored head by head, into all queries, all keys, all values (llama.cpp, GPT-NeoX).
    Blocks,
  };
  Kind kind = Kind::AsIs;
  int64_t headDim = 1;
  int64_t heads = 1;

  /// Returns the model's row that is row `row` of the file.
  int64_t source(int64_t row) const;
};
RowOrder rowOrder(const model::Model& model, model::LinearRole role);

/// Returns a norm's weights including its offset, the form in the file.
tensor::TensorView normWithOffset(const model::Model& model, const tensor::TensorView& weight);

} // namespace nibblesmith::exporting
