// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/bitsandbytes.hpp"

#include "tensor/code_books.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace nibblesmith::checkpoint {

namespace {

using base::Error;
using base::ErrorCode;
using tensor::DType;
using tensor::QuantizedTensor;
using tensor::TensorView;

// Above any real layer, and small enough that the product of two sizes cannot overflow.
constexpr int64_t kMaxFeatures = int64_t{1} << 28;
constexpr size_t kMaxStateBytes = 64 << 10;

/// Content of quant_state.
struct State {
  int64_t outFeatures = 0;
  int64_t inFeatures = 0;
  int64_t blockSize = 0;
  int64_t nestedBlockSize = 0; ///< 0: scales are not quantized
  float offset = 0;

  int64_t weights() const { return outFeatures * inFeatures; }
  int64_t blocks() const { return (weights() + blockSize - 1) / blockSize; }
};

/// Tensors of one packed layer. Errors name the tensor.
struct Layer {
  const Checkpoint& checkpoint;
  std::string name; ///< name of the weight

  const TensorView& part(const std::string& suffix) const { return checkpoint.tensor(name + suffix); }
  [[noreturn]] void corrupt(const std::string& suffix, const std::string& what) const {
    throw Error(ErrorCode::Corrupt, checkpoint.path.string() + ": tensor '" + name + suffix + "': " + what);
  }
  /// Returns the bytes of a part, which must have `count` elements of the type.
  std::span<const std::byte> sized(const std::string& suffix, DType type, int64_t count) const {
    const TensorView& view = part(suffix);
    if (view.dtype != type || view.elements() != count)
      corrupt(suffix, "expected " + std::to_string(count) + " values of " +
                          std::string(tensor::toString(type)) + ", found " + view.describe());
    return view.bytes;
  }
  std::vector<float> floats(const std::string& suffix, int64_t count) const {
    const auto bytes = sized(suffix, DType::F32, count);
    std::vector<float> values(static_cast<size_t>(count));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
      corrupt(suffix, "expected finite values");
    return values;
  }
};

State readState(const Layer& layer, const std::string& suffix) {
  const TensorView& view = layer.part(suffix);
  if (view.dtype != DType::U8 || view.bytes.size() > kMaxStateBytes)
    layer.corrupt(suffix, "expected a JSON text in U8, found " + view.describe());
  const std::string origin = layer.checkpoint.path.string() + ": tensor '" + layer.name + suffix + "'";
  const base::Json json =
      base::parseJson({reinterpret_cast<const char*>(view.bytes.data()), view.bytes.size()}, origin);
  State state;
  const auto isSize = [](const base::Json& value) {
    return value.is_number_integer() && value.get<int64_t>() >= 1 && value.get<int64_t>() <= kMaxFeatures;
  };
  const base::Json shape = json.is_object() ? json.value("shape", base::Json()) : base::Json();
  if (!shape.is_array() || shape.size() != 2 || !isSize(shape[0]) || !isSize(shape[1]))
    layer.corrupt(suffix, "'shape': expected two sizes of 1 to " + std::to_string(kMaxFeatures) + ", found " +
                              base::briefJson(shape));
  const auto sizeIn = [&](const char* key) {
    const base::Json value = json.value(key, base::Json());
    if (!isSize(value))
      layer.corrupt(suffix, std::string("'") + key + "': expected a size of 1 to " +
                                std::to_string(kMaxFeatures) + ", found " + base::briefJson(value));
    return value.get<int64_t>();
  };
  state.outFeatures = shape[0].get<int64_t>();
  state.inFeatures = shape[1].get<int64_t>();
  state.blockSize = sizeIn("blocksize");
  if (layer.checkpoint.has(layer.name + ".nested_absmax")) {
    state.nestedBlockSize = sizeIn("nested_blocksize");
    state.offset = base::required<float>(json, "nested_offset", origin);
    if (!std::isfinite(state.offset))
      layer.corrupt(suffix, "'nested_offset': expected a finite number");
  }
  return state;
}

void readCodes(const Layer& layer, const State& state, QuantizedTensor& result) {
  // Checked against existing bytes before the codes are allocated.
  const auto packed = layer.sized("", DType::U8, (state.weights() + 1) / 2);
  result.codes.resize(static_cast<size_t>(state.weights()));
  for (size_t i = 0; i < result.codes.size(); ++i) {
    const auto byte = std::to_integer<uint8_t>(packed[i / 2]);
    result.codes[i] = static_cast<uint8_t>(i % 2 == 0 ? byte >> 4 : byte & 15);
  }
}

/// Returns the scales of the blocks; fills `nested` if NestedScales can represent them.
std::vector<float> readScales(const Layer& layer, const State& state,
                              std::optional<tensor::NestedScales>& nested) {
  if (state.nestedBlockSize == 0)
    return layer.floats(".absmax", state.blocks());
  const auto codes = layer.sized(".absmax", DType::U8, state.blocks());
  const auto absmax =
      layer.floats(".nested_absmax", (state.blocks() + state.nestedBlockSize - 1) / state.nestedBlockSize);
  const auto map = layer.floats(".nested_quant_map", 256);
  std::vector<float> scales(static_cast<size_t>(state.blocks()));
  for (size_t i = 0; i < scales.size(); ++i) {
    // Rounded on its own (no FMA), like in NestedScales::scale().
    const volatile float product =
        map[std::to_integer<size_t>(codes[i])] * absmax[i / static_cast<size_t>(state.nestedBlockSize)];
    scales[i] = product + state.offset;
  }
  if (state.nestedBlockSize == tensor::NestedScales::kBlock &&
      std::ranges::equal(map, tensor::dynamicMap())) {
    nested.emplace();
    nested->codes.resize(codes.size());
    std::memcpy(nested->codes.data(), codes.data(), codes.size());
    nested->absmax = Eigen::Map<const tensor::Vector>(absmax.data(), std::ssize(absmax));
    nested->offset = state.offset;
  }
  return scales;
}

} // namespace

std::string bitsandbytesType(const Checkpoint& checkpoint, const std::string& prefix) {
  for (const char* type : {"nf4", "fp4"})
    if (checkpoint.has(prefix + ".weight" + std::string(kBitsandbytesState) + type))
      return type;
  return {};
}

QuantizedTensor readBitsandbytes(const Checkpoint& checkpoint, const std::string& prefix) {
  const Layer layer{checkpoint, prefix + ".weight"};
  const State state =
      readState(layer, std::string(kBitsandbytesState) + bitsandbytesType(checkpoint, prefix));
  QuantizedTensor result;
  result.outFeatures = state.outFeatures;
  result.inFeatures = state.inFeatures;
  result.bits = 4;
  readCodes(layer, state, result);
  const auto book = layer.floats(".quant_map", 16);
  result.codeBooks = Eigen::Map<const tensor::Matrix>(book.data(), 1, 16);
  std::optional<tensor::NestedScales> nested;
  const auto scales = readScales(layer, state, nested);
  result.groupSize = std::gcd(state.blockSize, state.inFeatures);
  result.scales.resize(result.outFeatures, result.groups());
  for (int64_t i = 0; i < result.scales.size(); ++i)
    result.scales.data()[i] = scales[static_cast<size_t>(i * result.groupSize / state.blockSize)];
  if (result.groupSize == state.blockSize)
    result.nestedScales = std::move(nested);
  result.validate(checkpoint.path.string() + ": " + prefix);
  return result;
}

} // namespace nibblesmith::checkpoint
