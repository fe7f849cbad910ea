// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_stamp.hpp"
#include "base/progress.hpp"
#include "export/artifact_files.hpp"
#include "workflow/logged_run.hpp"

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>

namespace nibblesmith::workflow {

/// How files are held against the hash that they had.
enum class Trust {
  /// A file with the stamp that it had when it was hashed is not read again: the log keeps stamp and digest.
  /// What a stamp does not show (see base::FileStamp) is not seen. For what is measured here again and again.
  Stamps,
  /// Every file is read. For what leaves this machine: export and deployment.
  Bytes,
};

/// A model or an artifact while a run works on it.
struct HeldArtifact {
  std::filesystem::path path;
  exporting::ArtifactFiles files;                          ///< empty where nobody asked for the identity
  std::map<std::filesystem::path, base::FileStamp> stamps; ///< of the files, before they were hashed
  experiments::RowId row = 0;                              ///< in the log; 0 without one

  /// Reads files whose stamp has changed since and throws base::Error{Corrupt} where their bytes have: what
  /// was measured belongs to no artifact then.
  void checkUnchanged(const std::stop_token& stop) const;
};

/// Identifies what lies at `path` and says in the log that the run is of it; an artifact that the log does
/// not know is added. expectedHash: the identity of the row that the caller chose; empty: whatever is there.
/// Without a log and without expectation, nothing is hashed under Trust::Stamps. Throws base::Error{Corrupt}
/// where the files are others than expected, naming the row, both identities, the files that differ and what
/// to do.
HeldArtifact hold(LoggedRun& run, const std::filesystem::path& path, const std::string& expectedHash,
                  Trust trust, const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::workflow
