// SPDX-License-Identifier: Apache-2.0
#include "runtime/output_head.hpp"

#include "base/for_rows.hpp"
#include "runtime/operations.hpp"

namespace nibblesmith::runtime {

OutputHead::OutputHead(const model::Model& model, const model::LinearWeights& head, WeightStorage storage)
    : m_norm(model.config().norm, model.finalNorm(), model.config().hiddenSize),
      m_linear(makeLinear(head, storage)), m_cap(model.config().finalSoftCap) {}

void OutputHead::logits(const tensor::Matrix& hidden, float* logits, base::ThreadPool& pool) const {
  tensor::Matrix normed;
  m_norm.apply(hidden, normed, &pool);
  m_linear->forward(normed.data(), normed.rows(), logits, pool);
  if (m_cap > 0)
    base::forRows(normed.rows(), vocabularySize(), &pool, [&](int64_t begin, int64_t end) {
      softCap(m_cap, logits + begin * vocabularySize(), (end - begin) * vocabularySize());
    });
}

} // namespace nibblesmith::runtime
