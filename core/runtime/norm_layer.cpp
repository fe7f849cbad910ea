// SPDX-License-Identifier: Apache-2.0
#include "runtime/norm_layer.hpp"

#include "base/error.hpp"
#include "base/for_rows.hpp"
#include "runtime/kernels/dispatch.hpp"

#include <cmath>

namespace nibblesmith::runtime {

namespace {

tensor::Vector finiteVector(const tensor::TensorView& view, int64_t size, const std::string& name) {
  if (view.elements() != size)
    throw base::Error(base::ErrorCode::InvalidArgument, "'" + name + "': expected " + std::to_string(size) +
                                                            " values, found " + view.describe());
  tensor::Vector values = tensor::toVector(view);
  tensor::requireFinite({values.data(), static_cast<size_t>(values.size())}, size, name);
  return values;
}

/// Layer norm with sums in f64, so that the order of additions does not affect f32 digits. Source: Ba et al.
/// 2016, "Layer normalization", eq. 4, with epsilon inside the root as in PyTorch.
void layerNorm(const float* x, const float* weight, const float* bias, float epsilon, int64_t n, float* out) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i)
    sum += static_cast<double>(x[i]);
  const double mean = sum / static_cast<double>(n);
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(x[i]) - mean;
    squares += d * d;
  }
  const double scale = 1.0 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(epsilon));
  for (int64_t i = 0; i < n; ++i)
    out[i] =
        static_cast<float>((static_cast<double>(x[i]) - mean) * scale) * weight[i] + (bias ? bias[i] : 0.0f);
}

} // namespace

NormLayer::NormLayer(const model::Norm& norm, const model::NormWeights& weights, int64_t size)
    : m_norm(norm), m_weight(finiteVector(weights.weight, size, weights.name)) {
  m_weight.array() += norm.offset;
  if (weights.bias)
    m_bias = finiteVector(*weights.bias, size, weights.name + ".bias");
}

void NormLayer::apply(const tensor::Matrix& x, tensor::Matrix& out, base::ThreadPool* pool) const {
  out.resize(x.rows(), x.cols());
  applyRows(x.data(), x.rows(), out.data(), pool);
}

void NormLayer::applyToHeads(tensor::Matrix& x, base::ThreadPool* pool) const {
  applyRows(x.data(), x.size() / m_weight.size(), x.data(), pool);
}

void NormLayer::applyRows(const float* x, int64_t rows, float* out, base::ThreadPool* pool) const {
  const int64_t n = m_weight.size();
  const auto rms = kernels::best().rmsNorm;
  const float* bias = m_bias.size() > 0 ? m_bias.data() : nullptr;
  base::forRows(rows, n, pool, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      if (m_norm.kind == model::Norm::Kind::Rms)
        rms(x + row * n, m_weight.data(), m_norm.epsilon, n, out + row * n);
      else
        layerNorm(x + row * n, m_weight.data(), bias, m_norm.epsilon, n, out + row * n);
  });
}

} // namespace nibblesmith::runtime
