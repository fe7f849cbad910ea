// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/language_part.hpp"

#include "base/join.hpp"
#include "base/units.hpp"

#include <algorithm>

namespace nibblesmith::checkpoint {

namespace {

constexpr const char* kTextConfig = "text_config";
constexpr std::string_view kModel = "model.";
constexpr std::string_view kBefore = "language_model.", kInside = "model.language_model.";
/// Fields of the outer config that also apply to the language model.
constexpr const char* kShared[] = {
    "bos_token_id",        "eos_token_id", "pad_token_id", "tie_word_embeddings",
    "quantization_config", "kv_cache",     "torch_dtype",  "dtype"};

/// Returns the tensor's name in a plain language model; empty if it belongs to another part.
std::string ownName(std::string_view name) {
  if (name.starts_with(kBefore))
    return std::string(name.substr(kBefore.size()));
  if (name.starts_with(kInside))
    return std::string(kModel) + std::string(name.substr(kInside.size()));
  return name.starts_with("lm_head.") ? std::string(name) : std::string();
}

/// Returns the module: "vision_tower" for "model.vision_tower.encoder.layers.0.norm.weight".
std::string moduleOf(std::string_view name) {
  if (name.starts_with(kModel))
    name.remove_prefix(kModel.size());
  return std::string(name.substr(0, std::min<size_t>(name.find('.'), 40)));
}

base::Json languageConfig(const base::Json& whole) {
  base::Json config = whole.at(kTextConfig);
  for (const char* key : kShared)
    if (whole.contains(key) && !whole.at(key).is_null())
      config[key] = whole.at(key);
  return config;
}

} // namespace

bool hasLanguagePart(const Checkpoint& checkpoint) {
  return checkpoint.config.contains(kTextConfig) && checkpoint.config.at(kTextConfig).is_object();
}

void reduceToLanguageModel(Checkpoint& checkpoint) {
  SkippedModules skippedModules;
  skippedModules.modelType = base::optional<std::string>(checkpoint.config, "model_type", "",
                                                         (checkpoint.path / "config.json").string());
  std::map<std::string, tensor::TensorView> kept;
  for (auto& [name, view] : checkpoint.tensors) {
    const std::string own = ownName(name);
    if (own.empty()) {
      constexpr size_t kMostModules = 8; // above any real model
      if (skippedModules.modules.size() < kMostModules)
        skippedModules.modules.insert(moduleOf(name));
      ++skippedModules.tensors;
      skippedModules.bytes += view.bytes.size();
    } else if (!kept.emplace(own, std::move(view)).second) {
      throw base::Error(base::ErrorCode::Corrupt, checkpoint.path.string() + ": tensor '" + name +
                                                      "': expected one of this part of the "
                                                      "language model, found '" +
                                                      own + "' twice");
    }
  }
  checkpoint.config = languageConfig(checkpoint.config);
  checkpoint.tensors = std::move(kept);
  checkpoint.skippedModules = std::move(skippedModules);
}

std::vector<std::string> namesInConfig(const Checkpoint& checkpoint, const std::string& name) {
  if (!checkpoint.skippedModules)
    return {name};
  const bool inside = name.starts_with(kModel);
  return {std::string(kBefore) + name, inside ? std::string(kInside) + name.substr(kModel.size()) : name};
}

std::string skippedModulesText(const Checkpoint& checkpoint) {
  if (!checkpoint.skippedModules || checkpoint.skippedModules->tensors == 0)
    return {};
  const SkippedModules& skippedModules = *checkpoint.skippedModules;
  return "the vision modules (" + base::join(skippedModules.modules) + ": " +
         std::to_string(skippedModules.tensors) + " tensors, " + base::formatBytes(skippedModules.bytes) +
         ") is not loaded";
}

} // namespace nibblesmith::checkpoint
