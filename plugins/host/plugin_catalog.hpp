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

/// A file found in a plugin directory.
struct PluginStatus {
  std::filesystem::path file;
  std::optional<quantization::MethodDescription> method; ///< as declared; nothing where that is broken
  std::string error;                                     ///< empty: loaded and usable
};

/// The methods that plugins provide. A plugin's metadata are checked before any of its code runs; a broken
/// plugin is listed with its error and otherwise left out. Immutable after construction; any thread.
class PluginCatalog final : public quantization::MethodCatalog {
public:
  /// Loads all *.so of the directories and of their "quantizers" folders, in order of directory and name; of
  /// two plugins for one method the first is taken. Directories that do not exist are passed over.
  explicit PluginCatalog(const std::vector<std::filesystem::path>& directories);
  /// From installedDirectories().
  static PluginCatalog installed();
  /// $NIBBLESMITH_PLUGINS (directories separated by ':') where it is set; else what lies beside the running
  /// program:
  /// ../plugins in a build, ../lib/nibblesmith/plugins where it is installed.
  static std::vector<std::filesystem::path> installedDirectories();

  const std::vector<PluginStatus>& plugins() const { return m_plugins; }

  /// In order of their names.
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
  const Method& find(quantization::MethodKind kind, const char* field, const std::string& use) const;

  std::vector<PluginStatus> m_plugins;
  std::vector<Method> m_methods;
};

} // namespace nibblesmith::plugins
