// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/api/quantizer.hpp"
#include "quantization/rounding.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nibblesmith::plugins {

/// Status of a file found in a plugin directory.
struct PluginStatus {
  std::filesystem::path file;
  /// Declared method; empty if the declaration is invalid.
  std::optional<quantization::MethodDescription> method;
  std::string error; ///< empty: loaded and usable
};

/// Catalog of the methods that plugins provide. The metadata of a plugin are checked before any of its code
/// runs. An invalid plugin is listed with its error and not used. Immutable after construction; safe for
/// concurrent use.
class PluginCatalog final : public quantization::MethodCatalog {
public:
  /// Loads all *.so files of the directories and of their "quantizers" folders, ordered by directory and
  /// name. If two plugins provide the same method, the first one is used. Missing directories are skipped.
  explicit PluginCatalog(const std::vector<std::filesystem::path>& directories);
  /// Creates the catalog from installedDirectories().
  static PluginCatalog installed();
  /// Returns the directories in $NIBBLESMITH_PLUGINS (separated by ':') if it is set; otherwise the one
  /// relative to the running program: ../plugins in a build, ../lib/nibblesmith/plugins in an installation.
  static std::vector<std::filesystem::path> installedDirectories();

  /// Status of every file found, in the order of loading.
  const std::vector<PluginStatus>& plugins() const { return m_plugins; }

  /// Descriptions sorted by name.
  std::vector<quantization::MethodDescription> methods() const override;
  std::unique_ptr<quantization::Rounding> makeRounding(const std::string& use,
                                                       const base::Json& parameters) const override;
  std::unique_ptr<quantization::Transform> makeTransform(const std::string& use,
                                                         const base::Json& parameters) const override;

private:
  struct Method {
    quantization::MethodDescription description;
    std::shared_ptr<const Quantizer> quantizer;
  };

  void add(const std::filesystem::path& file);
  const Quantizer& quantizer(quantization::MethodKind kind, const std::string& use) const;

  std::vector<PluginStatus> m_plugins;
  std::vector<Method> m_methods;
};

} // namespace nibblesmith::plugins
