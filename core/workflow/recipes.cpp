// SPDX-License-Identifier: Apache-2.0
#include "workflow/recipes.hpp"

#include <algorithm>

namespace nibblesmith::workflow {

std::vector<quantization::Recipe> builtInRecipes(const std::filesystem::path& resources) {
  std::vector<std::filesystem::path> files;
  const std::filesystem::path folder = resources / "recipes";
  if (!std::filesystem::is_directory(folder))
    throw base::Error(base::ErrorCode::NotFound,
                      "no built-in recipes: expected a directory '" + folder.string() + "'");
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".json")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<quantization::Recipe> recipes;
  for (const auto& file : files)
    recipes.push_back(quantization::readRecipe(file));
  return recipes;
}

} // namespace nibblesmith::workflow
