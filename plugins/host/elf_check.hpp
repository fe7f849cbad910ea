// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace nibblesmith::plugins {

/// Throws base::Error{Corrupt} where a file is no complete 64-bit ELF library: the system's loader maps what
/// the headers promise, and a file cut short ends the program when the missing part is touched.
void checkElf(const std::filesystem::path& path);

} // namespace nibblesmith::plugins
