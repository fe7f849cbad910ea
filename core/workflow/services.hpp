// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quantization/rounding.hpp"

#include <filesystem>

namespace nibblesmith::workflow {

/// Environment of a workflow call besides its request. The program creates one per job.
struct Services {
  int threads = 0; ///< 0: all processors
  const quantization::MethodCatalog* methods = nullptr;
  std::filesystem::path log;       ///< experiment log; empty: nothing is logged
  std::filesystem::path resources; ///< built-in recipes and the demo model
  std::filesystem::path runner;    ///< nsmith-runner for this machine
};

} // namespace nibblesmith::workflow
