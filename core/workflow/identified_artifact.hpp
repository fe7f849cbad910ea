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

/// Method of checking that files still have the hash that they had.
enum class Verification {
  /// Does not read a file again if it still has the stamp that it had when it was hashed; the log stores
  /// stamp and digest. Misses changes that the stamp does not show (see base::FileStamp). For repeated
  /// measurements on this machine.
  ByStamp,
  /// Reads every file. For export and deployment, which leave this machine.
  ByContent,
};

/// Model or artifact that a run works on.
struct IdentifiedArtifact {
  std::filesystem::path path;
  exporting::ArtifactFiles files; ///< empty if the identity was not needed
  /// Stamps of the files, taken before they were hashed.
  std::map<std::filesystem::path, base::FileStamp> stamps;
  experiments::RowId row = 0; ///< row in the log; 0 without a log

  /// Reads the files whose stamps have changed since. Throws base::Error{Corrupt} if their content has
  /// changed: the measurements then belong to no artifact.
  void checkUnchanged(const std::stop_token& stop) const;
};

/// Reads the files of a model and returns true if they have this identity. Accepts the hash of tensors and
/// configuration that rows of schema 1 store.
bool hasIdentity(const checkpoint::Checkpoint& checkpoint, const std::string& expectedHash,
                 const std::stop_token& stop);

/// Determines the identity of the artifact at `path` and logs it as the artifact of the run; adds an artifact
/// that the log does not contain. expectedHash: identity of the log row that the caller chose; empty accepts
/// any files. Without a log and without expectedHash, Verification::ByStamp hashes nothing. Throws
/// base::Error{Corrupt} if the files differ from the expected ones, naming the row, both identities, the
/// files that differ and what to do.
IdentifiedArtifact identifyArtifact(LoggedRun& run, const std::filesystem::path& path,
                                    const std::string& expectedHash, Verification verification,
                                    const std::stop_token& stop, base::Progress& progress);

} // namespace nibblesmith::workflow
