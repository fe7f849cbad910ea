// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace nibblesmith::plugins {

/// Throws base::Error{Corrupt} if a file is not a complete 64-bit ELF library. The system's loader maps what
/// the headers declare, so a truncated file would crash the program when the missing part is accessed.
void checkElf(const std::filesystem::path& path);

} // namespace nibblesmith::plugins
