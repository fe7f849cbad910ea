// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace nibblesmith::test {

/// Published models, texts and reference values that are not part of the project: $NIBBLESMITH_TEST_DATA, or
/// ../shared/data beside the checkout. Tests that need them QSKIP where they are absent.
std::filesystem::path sharedData(const std::string& relative);

/// File of the project itself: "tests/golden/...", "resources/demo/...".
std::filesystem::path projectFile(const std::string& relative);

/// File below the build directory: "bin/nsmith", "plugins".
std::filesystem::path builtFile(const std::string& relative);

} // namespace nibblesmith::test

/// Skips the current test function where shared data is absent.
#define NIB_REQUIRE_DATA(path)                                                                               \
  do {                                                                                                       \
    if (!std::filesystem::exists(path))                                                                      \
      QSKIP("needs published test data that is not here (NIBBLESMITH_TEST_DATA)");                           \
  } while (false)
