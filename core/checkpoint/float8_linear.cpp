// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/float8_linear.hpp"

#include "checkpoint/packed_layer.hpp"
#include "tensor/half.hpp"

#include <algorithm>
#include <cmath>

namespace nibblesmith::checkpoint {

namespace {

constexpr const char* kScaleNames[] = {".weight_scale_inv", ".weight_scale"};

/// Scales of weight blocks.
struct BlockScales {
  tensor::Matrix values; ///< [blocks of rows, blocks of columns]
  int64_t rows = 1;      ///< rows per block
  int64_t cols = 1;
};

const char* scaleName(const PackedLayer& layer) {
  return *std::find_if(std::begin(kScaleNames), std::end(kScaleNames),
                       [&](const char* name) { return layer.has(name); });
}

/// Returns config.quantization_config.weight_block_size; {0, 0} if absent.
std::pair<int64_t, int64_t> configuredBlock(const Checkpoint& checkpoint) {
  const base::Json::json_pointer pointer("/quantization_config/weight_block_size");
  if (!checkpoint.config.contains(pointer) || checkpoint.config.at(pointer).is_null())
    return {0, 0};
  const base::Json& sizes = checkpoint.config.at(pointer);
  const auto isSize = [](const base::Json& size) {
    return size.is_number_integer() && size.get<int64_t>() > 0 && size.get<int64_t>() <= kMaxFeatures;
  };
  if (!sizes.is_array() || sizes.size() != 2 || !isSize(sizes[0]) || !isSize(sizes[1]))
    base::throwJsonType(checkpoint.config.at("quantization_config"), "weight_block_size", "two sizes above 0",
                        (checkpoint.path / "config.json").string() + ": quantization_config");
  return {sizes[0].get<int64_t>(), sizes[1].get<int64_t>()};
}

BlockScales readScales(const PackedLayer& layer, int64_t rows, int64_t cols) {
  const char* name = scaleName(layer);
  const tensor::TensorView& view = layer.part(name);
  if (!tensor::isFloat(view.dtype) || view.shape.size() > 2 || view.elements() < 1)
    layer.corrupt(name, "expected floating-point scales, found " + view.describe());
  BlockScales scales;
  const bool isGrid = view.shape.size() == 2;
  const int64_t down = isGrid ? view.shape[0] : view.elements();
  const int64_t across = isGrid ? view.shape[1] : 1;
  const tensor::Vector values = tensor::toVector(view);
  scales.values = Eigen::Map<const tensor::Matrix>(values.data(), down, across);
  const auto [blockRows, blockCols] = configuredBlock(layer.checkpoint);
  if (blockRows > 0 && down * across > 1 && (rows + blockRows - 1) / blockRows == down &&
      (cols + blockCols - 1) / blockCols == across) {
    scales.rows = blockRows;
    scales.cols = blockCols;
  } else if (rows % down == 0 && cols % across == 0) {
    scales.rows = rows / down;
    scales.cols = cols / across;
  } else {
    layer.corrupt(name, "expected scales for whole blocks of [" + std::to_string(rows) + ", " +
                            std::to_string(cols) + "], found " + view.describe());
  }
  for (int64_t i = 0; i < scales.values.size(); ++i)
    if (!std::isfinite(scales.values.data()[i]))
      layer.corrupt(name, "expected finite scales");
  return scales;
}

} // namespace

bool isFloat8(const Checkpoint& checkpoint, const std::string& prefix) {
  const auto weight = checkpoint.tensors.find(prefix + ".weight");
  return weight != checkpoint.tensors.end() && tensor::isFloat8(weight->second.dtype) &&
         std::any_of(std::begin(kScaleNames), std::end(kScaleNames),
                     [&](const char* name) { return checkpoint.has(prefix + name); });
}

QuantizedLinear readFloat8(const Checkpoint& checkpoint, const std::string& prefix) {
  const PackedLayer layer{checkpoint, prefix};
  const tensor::TensorView& weight = layer.part(".weight");
  if (weight.shape.size() != 2 || weight.shape[0] < 1 || weight.shape[1] < 1 ||
      weight.shape[0] > kMaxFeatures || weight.shape[1] > kMaxFeatures)
    layer.corrupt(".weight", "expected two sizes of 1 to " + std::to_string(kMaxFeatures) + ", found " +
                                 weight.describe());
  const int64_t cols = weight.cols();
  const BlockScales scales = readScales(layer, weight.rows(), cols);
  auto bytes = std::make_shared<std::vector<uint16_t>>(static_cast<size_t>(weight.elements()));
  std::vector<float> row(static_cast<size_t>(cols));
  for (int64_t o = 0; o < weight.rows(); ++o) {
    tensor::readRows(weight, o, o + 1, row.data());
    for (int64_t i = 0; i < cols; ++i)
      row[static_cast<size_t>(i)] *= scales.values(o / scales.rows, i / scales.cols);
    tensor::f32ToBf16(row.data(), bytes->data() + o * cols, cols);
  }
  return {tensor::TensorView{tensor::DType::BF16, weight.shape, std::as_bytes(std::span(*bytes)), bytes}};
}

} // namespace nibblesmith::checkpoint
