// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "checkpoint/bitsandbytes.hpp"
#include "checkpoint/llm_int8.hpp"
#include "checkpoint/quantization_scheme.hpp"
#include "model/family.hpp"
#include "tensor/tensor_view.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <tuple>

namespace nibblesmith::model {

namespace {

using checkpoint::Checkpoint;

constexpr std::string_view kPackedSuffix = ".weight_packed";
constexpr std::array<std::string_view, 10> kPackedParts = {
    ".weight_packed", ".weight_scale", ".weight_shape", ".weight_zero_point", ".weight_g_idx",
    ".weight",        ".input_scale",  ".SCB",          ".weight_format",     ".input_zero_point"};

constexpr std::array<std::string_view, 4> kBitsandbytesParts = {".absmax", ".quant_map", ".nested_absmax",
                                                                ".nested_quant_map"};

bool endsWith(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending;
}

/// The linear a tensor belongs to where it is a part of a packed one.
std::optional<std::string> packedPrefix(const Checkpoint& checkpoint, const std::string& name) {
  for (const std::string_view part : kPackedParts) {
    if (!endsWith(name, part))
      continue;
    std::string prefix = name.substr(0, name.size() - part.size());
    if (checkpoint::isCompressed(checkpoint, prefix) || checkpoint::isLlmInt8(checkpoint, prefix))
      return prefix;
  }
  const size_t at = name.rfind(".weight");
  if (at == std::string::npos)
    return std::nullopt;
  const std::string_view part = std::string_view(name).substr(at + 7);
  std::string prefix = name.substr(0, at);
  const bool isPart = part.empty() || part.starts_with(checkpoint::kBitsandbytesState) ||
                      std::ranges::find(kBitsandbytesParts, part) != kBitsandbytesParts.end();
  if (isPart && !checkpoint::bitsandbytesType(checkpoint, prefix).empty())
    return prefix;
  return std::nullopt;
}

/// Shape and type of a linear that bitsandbytes packed; only shown, so that a state that says nonsense is left out.
std::pair<std::vector<int64_t>, std::string> bitsandbytesInfo(const Checkpoint& checkpoint, const std::string& prefix) {
  const std::string type = checkpoint::bitsandbytesType(checkpoint, prefix);
  const auto& view = checkpoint.tensor(prefix + ".weight" + std::string(checkpoint::kBitsandbytesState) + type);
  const base::Json state = base::Json::parse(std::string_view(reinterpret_cast<const char*>(view.bytes.data()),
                                                              std::min<size_t>(view.bytes.size(), 4096)),
                                             nullptr, false);
  std::vector<int64_t> shape(2, 0);
  std::string text = type == "nf4" ? "NF4" : "FP4";
  const auto isSize = [](const base::Json& value) {
    return value.is_number_integer() && value.get<int64_t>() > 0 && value.get<int64_t>() < (1 << 24);
  };
  if (!state.is_object())
    return {shape, text};
  const base::Json sizes = state.value("shape", base::Json());
  if (sizes.is_array() && sizes.size() == 2 && isSize(sizes[0]) && isSize(sizes[1]))
    shape = sizes.get<std::vector<int64_t>>();
  if (const base::Json size = state.value("blocksize", base::Json()); isSize(size))
    text += " group " + std::to_string(size.get<int64_t>());
  return {shape, text};
}

std::vector<int64_t> logicalShape(const Checkpoint& checkpoint, const std::string& prefix) {
  if (!checkpoint.has(prefix + std::string(kPackedSuffix))) {
    const auto& weight = checkpoint.tensor(prefix + ".weight");
    return {weight.rows(), weight.cols()};
  }
  const auto& shape = checkpoint.tensor(prefix + ".weight_shape");
  std::vector<int64_t> sizes(2, 0);
  if (shape.elements() != 2)
    return sizes;
  for (size_t i = 0; i < 2; ++i) {
    int32_t narrow = 0;
    if (shape.dtype == tensor::DType::I64)
      std::memcpy(&sizes[i], shape.bytes.data() + i * 8, 8);
    else if (shape.dtype == tensor::DType::I32) {
      std::memcpy(&narrow, shape.bytes.data() + i * 4, 4);
      sizes[i] = narrow;
    }
  }
  // Only shown; readCompressed is what checks it.
  const bool sane = sizes[0] > 0 && sizes[1] > 0 && sizes[0] < (1 << 24) && sizes[1] < (1 << 24);
  return sane ? sizes : std::vector<int64_t>(2, 0);
}

/// A linear that is stored as signed bytes: "8-bit per channel, input 8-bit per token dynamic".
std::string bytesType(const Checkpoint& checkpoint, const std::string& prefix) {
  if (checkpoint::isLlmInt8(checkpoint, prefix))
    return "8-bit per channel, LLM.int8";
  try {
    const auto scheme = checkpoint::weightSchemeOf(checkpoint.config, prefix, configOrigin(checkpoint));
    return std::to_string(scheme.bits) + "-bit " +
           (scheme.groupSize > 0 ? "group " + std::to_string(scheme.groupSize) : "per channel") +
           (scheme.input ? ", input " + scheme.input->describe() : "");
  } catch (const base::Error&) { // only shown; readCompressed is what refuses it
    return "I8";
  }
}

/// Bits and group size of one packed linear: the entry of config_groups that fits its packed width.
std::string packedType(const Checkpoint& checkpoint, const std::string& prefix, int64_t inFeatures) {
  if (!checkpoint.has(prefix + std::string(kPackedSuffix)))
    return bytesType(checkpoint, prefix);
  const base::Json::json_pointer groups("/quantization_config/config_groups");
  if (!checkpoint.config.contains(groups) || !checkpoint.config.at(groups).is_object())
    return "packed";
  const std::string origin = configOrigin(checkpoint);
  const int64_t words = checkpoint.tensor(prefix + std::string(kPackedSuffix)).cols();
  for (const auto& group : checkpoint.config.at(groups)) {
    if (!group.is_object() || !group.contains("weights") || !group.at("weights").is_object())
      continue;
    const base::Json& weights = group.at("weights");
    const auto bits = base::optional<int64_t>(weights, "num_bits", 0, origin);
    if (bits < 1 || bits > 8 || (inFeatures * bits + 31) / 32 != words)
      continue;
    const auto size = base::optional<int64_t>(weights, "group_size", -1, origin);
    return std::to_string(bits) + "-bit " + (size > 0 ? "group " + std::to_string(size) : "per channel");
  }
  return "packed";
}

std::string formatText(const Checkpoint& checkpoint, const std::vector<TensorInfo>& tensors) {
  if (checkpoint.format == checkpoint::Format::Gguf)
    return "GGUF";
  for (const TensorInfo& tensor : tensors)
    if (const auto at = tensor.dtype.find("-bit"); at != std::string::npos)
      return (tensor.dtype.ends_with("LLM.int8") ? "Hugging Face, bitsandbytes " : "Hugging Face, compressed-tensors ") +
             tensor.dtype.substr(0, at + 4);
  for (const TensorInfo& tensor : tensors)
    for (const std::string_view type : {"NF4", "FP4"})
      if (tensor.dtype.starts_with(type))
        return "Hugging Face, bitsandbytes " + std::string(type);
  return "Hugging Face";
}

} // namespace

ModelSummary summarize(const Model& model) {
  const Checkpoint& checkpoint = model.checkpoint();
  ModelSummary summary;
  summary.config = model.config();
  std::map<std::string, size_t> packedAt;
  for (const auto& [name, view] : checkpoint.tensors) {
    summary.weightBytes += view.bytes.size();
    const auto prefix = packedPrefix(checkpoint, name);
    if (!prefix) {
      summary.tensors.push_back(
          {name, std::string(tensor::toString(view.dtype)), view.shape, view.bytes.size()});
      // Tables that some old exporters wrote, and a second copy of tied embeddings, are no parameters.
      const bool counted = !endsWith(name, "rotary_emb.inv_freq") &&
                           !(summary.config.tiedEmbeddings && name == std::string(model.family().head.huggingFace) + ".weight");
      summary.parameters += counted ? static_cast<uint64_t>(view.elements()) : 0;
      continue;
    }
    const auto [at, isNew] = packedAt.try_emplace(*prefix, summary.tensors.size());
    if (isNew) {
      std::vector<int64_t> shape;
      std::string type;
      if (checkpoint::bitsandbytesType(checkpoint, *prefix).empty()) {
        shape = logicalShape(checkpoint, *prefix);
        type = packedType(checkpoint, *prefix, shape[1]);
      } else {
        std::tie(shape, type) = bitsandbytesInfo(checkpoint, *prefix);
      }
      summary.tensors.push_back({*prefix + ".weight", type, shape, 0});
      summary.parameters += static_cast<uint64_t>(shape[0]) * static_cast<uint64_t>(shape[1]);
    }
    summary.tensors[at->second].bytes += view.bytes.size();
  }
  summary.format = formatText(checkpoint, summary.tensors);
  return summary;
}

} // namespace nibblesmith::model
