// SPDX-License-Identifier: Apache-2.0
#include "quantization/grid.hpp"

#include "base/error.hpp"
#include "quantization/affine_grid.hpp"

namespace nibblesmith::quantization {

namespace {

constexpr std::string_view kAffineJson = R"json({
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

} // namespace

void Grid::roundMany(const float* weights, const float* scales, const float* zeroPoints, int64_t count,
                     uint8_t* codes, float* values) const {
  for (int64_t i = 0; i < count; ++i) {
    const GroupParameters group{scales[i], zeroPoints[i]};
    codes[i] = encode(weights[i], group);
    values[i] = decode(codes[i], group);
  }
}

const MethodDescription& affineGridDescription() {
  static const MethodDescription description =
      methodFromJson(base::parseJson(kAffineJson, "affine grid"), "affine grid");
  return description;
}

std::vector<MethodDescription> gridDescriptions() { return {affineGridDescription()}; }

std::unique_ptr<Grid> makeGrid(const std::string& use, const base::Json& parameters) {
  if (use != "affine")
    throw base::Error(base::ErrorCode::NotFound, "grid: expected affine, found \"" + use + "\"");
  const base::Json complete = completeParameters(affineGridDescription(), parameters);
  AffineOptions options;
  options.bits = complete["bits"].get<int>();
  options.groupSize = complete["granularity"] == "channel" ? 0 : complete["groupSize"].get<int64_t>();
  options.symmetric = complete["symmetric"].get<bool>();
  options.searchScale = complete["scaleSearch"] == "mse";
  return std::make_unique<AffineGrid>(options);
}

} // namespace nibblesmith::quantization
