// SPDX-License-Identifier: Apache-2.0
#include "runtime/operations.hpp"

#include "base/thread_pool.hpp"
#include "runtime/kernels/dispatch.hpp"

#include <cmath>

namespace nibblesmith::runtime {

namespace {

/// Rows in chunks of some 16 thousand elements; fewer are not worth waking a thread.
template <typename Body>
void forRows(int64_t rows, int64_t columns, base::ThreadPool* pool, Body body) {
  const int64_t chunk = std::max<int64_t>(1, (16 << 10) / std::max<int64_t>(1, columns));
  if (pool && rows > chunk)
    pool->parallelFor(rows, chunk, body);
  else
    body(int64_t{0}, rows);
}

} // namespace

RopeTable::RopeTable(const model::ModelConfig& config, int64_t position, int64_t count)
    : m_cosines(count, config.headDim / 2), m_sines(count, config.headDim / 2) {
  for (int64_t i = 0; i < config.headDim / 2; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(config.headDim);
    const auto frequency = static_cast<float>(std::pow(static_cast<double>(config.ropeTheta), exponent));
    for (int64_t t = 0; t < count; ++t) {
      const float angle = static_cast<float>(position + t) * frequency;
      m_cosines(t, i) = std::cos(angle);
      m_sines(t, i) = std::sin(angle);
    }
  }
}

void RopeTable::apply(tensor::Matrix& x, base::ThreadPool* pool) const {
  const auto rotate = kernels::best().rotateHalves;
  const int64_t half = m_cosines.cols();
  forRows(x.rows(), x.cols(), pool, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      for (int64_t at = 0; at < x.cols(); at += 2 * half)
        rotate(x.data() + t * x.cols() + at, m_cosines.data() + t * half, m_sines.data() + t * half, half);
  });
}

void rmsNorm(const tensor::Matrix& x, const tensor::Vector& weight, float epsilon, tensor::Matrix& out,
             base::ThreadPool* pool) {
  const auto norm = kernels::best().rmsNorm;
  out.resize(x.rows(), x.cols());
  forRows(x.rows(), x.cols(), pool, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      norm(x.data() + t * x.cols(), weight.data(), epsilon, x.cols(), out.data() + t * x.cols());
  });
}

void siluMultiply(const tensor::Matrix& gate, const tensor::Matrix& up, tensor::Matrix& out,
                  base::ThreadPool* pool) {
  const auto multiply = kernels::best().siluMultiply;
  out.resize(gate.rows(), gate.cols());
  forRows(gate.rows(), gate.cols(), pool, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      multiply(gate.data() + t * gate.cols(), up.data() + t * up.cols(), gate.cols(),
               out.data() + t * gate.cols());
  });
}

} // namespace nibblesmith::runtime
