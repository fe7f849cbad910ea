// SPDX-License-Identifier: Apache-2.0
#include "tensor/activation_scheme.hpp"

#include "base/error.hpp"
#include "base/for_rows.hpp"
#include "base/units.hpp"
#include "tensor/half.hpp"
#include "tensor/magnitude_bits.hpp"
#include "tensor/multiversion.hpp"
#include "tensor/round_half_even.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace nibblesmith::tensor {

namespace {

using Granularity = ActivationScheme::Granularity;

constexpr float kSmallestNormalHalf = 0x1p-14f;
constexpr float kHalfStep = 0x1p-24f; ///< distance between f16 subnormals

struct Extremes {
  float minimum = 0;
  float maximum = 0;
};

NIB_MULTIVERSION void extremesOf(const float* x, int64_t count, float& lowest, float& highest) {
  float low = 0;
  float high = 0;
  for (int64_t i = 0; i < count; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  lowest = low;
  highest = high;
}

NIB_MULTIVERSION void codesOf(const float* x, int64_t count, float scale, float zero, float low, float high,
                              int8_t* codes) {
  for (int64_t i = 0; i < count; ++i) {
    const float steps = std::min(std::max(x[i] / scale + zero, low), high);
    codes[i] = static_cast<int8_t>(static_cast<int32_t>(roundedHalfToEven(steps)));
  }
}

NIB_MULTIVERSION void valuesOf(const float* x, int64_t count, float scale, float zero, float low, float high,
                               float* out) {
  for (int64_t i = 0; i < count; ++i) {
    const float steps = std::min(std::max(x[i] / scale + zero, low), high);
    out[i] = scale * (roundedHalfToEven(steps) - zero);
  }
}

bool isFiniteRow(const float* x, int64_t count) { return largestMagnitudeBits(x, count) < kInfinityBits; }

[[noreturn]] void throwNotFinite(const float* x, int64_t count, int64_t token, const std::string& name) {
  const auto* bad = std::find_if(x, x + count, [](float value) { return !std::isfinite(value); });
  throw base::Error(base::ErrorCode::Numerical, "input of '" + name + "': expected finite values, found " +
                                                    (std::isnan(*bad) ? "NaN" : "infinity") + " at token " +
                                                    std::to_string(token) + ", channel " +
                                                    std::to_string(bad - x));
}

Extremes rowExtremes(const ActivationScheme& scheme, const float* x, int64_t count) {
  Extremes extremes;
  if (!scheme.symmetric) {
    extremesOf(x, count, extremes.minimum, extremes.maximum);
  } else if (scheme.outlierThreshold > 0) {
    for (int64_t i = 0; i < count; ++i)
      if (const float magnitude = std::abs(x[i]); magnitude < scheme.outlierThreshold)
        extremes.maximum = std::max(extremes.maximum, magnitude);
  } else {
    extremes.maximum = std::bit_cast<float>(largestMagnitudeBits(x, count));
  }
  return extremes;
}

/// Computes scale and zero point of every token; throws on the first token with a NaN or infinite value.
std::vector<CodeRange> rangesOf(const ActivationScheme& scheme, const float* x, int64_t tokens,
                                int64_t columns, const std::string& name, base::ThreadPool* pool) {
  std::vector<CodeRange> ranges(static_cast<size_t>(tokens), {scheme.scale, scheme.zeroPoint});
  std::vector<Extremes> extremes(static_cast<size_t>(tokens));
  std::vector<char> isFinite(static_cast<size_t>(tokens));
  base::forRows(tokens, columns, pool, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const auto at = static_cast<size_t>(t);
      isFinite[at] = isFiniteRow(x + t * columns, columns) ? 1 : 0;
      if (!scheme.isDynamic || !isFinite[at])
        continue;
      extremes[at] = rowExtremes(scheme, x + t * columns, columns);
      ranges[at] = codeRangeFor(scheme, extremes[at].minimum, extremes[at].maximum);
    }
  });
  if (const auto bad = std::find(isFinite.begin(), isFinite.end(), 0); bad != isFinite.end())
    throwNotFinite(x + (bad - isFinite.begin()) * columns, columns, bad - isFinite.begin(), name);
  if (scheme.isDynamic && scheme.granularity == Granularity::Tensor) {
    Extremes all;
    for (const Extremes& row : extremes)
      all = {std::min(all.minimum, row.minimum), std::max(all.maximum, row.maximum)};
    std::fill(ranges.begin(), ranges.end(), codeRangeFor(scheme, all.minimum, all.maximum));
  }
  return ranges;
}

} // namespace

