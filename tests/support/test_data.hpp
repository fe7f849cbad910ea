// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace nibblesmith::test {

/// Published models, texts and reference values that are not part of the project: $NIBBLESMITH_TEST_DATA, or
/// ../shared/data beside the checkout. Tests that need them QSKIP where they are absent.
inline std::filesystem::path sharedData(const std::string& relative) {
  const char* root = std::getenv("NIBBLESMITH_TEST_DATA");
  const std::filesystem::path base =
      root && *root ? std::filesystem::path(root) : std::filesystem::path(NIB_SOURCE_DIR) / "../shared/data";
  return base / relative;
}

/// Files of the project itself: "tests/golden/...", "resources/demo/...".
inline std::filesystem::path projectFile(const std::string& relative) {
  return std::filesystem::path(NIB_SOURCE_DIR) / relative;
}

} // namespace nibblesmith::test

/// Skips the current test function where shared data is absent.
#define NIB_REQUIRE_DATA(path)                                                                               \
  do {                                                                                                       \
    if (!std::filesystem::exists(path))                                                                      \
      QSKIP("needs published test data that is not here (NIBBLESMITH_TEST_DATA)");                           \
  } while (false)
