// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"
#include "base/hash.hpp"
#include "verb.hpp"

#include <cstdio>
#include <filesystem>

namespace nibblesmith::runner {

namespace {

void run(const Arguments& arguments, const std::stop_token& stop, base::Progress& progress) {
  if (arguments.positional().empty())
    throw UsageError("expected FILE, found nothing");
  double done = 0;
  for (const std::string& path : arguments.positional()) {
    base::throwIfStopped(stop);
    std::printf("%s  %s\n", base::sha256OfPath(path).c_str(), path.c_str());
    progress.report(++done / static_cast<double>(arguments.positional().size()), "computing checksums");
  }
}

} // namespace

Verb sha256Verb() { return {"sha256", "FILE...", "Print checksums as sha256sum does.", {}, run}; }

} // namespace nibblesmith::runner
