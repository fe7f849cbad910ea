// SPDX-License-Identifier: Apache-2.0
#include "runtime/token_embedding.hpp"

#include "base/error.hpp"

namespace nibblesmith::runtime {

TokenEmbedding::TokenEmbedding(const model::Model& model)
    : m_tokens(model.embedding()), m_positions(model.positionTable()),
      m_scale(model.config().embeddingScale) {}

void TokenEmbedding::check(std::span<const int32_t> tokens, int64_t position,
                           const std::string& origin) const {
  for (const int32_t id : tokens)
    if (id < 0 || id >= m_tokens.rows())
      throw base::Error(base::ErrorCode::InvalidArgument, origin + "token id: expected 0 to " +
                                                              std::to_string(m_tokens.rows() - 1) +
                                                              ", found " + std::to_string(id));
  if (m_positions && position + std::ssize(tokens) > m_positions->rows())
    throw base::Error(base::ErrorCode::InvalidArgument, origin + "tokens: expected at most the " +
                                                            std::to_string(m_positions->rows()) +
                                                            " positions that the model has learned, found " +
                                                            std::to_string(position + std::ssize(tokens)));
}

tensor::Matrix TokenEmbedding::rows(std::span<const int32_t> tokens, int64_t position) const {
  const int64_t count = std::ssize(tokens);
  tensor::Matrix hidden(count, m_tokens.cols());
  for (int64_t t = 0; t < count; ++t) {
    const int32_t id = tokens[static_cast<size_t>(t)];
    tensor::readRows(m_tokens, id, id + 1, hidden.row(t).data());
  }
  if (m_scale != 1.0f)
    hidden *= m_scale;
  if (m_positions) {
    tensor::Matrix places(count, m_positions->cols());
    tensor::readRows(*m_positions, position, position + count, places.data());
    hidden += places;
  }
  return hidden;
}

} // namespace nibblesmith::runtime
