// SPDX-License-Identifier: Apache-2.0
#include "runtime/operations.hpp"

#include "base/for_rows.hpp"
#include "runtime/kernels/dispatch.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::runtime {

namespace {

using model::Activation;

kernels::Curve curveOf(Activation f) {
  switch (f) {
  case Activation::Gelu:
    return kernels::kGelu;
  case Activation::GeluTanh:
    return kernels::kGeluTanh;
  case Activation::Silu:
    break;
  }
  return kernels::kSilu;
}

} // namespace

RopeTable::RopeTable(const model::Rotary& rotary, int64_t headDim, int64_t context, int64_t position,
                     int64_t count)
    : m_headDim(headDim), m_cosines(count, rotary.dimensions / 2), m_sines(count, rotary.dimensions / 2) {
  const std::vector<float> divisors = rotary.divisorsFor(context);
  for (int64_t i = 0; i < rotary.dimensions / 2; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(rotary.dimensions);
    auto frequency = static_cast<float>(std::pow(static_cast<double>(rotary.theta), exponent));
    if (!divisors.empty())
      frequency /= divisors[static_cast<size_t>(i)];
    for (int64_t t = 0; t < count; ++t) {
      const float angle = static_cast<float>(position + t) * frequency;
      m_cosines(t, i) = rotary.magnitude * std::cos(angle);
      m_sines(t, i) = rotary.magnitude * std::sin(angle);
    }
  }
}

void RopeTable::apply(tensor::Matrix& x, base::ThreadPool* pool) const {
  const auto rotate = kernels::best().rotateHalves;
  const int64_t half = m_cosines.cols();
  if (half == 0)
    return;
  base::forRows(x.rows(), x.cols(), pool, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      for (int64_t at = 0; at < x.cols(); at += m_headDim)
        rotate(x.data() + t * x.cols() + at, m_cosines.data() + t * half, m_sines.data() + t * half, half);
  });
}

std::vector<RopeTable> ropeTables(const model::ModelConfig& config, int64_t context, int64_t position,
                                  int64_t count) {
  std::vector<RopeTable> tables;
  for (const model::AttentionKind& kind : config.attention)
    tables.emplace_back(kind.rotary, config.headDim, context, position, count);
  return tables;
}

void scaleByLogPosition(int64_t from, int64_t position, tensor::Matrix& x) {
  for (int64_t t = std::max<int64_t>(0, from - position); t < x.rows(); ++t)
    x.row(t) *= static_cast<float>(std::log(static_cast<double>(position + t + 1)) /
                                   std::log(static_cast<double>(from)));
}

void activate(Activation f, const tensor::Matrix& x, tensor::Matrix& out, base::ThreadPool* pool) {
  const auto function = kernels::best().activate[curveOf(f)];
  out.resize(x.rows(), x.cols());
  const int64_t n = x.cols();
  base::forRows(x.rows(), n, pool, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      function(x.data() + t * n, nullptr, n, out.data() + t * n);
  });
}

void activateMultiply(Activation f, const tensor::Matrix& gate, const tensor::Matrix& up, tensor::Matrix& out,
                      base::ThreadPool* pool) {
  const auto function = kernels::best().activate[curveOf(f)];
  out.resize(gate.rows(), gate.cols());
  const int64_t n = gate.cols();
  base::forRows(gate.rows(), n, pool, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      function(gate.data() + t * n, up.data() + t * n, n, out.data() + t * n);
  });
}

void softCap(float cap, float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    x[i] = cap * std::tanh(x[i] / cap);
}

AttentionShape attentionShape(const model::ModelConfig& config, int64_t layer) {
  return {config.numHeads,     config.numKeyValueHeads, config.headDim,
          config.scoreScale(), config.attentionSoftCap, config.attentionKind(layer).window};
}

} // namespace nibblesmith::runtime
