// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/gguf.hpp"

#include <filesystem>
#include <stop_token>

namespace nibblesmith::workflow {

/// Writes the GGUF file of exportModel() without logging. Throws base::Error, {Corrupt} if the file does not
/// match the artifact; base::Cancelled.
exporting::Audit exportFile(const std::filesystem::path& artifact, exporting::GgufType type,
                            const exporting::FileTarget& target, const std::stop_token& stop,
                            base::Progress& progress);

} // namespace nibblesmith::workflow