std::string ActivationScheme::describe() const {
  std::string text =
      std::to_string(bits) + "-bit per " + (granularity == Granularity::Token ? "token" : "tensor");
  if (outlierThreshold > 0)
    return text + ", outliers from " + base::formatNumber(static_cast<double>(outlierThreshold));
  return text + (isDynamic ? " dynamic" : " static") + (symmetric ? "" : " asymmetric");
}

void ActivationScheme::validate(const std::string& name) const {
  const auto fail = [&](const std::string& what) {
    throw base::Error(base::ErrorCode::Corrupt, "input quantization of '" + name + "': " + what);
  };
  if (bits < 2 || bits > 8)
    fail("bits: expected 2 to 8, found " + std::to_string(bits));
  if (!isDynamic && granularity != Granularity::Tensor)
    fail("granularity: expected one static scale per tensor, found one per token");
  if (!std::isfinite(scale) || !(scale > 0))
    fail("scale: expected a number above 0, found " + std::to_string(scale));
  if (zeroPoint < lowestCode() || zeroPoint > highestCode() || (symmetric && zeroPoint != 0))
    fail("zero point: expected " +
         (symmetric ? std::string("0") : "a code of " + std::to_string(bits) + " bits") + ", found " +
         std::to_string(zeroPoint));
  if (!std::isfinite(outlierThreshold) || outlierThreshold < 0)
    fail("outlier threshold: expected 0 or more, found " + std::to_string(outlierThreshold));
  if (outlierThreshold > 0 && (!isDynamic || !symmetric || bits != 8 || granularity != Granularity::Token))
    fail("outlier threshold: expected dynamic symmetric 8 bits per token");
}

CodeRange codeRangeFor(const ActivationScheme& scheme, float minimum, float maximum) {
  const float steps = static_cast<float>((1 << scheme.bits) - 1);
  minimum = std::min(minimum, 0.0f);
  maximum = std::max(maximum, 0.0f);
  const float half = scheme.outlierThreshold > 0 ? 127.0f : steps / 2;
  const float scale = scheme.symmetric ? std::max(-minimum, maximum) / half : (maximum - minimum) / steps;
  // All values are 0, or so small that the scale underflows: any scale quantizes them to 0.
  if (!(scale > 0))
    return {1.0f, 0};
  if (scheme.symmetric)
    return {scale, 0};
  const float lowest = static_cast<float>(scheme.lowestCode());
  const float zero =
      std::clamp(std::nearbyint(lowest - minimum / scale), lowest, static_cast<float>(scheme.highestCode()));
  return {scale, static_cast<int>(zero)};
}

ActivationScheme staticScheme(ActivationScheme scheme, float minimum, float maximum) {
  scheme.isDynamic = false;
  scheme.granularity = Granularity::Tensor;
  scheme.scale = codeRangeFor(scheme, minimum, maximum).scale;
  scheme.scale = scheme.scale >= kSmallestNormalHalf
                     ? roundToF16(scheme.scale)
                     : std::max(1.0f, std::ceil(scheme.scale / kHalfStep)) * kHalfStep;
  scheme.zeroPoint = 0;
  if (!scheme.symmetric) {
    const float lowest = static_cast<float>(scheme.lowestCode());
    scheme.zeroPoint =
        static_cast<int>(std::clamp(std::nearbyint(lowest - std::min(minimum, 0.0f) / scheme.scale), lowest,
                                    static_cast<float>(scheme.highestCode())));
  }
  return scheme;
}

