// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/recipe.hpp"
#include "ui/session/session.hpp"
#include "workflow/quantize.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace nibblesmith::ui {

/// Assigns unique names to recipes and unique folders to their artifacts. A name that the user did not type
/// follows the recipe's settings. GUI thread.
class RecipeNaming {
public:
  explicit RecipeNaming(Session& session) : m_session(session) {}

  /// Adds a recipe with a fixed name: a preset, or one from a file. Returns its index.
  size_t addKnown(const quantization::Recipe& recipe);
  size_t knownCount() const { return m_known.size(); }
  const quantization::Recipe& known(size_t index) const { return m_known[index].recipe; }
  /// Returns the index of the known recipe that does the same, preferably one of the same name; -1 if there
  /// is none.
  int findEquivalent(const quantization::Recipe& recipe) const;

  /// Returns the name of `now`, which was `before`: a typed name stays, a generated one follows the settings.
  QString nameAfterChange(const quantization::Recipe& before, const quantization::Recipe& now) const;
  /// Returns the name of the known recipe that does the same, otherwise a name generated from the settings;
  /// numbered if another recipe has it.
  QString proposedName(const quantization::Recipe& recipe) const;
  /// Returns the recipe's own name, numbered if another recipe has it.
  QString uniqueName(const quantization::Recipe& recipe) const;
  /// True if another recipe of this name was applied to the open model, according to the log or the queue.
  bool isTaken(const quantization::Recipe& recipe) const;

  /// Returns a new folder for the artifact, or the one that already contains this recipe's artifact.
  std::filesystem::path proposedFolder(const quantization::Recipe& recipe) const;
  /// Returns the first numbered folder next to `folder` that is free.
  std::filesystem::path freeFolder(const std::filesystem::path& folder) const;
  /// True if a job of the queue will write to this folder.
  bool isPendingOutput(const std::filesystem::path& folder) const;

  void started(const workflow::QuantizeRequest& request, JobId job);

private:
  struct Known {
    quantization::Recipe recipe;
    std::string settings;
  };
  struct Started {
    std::string name;
    std::string settings;
    QString modelName;
    std::filesystem::path folder;
    JobId job = 0;
  };

  std::string settingsOf(const quantization::Recipe& recipe) const;
  const Known* find(const std::string& settings, const std::string& name) const;
  std::string proposedName(const quantization::Recipe& recipe, const std::string& settings) const;
  bool isAutomatic(const quantization::Recipe& recipe, const std::string& settings) const;
  bool isTaken(const std::string& name, const std::string& settings) const;
  bool isFreeFor(const std::filesystem::path& folder, const std::string& name,
                 const std::string& settings) const;

  Session& m_session;
  std::vector<Known> m_known;
  std::vector<Started> m_started;
};

/// Contents of a folder that an artifact will be written to.
struct FolderContents {
  bool isEmpty = true;                        ///< also true if it does not exist
  bool isArtifact = false;                    ///< may be replaced if the user agrees
  std::optional<quantization::Recipe> recipe; ///< of the artifact, if it can be read
};
FolderContents contentsOf(const std::filesystem::path& folder);

} // namespace nibblesmith::ui
