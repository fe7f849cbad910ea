// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/owned_files.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace nibblesmith::exporting {

/// Returns the files listed in an artifact's nibblesmith.json, which itself is the last entry. Empty if there
/// is no valid nibblesmith.json of this program: then the directory is foreign. A listed file that does not
/// exist has size 0.
std::optional<std::vector<base::WrittenFile>> listedFiles(const std::filesystem::path& artifact);

/// Removes the files of an artifact that match its nibblesmith.json, and the directory if nothing else is in
/// it. Returns the remaining entries. Throws base::Error{InvalidArgument} if there is no such list, or
/// `artifact` is a symbolic link; {Io}; base::Cancelled.
base::ForeignEntries removeArtifact(const std::filesystem::path& artifact, const std::stop_token& stop);

base::OwnedFiles ownedFiles(const std::vector<base::WrittenFile>& files);

} // namespace nibblesmith::exporting
