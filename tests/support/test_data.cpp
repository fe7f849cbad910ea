// SPDX-License-Identifier: Apache-2.0
#include "test_data.hpp"

#include <cstdlib>

namespace nibblesmith::test {

// Only this test file is compiled with the checkout's path, so a compiler cache can serve all others.

std::filesystem::path projectFile(const std::string& relative) {
  return std::filesystem::path(NIB_SOURCE_DIR) / relative;
}

std::filesystem::path builtFile(const std::string& relative) {
  return std::filesystem::path(NIB_BINARY_DIR) / relative;
}

std::filesystem::path sharedData(const std::string& relative) {
  const char* root = std::getenv("NIBBLESMITH_TEST_DATA");
  return (root && *root ? std::filesystem::path(root) : projectFile("../shared/data")) / relative;
}

} // namespace nibblesmith::test
