// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/owned_files.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <stop_token>
#include <string>

namespace nibblesmith::workflow {

/// Whether the experiment log has an export that made this very file: path, size and SHA-256. False without a
/// log.
bool wroteFile(const Services& services, const base::WrittenFile& file);

/// What a deletion did.
struct DeletedFiles {
  std::filesystem::path artifact;
  base::ForeignEntries kept; ///< what is still there, as this program did not write it
};

/// Deletes an artifact directory or an exported GGUF file: only files that the experiment log says this
/// program wrote, and that still have the content of then. Everything else in the directory stays. Throws
/// base::Error{InvalidArgument} where nothing there is this program's; {Io}; base::Cancelled.
DeletedFiles deleteFiles(const std::filesystem::path& artifact, const Services& services,
                         const std::stop_token& stop);

} // namespace nibblesmith::workflow
