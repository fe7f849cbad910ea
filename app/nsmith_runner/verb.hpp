// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arguments.hpp"
#include "base/progress.hpp"

#include <stop_token>

namespace nibblesmith::runner {

/// One verb: what it takes and what it does. run() throws UsageError, base::Error and base::Cancelled.
struct Verb {
  const char* name;
  const char* arguments;
  const char* summary;
  std::vector<OptionSpec> options; ///< besides --threads, --progress and --help
  void (*run)(const Arguments& arguments, const std::stop_token& stop, base::Progress& progress);
};

Verb generateVerb();
Verb benchVerb();
Verb evalVerb();
Verb sha256Verb();

/// --threads; 0 stands for all processors.
inline int threadsOf(const Arguments& arguments) {
  return static_cast<int>(arguments.integer("threads", 0, 0, 1024));
}

} // namespace nibblesmith::runner
