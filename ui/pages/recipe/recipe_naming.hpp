// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "quantization/recipe.hpp"
#include "ui/session/session.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace nibblesmith::ui {

/// Gives recipes names and their artifacts folders that no other recipe has. Names that nobody typed follow
/// the recipe. GUI thread.
class RecipeNaming {
public:
  explicit RecipeNaming(Session& session) : m_session(session) {}

  /// A recipe with a name of its own: a preset, or one from a file. Returns its index.
  size_t addKnown(const quantization::Recipe& recipe);
  size_t knownCount() const { return m_known.size(); }
  const quantization::Recipe& known(size_t index) const { return m_known[index].recipe; }
  /// Index of the known recipe that does the same, of several the one of this name; -1 where none does.
  int knownLike(const quantization::Recipe& recipe) const;

  /// The name of `now`, which was `before`: a typed name stays, one that was made here follows.
  QString nameAfterChange(const quantization::Recipe& before, const quantization::Recipe& now) const;
  /// The name of the known recipe that does the same, else one that says what it does; numbered where another
  /// recipe has it.
  QString proposedName(const quantization::Recipe& recipe) const;
  /// The recipe's own name, numbered where another recipe has it.
  QString untakenName(const quantization::Recipe& recipe) const;
  /// Whether another recipe of this name was applied to the open model: in the log, or in the queue.
  bool isTaken(const quantization::Recipe& recipe) const;

  /// A new folder for the artifact, or the one that holds this recipe's artifact already.
  std::filesystem::path proposedFolder(const quantization::Recipe& recipe) const;
  /// The first numbered folder beside `folder` that is free.
  std::filesystem::path freeFolder(const std::filesystem::path& folder) const;
  /// Whether a job of the queue will write there.
  bool isAwaited(const std::filesystem::path& folder) const;

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

/// What is in a folder that an artifact is to be written to.
struct FolderContents {
  bool isEmpty = true;                        ///< or not there
  bool isArtifact = false;                    ///< may be replaced, where the user wants that
  std::optional<quantization::Recipe> recipe; ///< of the artifact, where it can be read
};
FolderContents contentsOf(const std::filesystem::path& folder);

} // namespace nibblesmith::ui
