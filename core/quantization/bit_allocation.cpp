// SPDX-License-Identifier: Apache-2.0
#include "quantization/sensitivity.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "quantization/policy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace nibblesmith::quantization {

namespace {

using base::Error;
using base::ErrorCode;

/// Largest number of size units; beyond it, units are merged.
constexpr int64_t kMaxUnits = 200000;

/// Returns, per width, the bits that a layer takes in excess of its smallest width.
std::vector<int64_t> extraBits(const LayerSensitivity& layer) {
  std::vector<int64_t> extra;
  for (const WidthCost& width : layer.widths)
    extra.push_back(layer.weights * (width.bits - layer.widths.front().bits));
  return extra;
}

const char* measureName(SensitivityMeasure measure) {
  return measure == SensitivityMeasure::Divergence ? "divergence" : "outputError";
}

} // namespace

double costOf(const Sensitivity& sensitivity, const WidthCost& width) {
  return sensitivity.measure == SensitivityMeasure::Divergence
             ? width.divergence
             : width.relativeOutputError * width.relativeOutputError;
}

Allocation allocateBits(const Sensitivity& sensitivity, double targetBits) {
  const auto& layers = sensitivity.layers;
  int64_t weights = 0;
  int64_t least = 0;
  int64_t divisor = 0;
  for (const LayerSensitivity& layer : layers) {
    weights += layer.weights;
    least += layer.weights * layer.widths.front().bits;
    for (const int64_t extra : extraBits(layer))
      divisor = std::gcd(divisor, extra);
  }
  if (layers.empty() || !(targetBits * static_cast<double>(weights) >= static_cast<double>(least)))
    throw Error(ErrorCode::InvalidArgument,
                "target bits: expected at least " +
                    base::formatNumber(weights > 0 ? static_cast<double>(least) / static_cast<double>(weights)
                                                   : 0.0) +
                    " (the average of the smallest widths), found " + base::formatNumber(targetBits));
  const auto budget = static_cast<int64_t>(std::min(targetBits, 64.0) * static_cast<double>(weights)) - least;
  Allocation result;
  int64_t unit = std::max<int64_t>(divisor, 1);
  if (budget / unit > kMaxUnits) {
    unit *= (budget / unit + kMaxUnits - 1) / kMaxUnits;
    result.exact = false;
  }
  const auto units = static_cast<size_t>(budget / unit);
  // best[u]: least cost of the layers so far within u units.
  std::vector<double> best(units + 1, 0.0);
  std::vector<std::vector<uint8_t>> chosen;
  for (const LayerSensitivity& layer : layers) {
    const auto extra = extraBits(layer);
    std::vector<double> next(units + 1, std::numeric_limits<double>::infinity());
    auto& choice = chosen.emplace_back(units + 1, uint8_t{0});
    for (size_t w = 0; w < layer.widths.size(); ++w) {
      const auto size = static_cast<size_t>((extra[w] + unit - 1) / unit);
      const double cost = costOf(sensitivity, layer.widths[w]);
      for (size_t u = size; u <= units; ++u)
        if (best[u - size] + cost < next[u]) {
          next[u] = best[u - size] + cost;
          choice[u] = static_cast<uint8_t>(w);
        }
    }
    best = std::move(next);
  }
  result.cost = best[units];
  result.bits.resize(layers.size());
  size_t left = units;
  int64_t used = least;
  for (size_t l = layers.size(); l-- > 0;) {
    const uint8_t w = chosen[l][left];
    const int64_t extra = extraBits(layers[l])[w];
    result.bits[l] = layers[l].widths[w].bits;
    used += extra;
    left -= static_cast<size_t>((extra + unit - 1) / unit);
  }
  result.averageBits = static_cast<double>(used) / static_cast<double>(weights);
  return result;
}

