// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/awq.hpp"

#include "checkpoint/packed_layer.hpp"

#include <algorithm>

namespace nibblesmith::checkpoint {

namespace {

using base::Error;
using base::ErrorCode;
using tensor::QuantizedTensor;

constexpr int64_t kPerWord = 8;
constexpr int64_t kOutputOfField[kPerWord] = {0, 2, 4, 6, 1, 3, 5, 7};

/// Calls put(output, code) for the eight fields of word `index`; output: 0..7 within the word.
template <typename Put>
void unpackWord(const tensor::TensorView& words, int64_t index, Put put) {
  const uint32_t word = wordAt(words, index);
  for (int64_t field = 0; field < kPerWord; ++field)
    put(kOutputOfField[field], static_cast<uint8_t>(word >> (4 * field) & 15u));
}

void readShape(const PackedLayer& layer, int64_t groupSize, QuantizedTensor& result) {
  const tensor::TensorView& words = layer.part(".qweight");
  if (words.dtype != tensor::DType::I32 || words.shape.size() != 2 || words.shape[0] < 1 ||
      words.shape[1] < 1 || words.shape[0] > kMaxFeatures || words.shape[1] > kMaxFeatures / kPerWord)
    layer.corrupt(".qweight", "expected two sizes of 1 to " + std::to_string(kMaxFeatures / kPerWord) +
                                  " of I32, found " + words.describe());
  result.inFeatures = words.shape[0];
  result.outFeatures = words.shape[1] * kPerWord;
  result.bits = 4;
  result.groupSize = groupSize > 0 ? std::min(groupSize, result.inFeatures) : result.inFeatures;
}

void readCodes(const PackedLayer& layer, QuantizedTensor& result) {
  const tensor::TensorView& words = layer.part(".qweight");
  const int64_t rowWords = result.outFeatures / kPerWord;
  result.codes.resize(static_cast<size_t>(result.outFeatures * result.inFeatures));
  for (int64_t i = 0; i < result.inFeatures; ++i)
    for (int64_t k = 0; k < rowWords; ++k)
      unpackWord(words, i * rowWords + k, [&](int64_t output, uint8_t code) {
        result.codes[static_cast<size_t>((k * kPerWord + output) * result.inFeatures + i)] = code;
      });
}

void readZeroPoints(const PackedLayer& layer, QuantizedTensor& result) {
  const int64_t groups = result.groups();
  result.zeroPoints.assign(static_cast<size_t>(result.outFeatures * groups), 8);
  if (!layer.has(".qzeros"))
    return;
  const int64_t rowWords = result.outFeatures / kPerWord;
  layer.requireWords(".qzeros", groups, rowWords);
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t k = 0; k < rowWords; ++k)
      unpackWord(layer.part(".qzeros"), g * rowWords + k, [&](int64_t output, uint8_t code) {
        result.zeroPoints[static_cast<size_t>((k * kPerWord + output) * groups + g)] = code;
      });
}

} // namespace

bool isAwq(const Checkpoint& checkpoint, const std::string& prefix) {
  return checkpoint.has(prefix + ".qweight") && quantizationMethod(checkpoint) == "awq";
}

int64_t awqGroupSize(const Checkpoint& checkpoint) {
  const std::string origin = (checkpoint.path / "config.json").string() + ": quantization_config";
  const base::Json& json = checkpoint.config.at("quantization_config");
  // The first versions of the format use other key names.
  const auto bits =
      base::optional<int64_t>(json, "bits", base::optional<int64_t>(json, "w_bit", 4, origin), origin);
  if (bits != 4)
    throw Error(ErrorCode::NotSupported, origin + ".bits: expected 4 for AWQ, found " + std::to_string(bits));
  const auto version = base::optional<std::string>(json, "version", "gemm", origin);
  if (version != "gemm" && version != "GEMM")
    throw Error(ErrorCode::NotSupported,
                origin + ".version: expected gemm, found '" + version.substr(0, 80) + "'");
  const auto oldSize = base::optional<int64_t>(json, "q_group_size", 128, origin);
  const auto size = base::optional<int64_t>(json, "group_size", oldSize, origin);
  if (size != -1 && size < 1)
    throw Error(ErrorCode::Corrupt,
                origin + ".group_size: expected -1 or above 0, found " + std::to_string(size));
  return std::max<int64_t>(size, 0);
}

QuantizedLinear readAwq(const Checkpoint& checkpoint, const std::string& prefix) {
  const PackedLayer layer{checkpoint, prefix};
  QuantizedTensor result;
  readShape(layer, awqGroupSize(checkpoint), result);
  result.scales = layer.halves(".scales", result.groups(), result.outFeatures).transpose();
  readZeroPoints(layer, result);
  result.symmetric =
      std::all_of(result.zeroPoints.begin(), result.zeroPoints.end(), [](uint8_t zero) { return zero == 8; });
  readCodes(layer, result);
  result.validate(checkpoint.path.string() + ": " + prefix);
  return {std::move(result)};
}

} // namespace nibblesmith::checkpoint
