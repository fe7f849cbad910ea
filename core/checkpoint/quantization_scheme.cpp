// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/quantization_scheme.hpp"

#include "base/budget.hpp"
#include "checkpoint/language_part.hpp"
#include "checkpoint/regex.hpp"

#include <algorithm>

namespace nibblesmith::checkpoint {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

// The targets are searched once per packed layer. An artifact of this program names each linear of a
// mixed-precision model: seven in each of at most 4,096 layers. Published files have at most five patterns.
constexpr uint64_t kMaxTargets = uint64_t{1} << 15;
constexpr uint64_t kMaxPatterns = 64;

// Returns 0 for no match; higher ranks are more specific.
int matchRank(const std::string& target, const std::vector<std::string>& names, const std::string& origin) {
  if (std::ranges::find(names, target) != names.end())
    return 3;
  if (target.starts_with("re:")) {
    const Regex pattern(std::string_view(target).substr(3), origin);
    return std::ranges::any_of(names, [&](const std::string& name) { return pattern.matchesStart(name); })
               ? 2
               : 0;
  }
  return target == "Linear" ? 1 : 0;
}

const Json& groupOf(const Json& groups, const std::vector<std::string>& names, const std::string& origin) {
  const Json* best = nullptr;
  int bestRank = 0;
  uint64_t targets = 0, patterns = 0;
  for (const auto& [groupName, group] : groups.items()) {
    const std::string where = origin + ": quantization_config.config_groups." + groupName;
    if (!group.is_object() || !group.contains("targets") || !group["targets"].is_array())
      base::throwJsonType(group, "targets", "an array of module names", where);
    targets += group["targets"].size();
    base::checkLimit(targets, kMaxTargets, "targets", where);
    for (const Json& target : group["targets"]) {
      if (!target.is_string())
        base::throwJsonType(group, "targets", "an array of module names", where);
      const std::string& name = target.get_ref<const std::string&>();
      patterns += name.starts_with("re:") ? 1 : 0;
      base::checkLimit(patterns, kMaxPatterns, "patterns in targets", where);
      const int rank = matchRank(name, names, where);
      if (rank > bestRank) {
        bestRank = rank;
        best = &group;
      }
    }
  }
  if (!best)
    throw Error(ErrorCode::Corrupt,
                origin + ": quantization_config: no group of config_groups targets the packed layer '" +
                    names.front() + "'");
  return *best;
}

/// Returns a group's "input_activations"; empty if the input is not quantized.
std::optional<tensor::ActivationScheme> inputSchemeIn(const Json& group, const std::string& where) {
  if (!group.contains("input_activations") || group["input_activations"].is_null())
    return std::nullopt;
  const std::string origin = where + ": input_activations";
  const Json& json = base::requiredObject(group, "input_activations", where);
  const auto unsupported = [&](const std::string& what) {
    throw Error(ErrorCode::NotSupported, origin + "." + what);
  };
  if (const auto type = base::optional<std::string>(json, "type", "int", origin); type != "int")
    unsupported("type: expected int, found '" + type + "'");
  tensor::ActivationScheme scheme;
  const auto bits = base::optional<int64_t>(json, "num_bits", 8, origin);
  if (bits < 2 || bits > 8)
    unsupported("num_bits: expected 2 to 8, found " + std::to_string(bits));
  scheme.bits = static_cast<int>(bits);
  scheme.symmetric = base::optional<bool>(json, "symmetric", true, origin);
  scheme.isDynamic = base::optional<bool>(json, "dynamic", false, origin);
  const auto strategy = base::optional<std::string>(json, "strategy", "tensor", origin);
  if (strategy != "tensor" && !(strategy == "token" && scheme.isDynamic))
    unsupported("strategy: expected tensor, or token where 'dynamic' is true, found '" + strategy + "'");
  scheme.granularity = strategy == "token" ? tensor::ActivationScheme::Granularity::Token
                                           : tensor::ActivationScheme::Granularity::Tensor;
  return scheme;
}

} // namespace

WeightScheme weightSchemeOf(const Checkpoint& checkpoint, const std::string& name) {
  const std::string origin = (checkpoint.path / "config.json").string();
  const Json& quantization = base::requiredObject(checkpoint.config, "quantization_config", origin);
  const auto method = base::optional<std::string>(quantization, "quant_method", "", origin);
  if (method != "compressed-tensors")
    throw Error(ErrorCode::NotSupported,
                origin + ": quantization_config.quant_method: expected compressed-tensors, found '" + method +
                    "'");
  const Json& groups = base::requiredObject(quantization, "config_groups", origin + ": quantization_config");
  const std::string where = origin + ": quantization_config of '" + name + "'";
  const Json& group = groupOf(groups, namesInConfig(checkpoint, name), origin);
  const Json& weights = base::requiredObject(group, "weights", where);
  if (const auto type = base::optional<std::string>(weights, "type", "int", where); type != "int")
    throw Error(ErrorCode::NotSupported, where + ": weights.type: expected int, found '" + type + "'");

  WeightScheme scheme;
  const auto bits = base::required<int64_t>(weights, "num_bits", where);
  if (bits < 2 || bits > 8)
    throw Error(ErrorCode::NotSupported,
                where + ": weights.num_bits: expected 2 to 8, found " + std::to_string(bits));
  scheme.bits = static_cast<int>(bits);
  scheme.symmetric = base::optional<bool>(weights, "symmetric", true, where);
  const auto groupSize = base::optional<int64_t>(weights, "group_size", -1, where);
  const auto strategy =
      base::optional<std::string>(weights, "strategy", groupSize > 0 ? "group" : "channel", where);
  if (strategy != "group" && strategy != "channel" && strategy != "tensor")
    throw Error(ErrorCode::NotSupported,
                where + ": weights.strategy: expected group, channel or tensor, found '" + strategy + "'");
  if (strategy == "group" && groupSize < 1)
    throw Error(ErrorCode::Corrupt,
                where + ": weights.group_size: expected 1 or more, found " + std::to_string(groupSize));
  scheme.groupSize = strategy == "group" ? groupSize : 0;
  scheme.input = inputSchemeIn(group, where);
  return scheme;
}

} // namespace nibblesmith::checkpoint
