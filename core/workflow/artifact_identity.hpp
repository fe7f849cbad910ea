// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "experiments/experiment_log.hpp"

#include <filesystem>
#include <stop_token>

namespace nibblesmith::workflow {

/// Who an artifact is, as the log knows it: by content, not by path.
struct ArtifactIdentity {
  experiments::ModelRow model;       ///< the model it came from; itself where nothing was quantized
  experiments::ArtifactRow artifact; ///< without row ids
  base::Json recipe;                 ///< null for a model as it was found
};

/// Reads and hashes what lies at `path`: a model, a GGUF file, or an artifact with its nibblesmith.json.
ArtifactIdentity identify(const std::filesystem::path& path, const std::stop_token& stop);

/// Adds what is not in the log yet and returns the artifact's row.
experiments::RowId record(experiments::ExperimentLog& log, const ArtifactIdentity& identity);

} // namespace nibblesmith::workflow
