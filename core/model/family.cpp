// SPDX-License-Identifier: Apache-2.0
#include "model/family.hpp"

#include "base/error.hpp"
#include "base/join.hpp"
#include "base/json.hpp"

#include <algorithm>
#include <array>

namespace nibblesmith::model {

namespace {

const std::array<const Family*, 11> kFamilies = {
    &kLlamaFamily, &kQwen2Family, &kQwen3Family,   &kGemmaFamily, &kGemma2Family, &kGemma3Family,
    &kPhi3Family,  &kPhi2Family,  &kGptNeoxFamily, &kGpt2Family,  &kQwenFamily};

std::span<const std::string_view> typesOf(const Family& family, checkpoint::Format format) {
  return format == checkpoint::Format::Gguf ? family.ggufTypes : family.huggingFaceTypes;
}

std::string knownTypes(checkpoint::Format format) {
  std::string known;
  for (const Family* family : kFamilies)
    for (const std::string_view type : typesOf(*family, format))
      base::appendTo(known, type);
  return known;
}

/// Rejects mixture-of-experts models, some of which use the architecture name of a dense model.
void refuseExperts(const checkpoint::Checkpoint& checkpoint, const std::string& type,
                   const std::string& origin) {
  for (const std::string& key : {std::string("num_local_experts"), std::string("num_experts"),
                                 std::string("n_routed_experts"), type + ".expert_count"}) {
    if (!checkpoint.config.contains(key) || checkpoint.config.at(key).is_null())
      continue;
    const auto experts = base::optional<int64_t>(checkpoint.config, key, 0, origin);
    if (experts > 1)
      throw base::Error(base::ErrorCode::NotSupported,
                        origin + ": '" + key +
                            "': expected none, as mixtures of experts are not supported, found " +
                            std::to_string(experts));
  }
}

/// Rejects multimodal models other than the known ones, because the language part of some does not work
/// alone.
void requireKnownMultimodal(const Family& family, const checkpoint::Checkpoint& checkpoint) {
  const auto known = family.multimodalTypes;
  if (std::find(known.begin(), known.end(), checkpoint.skippedModules->modelType) == known.end())
    throw base::Error(
        base::ErrorCode::NotSupported,
        (checkpoint.path / "config.json").string() +
            ": 'model_type': expected a language model, or gemma3 (its language part), found \"" +
            checkpoint.skippedModules->modelType + "\"");
}

} // namespace

std::string configOrigin(const checkpoint::Checkpoint& checkpoint) {
  if (checkpoint.format == checkpoint::Format::Gguf)
    return checkpoint.path.string();
  return (checkpoint.path / "config.json").string() + (checkpoint.skippedModules ? ": 'text_config'" : "");
}

std::shared_ptr<const Model> openModel(std::shared_ptr<const checkpoint::Checkpoint> checkpoint) {
  const checkpoint::Format format = checkpoint->format;
  const char* key = format == checkpoint::Format::Gguf ? "general.architecture" : "model_type";
  const std::string origin = configOrigin(*checkpoint);
  const auto type = base::required<std::string>(checkpoint->config, key, origin);
  refuseExperts(*checkpoint, type, origin);
  for (const Family* family : kFamilies) {
    const auto types = typesOf(*family, format);
    if (std::find(types.begin(), types.end(), type) == types.end())
      continue;
    if (checkpoint->skippedModules)
      requireKnownMultimodal(*family, *checkpoint);
    return openAs(*family, std::move(checkpoint));
  }
  throw base::Error(base::ErrorCode::NotSupported, origin + ": '" + key +
                                                       "': expected a known architecture (" +
                                                       knownTypes(format) + "), found \"" + type + "\"");
}

} // namespace nibblesmith::model
