// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/gptq.hpp"

#include "checkpoint/language_part.hpp"
#include "checkpoint/packed_layer.hpp"
#include "checkpoint/regex.hpp"

#include <algorithm>

namespace nibblesmith::checkpoint {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;
using tensor::QuantizedTensor;

std::string originOf(const Checkpoint& checkpoint) {
  return (checkpoint.path / "config.json").string() + ": quantization_config";
}

/// Reads scheme fields from the config, or from a rule of "dynamic".
void readScheme(const Json& json, const std::string& origin, GptqScheme& scheme) {
  const auto bits = base::optional<int64_t>(json, "bits", scheme.bits, origin);
  if (bits != 2 && bits != 3 && bits != 4 && bits != 8)
    throw Error(ErrorCode::NotSupported,
                origin + ".bits: expected 2, 3, 4 or 8, found " + std::to_string(bits));
  scheme.bits = static_cast<int>(bits);
  const auto size =
      base::optional<int64_t>(json, "group_size", scheme.groupSize > 0 ? scheme.groupSize : -1, origin);
  if (size != -1 && size < 1)
    throw Error(ErrorCode::Corrupt,
                origin + ".group_size: expected -1 or above 0, found " + std::to_string(size));
  scheme.groupSize = std::max<int64_t>(size, 0);
  scheme.symmetric = base::optional<bool>(json, "sym", scheme.symmetric, origin);
  scheme.actOrder = base::optional<bool>(json, "desc_act", scheme.actOrder, origin);
}

void readFormat(const Json& json, const std::string& origin, GptqScheme& scheme) {
  const auto format = base::optional<std::string>(json, "checkpoint_format", "gptq", origin);
  if (base::optional<bool>(json, "is_marlin_format", false, origin) ||
      (format != "gptq" && format != "gptq_v2"))
    throw Error(ErrorCode::NotSupported, origin + ".checkpoint_format: expected gptq or gptq_v2, found '" +
                                             (format == "gptq" ? "marlin" : format.substr(0, 80)) + "'");
  scheme.zeroOffset = format == "gptq_v2" ? 0 : 1;
}

void readShape(const PackedLayer& layer, const GptqScheme& scheme, QuantizedTensor& result) {
  const tensor::TensorView& words = layer.part(".qweight");
  const bool hasShape = words.shape.size() == 2 && words.dtype == tensor::DType::I32;
  const int64_t rows = hasShape ? words.shape[0] : 0;
  const int64_t cols = hasShape ? words.shape[1] : 0;
  if (rows < 1 || cols < 1 || rows > kMaxFeatures || cols > kMaxFeatures)
    layer.corrupt(".qweight", "expected two sizes of 1 to " + std::to_string(kMaxFeatures) +
                                  " of I32, found " + words.describe());
  result.outFeatures = cols;
  result.inFeatures = rows * 32 / scheme.bits;
  if (layer.has(".g_idx"))
    result.inFeatures = layer.part(".g_idx").elements();
  if (result.inFeatures < 1 || packedWords(result.inFeatures, scheme.bits) != rows)
    layer.corrupt(".qweight", "expected [" + std::to_string(packedWords(result.inFeatures, scheme.bits)) +
                                  ", " + std::to_string(cols) + "] for " + std::to_string(scheme.bits) +
                                  " bits and " + std::to_string(result.inFeatures) + " inputs, found " +
                                  words.describe());
  result.groupSize = scheme.groupSize > 0 ? std::min(scheme.groupSize, result.inFeatures) : result.inFeatures;
}

void readCodes(const PackedLayer& layer, int bits, QuantizedTensor& result) {
  const tensor::TensorView& words = layer.part(".qweight");
  result.codes.resize(static_cast<size_t>(result.outFeatures * result.inFeatures));
  for (int64_t o = 0; o < result.outFeatures; ++o)
    unpackFields(result.inFeatures, bits, result.codes.data() + o * result.inFeatures, 1,
                 [&](int64_t k) { return wordAt(words, k * result.outFeatures + o); });
}

/// Returns the zero points [out, groups], 0 to 2^bits.
std::vector<int> readZeroPoints(const PackedLayer& layer, const GptqScheme& scheme,
                                const QuantizedTensor& result) {
  const int64_t groups = result.groups();
  const int64_t rowWords = packedWords(result.outFeatures, scheme.bits);
  layer.requireWords(".qzeros", groups, rowWords);
  const tensor::TensorView& words = layer.part(".qzeros");
  std::vector<uint8_t> row(static_cast<size_t>(result.outFeatures));
  std::vector<int> zeroPoints(static_cast<size_t>(result.outFeatures * groups));
  for (int64_t g = 0; g < groups; ++g) {
    unpackFields(result.outFeatures, scheme.bits, row.data(), 1,
                 [&](int64_t k) { return wordAt(words, g * rowWords + k); });
    for (int64_t o = 0; o < result.outFeatures; ++o)
      zeroPoints[static_cast<size_t>(o * groups + g)] =
          row[static_cast<size_t>(o)] + static_cast<int>(scheme.zeroOffset);
  }
  return zeroPoints;
}

tensor::TensorView dequantized(const QuantizedTensor& codes, const std::vector<int>& zeroPoints) {
  tensor::Matrix values(codes.outFeatures, codes.inFeatures);
  for (int64_t o = 0; o < values.rows(); ++o)
    for (int64_t i = 0; i < values.cols(); ++i) {
      const int64_t g =
          codes.groupIndex.empty() ? i / codes.groupSize : codes.groupIndex[static_cast<size_t>(i)];
      const int code = codes.codes[static_cast<size_t>(o * codes.inFeatures + i)];
      values(o, i) = codes.scales(o, g) *
                     static_cast<float>(code - zeroPoints[static_cast<size_t>(o * codes.groups() + g)]);
    }
  return tensor::ownedView(std::move(values));
}

} // namespace

