// SPDX-License-Identifier: Apache-2.0
#include "quantization/scaling.hpp"

#include "base/error.hpp"
#include "tensor/half.hpp"

#include <cmath>

namespace nibblesmith::quantization {

namespace {

using runtime::InputSource;
using tensor::Vector;

constexpr float kSmallestNormal = 0x1p-14f; ///< smallest f16 with full precision
constexpr float kLargest = 65504.0f;

bool isSafe(float half) { return std::abs(half) >= kSmallestNormal && std::abs(half) <= kLargest; }

/// Divides a norm's effective weights (offset included) by s and returns them in stored form (offset
/// removed), as f16 values.
Vector dividedWeights(const Vector& weights, const Vector& s, float offset) {
  Vector values = (weights.array() + offset) / s.array() - offset;
  for (float& value : values)
    value = tensor::roundToF16(value);
  return values;
}

QuantizedBlock::Folded dividedNorm(const model::NormWeights& norm, const Vector& s, float offset) {
  QuantizedBlock::Folded folded{dividedWeights(tensor::toVector(norm.weight), s, offset), {}};
  if (norm.bias)
    folded.bias = tensor::toVector(*norm.bias).cwiseQuotient(s);
  return folded;
}

/// Returns the magnitude of each group of a row: the scales of affine grids, the largest value of per-group
/// code books.
Vector groupMagnitudes(const tensor::QuantizedTensor& linear, int64_t row) {
  Vector magnitudes = linear.scales.row(row);
  if (linear.hasGroupBooks())
    for (int64_t g = 0; g < linear.groups(); ++g) {
      magnitudes[g] = linear.codeBooks.row(row * linear.groups() + g).cwiseAbs().maxCoeff();
      // An all-zero group stays all-zero.
      if (magnitudes[g] == 0.0f)
        magnitudes[g] = 1.0f;
    }
  return magnitudes;
}

void divideGroup(tensor::QuantizedTensor& linear, int64_t row, int64_t g, float s) {
  float& scale = linear.scales(row, g);
  if (linear.hasGroupBooks())
    for (float& value : linear.codeBooks.row(row * linear.groups() + g))
      value = tensor::roundToF16(value / s);
  else
    scale = linear.isAffine() ? tensor::roundToF16(scale / s) : scale / s;
}

/// Calls divide(row, scale) once for each row that produces a channel.
template <typename Divide>
void forRows(const std::vector<int64_t>& rows, const Vector& s, int64_t count, Divide divide) {
  std::vector<char> isDone(static_cast<size_t>(count));
  for (int64_t i = 0; i < s.size(); ++i) {
    const int64_t row = rows[static_cast<size_t>(i)];
    if (!std::exchange(isDone[static_cast<size_t>(row)], 1))
      divide(row, s[i]);
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

std::string foldingObstacle(const InputSource& source, const model::BlockWeights& weights,
                            const BlockFile& block) {
  if (source.kind == InputSource::Kind::Norm)
    return {};
  if (source.kind == InputSource::Kind::None)
    return "they come out of an activation function, which takes up no scales";
  const model::LinearWeights& linear = weights.linears[source.linear];
  const auto rounded = block.linears.find(linear.name);
  if (rounded == block.linears.end())
    return "a layer that would have to change stays as stored";
  // Nested scales of different rows share their quantization, so none can be divided alone.
  return rounded->second.nestedScales ? "nested scales of the layer before cannot be divided one by one"
                                      : std::string();
}

Vector foldableScales(const Vector& s, int stage, const InputSource& source,
                      const model::BlockWeights& weights, const BlockFile& block, float normOffset) {
  Vector before = totalScales(block, stage, s.size());
  if (before.size() == 0)
    before = Vector::Ones(s.size());
  Vector taken(s.size());
  if (source.kind == InputSource::Kind::Norm) {
    const Vector norm = tensor::toVector(weights.norm(source.norm)->weight);
    const Vector divided = dividedWeights(norm, before.cwiseProduct(s), normOffset);
    for (int64_t i = 0; i < s.size(); ++i) {
      const float whole = norm[i] + normOffset;
      const bool isKept = isSafe(whole / (before[i] * s[i])) && isSafe(normOffset + divided[i]);
      taken[i] = isKept ? whole / (normOffset + divided[i]) / before[i] : 1.0f;
    }
    return taken;
  }
  const tensor::QuantizedTensor& linear = block.linears.at(weights.linears[source.linear].name);
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

QuantizedBlock foldScales(BlockFile file, const runtime::BlockGraph& graph,
                          const model::BlockWeights& weights, float normOffset) {
  QuantizedBlock result;
  for (int stage = 0; stage < graph.stageCount(); ++stage) {
    const InputSource source = graph.inputSource(stage);
    const Vector s = totalScales(file, stage, std::ssize(source.channels));
    if (s.size() == 0)
      continue;
    if (source.kind == InputSource::Kind::Norm) {
      result.norms[source.norm] = dividedNorm(*weights.norm(source.norm), s, normOffset);
      continue;
    }
    const model::LinearWeights& linear = weights.linears[source.linear];
    tensor::QuantizedTensor& rounded = file.linears.at(linear.name);
    forRows(source.channels, s, rounded.outFeatures, [&](int64_t row, float scale) {
      for (int64_t g = 0; g < rounded.groups(); ++g)
        divideGroup(rounded, row, g, scale);
    });
    if (linear.bias) {
      Vector bias = tensor::toVector(*linear.bias);
      forRows(source.channels, s, bias.size(), [&](int64_t row, float scale) { bias[row] /= scale; });
      result.biases[linear.name] = std::move(bias);
    }
  }
  result.linears = std::move(file.linears);
  result.inputs = std::move(file.inputs);
  return result;
}

} // namespace nibblesmith::quantization
