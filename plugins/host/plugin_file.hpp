// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/api/quantizer.hpp"
#include "quantization/parameters.hpp"

#include <filesystem>
#include <memory>

namespace nibblesmith::plugins {

/// Reads the method that a plugin file declares, from its metadata only; no code of the plugin runs. Throws
/// base::Error{Corrupt, NotSupported} with the file and the problem: not a library, another interface or ABI,
/// an invalid declaration.
quantization::MethodDescription readPluginMetadata(const std::filesystem::path& path);

/// Loads the library of a plugin with valid metadata; it stays loaded until the program ends. Throws
/// base::Error{NotSupported} with the loader's message or the plugin's own exception.
std::shared_ptr<const Quantizer> loadQuantizer(const std::filesystem::path& path);

} // namespace nibblesmith::plugins
