// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "export/gguf.hpp"

#include <filesystem>
#include <stop_token>

namespace nibblesmith::workflow {

/// Writes the GGUF file of exportModel() and logs nothing. Throws base::Error, {Corrupt} where the file would
/// not hold the artifact; base::Cancelled.
exporting::Audit exportFile(const std::filesystem::path& artifact, exporting::GgufType type,
                            const exporting::FileTarget& target, const std::stop_token& stop,
                            base::Progress& progress);

} // namespace nibblesmith::workflow
