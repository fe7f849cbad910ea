// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <span>

namespace nibblesmith::calibration {

/// Some rows of a linear layer's inputs, at equal distances among all tokens. One thread at a time.
class InputSample {
public:
  /// At most `rows` of the `tokens` that will be added.
  InputSample(int64_t rows, int64_t tokens, int64_t channels);

  /// inputs: bf16 [tokens, channels].
  void add(std::span<const tensor::Bf16Matrix* const> inputs);
  /// [rows, channels].
  tensor::Matrix take() { return std::move(m_rows); }

private:
  tensor::Matrix m_rows;
  int64_t m_tokens;
  int64_t m_seen = 0;
  int64_t m_next = 0; ///< row to be filled
};

} // namespace nibblesmith::calibration
