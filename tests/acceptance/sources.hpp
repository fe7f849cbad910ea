// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/input_file.hpp"
#include "test_data.hpp"

#include <filesystem>
#include <string>

namespace nibblesmith::test {

/// Calls look(path, text) for every C++ source below a folder of the project; the path is relative to the
/// project. Returns their number.
template <typename Look>
int forEachSource(const std::string& folder, Look look) {
  const std::filesystem::path root = projectFile("");
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() != ".cpp" && path.extension() != ".hpp")
      continue;
    ++count;
    look(std::filesystem::relative(path, root), base::readTextFile(path));
  }
  return count;
}

} // namespace nibblesmith::test
