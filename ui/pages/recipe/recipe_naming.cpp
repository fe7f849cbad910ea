// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/recipe/recipe_naming.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "experiments/experiment_log.hpp"
#include "export/artifact.hpp"
#include "export/provenance.hpp"
#include "ui/session/model_name.hpp"
#include "ui/session/text.hpp"
#include "workflow/compare.hpp"
#include "workflow/quantize.hpp"
#include "workflow/recipe_name.hpp"

#include <algorithm>

namespace nibblesmith::ui {

namespace {

using quantization::Recipe;
namespace fs = std::filesystem;

std::optional<Recipe> recipeFrom(const base::Json& json) {
  try {
    return quantization::recipeFromJson(json, "recipe");
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

} // namespace

FolderContents contentsOf(const fs::path& folder) {
  FolderContents contents;
  std::error_code failure;
  if (!fs::exists(folder, failure) || (fs::is_directory(folder, failure) && fs::is_empty(folder, failure)))
    return contents;
  contents.isEmpty = false;
  contents.isArtifact = fs::is_regular_file(folder / exporting::kProvenanceFile, failure);
  try {
    if (const auto provenance = exporting::readProvenance(folder))
      contents.recipe = recipeFrom(provenance->recipe);
  } catch (const base::Error&) {
  }
  return contents;
}

size_t RecipeNaming::addKnown(const Recipe& recipe) {
  const std::string settings = settingsOf(recipe);
  const auto found = std::find_if(m_known.begin(), m_known.end(), [&](const Known& other) {
    return other.recipe.name == recipe.name && other.settings == settings;
  });
  const auto index = static_cast<size_t>(found - m_known.begin());
  if (found == m_known.end())
    m_known.push_back({recipe, settings});
  return index;
}

int RecipeNaming::findEquivalent(const Recipe& recipe) const {
  const Known* found = find(settingsOf(recipe), recipe.name);
  return found ? static_cast<int>(found - m_known.data()) : -1;
}

QString RecipeNaming::nameAfterChange(const Recipe& before, const Recipe& now) const {
  const std::string settings = settingsOf(now), former = settingsOf(before);
  const bool follows = settings != former && now.name == before.name && isAutomatic(before, former);
  return toQString(std::string_view(follows ? proposedName(now, settings) : now.name));
}

QString RecipeNaming::proposedName(const Recipe& recipe) const {
  return toQString(std::string_view(proposedName(recipe, settingsOf(recipe))));
}

QString RecipeNaming::uniqueName(const Recipe& recipe) const {
  const std::string settings = settingsOf(recipe);
  return toQString(std::string_view(workflow::uniqueName(
      recipe.name, [&](const std::string& candidate) { return isTaken(candidate, settings); })));
}

bool RecipeNaming::isTaken(const Recipe& recipe) const { return isTaken(recipe.name, settingsOf(recipe)); }

fs::path RecipeNaming::proposedFolder(const Recipe& recipe) const {
  const std::string settings = settingsOf(recipe);
  const fs::path folder = base::dataDirectory() / "artifacts" / m_session.modelName().toStdString() /
                          workflow::directoryNameOf(recipe);
  fs::path candidate = folder;
  for (int number = 2; !isFreeFor(candidate, recipe.name, settings); ++number)
    candidate = folder.string() + "-" + std::to_string(number);
  return candidate;
}

fs::path RecipeNaming::freeFolder(const fs::path& folder) const {
  fs::path candidate = folder;
  for (int number = 2; isPendingOutput(candidate) || !contentsOf(candidate).isEmpty; ++number)
    candidate = folder.string() + "-" + std::to_string(number);
  return candidate;
}

bool RecipeNaming::isPendingOutput(const fs::path& folder) const {
  return std::any_of(m_started.begin(), m_started.end(), [&](const Started& started) {
    const Job* job = m_session.queue().job(started.job);
    return job && !job->ended() && started.folder == folder;
  });
}

void RecipeNaming::started(const workflow::QuantizeRequest& request, JobId job) {
  m_started.push_back(
      {request.recipe.name, settingsOf(request.recipe), modelNameOf(request.model), request.out, job});
}

std::string RecipeNaming::settingsOf(const Recipe& recipe) const {
  return workflow::settingsText(recipe, m_session.methods());
}

const RecipeNaming::Known* RecipeNaming::find(const std::string& settings, const std::string& name) const {
  const Known* found = nullptr;
  for (const Known& known : m_known)
    if (known.settings == settings && (!found || known.recipe.name == name))
      found = &known;
  return found;
}

std::string RecipeNaming::proposedName(const Recipe& recipe, const std::string& settings) const {
  const Known* known = find(settings, recipe.name);
  const std::string name = known ? known->recipe.name : workflow::recipeName(recipe, m_session.methods());
  return workflow::uniqueName(name,
                              [&](const std::string& candidate) { return isTaken(candidate, settings); });
}

bool RecipeNaming::isAutomatic(const Recipe& recipe, const std::string& settings) const {
  const Known* known = find(settings, recipe.name);
  return recipe.name.empty() || (known && known->recipe.name == recipe.name) ||
         recipe.name == proposedName(recipe, settings);
}

bool RecipeNaming::isTaken(const std::string& name, const std::string& settings) const {
  const QString model = m_session.modelName();
  for (const Known& known : m_known)
    if (known.recipe.name == name && known.settings != settings)
      return true;
  for (const Started& started : m_started) {
    const Job* job = m_session.queue().job(started.job);
    const bool isGone = !job || job->state == JobState::Failed || job->state == JobState::Cancelled;
    if (!isGone && started.modelName == model && started.name == name && started.settings != settings)
      return true;
  }
  for (const experiments::ExperimentRow& row : m_session.experiments().rows()) {
    if (row.artifactName != name || row.recipe.empty() || toQString(std::string_view(row.modelName)) != model)
      continue;
    const auto other = recipeFrom(base::Json::parse(row.recipe, nullptr, false));
    if (!other || settingsOf(*other) != settings)
      return true;
  }
  return false;
}

bool RecipeNaming::isFreeFor(const fs::path& folder, const std::string& name,
                             const std::string& settings) const {
  for (const Started& started : m_started) {
    const Job* job = m_session.queue().job(started.job);
    if (job && !job->ended() && started.folder == folder)
      return started.name == name && started.settings == settings;
  }
  const FolderContents contents = contentsOf(folder);
  return contents.isEmpty ||
         (contents.recipe && contents.recipe->name == name && settingsOf(*contents.recipe) == settings);
}

} // namespace nibblesmith::ui
