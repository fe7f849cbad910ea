// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace nibblesmith::test {

/// Returns the path of shared test data that is not part of the project (published models, texts, reference
/// values): $NIBBLESMITH_TEST_DATA, or ../shared/data next to the checkout. Tests that need absent data call
/// QSKIP.
std::filesystem::path sharedData(const std::string& relative);

/// Returns the path of a project file: "tests/golden/...", "resources/demo/...".
std::filesystem::path projectFile(const std::string& relative);

/// Returns the path of a file in the build directory: "bin/nsmith", "plugins".
std::filesystem::path builtFile(const std::string& relative);

} // namespace nibblesmith::test

/// Skips the current test function if shared data is absent.
#define NIB_REQUIRE_DATA(path)                                                                               \
  do {                                                                                                       \
    if (!std::filesystem::exists(path))                                                                      \
      QSKIP("needs published test data that is not here (NIBBLESMITH_TEST_DATA)");                           \
  } while (false)
