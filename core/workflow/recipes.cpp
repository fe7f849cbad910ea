// SPDX-License-Identifier: Apache-2.0
#include "workflow/recipes.hpp"

#include "base/path_status.hpp"

namespace nibblesmith::workflow {

std::vector<quantization::Recipe> builtInRecipes(const std::filesystem::path& resources) {
  std::vector<std::filesystem::path> files;
  const std::filesystem::path folder = resources / "recipes";
  if (!base::isDirectory(folder))
    throw base::Error(base::ErrorCode::NotFound,
                      "no built-in recipes: expected a directory '" + folder.string() + "'");
  for (const auto& entry : base::directoryEntries(folder))
    if (entry.extension() == ".json")
      files.push_back(entry);
  std::vector<quantization::Recipe> recipes;
  for (const auto& file : files)
    recipes.push_back(quantization::readRecipe(file));
  return recipes;
}

} // namespace nibblesmith::workflow
