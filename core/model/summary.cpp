// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"
#include "checkpoint/compressed_tensors.hpp"
#include "model/family.hpp"
#include "tensor/tensor_view.hpp"

#include <array>
#include <cstring>
#include <optional>

namespace nibblesmith::model {

namespace {

using checkpoint::Checkpoint;

constexpr std::string_view kPackedSuffix = ".weight_packed";
constexpr std::array<std::string_view, 5> kPackedParts = {".weight_packed", ".weight_scale", ".weight_shape",
                                                          ".weight_zero_point", ".weight_g_idx"};

bool endsWith(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending;
}

/// The linear a tensor belongs to where it is a part of a packed one.
std::optional<std::string> packedPrefix(const Checkpoint& checkpoint, const std::string& name) {
  for (const std::string_view part : kPackedParts) {
    if (!endsWith(name, part))
      continue;
    std::string prefix = name.substr(0, name.size() - part.size());
    if (checkpoint::isPackQuantized(checkpoint, prefix))
      return prefix;
  }
  return std::nullopt;
}

std::vector<int64_t> logicalShape(const Checkpoint& checkpoint, const std::string& prefix) {
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
  // Only shown; readPackQuantized is what checks it.
  const bool sane = sizes[0] > 0 && sizes[1] > 0 && sizes[0] < (1 << 24) && sizes[1] < (1 << 24);
  return sane ? sizes : std::vector<int64_t>(2, 0);
}

/// Bits and group size of one packed linear: the entry of config_groups that fits its packed width.
std::string packedType(const Checkpoint& checkpoint, const std::string& prefix, int64_t inFeatures) {
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
      return "Hugging Face, compressed-tensors " + tensor.dtype.substr(0, at + 4);
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
                           !(summary.config.tiedEmbeddings && name == "lm_head.weight");
      summary.parameters += counted ? static_cast<uint64_t>(view.elements()) : 0;
      continue;
    }
    const auto [at, isNew] = packedAt.try_emplace(*prefix, summary.tensors.size());
    if (isNew) {
      const auto shape = logicalShape(checkpoint, *prefix);
      summary.tensors.push_back({*prefix + ".weight", packedType(checkpoint, *prefix, shape[1]), shape, 0});
      summary.parameters += static_cast<uint64_t>(shape[0]) * static_cast<uint64_t>(shape[1]);
    }
    summary.tensors[at->second].bytes += view.bytes.size();
  }
  summary.format = formatText(checkpoint, summary.tensors);
  return summary;
}

} // namespace nibblesmith::model
