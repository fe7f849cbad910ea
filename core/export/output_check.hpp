// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

/// Checks of an output path before the work starts. They leave nothing behind.
namespace nibblesmith::exporting {

/// Checks that an artifact may be written to `directory`: it is new or empty, or contains an artifact and
/// `replace` is set. Throws base::Error{InvalidArgument} naming what is there.
void checkArtifactOutput(const std::filesystem::path& directory, bool replace);

/// Checks that a file may be written: it is new, or `replace` is set. Throws like checkArtifactOutput().
void checkFileOutput(const std::filesystem::path& file, bool replace);

/// Checks that `path` can be created: its name is not too long; creates and removes a directory in the
/// nearest existing parent. Throws base::Error{InvalidArgument, Io} naming that parent.
void checkWritablePlace(const std::filesystem::path& path);

/// Checks that the file system of `path` has `bytes` of free space. what: content, such as "the blocks and
/// the artifact". Throws base::Error{Io} with both sizes.
void checkSpace(const std::filesystem::path& path, uint64_t bytes, const std::string& what);

} // namespace nibblesmith::exporting
