// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

/// Checks of a place that will be written to, made before the work whose result goes there. They leave
/// nothing behind.
namespace nibblesmith::exporting {

/// Whether an artifact may be written to `directory`: it is new or empty, or holds an artifact and `replace`
/// is set. Throws base::Error{InvalidArgument} saying what is there.
void checkArtifactOutput(const std::filesystem::path& directory, bool replace);

/// The same for a file.
void checkFileOutput(const std::filesystem::path& file, bool replace);

/// Whether something can be created at `path`: makes and removes a directory in the nearest parent that
/// exists. Throws base::Error{Io} naming that parent.
void checkWritablePlace(const std::filesystem::path& path);

/// Whether the file system of `path` has room for `bytes`. what: "the blocks and the artifact". Throws
/// base::Error{Io} with both sizes.
void checkSpace(const std::filesystem::path& path, uint64_t bytes, const std::string& what);

} // namespace nibblesmith::exporting
