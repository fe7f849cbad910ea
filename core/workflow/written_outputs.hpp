// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/owned_files.hpp"
#include "workflow/services.hpp"

#include <filesystem>
#include <stop_token>
#include <string>

namespace nibblesmith::workflow {

/// True if the experiment log contains an export that wrote this file: same path, size and SHA-256. False
/// without a log.
bool wroteFile(const Services& services, const base::WrittenFile& file);

/// Request to delete an artifact directory or an exported GGUF file.
struct DeleteRequest {
  std::filesystem::path artifact;
  /// Identity of the log row that the caller chose; other files at this path stay. Empty: whatever is there.
  std::string expectedHash = {};
};

/// Result of a deletion.
struct DeletedFiles {
  std::filesystem::path artifact;
  base::ForeignEntries kept; ///< entries that remain because this program did not write them
};

/// Deletes only files that this program wrote to this path according to the experiment log and whose content
/// is unchanged; keeps everything else in the directory. Throws base::Error{InvalidArgument} if this program
/// wrote nothing there, for example because it is a copy; {Corrupt} if the files are not the expected ones;
/// {Io}; base::Cancelled.
DeletedFiles deleteFiles(const DeleteRequest& request, const Services& services, const std::stop_token& stop);

} // namespace nibblesmith::workflow