bool isGptq(const Checkpoint& checkpoint, const std::string& prefix) {
  return checkpoint.has(prefix + ".qweight") && quantizationMethod(checkpoint) == "gptq";
}

GptqScheme gptqSchemeOf(const Checkpoint& checkpoint, const std::string& prefix) {
  const std::string origin = originOf(checkpoint);
  const Json& json = checkpoint.config.at("quantization_config");
  GptqScheme scheme;
  readScheme(json, origin, scheme);
  readFormat(json, origin, scheme);
  const auto dynamic = json.find("dynamic");
  if (dynamic == json.end() || !dynamic->is_object())
    return scheme;
  for (const auto& [rule, overrides] : dynamic->items()) {
    // "-:" marks linears that are not quantized; "+:" means the same as no prefix.
    if (rule.starts_with("-:") || !overrides.is_object())
      continue;
    const std::string_view pattern = std::string_view(rule).substr(rule.starts_with("+:") ? 2 : 0);
    const Regex regex(pattern, origin + ".dynamic");
    if (std::ranges::any_of(namesInConfig(checkpoint, prefix),
                            [&](const auto& name) { return regex.matchesStart(name); })) {
      readScheme(overrides, origin + ".dynamic", scheme);
      break;
    }
  }
  return scheme;
}

QuantizedLinear readGptq(const Checkpoint& checkpoint, const std::string& prefix) {
  const PackedLayer layer{checkpoint, prefix};
  const GptqScheme scheme = gptqSchemeOf(checkpoint, prefix);
  QuantizedTensor result;
  readShape(layer, scheme, result);
  const int64_t groups = result.groups();
  result.scales = layer.halves(".scales", groups, result.outFeatures).transpose();
  const std::vector<int> zeroPoints = readZeroPoints(layer, scheme, result);
  if (layer.has(".g_idx"))
    result.groupIndex = layer.groupIndex(".g_idx", result);
  readCodes(layer, scheme.bits, result);
  const int highest = *std::max_element(zeroPoints.begin(), zeroPoints.end());
  result.bits = scheme.bits + (highest >= 1 << scheme.bits);
  if (result.bits > 8)
    return {dequantized(result, zeroPoints)};
  const auto isMiddle = [&](int zero) { return zero == 1 << (result.bits - 1); };
  result.symmetric = std::all_of(zeroPoints.begin(), zeroPoints.end(), isMiddle);
  result.zeroPoints.assign(zeroPoints.begin(), zeroPoints.end());
  result.validate(checkpoint.path.string() + ": " + prefix);
  return {std::move(result)};
}

} // namespace nibblesmith::checkpoint
