// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.hpp"
#include "quantization/rounding.hpp"

#include <filesystem>

/// Workflow of the program, one call per step. The window, the command line and cluster jobs call these
/// functions and nothing below. Every path named `artifact` or `model` is a Hugging Face directory, a GGUF
/// file or an artifact directory.
///
/// All functions throw base::Error and base::Cancelled. quantize(), evaluate(), runBenchmark(),
/// exportModel(), deploy() and rollBack() each write one run to the log, which ends as finished, failed or
/// cancelled like the call; a deployment with a benchmark writes two. The log is checked and written to
/// before the work begins; a log that is locked, damaged or on a full disk fails the call at this point. The
/// other functions log nothing.
///
/// An artifact is identified by the content of its files (exporting::ArtifactFiles); paths and names are
/// labels. Every run, export and deployment in the log belongs to that identity. A request's expectedHash is
/// the identity of the log row that the caller chose: different files are refused before the work (see
/// identifyArtifact()). An empty expectedHash accepts any files. Files that change during the work make the
/// call fail.
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
