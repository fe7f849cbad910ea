// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/huggingface_reader.hpp"

#include "base/foreign_text.hpp"
#include "base/join.hpp"
#include "checkpoint/language_part.hpp"
#include "checkpoint/safetensors_reader.hpp"

#include <algorithm>
#include <set>

namespace nibblesmith::checkpoint {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr const char* kConfig = "config.json";
constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

// Returns the first file name in the directory with this ending; empty if there is none.
std::string fileEndingIn(const fs::path& directory, std::string_view ending) {
  std::vector<std::string> names;
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure))
    if (const std::string name = it->path().filename().string(); name.ends_with(ending))
      names.push_back(name);
  return names.empty() ? std::string() : *std::min_element(names.begin(), names.end());
}

[[noreturn]] void refuse(const fs::path& directory) {
  const std::string where = "'" + directory.string() + "'";
  for (const char* ending : {".bin", ".pt", ".pth", ".ckpt"}) {
    const std::string pickle = fileEndingIn(directory, ending);
    if (!pickle.empty())
      throw Error(ErrorCode::NotSupported,
                  where + " has its weights in " + pickle +
                      ": a pickle file can run code when it is opened and is not read; " + kPickleHint);
  }
  std::string looked;
  for (const char* name : {kConfig, kSingle, kIndex})
    base::appendTo(looked,
                   std::string(name) + (base::fileExists(directory / name) ? " (there)" : " (absent)"));
  std::string hint;
  if (const std::string gguf = fileEndingIn(directory, ".gguf"); !gguf.empty())
    hint = "; it holds " + gguf + ": open that file itself";
  else if (const std::string onnx = fileEndingIn(directory, ".onnx"); !onnx.empty())
    hint = "; it holds " + onnx + ": ONNX is written here, not read";
  throw Error(ErrorCode::NotFound, "no model in " + where + ": looked for " + looked + hint);
}

// Shard names are untrusted: only plain names inside the directory are accepted.
bool isPlainName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

std::map<std::string, std::set<std::string>> readIndex(const fs::path& path, const std::stop_token& stop) {
  const base::Json index = base::readJsonFile(path, stop);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    base::throwJsonType(index, "weight_map", "an object of tensor name to file name", path.string());
  std::map<std::string, std::set<std::string>> shards;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    if (!file.is_string() || !isPlainName(file.get<std::string>()))
      base::throwJsonType(index["weight_map"], tensor, "the name of a file in the same directory",
                          path.string());
    shards[file.get<std::string>()].insert(tensor);
  }
  return shards;
}

std::map<std::string, tensor::TensorView>
readShards(const fs::path& directory, std::vector<std::shared_ptr<const base::MappedFile>>& files,
           const std::stop_token& stop) {
  const fs::path indexPath = directory / kIndex;
  std::map<std::string, tensor::TensorView> tensors;
  for (const auto& [file, names] : readIndex(indexPath, stop)) {
    const fs::path shard = directory / file;
    if (!base::fileExists(shard))
      throw Error(ErrorCode::NotFound, "shard '" + shard.string() + "' is missing: " + indexPath.string() +
                                           " lists " + std::to_string(names.size()) + " tensors in it, '" +
                                           base::foreignText(*names.begin()) + "' first");
    files.push_back(std::make_shared<const base::MappedFile>(shard));
    std::map<std::string, tensor::TensorView> found = readSafetensors(files.back(), stop);
    for (const std::string& name : names)
      if (!found.contains(name))
        throw Error(ErrorCode::Corrupt, shard.string() + ": tensor '" + base::foreignText(name) +
                                            "' is missing, though " + indexPath.string() + " lists it");
    for (auto& [name, view] : found)
      if (!tensors.emplace(name, std::move(view)).second)
        throw Error(ErrorCode::Corrupt,
                    shard.string() + ": tensor '" + base::foreignText(name) + "' is in another shard too");
    requireTensorCount(tensors.size(), shard.string());
  }
  return tensors;
}

/// Reads the separate file in which old exporters describe the quantization.
void readOldQuantizationConfig(const fs::path& directory, base::Json& config) {
  struct OldFile {
    const char* name;
    const char* method;
  };
  if (config.contains("quantization_config"))
    return;
  for (const OldFile& old : {OldFile{"quantize_config.json", "gptq"}, OldFile{"quant_config.json", "awq"}}) {
    if (!base::fileExists(directory / old.name))
      continue;
    base::Json json = base::readJsonFile(directory / old.name);
    if (!json.is_object())
      throw Error(ErrorCode::Corrupt,
                  (directory / old.name).string() + ": expected a JSON object, found " + json.type_name());
    if (!json.contains("quant_method"))
      json["quant_method"] = old.method;
    config["quantization_config"] = std::move(json);
    return;
  }
}

} // namespace

Checkpoint openHuggingFace(const fs::path& directory, const std::stop_token& stop) {
  const bool single = base::fileExists(directory / kSingle);
  if (!base::fileExists(directory / kConfig) || (!single && !base::fileExists(directory / kIndex)))
    refuse(directory);
  Checkpoint checkpoint;
  checkpoint.path = directory;
  checkpoint.format = Format::HuggingFace;
  checkpoint.config = base::readJsonFile(directory / kConfig, stop);
  if (!checkpoint.config.is_object())
    throw Error(ErrorCode::Corrupt, (directory / kConfig).string() + ": expected a JSON object, found " +
                                        checkpoint.config.type_name());
  readOldQuantizationConfig(directory, checkpoint.config);
  if (single) {
    checkpoint.files.push_back(std::make_shared<const base::MappedFile>(directory / kSingle));
    checkpoint.tensors = readSafetensors(checkpoint.files.back(), stop);
  } else {
    checkpoint.tensors = readShards(directory, checkpoint.files, stop);
  }
  if (hasLanguagePart(checkpoint))
    reduceToLanguageModel(checkpoint);
  return checkpoint;
}

} // namespace nibblesmith::checkpoint
