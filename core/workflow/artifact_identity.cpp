// SPDX-License-Identifier: Apache-2.0
#include "workflow/artifact_identity.hpp"

#include "base/hash.hpp"
#include "export/artifact.hpp"
#include "model/model.hpp"

#include <set>

namespace nibblesmith::workflow {

namespace {

/// "SmolLM2-135M" for .../SmolLM2-135M, .../SmolLM2-135M/model and .../SmolLM2-135M.gguf.
std::string nameOf(const std::filesystem::path& path) {
  static const std::set<std::string> kGeneric = {"model", "hf", "models", "checkpoint"};
  std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  if (!whole.has_filename())
    whole = whole.parent_path();
  if (std::filesystem::is_directory(whole) && kGeneric.contains(whole.filename().string()) &&
      whole.parent_path().has_filename())
    return whole.parent_path().filename().string();
  return std::filesystem::is_directory(whole) ? whole.filename().string() : whole.stem().string();
}

ArtifactIdentity identifyModel(const std::filesystem::path& path, const model::Model& model,
                               const std::stop_token& stop) {
  const model::ModelSummary summary = model::summarize(model);
  ArtifactIdentity identity;
  identity.model = {
      nameOf(path),          path.string(),      checkpoint::contentHash(model.checkpoint(), stop),
      summary.config.family, summary.parameters, summary.weightBytes};
  identity.artifact.name = identity.model.name;
  identity.artifact.hash = identity.model.hash;
  identity.artifact.format = summary.format;
  identity.artifact.sizeBytes = summary.weightBytes;
  return identity;
}

} // namespace

ArtifactIdentity identify(const std::filesystem::path& path, const std::stop_token& stop) {
  const auto model = model::openModel(path);
  ArtifactIdentity identity = identifyModel(path, *model, stop);
  identity.artifact.path = std::filesystem::absolute(path).lexically_normal().string();
  if (const auto provenance = exporting::readProvenance(path)) {
    identity.model.name = provenance->sourceName;
    identity.model.hash = provenance->sourceHash;
    identity.model.path = provenance->sourceName;
    identity.model.sizeBytes = provenance->sourceBytes;
    identity.recipe = provenance->recipe;
    identity.artifact.name = provenance->recipe.value("name", identity.artifact.name);
  }
  return identity;
}

experiments::RowId record(experiments::ExperimentLog& log, const ArtifactIdentity& identity) {
  experiments::ArtifactRow artifact = identity.artifact;
  artifact.model = log.addModel(identity.model);
  if (!identity.recipe.is_null())
    artifact.recipe = log.addRecipe(identity.recipe);
  return log.addArtifact(artifact);
}

} // namespace nibblesmith::workflow
