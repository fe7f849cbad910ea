// SPDX-License-Identifier: Apache-2.0
#include "quantization/scaling.hpp"

#include "base/error.hpp"
#include "tensor/half.hpp"

#include <cmath>

namespace nibblesmith::quantization {

namespace {

using runtime::InputSource;
using tensor::Vector;

constexpr float kSmallestNormal = 0x1p-14f; ///< of f16: below it, values lose digits
constexpr float kLargest = 65504.0f;

bool isSafe(float half) { return std::abs(half) >= kSmallestNormal && std::abs(half) <= kLargest; }

const tensor::TensorView& normOf(const InputSource& source, const model::BlockWeights& weights) {
  return source.kind == InputSource::Kind::AttentionNorm ? weights.attentionNorm : weights.mlpNorm;
}

Vector dividedNorm(const tensor::TensorView& norm, const Vector& s) {
  Vector values = tensor::toVector(norm).cwiseQuotient(s);
  for (float& value : values)
    value = tensor::roundToF16(value);
  return values;
}

/// What says how small and how large the weights of a row's groups are: affine scales, largest magnitudes of code books.
Vector groupMagnitudes(const tensor::QuantizedTensor& linear, int64_t row) {
  Vector magnitudes = linear.scales.row(row);
  if (linear.hasOwnBooks())
    for (int64_t g = 0; g < linear.groups(); ++g) {
      magnitudes[g] = linear.codeBooks.row(row * linear.groups() + g).cwiseAbs().maxCoeff();
      // A group of zeros stays one.
      if (magnitudes[g] == 0.0f)
        magnitudes[g] = 1.0f;
    }
  return magnitudes;
}

void divideGroup(tensor::QuantizedTensor& linear, int64_t row, int64_t g, float s) {
  float& scale = linear.scales(row, g);
  if (linear.hasOwnBooks())
    for (float& value : linear.codeBooks.row(row * linear.groups() + g))
      value = tensor::roundToF16(value / s);
  else
    scale = linear.isAffine() ? tensor::roundToF16(scale / s) : scale / s;
}

void divideRows(tensor::QuantizedTensor& linear, const std::vector<int64_t>& rows, const Vector& s) {
  std::vector<char> isDone(static_cast<size_t>(linear.outFeatures));
  for (int64_t i = 0; i < s.size(); ++i) {
    const int64_t row = rows[static_cast<size_t>(i)];
    if (std::exchange(isDone[static_cast<size_t>(row)], 1))
      continue;
    for (int64_t g = 0; g < linear.groups(); ++g)
      divideGroup(linear, row, g, s[i]);
  }
}

} // namespace

Vector totalScales(const BlockFile& block, int stage, int64_t channels) {
  Vector total;
  for (const StageScales& scales : block.scales) {
    if (scales.stage != stage)
      continue;
    if (scales.s.size() != channels)
      throw base::Error(base::ErrorCode::Corrupt, "scales of stage " + std::to_string(stage) + ": expected " +
                                                      std::to_string(channels) + ", found " +
                                                      std::to_string(scales.s.size()));
    total = total.size() == 0 ? scales.s : Vector(total.cwiseProduct(scales.s));
  }
  return total;
}

bool takesScales(const InputSource& source, const model::BlockWeights& weights, const BlockFile& block) {
  if (source.kind != InputSource::Kind::Linear)
    return true;
  const model::LinearWeights& linear = weights.linear(source.linear);
  const auto rounded = block.linears.find(linear.name);
  // Nested scales of different rows are tied to each other: none can be divided alone.
  return !linear.bias && rounded != block.linears.end() && !rounded->second.nestedScales;
}

Vector takeableScales(const Vector& s, int stage, const InputSource& source, const model::BlockWeights& weights,
                      const BlockFile& block) {
  Vector before = totalScales(block, stage, s.size());
  if (before.size() == 0)
    before = Vector::Ones(s.size());
  Vector taken(s.size());
  if (source.kind != InputSource::Kind::Linear) {
    const Vector norm = tensor::toVector(normOf(source, weights));
    for (int64_t i = 0; i < s.size(); ++i) {
      const float divided = norm[i] / (before[i] * s[i]);
      taken[i] = isSafe(divided) ? norm[i] / tensor::roundToF16(divided) / before[i] : 1.0f;
    }
    return taken;
  }
  const tensor::QuantizedTensor& linear = block.linears.at(weights.linear(source.linear).name);
  for (int64_t i = 0; i < s.size(); ++i) {
    const Vector scales = groupMagnitudes(linear, source.channels[static_cast<size_t>(i)]);
    const float divisor = before[i] * s[i];
    taken[i] = isSafe(scales.minCoeff() / divisor) && isSafe(scales.maxCoeff() / divisor) ? s[i] : 1.0f;
  }
  return taken;
}

void scaleHessian(tensor::Matrix& H, const Vector& s) {
  const Vector inverse = s.cwiseInverse();
  H.array().colwise() *= inverse.array();
  H.array().rowwise() *= inverse.transpose().array();
}

QuantizedBlock foldScales(BlockFile file, const runtime::BlockGraph& graph, const model::BlockWeights& weights) {
  QuantizedBlock result;
  for (int stage = 0; stage < graph.stageCount(); ++stage) {
    const InputSource source = graph.inputSource(stage);
    const Vector s = totalScales(file, stage, std::ssize(source.channels));
    if (s.size() == 0)
      continue;
    if (source.kind == InputSource::Kind::Linear)
      divideRows(file.linears.at(weights.linear(source.linear).name), source.channels, s);
    else if (source.kind == InputSource::Kind::AttentionNorm)
      result.attentionNorm = dividedNorm(weights.attentionNorm, s);
    else
      result.mlpNorm = dividedNorm(weights.mlpNorm, s);
  }
  result.linears = std::move(file.linears);
  result.inputs = std::move(file.inputs);
  return result;
}

} // namespace nibblesmith::quantization
