// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/gguf.hpp"

#include <functional>
#include <vector>

namespace nibblesmith::exporting {

/// How a matrix gets into a GGUF file.
enum class Encoding {
  Verbatim, ///< the stored blocks as they are
  F32,
  F16,
  Carried,       ///< an affine grid's codes, exactly
  CarriedOffset, ///< the same, with minima rounded to f16 (asymmetric grids in Q4_1)
  Rounded,       ///< rounded as ggml's reference quantizers do
};

/// One matrix or vector, and what becomes of it.
struct MatrixPlan {
  tensor::DType dtype = tensor::DType::F32;
  Encoding encoding = Encoding::F32;
  std::string remark; ///< why not as asked for; empty where as asked for
};

/// The type the tensors of a block get.
tensor::DType blockType(GgufType type);
/// Of a block's linear.
MatrixPlan planLinear(const model::Weight& weight, GgufType type);
/// Of the embedding or the head.
MatrixPlan planEmbedding(const model::Weight& weight, GgufType type);

/// Encodes rows [begin, end) of the weight, in the weight's own order, into out. Throws
/// base::Error{Numerical}.
void encodeRows(const model::Weight& weight, const MatrixPlan& plan, int64_t begin, int64_t end,
                std::byte* out, const std::string& name);

/// Bytes of one encoded row.
int64_t encodedRowBytes(const model::Weight& weight, const MatrixPlan& plan);

/// In what order a linear's rows stand in the file.
struct RowOrder {
  enum class Kind {
    AsIs,
    Rotary, ///< within a head of headDim rows, ggml interleaves the two rotary halves (0, headDim/2, 1,
            ///< headDim/2 + 1, ...)
    Blocks, ///< of fused rows that lie head by head: all queries, all keys, all values (llama.cpp, GPT-NeoX)
  };
  Kind kind = Kind::AsIs;
  int64_t headDim = 1;
  int64_t heads = 1;

  /// Row of the model's order that stands at row `row` of the file.
  int64_t source(int64_t row) const;
};
RowOrder rowOrder(const model::Model& model, model::LinearRole role);

/// A norm's weights as the file holds them: with the offset.
tensor::TensorView wholeNorm(const model::Model& model, const tensor::TensorView& weight);

} // namespace nibblesmith::exporting
