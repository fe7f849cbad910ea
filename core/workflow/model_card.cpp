// SPDX-License-Identifier: Apache-2.0
#include "workflow/model_card.hpp"

#include "base/error.hpp"
#include "base/foreign_text.hpp"
#include "base/input_file.hpp"
#include "base/json.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

namespace nibblesmith::workflow {

namespace {

using base::Json;

constexpr size_t kMaxFrontMatter = 64 << 10;
constexpr size_t kMaxText = 200;
constexpr size_t kMaxBaseModels = 16;

/// Returns the text as one line for display.
std::string line(const std::string& text) { return base::foreignText(text, kMaxText); }

/// Returns the text between the "---" lines at the start of the file; empty if there are none. Throws
/// base::Error{Io} for a README that is not a regular file.
std::string frontMatter(const std::filesystem::path& file) {
  if (!base::fileExists(file))
    return {};
  const base::InputFile readme(file);
  std::string beginning(std::min<uint64_t>(readme.size(), kMaxFrontMatter), '\0');
  readme.read(0, std::as_writable_bytes(std::span(beginning)));
  std::istringstream in(beginning);
  std::string row;
  std::string text;
  if (!std::getline(in, row) || row.substr(0, 3) != "---")
    return {};
  while (std::getline(in, row)) {
    if (row.substr(0, 3) == "---")
      return text;
    text += row + "\n";
  }
  return {};
}

std::string scalar(const YAML::Node& node, const char* key) {
  const YAML::Node value = node[key];
  return value && value.IsScalar() ? line(value.as<std::string>()) : std::string();
}

void readFrontMatter(const std::string& text, ModelCard& card) {
  const YAML::Node root = YAML::Load(text);
  if (!root.IsMap())
    return;
  card.license = scalar(root, "license");
  if (const std::string name = scalar(root, "license_name");
      !name.empty() && (card.license.empty() || card.license == "other"))
    card.license = name;
  const YAML::Node base = root["base_model"];
  if (base && base.IsScalar())
    card.baseModels = {line(base.as<std::string>())};
  if (base && base.IsSequence())
    for (const YAML::Node& model : base)
      if (model.IsScalar() && card.baseModels.size() < kMaxBaseModels)
        card.baseModels.push_back(line(model.as<std::string>()));
}

std::string textOf(const Json& json, const std::string& key) {
  if (!json.is_object() || !json.contains(key))
    return {};
  const Json& value = json.at(key);
  if (value.is_string())
    return line(value.get<std::string>());
  return value.is_number() || value.is_boolean() ? line(value.dump()) : std::string();
}

/// Returns "key value" for each of the names that is present, joined.
std::string settings(const Json& json, std::initializer_list<std::pair<const char*, const char*>> names) {
  std::string text;
  for (const auto& [key, name] : names)
    if (const std::string value = textOf(json, key); !value.empty())
      text += (text.empty() ? "" : ", ") + std::string(name) + " " + value;
  return text;
}

/// Describes quantization_config of config.json, with the field names that the common quantization programs
/// use.
std::string quantizedBy(const Json& quantization) {
  const std::string method = textOf(quantization, "quant_method");
  std::string text = settings(quantization, {{"bits", "bits"},
                                             {"group_size", "group size"},
                                             {"sym", "symmetric"},
                                             {"desc_act", "act-order"},
                                             {"zero_point", "zero points"},
                                             {"version", "version"},
                                             {"format", "format"},
                                             {"bnb_4bit_quant_type", "type"},
                                             {"bnb_4bit_use_double_quant", "double quantization"}});
  const Json meta = quantization.value("meta", Json::object());
  if (meta.is_object() && meta.contains("quantizer")) {
    const Json& by = meta.at("quantizer");
    const std::string program =
        by.is_array() && !by.empty() ? textOf({{"q", by[0]}}, "q") : textOf(meta, "quantizer");
    if (!program.empty())
      text += (text.empty() ? "" : ", ") + std::string("by ") + program;
  }
  return method.empty() ? text : method + (text.empty() ? "" : ": " + text);
}

std::string methodName(const Json& choice) { return textOf(choice, "use"); }

/// Returns the name of the model that an artifact of this program was made from: "SmolLM2-135M".
std::string sourceName(const Json& json) {
  return json.is_object() ? textOf(json.value("source", Json::object()), "name") : "";
}

/// Describes an artifact of this program: "Nibblesmith 0.1.0: awq, gptq on affine (bits 4, ...)".
std::string madeByUs(const Json& json) {
  if (!json.is_object())
    return {};
  const Json recipe = json.value("recipe", Json::object());
  if (!recipe.is_object() || !recipe.contains("rounding"))
    return {};
  std::string methods;
  if (recipe.contains("transforms") && recipe.at("transforms").is_array())
    for (const Json& transform : recipe.at("transforms"))
      methods += methodName(transform) + ", ";
  methods += methodName(recipe.at("rounding"));
  const Json grid = recipe.value("grid", Json::object());
  std::string details = settings(grid, {{"bits", "bits"}, {"groupSize", "groups of"}});
  if (const std::string symmetric = textOf(grid, "symmetric"); !symmetric.empty())
    details += std::string(details.empty() ? "" : ", ") + (symmetric == "true" ? "symmetric" : "asymmetric");
  const std::string name = textOf(recipe, "name");
  return "Nibblesmith" + (name.empty() ? "" : ", recipe “" + name + "”") + ": " + methods + " on " +
         methodName(grid) + (details.empty() ? "" : " (" + details + ")");
}

Json jsonOrNothing(const std::filesystem::path& file) {
  try {
    return base::fileExists(file) ? base::readJsonFile(file) : Json::object();
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::Corrupt)
      throw;
    return Json::object();
  }
}

ModelCard ofDirectory(const checkpoint::Checkpoint& checkpoint) {
  ModelCard card;
  try {
    readFrontMatter(frontMatter(checkpoint.path / "README.md"), card);
  } catch (const YAML::Exception&) {
    card = {};
  }
  if (card.name.empty())
    card.name = textOf(checkpoint.config, "_name_or_path");
  const Json artifact = jsonOrNothing(checkpoint.path / "nibblesmith.json");
  card.madeBy = madeByUs(artifact);
  if (const std::string source = sourceName(artifact); card.baseModels.empty() && !source.empty())
    card.baseModels = {source};
  if (card.madeBy.empty() && checkpoint.config.contains("quantization_config") &&
      checkpoint.config.at("quantization_config").is_object())
    card.madeBy = quantizedBy(checkpoint.config.at("quantization_config"));
  return card;
}

ModelCard ofGguf(const Json& json) {
  ModelCard card;
  card.name = textOf(json, "general.name");
  card.license = textOf(json, "general.license");
  for (size_t i = 0; i < kMaxBaseModels; ++i)
    if (const std::string base = textOf(json, "general.base_model." + std::to_string(i) + ".name");
        !base.empty())
      card.baseModels.push_back(base);
  if (card.baseModels.empty())
    if (const std::string base = textOf(json, "general.source.repo_url"); !base.empty())
      card.baseModels = {base};
  card.madeBy = settings(json, {{"general.quantized_by", "by"},
                                {"quantize.imatrix.dataset", "importance from"},
                                {"quantize.imatrix.entries_count", "entries"}});
  return card;
}

} // namespace

ModelCard readModelCard(const checkpoint::Checkpoint& checkpoint) {
  return checkpoint.format == checkpoint::Format::Gguf ? ofGguf(checkpoint.config) : ofDirectory(checkpoint);
}

} // namespace nibblesmith::workflow
