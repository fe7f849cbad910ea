// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

/// Questions about paths that may come from a log, a file or a user. The functions of std::filesystem throw
/// std::filesystem::filesystem_error, which ends the program in an event handler of Qt and has no advice for
/// the user (tests/acceptance/path_status_test.cpp finds such calls).
namespace nibblesmith::base {

/// Returns true if a file, a directory or anything else exists under this path; follows symbolic links.
/// Returns false if the path cannot be looked at: a loop of symbolic links, a name that is too long, a
/// directory without permission.
bool pathExists(const std::filesystem::path& path) noexcept;

/// Returns true if the path leads to a directory. Returns false like pathExists().
bool isDirectory(const std::filesystem::path& path) noexcept;

/// Returns true if the path leads to a regular file. Returns false like pathExists().
bool isRegularFile(const std::filesystem::path& path) noexcept;

/// Returns the absolute path without "." and ".."; does not follow symbolic links. Throws
/// Error{InvalidArgument} if the path is empty, Error{Io} if the current directory is gone.
std::filesystem::path absolutePath(const std::filesystem::path& path);

/// Returns the paths of all entries of a directory, sorted. Throws Error{NotFound, Io}.
std::vector<std::filesystem::path> directoryEntries(const std::filesystem::path& directory);

/// Returns the entries like directoryEntries(); the ones read so far if the directory cannot be read.
std::vector<std::filesystem::path> readableEntries(const std::filesystem::path& directory);

} // namespace nibblesmith::base
