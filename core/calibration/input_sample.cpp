// SPDX-License-Identifier: Apache-2.0
#include "calibration/input_sample.hpp"

#include "tensor/half.hpp"

#include <algorithm>

namespace nibblesmith::calibration {

InputSample::InputSample(int64_t rows, int64_t tokens, int64_t channels)
    : m_rows(std::min(rows, tokens), channels), m_tokens(tokens) {}

void InputSample::add(std::span<const tensor::Bf16Matrix* const> inputs) {
  const int64_t rows = m_rows.rows();
  for (const tensor::Bf16Matrix* X : inputs) {
    for (; m_next < rows && m_next * m_tokens / rows < m_seen + X->rows(); ++m_next)
      tensor::bf16ToF32(X->row(m_next * m_tokens / rows - m_seen).data(), m_rows.row(m_next).data(),
                        X->cols());
    m_seen += X->rows();
  }
}

} // namespace nibblesmith::calibration
