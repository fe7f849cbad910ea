// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/packed_summary.hpp"

#include "checkpoint/awq.hpp"
#include "checkpoint/bitsandbytes.hpp"
#include "checkpoint/compressed_tensors.hpp"
#include "checkpoint/float8_linear.hpp"
#include "checkpoint/gptq.hpp"
#include "checkpoint/llm_int8.hpp"
#include "checkpoint/quantization_scheme.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace nibblesmith::checkpoint {

namespace {

constexpr std::array<std::string_view, 17> kParts = {
    ".weight_packed", ".weight_scale", ".weight_shape",     ".weight_zero_point", ".weight_g_idx", ".weight",
    ".input_scale",   ".SCB",          ".weight_format",    ".input_zero_point",  ".qweight",      ".qzeros",
    ".scales",        ".g_idx",        ".weight_scale_inv", ".k_scale",           ".v_scale"};
constexpr std::array<std::string_view, 4> kBitsandbytesParts = {".absmax", ".quant_map", ".nested_absmax",
                                                                ".nested_quant_map"};

enum class Layout { None, Packed, SignedBytes, Bitsandbytes, Gptq, Awq, Float8 };

Layout layoutOf(const Checkpoint& checkpoint, const std::string& prefix) {
  if (checkpoint.has(prefix + ".weight_packed"))
    return Layout::Packed;
  if (isCompressed(checkpoint, prefix) || isLlmInt8(checkpoint, prefix))
    return Layout::SignedBytes;
  if (!bitsandbytesType(checkpoint, prefix).empty())
    return Layout::Bitsandbytes;
  if (isGptq(checkpoint, prefix))
    return Layout::Gptq;
  if (isAwq(checkpoint, prefix))
    return Layout::Awq;
  return isFloat8(checkpoint, prefix) ? Layout::Float8 : Layout::None;
}

std::string groupText(int64_t groupSize) {
  return groupSize > 0 ? "group " + std::to_string(groupSize) : std::string("per channel");
}

bool isShownSize(int64_t size) { return size > 0 && size < (1 << 24); }

std::vector<int64_t> sane(std::vector<int64_t> shape) {
  const bool isSane = shape.size() == 2 && isShownSize(shape[0]) && isShownSize(shape[1]);
  return isSane ? std::move(shape) : std::vector<int64_t>(2, 0);
}

PackedSummary bitsandbytesSummary(const Checkpoint& checkpoint, const std::string& prefix) {
  const std::string type = bitsandbytesType(checkpoint, prefix);
  const auto& view = checkpoint.tensor(prefix + ".weight" + std::string(kBitsandbytesState) + type);
  const base::Json state =
      base::Json::parse(std::string_view(reinterpret_cast<const char*>(view.bytes.data()),
                                         std::min<size_t>(view.bytes.size(), 4096)),
                        nullptr, false);
  PackedSummary summary{std::vector<int64_t>(2, 0), type == "nf4" ? "NF4" : "FP4"};
  if (!state.is_object())
    return summary;
  const auto isSize = [](const base::Json& value) {
    return value.is_number_integer() && isShownSize(value.get<int64_t>());
  };
  const base::Json sizes = state.value("shape", base::Json());
  if (sizes.is_array() && sizes.size() == 2 && isSize(sizes[0]) && isSize(sizes[1]))
    summary.shape = sizes.get<std::vector<int64_t>>();
  if (const base::Json size = state.value("blocksize", base::Json()); isSize(size))
    summary.type += " group " + std::to_string(size.get<int64_t>());
  return summary;
}

std::vector<int64_t> packedShape(const Checkpoint& checkpoint, const std::string& prefix) {
  std::vector<int64_t> sizes(2, 0);
  const auto found = checkpoint.tensors.find(prefix + ".weight_shape");
  if (found == checkpoint.tensors.end() || found->second.elements() != 2)
    return sizes;
  for (size_t i = 0; i < 2; ++i) {
    int32_t narrow = 0;
    if (found->second.dtype == tensor::DType::I64) {
      std::memcpy(&sizes[i], found->second.bytes.data() + i * 8, 8);
    } else if (found->second.dtype == tensor::DType::I32) {
      std::memcpy(&narrow, found->second.bytes.data() + i * 4, 4);
      sizes[i] = narrow;
    }
  }
  return sane(sizes);
}

/// Returns the type of a linear that is stored as signed bytes: "8-bit per channel, input 8-bit per token
/// dynamic".
std::string bytesType(const Checkpoint& checkpoint, const std::string& prefix) {
  if (isLlmInt8(checkpoint, prefix))
    return "8-bit per channel, LLM.int8";
  const auto scheme = weightSchemeOf(checkpoint, prefix);
  return std::to_string(scheme.bits) + "-bit " + groupText(scheme.groupSize) +
         (scheme.input ? ", input " + scheme.input->describe() : "");
}

/// Returns bits and group size of one packed linear, from the entry of config_groups that matches its packed
/// width.
std::string packedType(const Checkpoint& checkpoint, const std::string& prefix, int64_t inFeatures) {
  const base::Json::json_pointer groups("/quantization_config/config_groups");
  if (!checkpoint.config.contains(groups) || !checkpoint.config.at(groups).is_object())
    return "packed";
  const std::string origin = (checkpoint.path / "config.json").string();
  const int64_t words = checkpoint.tensor(prefix + ".weight_packed").cols();
  for (const auto& group : checkpoint.config.at(groups)) {
    if (!group.is_object() || !group.contains("weights") || !group.at("weights").is_object())
      continue;
    const base::Json& weights = group.at("weights");
    const auto bits = base::optional<int64_t>(weights, "num_bits", 0, origin);
    if (bits < 1 || bits > 8 || (inFeatures * bits + 31) / 32 != words)
      continue;
    return std::to_string(bits) + "-bit " +
           groupText(base::optional<int64_t>(weights, "group_size", -1, origin));
  }
  return "packed";
}

PackedSummary gptqSummary(const Checkpoint& checkpoint, const std::string& prefix) {
  const GptqScheme scheme = gptqSchemeOf(checkpoint, prefix);
  const auto& words = checkpoint.tensor(prefix + ".qweight");
  const auto index = checkpoint.tensors.find(prefix + ".g_idx");
  const int64_t in =
      index == checkpoint.tensors.end() ? words.rows() * 32 / scheme.bits : index->second.elements();
  return {sane({words.cols(), in}), std::to_string(scheme.bits) + "-bit " + groupText(scheme.groupSize) +
                                        (scheme.symmetric ? ", symmetric" : ", asymmetric") +
                                        (scheme.actOrder ? ", act-order" : "")};
}

PackedSummary awqSummary(const Checkpoint& checkpoint, const std::string& prefix) {
  const auto& words = checkpoint.tensor(prefix + ".qweight");
  const auto& json = checkpoint.config.at("quantization_config");
  const bool asymmetric = base::optional<bool>(json, "zero_point", true, "quantization_config");
  return {sane({words.cols() * 8, words.rows()}),
          "4-bit " + groupText(awqGroupSize(checkpoint)) + (asymmetric ? ", asymmetric" : ", symmetric")};
}

PackedSummary float8Summary(const Checkpoint& checkpoint, const std::string& prefix) {
  const auto& weight = checkpoint.tensor(prefix + ".weight");
  const base::Json::json_pointer block("/quantization_config/weight_block_size");
  std::string type(tensor::toString(weight.dtype));
  if (checkpoint.config.contains(block) && checkpoint.config.at(block).is_array() &&
      checkpoint.config.at(block).size() == 2)
    type += " block " + checkpoint.config.at(block)[0].dump().substr(0, 9) + "x" +
            checkpoint.config.at(block)[1].dump().substr(0, 9);
  return {sane({weight.rows(), weight.cols()}), type};
}

PackedSummary summaryOf(const Checkpoint& checkpoint, const std::string& prefix, Layout layout) {
  PackedSummary summary;
  switch (layout) {
  case Layout::Packed:
    summary.shape = packedShape(checkpoint, prefix);
    summary.type = packedType(checkpoint, prefix, summary.shape[1]);
    return summary;
  case Layout::SignedBytes: {
    const auto& weight = checkpoint.tensor(prefix + ".weight");
    return {sane({weight.rows(), weight.cols()}), bytesType(checkpoint, prefix)};
  }
  case Layout::Bitsandbytes:
    return bitsandbytesSummary(checkpoint, prefix);
  case Layout::Gptq:
    return gptqSummary(checkpoint, prefix);
  case Layout::Awq:
    return awqSummary(checkpoint, prefix);
  case Layout::Float8:
    return float8Summary(checkpoint, prefix);
  case Layout::None:
    break;
  }
  return {std::vector<int64_t>(2, 0), "packed"};
}

/// Returns the text after "Hugging Face, " for a checkpoint with such a linear.
std::string layoutText(const Checkpoint& checkpoint, const std::string& prefix, Layout layout) {
  const std::string type = summarizePacked(checkpoint, prefix).type;
  const std::string bits = type.substr(0, std::min(type.size(), type.find("-bit") + 4));
  switch (layout) {
  case Layout::Packed:
    return "compressed-tensors " + bits;
  case Layout::SignedBytes:
    return (isLlmInt8(checkpoint, prefix) ? "bitsandbytes " : "compressed-tensors ") + bits;
  case Layout::Bitsandbytes:
    return "bitsandbytes " + type.substr(0, 3);
  case Layout::Gptq:
    return "GPTQ " + type;
  case Layout::Awq:
    return "AWQ " + type;
  case Layout::Float8:
    return type + " (dequantized to BF16 where it is read)";
  case Layout::None:
    break;
  }
  return {};
}

/// Returns the block type with the most bytes in a GGUF file; empty if there is none.
std::string commonestBlocks(const Checkpoint& checkpoint) {
  std::map<tensor::DType, uint64_t> bytes;
  for (const auto& [name, view] : checkpoint.tensors)
    if (tensor::isBlockQuantized(view.dtype))
      bytes[view.dtype] += view.bytes.size();
  const auto most = std::max_element(bytes.begin(), bytes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == bytes.end() ? std::string() : std::string(tensor::toString(most->first));
}

std::string ggufText(const Checkpoint& checkpoint) {
  const std::string type = commonestBlocks(checkpoint);
  std::string text = type.empty() ? "GGUF" : "GGUF, mostly " + type;
  const auto matrix = checkpoint.config.find("quantize.imatrix.dataset");
  if (matrix != checkpoint.config.end() && matrix->is_string())
    text += ", importance matrix from " + matrix->get<std::string>().substr(0, 80);
  return text;
}

} // namespace

std::string packedLinearOf(const Checkpoint& checkpoint, const std::string& tensor) {
  for (const std::string_view part : kParts) {
    if (!tensor.ends_with(part))
      continue;
    std::string prefix = tensor.substr(0, tensor.size() - part.size());
    const Layout layout = layoutOf(checkpoint, prefix);
    if (layout != Layout::None && layout != Layout::Bitsandbytes)
      return prefix;
  }
  const size_t at = tensor.rfind(".weight");
  if (at == std::string::npos)
    return {};
  const std::string_view part = std::string_view(tensor).substr(at + 7);
  const bool isPart = part.empty() || part.starts_with(kBitsandbytesState) ||
                      std::ranges::find(kBitsandbytesParts, part) != kBitsandbytesParts.end();
  std::string prefix = tensor.substr(0, at);
  return isPart && !bitsandbytesType(checkpoint, prefix).empty() ? prefix : std::string();
}

PackedSummary summarizePacked(const Checkpoint& checkpoint, const std::string& prefix) {
  const Layout layout = layoutOf(checkpoint, prefix);
  try {
    return summaryOf(checkpoint, prefix, layout);
  } catch (const base::Error&) { // for display only
    return {std::vector<int64_t>(2, 0), "packed"};
  }
}

std::string formatText(const Checkpoint& checkpoint) {
  if (checkpoint.format == Format::Gguf)
    return ggufText(checkpoint);
  for (const auto& [name, view] : checkpoint.tensors) {
    const std::string prefix = packedLinearOf(checkpoint, name);
    if (const std::string text =
            prefix.empty() ? std::string() : layoutText(checkpoint, prefix, layoutOf(checkpoint, prefix));
        !text.empty())
      return "Hugging Face, " + text;
  }
  return "Hugging Face";
}

} // namespace nibblesmith::checkpoint
