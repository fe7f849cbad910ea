// SPDX-License-Identifier: Apache-2.0
#include "quantization/affine_grid.hpp"

#include "tensor/half.hpp"
#include "tensor/multiversion.hpp"
#include "tensor/round_half_even.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nibblesmith::quantization {

const std::string_view kAffineJson = R"json({
  "schema": 1, "name": "affine", "kind": "grid", "label": "Affine integer grid",
  "help": "Evenly spaced values: weight = scale x (code - zero point), one scale per group of weights.",
  "source": "Jacob et al. 2018, arXiv 1712.05877, section 2.1",
  "parameters": [
    { "key": "bits", "type": "integer", "label": "Bits", "unit": "bit", "minimum": 2, "maximum": 8, "default": 4,
      "help": "Bits of one weight's code. 4 is the usual choice; below 3 most models break." },
    { "key": "granularity", "type": "choice", "label": "Scales per", "choices": ["group", "channel"], "default": "group",
      "help": "One scale for each group of weights, or one for each output channel." },
    { "key": "groupSize", "type": "integer", "label": "Group size", "unit": "weights", "minimum": 8, "maximum": 65536,
      "default": 128, "appliesWhen": { "granularity": "group" },
      "help": "Neighbouring input weights that share a scale. Smaller groups are more exact and take more space." },
    { "key": "symmetric", "type": "boolean", "label": "Symmetric", "default": true,
      "help": "The same range on both sides of zero, without stored zero points. Most runtimes are fastest with it." },
    { "key": "scaleSearch", "type": "choice", "label": "Scale from", "choices": ["minmax", "mse"], "default": "minmax",
      "help": "minmax: the full range of the weights. mse: the clipped range with the least squared error." }
  ]
})json";

namespace {

/// Rounds a scale to f16: to nearest, but upwards for subnormals, which are coarse. Rounding those down could
/// clip much of the range or give a scale of 0.
float storableScale(float scale) {
  constexpr float kSmallestNormal = 0x1p-14f;
  constexpr float kSubnormalStep = 0x1p-24f;
  if (scale >= kSmallestNormal)
    return tensor::roundToF16(scale);
  return std::max(std::ceil(scale / kSubnormalStep), 1.0f) * kSubnormalStep;
}

inline float roundedCode(float weight, float scale, float zeroPoint, float maximumCode) {
  // Clamping before rounding equals clamping after it, because the bounds are integers.
  const float steps = std::min(std::max(weight / scale, -zeroPoint), maximumCode - zeroPoint);
  return tensor::roundedHalfToEven(steps) + zeroPoint;
}

inline void roundOne(float weight, float scale, float zeroPoint, float maximumCode, uint8_t& code,
                     float& value) {
  const float rounded = roundedCode(weight, scale, zeroPoint, maximumCode);
  code = static_cast<uint8_t>(static_cast<int32_t>(rounded));
  value = scale * (rounded - zeroPoint);
}

NIB_MULTIVERSION void roundAffine(const float* weights, const float* scales, const float* zeroPoints,
                                  int64_t count, float maximumCode, uint8_t* codes, float* values) {
  for (int64_t i = 0; i < count; ++i)
    roundOne(weights[i], scales[i], zeroPoints[i], maximumCode, codes[i], values[i]);
}

NIB_MULTIVERSION void roundAffineGroup(const float* weights, float scale, float zeroPoint, int64_t count,
                                       float maximumCode, uint8_t* codes, float* values) {
  for (int64_t i = 0; i < count; ++i)
    roundOne(weights[i], scale, zeroPoint, maximumCode, codes[i], values[i]);
}

struct Range {
  float minimum = 0.0f;
  float maximum = 0.0f;
};

/// Returns the range of a group's weights extended to 0. Uses the compiler's vector type with sixteen lanes,
/// because the compiler does not vectorize such loops by itself.
NIB_MULTIVERSION Range rangeOf(const float* weights, int64_t count) {
  constexpr int64_t kLanes = 16;
  using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
  Lanes minima = {}, maxima = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Lanes w;
    __builtin_memcpy(&w, weights + i, sizeof w);
    minima = w < minima ? w : minima;
    maxima = w > maxima ? w : maxima;
  }
  Range range;
  for (; i < count; ++i) {
    range.minimum = std::min(range.minimum, weights[i]);
    range.maximum = std::max(range.maximum, weights[i]);
  }
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane) {
      minima[lane] = std::min(minima[lane], minima[lane + half]);
      maxima[lane] = std::max(maxima[lane], maxima[lane + half]);
    }
  return {std::min(range.minimum, minima[0]), std::max(range.maximum, maxima[0])};
}