Recipe withAllocation(Recipe recipe, const Sensitivity& sensitivity, const Allocation& allocation) {
  // Removes the overrides of an earlier allocation.
  std::erase_if(recipe.policy.overrides, [&](const Override& override) {
    return override.grid.size() == 1 && override.grid.contains("bits") && override.activations.empty() &&
           std::any_of(sensitivity.layers.begin(), sensitivity.layers.end(),
                       [&](const LayerSensitivity& layer) { return layer.name == override.match; });
  });
  for (size_t l = 0; l < sensitivity.layers.size(); ++l) {
    const std::string& name = sensitivity.layers[l].name;
    const auto grid = gridFor(recipe, name);
    if (!grid)
      throw Error(ErrorCode::InvalidArgument,
                  "recipe: 'policy.keep': keeps '" + name +
                      "', which the sensitivities contain; measure them again with this recipe");
    if (makeGrid(grid->use, grid->parameters)->bits() != allocation.bits[l])
      recipe.policy.overrides.push_back({name, {{"bits", allocation.bits[l]}}});
  }
  return recipe;
}

base::Json toJson(const Sensitivity& sensitivity) {
  base::Json layers = base::Json::array();
  for (const LayerSensitivity& layer : sensitivity.layers) {
    base::Json widths = base::Json::array();
    for (const WidthCost& width : layer.widths)
      widths.push_back({{"bits", width.bits},
                        {"divergence", width.divergence},
                        {"relativeOutputError", width.relativeOutputError}});
    layers.push_back({{"name", layer.name}, {"weights", layer.weights}, {"widths", widths}});
  }
  return {{"schema", 1},
          {"measure", measureName(sensitivity.measure)},
          {"tokens", sensitivity.tokens},
          {"rankCorrelation", sensitivity.rankCorrelation},
          {"layers", layers}};
}

Sensitivity sensitivityFromJson(const base::Json& json, const std::string& origin) {
  const auto refuse = [&](const std::string& what) { throw Error(ErrorCode::Corrupt, origin + ": " + what); };
  if (!json.is_object())
    refuse("expected an object with \"layers\"");
  if (const auto schema = base::required<int64_t>(json, "schema", origin); schema != 1)
    refuse("'schema': expected 1, found " + std::to_string(schema));
  Sensitivity result;
  const auto measure = base::required<std::string>(json, "measure", origin);
  if (measure != "divergence" && measure != "outputError")
    refuse("'measure': expected divergence or outputError, found \"" + measure + "\"");
  result.measure = measure == "divergence" ? SensitivityMeasure::Divergence : SensitivityMeasure::OutputError;
  result.tokens = base::optional<int64_t>(json, "tokens", 0, origin);
  result.rankCorrelation = base::optional<double>(json, "rankCorrelation", 0.0, origin);
  if (!json.contains("layers") || !json["layers"].is_array() || json["layers"].empty())
    refuse("'layers': expected an array of layers");
  for (const base::Json& entry : json["layers"]) {
    const std::string where = origin + ": 'layers' " + std::to_string(result.layers.size());
    if (!entry.is_object() || !entry.contains("widths") || !entry["widths"].is_array() ||
        entry["widths"].empty())
      refuse("'layers' " + std::to_string(result.layers.size()) +
             ": expected an object with an array \"widths\"");
    LayerSensitivity layer;
    layer.name = base::required<std::string>(entry, "name", where);
    layer.weights = base::required<int64_t>(entry, "weights", where);
    // More weights would overflow the sums of bits.
    if (layer.weights < 1 || layer.weights > (int64_t{1} << 40))
      refuse("'layers' " + std::to_string(result.layers.size()) + ": 'weights': expected 1 to 2^40, found " +
             std::to_string(layer.weights));
    for (const base::Json& width : entry["widths"]) {
      WidthCost cost{base::required<int>(width, "bits", where),
                     base::required<double>(width, "divergence", where),
                     base::required<double>(width, "relativeOutputError", where)};
      if (cost.bits < 1 || cost.bits > 16 ||
          (!layer.widths.empty() && cost.bits <= layer.widths.back().bits) ||
          !std::isfinite(cost.divergence) || !std::isfinite(cost.relativeOutputError))
        refuse("'layers' " + std::to_string(result.layers.size()) +
               ": 'widths': expected ascending bits of 1 to 16 with finite costs");
      layer.widths.push_back(cost);
    }
    result.layers.push_back(std::move(layer));
  }
  return result;
}

} // namespace nibblesmith::quantization
