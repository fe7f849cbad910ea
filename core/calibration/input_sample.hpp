// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tensor/matrix.hpp"

#include <cstdint>
#include <span>

namespace nibblesmith::calibration {

/// Sample of rows of a linear layer's inputs, evenly spaced over all tokens. Not safe for concurrent use.
class InputSample {
public:
  /// Takes at most `rows` of the `tokens` rows that will be added.
  InputSample(int64_t rows, int64_t tokens, int64_t channels);

  /// Adds inputs: bf16 matrices [tokens, channels].
  void add(std::span<const tensor::Bf16Matrix* const> inputs);
  /// Returns the sample [rows, channels].
  tensor::Matrix take() { return std::move(m_rows); }

private:
  tensor::Matrix m_rows;
  int64_t m_tokens;
  int64_t m_seen = 0;
  int64_t m_next = 0; ///< next row to fill
};

} // namespace nibblesmith::calibration
