// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "tensor/matrix.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace nibblesmith::runtime {

/// First part of a model: token ids to the residual stream. Safe for concurrent use.
class TokenEmbedding {
public:
  explicit TokenEmbedding(const model::Model& model);

  /// Throws base::Error{InvalidArgument} if an id is outside the vocabulary or a position exceeds the learned
  /// position table. origin: prefix of the message.
  void check(std::span<const int32_t> tokens, int64_t position, const std::string& origin = {}) const;
  /// Returns the embeddings [tokens, hiddenSize] of tokens from `position` on, which check() must have
  /// accepted.
  tensor::Matrix rows(std::span<const int32_t> tokens, int64_t position) const;
  /// Embedding in its stored format.
  const tensor::TensorView& tokens() const { return m_tokens; }
  /// Learned position table in its stored format; empty if the model has none.
  const std::optional<tensor::TensorView>& positions() const { return m_positions; }

private:
  tensor::TensorView m_tokens;
  std::optional<tensor::TensorView> m_positions;
  float m_scale;
};

} // namespace nibblesmith::runtime
