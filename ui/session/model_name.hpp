// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <filesystem>
#include <vector>

namespace nibblesmith::ui {

/// Returns the display name of a model: "SmolLM2-135M" for .../SmolLM2-135M, .../SmolLM2-135M/model and
/// .../SmolLM2-135M.gguf.
QString modelNameOf(const std::filesystem::path& path);

/// Files that belong to a model because they are next to its directory, as in the demo. Empty if absent.
struct FilesBesideModel {
  std::filesystem::path calibration;        ///< calibration.json
  std::filesystem::path text;               ///< heldout.txt
  std::vector<std::filesystem::path> pairs; ///< pairs/*.jsonl
};
FilesBesideModel filesBeside(const std::filesystem::path& model);

} // namespace nibblesmith::ui
