// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model.hpp"
#include "tensor/matrix.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace nibblesmith::runtime {

/// The way into a model: token ids to the residual stream. Any thread.
class TokenEmbedding {
public:
  explicit TokenEmbedding(const model::Model& model);

  /// Throws base::Error{InvalidArgument}, with `origin` in front, on an id outside the vocabulary and on
  /// positions beyond a table of them.
  void check(std::span<const int32_t> tokens, int64_t position, const std::string& origin = {}) const;
  /// [tokens, hiddenSize] of tokens from `position` on, which check() must have let through.
  tensor::Matrix rows(std::span<const int32_t> tokens, int64_t position) const;
  /// As stored.
  const tensor::TensorView& tokens() const { return m_tokens; }
  const std::optional<tensor::TensorView>& positions() const { return m_positions; }

private:
  tensor::TensorView m_tokens;
  std::optional<tensor::TensorView> m_positions;
  float m_scale;
};

} // namespace nibblesmith::runtime
