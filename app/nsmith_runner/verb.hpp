// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arguments.hpp"
#include "base/progress.hpp"

#include <stop_token>

namespace nibblesmith::runner {

/// Verb of the runner: its options and function. run() throws UsageError, base::Error and base::Cancelled.
struct Verb {
  const char* name;
  const char* arguments;
  const char* summary;
  std::vector<OptionSpec> options; ///< in addition to --threads, --progress and --help
  void (*run)(const Arguments& arguments, const std::stop_token& stop, base::Progress& progress);
};

Verb generateVerb();
Verb benchVerb();
Verb evalVerb();
Verb sha256Verb();

/// Returns the value of --threads; 0 for all processors.
inline int threadsOf(const Arguments& arguments) {
  return static_cast<int>(arguments.integer("threads", 0, 0, 1024));
}

} // namespace nibblesmith::runner
