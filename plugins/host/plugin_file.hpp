// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/api/quantizer.hpp"
#include "quantization/parameters.hpp"

#include <filesystem>
#include <memory>

namespace nibblesmith::plugins {

/// The method a plugin file declares, from its metadata alone: none of its code runs. Throws
/// base::Error{Corrupt, NotSupported} naming the file and what is wrong: no library, another interface or
/// ABI, an invalid declaration.
quantization::MethodDescription readPluginMetadata(const std::filesystem::path& path);

/// Loads the library of a plugin whose metadata was read, for the rest of the program's life. Throws
/// base::Error{NotSupported} with the loader's reason, whatever the plugin throws included.
std::shared_ptr<const Quantizer> loadQuantizer(const std::filesystem::path& path);

} // namespace nibblesmith::plugins