RoundedInput roundInput(const ActivationScheme& scheme, const float* x, int64_t tokens, int64_t columns,
                        int64_t stride, const std::string& name, base::ThreadPool* pool) {
  RoundedInput result;
  result.stride = stride;
  result.ranges = rangesOf(scheme, x, tokens, columns, name, pool);
  result.codes.resize(static_cast<size_t>(tokens * stride));
  if (scheme.outlierThreshold > 0)
    result.outliers.resize(static_cast<size_t>(tokens));
  base::forRows(tokens, columns, pool, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const CodeRange& range = result.ranges[static_cast<size_t>(t)];
      const float* row = x + t * columns;
      int8_t* codes = result.codes.data() + t * stride;
      codesOf(row, columns, range.scale, static_cast<float>(range.zeroPoint),
              static_cast<float>(scheme.lowestCode()), static_cast<float>(scheme.highestCode()), codes);
      if (scheme.outlierThreshold > 0)
        for (int64_t i = 0; i < columns; ++i)
          if (std::abs(row[i]) >= scheme.outlierThreshold) {
            codes[i] = 0;
            result.outliers[static_cast<size_t>(t)].push_back({static_cast<int32_t>(i), row[i]});
          }
    }
  });
  return result;
}

void roundInputValues(const ActivationScheme& scheme, const float* x, int64_t tokens, int64_t columns,
                      const std::string& name, float* out, base::ThreadPool* pool) {
  const std::vector<CodeRange> ranges = rangesOf(scheme, x, tokens, columns, name, pool);
  base::forRows(tokens, columns, pool, [&](int64_t begin, int64_t end) {
    std::vector<float> values(static_cast<size_t>(columns));
    for (int64_t t = begin; t < end; ++t) {
      const CodeRange& range = ranges[static_cast<size_t>(t)];
      const float* row = x + t * columns;
      valuesOf(row, columns, range.scale, static_cast<float>(range.zeroPoint),
               static_cast<float>(scheme.lowestCode()), static_cast<float>(scheme.highestCode()),
               values.data());
      if (scheme.outlierThreshold > 0)
        for (int64_t i = 0; i < columns; ++i)
          if (std::abs(row[i]) >= scheme.outlierThreshold)
            values[static_cast<size_t>(i)] = row[i];
      std::copy(values.begin(), values.end(), out + t * columns);
    }
  });
}

base::Json toJson(const ActivationScheme& scheme) {
  return {{"bits", scheme.bits},
          {"dynamic", scheme.isDynamic},
          {"granularity", scheme.granularity == Granularity::Token ? "token" : "tensor"},
          {"symmetric", scheme.symmetric},
          {"scale", scheme.scale},
          {"zeroPoint", scheme.zeroPoint},
          {"outlierThreshold", scheme.outlierThreshold}};
}

ActivationScheme activationSchemeFromJson(const base::Json& json, const std::string& origin) {
  ActivationScheme scheme;
  scheme.bits = base::required<int>(json, "bits", origin);
  scheme.isDynamic = base::required<bool>(json, "dynamic", origin);
  const auto granularity = base::required<std::string>(json, "granularity", origin);
  if (granularity != "token" && granularity != "tensor")
    base::throwJsonType(json, "granularity", "token or tensor", origin);
  scheme.granularity = granularity == "token" ? Granularity::Token : Granularity::Tensor;
  scheme.symmetric = base::required<bool>(json, "symmetric", origin);
  scheme.scale = base::required<float>(json, "scale", origin);
  scheme.zeroPoint = base::required<int>(json, "zeroPoint", origin);
  scheme.outlierThreshold = base::required<float>(json, "outlierThreshold", origin);
  scheme.validate(origin);
  return scheme;
}

} // namespace nibblesmith::tensor