/// Returns the sum of squared errors of a group on one grid. Eight partial sums vectorize and give the same
/// result everywhere.
NIB_MULTIVERSION float squaredError(const float* weights, const float* importance, int64_t count, float scale,
                                    float zeroPoint, float maximumCode) {
  float sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int64_t lane = 0; lane < 8; ++lane) {
      const float w = weights[i + lane];
      const float error = w - scale * (roundedCode(w, scale, zeroPoint, maximumCode) - zeroPoint);
      sums[lane] += (importance ? importance[i + lane] : 1.0f) * error * error;
    }
  for (; i < count; ++i) {
    const float error =
        weights[i] - scale * (roundedCode(weights[i], scale, zeroPoint, maximumCode) - zeroPoint);
    sums[i % 8] += (importance ? importance[i] : 1.0f) * error * error;
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

} // namespace

GroupParameters AffineGrid::parametersFor(float minimum, float maximum) const {
  const auto maximumCode = static_cast<float>((1 << m_options.bits) - 1);
  const float middle = static_cast<float>(1 << (m_options.bits - 1));
  const float range = m_options.symmetric ? 2.0f * std::max(-minimum, maximum) : maximum - minimum;
  // All-zero group: any scale represents it exactly.
  if (range == 0.0f)
    return {1.0f, m_options.symmetric ? middle : 0.0f, {}};
  const float scale = storableScale(range / maximumCode);
  if (m_options.symmetric)
    return {scale, middle, {}};
  return {scale, std::clamp(std::nearbyint(-minimum / scale), 0.0f, maximumCode), {}};
}

GroupParameters AffineGrid::fit(std::span<const float> weights, std::span<const float> importance) const {
  const auto [minimum, maximum] = rangeOf(weights.data(), std::ssize(weights));
  GroupParameters best = parametersFor(minimum, maximum);
  if (!m_options.searchScale || !std::isfinite(best.scale))
    return best;
  // Clipped ranges down to 20 % in steps of 1 %, as in GPTQ's code.
  const auto maximumCode = static_cast<float>((1 << m_options.bits) - 1);
  const auto errorOf = [&](const GroupParameters& group) {
    return squaredError(weights.data(), importance.empty() ? nullptr : importance.data(),
                        static_cast<int64_t>(weights.size()), group.scale, group.zeroPoint, maximumCode);
  };
  float least = errorOf(best);
  for (int step = 1; step <= 80; ++step) {
    const float shrink = 1.0f - static_cast<float>(step) / 100.0f;
    const GroupParameters candidate = parametersFor(minimum * shrink, maximum * shrink);
    if (const float error = errorOf(candidate); error < least) {
      least = error;
      best = candidate;
    }
  }
  return best;
}

uint8_t AffineGrid::encode(float weight, const GroupParameters& group) const {
  const auto maximumCode = static_cast<float>((1 << m_options.bits) - 1);
  return static_cast<uint8_t>(roundedCode(weight, group.scale, group.zeroPoint, maximumCode));
}

float AffineGrid::decode(uint8_t code, const GroupParameters& group) const {
  return group.scale * (static_cast<float>(code) - group.zeroPoint);
}

void AffineGrid::roundMany(const float* weights, const WeightParameters& parameters, int64_t count,
                           uint8_t* codes, float* values) const {
  roundAffine(weights, parameters.scales, parameters.zeroPoints, count,
              static_cast<float>((1 << m_options.bits) - 1), codes, values);
}

void AffineGrid::roundGroup(const float* weights, const GroupParameters& group, int64_t count, uint8_t* codes,
                            float* values) const {
  roundAffineGroup(weights, group.scale, group.zeroPoint, count,
                   static_cast<float>((1 << m_options.bits) - 1), codes, values);
}

std::unique_ptr<Grid> makeAffineGrid(const base::Json& parameters) {
  AffineOptions options;
  options.bits = parameters["bits"].get<int>();
  options.groupSize = parameters["granularity"] == "channel" ? 0 : parameters["groupSize"].get<int64_t>();
  options.symmetric = parameters["symmetric"].get<bool>();
  options.searchScale = parameters["scaleSearch"] == "mse";
  return std::make_unique<AffineGrid>(options);
}

} // namespace nibblesmith::quantization
