// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/owned_files.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace nibblesmith::exporting {

/// The files of an artifact as its nibblesmith.json lists them, that file included as the last one. None
/// where there is no nibblesmith.json, or it is not one of this program's: then the directory is somebody's,
/// whatever it is called. A listed file that is not there has size 0.
std::optional<std::vector<base::WrittenFile>> listedFiles(const std::filesystem::path& artifact);

/// Removes the files of an artifact that are as its nibblesmith.json lists them, and the directory where
/// nothing else is in it. Returns what stayed. Throws base::Error{InvalidArgument} where there is no such
/// list, or `artifact` is a symbolic link; {Io}; base::Cancelled.
base::ForeignEntries removeArtifact(const std::filesystem::path& artifact, const std::stop_token& stop);

base::OwnedFiles ownedFiles(const std::vector<base::WrittenFile>& files);

} // namespace nibblesmith::exporting
