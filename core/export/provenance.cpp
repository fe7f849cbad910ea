// SPDX-License-Identifier: Apache-2.0
#include "export/provenance.hpp"

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/path_status.hpp"

#include <set>

namespace nibblesmith::exporting {

namespace {

namespace fs = std::filesystem;

constexpr int kSchema = 1;

/// Returns "SmolLM2-135M" for .../SmolLM2-135M, .../SmolLM2-135M/model and .../SmolLM2-135M.gguf.
std::string nameOf(const checkpoint::Checkpoint& source) {
  static const std::set<std::string> kGeneric = {"model", "hf", "models", "checkpoint"};
  fs::path whole = base::absolutePath(source.path);
  if (!whole.has_filename())
    whole = whole.parent_path();
  if (source.format == checkpoint::Format::Gguf)
    return whole.stem().string();
  const bool generic = kGeneric.contains(whole.filename().string()) && whole.parent_path().has_filename();
  return (generic ? whole.parent_path() : whole).filename().string();
}

} // namespace

std::map<std::string, std::string> fileHashes(const fs::path& directory, const std::stop_token& stop) {
  std::map<std::string, std::string> hashes;
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(directory, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().lexically_relative(directory).generic_string();
    if (base::isRegularFile(entry->path()) && name != kProvenanceFile)
      hashes[name] = base::sha256OfPath(entry->path(), stop);
  }
  if (failure)
    throw base::Error(base::ErrorCode::Io, "'" + directory.string() + "': cannot list its files: " +
                                               failure.message() + "; check its permissions");
  return hashes;
}

base::Json provenanceJson(const quantization::QuantizedModel& quantized,
                          const std::map<std::string, std::string>& digests, const std::stop_token& stop) {
  const model::Model& source = *quantized.source;
  base::Json layers = base::Json::array();
  for (const quantization::LayerReport& layer : quantized.layers)
    layers.push_back(quantization::toJson(layer));
  return {{"schema", kSchema},
          {"kind", "artifact"},
          {"source",
           {{"name", nameOf(source.checkpoint())},
            {"sha256", checkpoint::contentHash(source.checkpoint(), stop)},
            {"bytes", model::summarize(source).weightBytes}}},
          {"recipe", quantization::toJson(quantized.recipe)},
          {"layers", layers},
          {"files", digests}};
}

std::optional<Provenance> readProvenance(const fs::path& artifact) {
  const fs::path path = artifact / kProvenanceFile;
  if (!base::fileExists(path))
    return std::nullopt;
  const std::string origin = path.string();
  const base::Json json = base::readJsonFile(path);
  const auto fail = [&](const std::string& what) {
    throw base::Error(base::ErrorCode::Corrupt, "'" + origin + "': " + what);
  };
  if (!json.is_object())
    fail("expected a JSON object");
  if (const auto schema = base::required<int64_t>(json, "schema", origin); schema != kSchema)
    fail("'schema': expected 1, found " + std::to_string(schema));
  if (!json.contains("source") || !json.at("source").is_object())
    fail("'source': expected an object");
  if (!json.contains("recipe") || !json.at("recipe").is_object())
    fail("'recipe': expected an object");
  const base::Json& source = json.at("source");
  Provenance provenance;
  provenance.sourceName = base::required<std::string>(source, "name", origin);
  provenance.sourceHash = base::required<std::string>(source, "sha256", origin);
  provenance.sourceBytes = base::required<uint64_t>(source, "bytes", origin);
  provenance.recipe = json.at("recipe");
  provenance.layers = json.value("layers", base::Json::array());
  return provenance;
}

} // namespace nibblesmith::exporting
